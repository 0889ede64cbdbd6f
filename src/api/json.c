#include "base/base.h"
#include "api/request.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

const json_t *member(const json_t *object, const char *name)
{
	json_t *all = (json_t *)(uintptr_t)object, *value;
	const json_t *found = json_object_get(object, name);
	const char *key;

	if (!found) {
		json_object_foreach(all, key, value)
		{
			if (!strcasecmp(key, name))
				found = value;
		}
	}
	return json_is_null(found) ? NULL : found;
}

/* Bytes that are no UTF-8 become U+FFFD, as they do for the peers. */
static struct str repaired(struct arena *mem, struct str s)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str out;
	uint32_t rune;

	if (utf8_valid(s))
		return s;
	while (s.n) {
		size_t n = utf8_decode(s, &rune);

		buf_add_rune(&b, rune == UTF8_BAD ? UTF8_REPLACE : rune);
		s = str_from(s, n);
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

/* The value of \\uXXXX at the start; -1: it is none. */
static int escaped_unit(struct str s)
{
	int unit = 0;

	if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		char c = s.p[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* How long an escape at the start is, and whether it stands for a character. */
static size_t escape_length(struct str s, bool *is_good)
{
	int unit = escaped_unit(s), next = s.n > 6 ? escaped_unit(str_from(s, 6)) : -1;

	*is_good = true;
	if (unit < 0)
		return MIN(s.n, 2);
	if (unit >= 0xd800 && unit < 0xdc00 && next >= 0xdc00 && next < 0xe000)
		return 12;
	*is_good = unit && (unit < 0xd800 || unit >= 0xe000);
	return 6;
}

/* Escapes that stand for no character, halves of surrogates and NUL, become U+FFFD: one
 * odd annotation must not cost the other alerts of the request. */
static struct str without_bad_escapes(struct arena *mem, struct str s)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	size_t copied = 0;
	struct str out;
	bool is_good;

	for (size_t i = 0; i < s.n;) {
		size_t n = 1;

		if (s.p[i] == '\\') {
			n = escape_length(str_from(s, i), &is_good);
			if (!is_good) {
				buf_add_str(&b, str_slice(s, copied, i - copied));
				buf_add_text(&b, "\\ufffd");
				copied = i + n;
			}
		}
		i += n;
	}
	if (!copied)
		return s;
	buf_add_str(&b, str_from(s, copied));
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

#define MOST_NODES 1000000

/* How many values a text can hold at most: each costs some fifty bytes as a tree. */
static bool has_too_many_nodes(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ',' || s.p[i] == ':' || s.p[i] == '{' || s.p[i] == '[';
	return n > MOST_NODES;
}

json_t *body_json(struct request *r, const char *what)
{
	struct str body = without_bad_escapes(r->mem, repaired(r->mem, call_body(r->call)));
	struct err err;
	json_t *v;

	if (!str_trim(body).n) {
		answer_framework(r, 602, "%s in body is required", what);
		return NULL;
	}
	if (has_too_many_nodes(body)) {
		answer_framework(r, 413, "%s body has more than %d values", what,
				 MOST_NODES);
		return NULL;
	}
	v = json_read_first(body, &err);
	if (!v)
		answer_framework(
			r, 400,
			"parsing %s body from \"\" failed, because line %d, column %d: %s",
			what, err.at.line, err.at.col, err.text);
	return v;
}

bool read_map(struct arena *mem, const json_t *object, const struct label **out, size_t *n)
{
	json_t *all = (json_t *)(uintptr_t)object, *text;
	struct label *v = ARENA_ARRAY(mem, struct label, json_object_size(object));
	const char *name;

	*n = 0;
	*out = v;
	if (!object)
		return true;
	if (!json_is_object(object))
		return false;
	json_object_foreach(all, name, text)
	{
		if (!json_is_string(text) && !json_is_null(text))
			return false;
		v[*n].name = arena_text(mem, name);
		v[(*n)++].value = arena_text(
			mem, json_is_string(text) ? json_string_value(text) : "");
	}
	return true;
}

/* -- times (spec/api.md 2.6): RFC 3339, and shorter shapes that mean UTC -------------- */

/* +0200 as +02:00 */
static struct str with_colon(char text[64], struct str s)
{
	if (s.n < 6 || s.n > 60 || (s.p[s.n - 5] != '+' && s.p[s.n - 5] != '-') ||
	    str_find_char(s, 'T') == STR_NONE)
		return s;
	memcpy(text, s.p, s.n - 2);
	text[s.n - 2] = ':';
	memcpy(text + s.n - 1, s.p + s.n - 2, 2);
	return (struct str){text, s.n + 1};
}

bool api_time_parse(struct str s, struct instant *out)
{
	static const struct {
		size_t n;
		const char *tail;
	} shorter[] = {
		{19, "Z"},	    /* 2026-01-02T03:04:05 */
		{17, ":00Z"},	    /* 2026-01-02T03:04Z */
		{16, ":00Z"},	    /* 2026-01-02T03:04 */
		{10, "T00:00:00Z"}, /* 2026-01-02 */
	};
	char text[64];

	if (!s.n) {
		*out = (struct instant){0, 0, 0};
		return true;
	}
	if (instant_parse(s, out) || instant_parse(with_colon(text, s), out))
		return true;
	for (size_t i = 0; i < COUNT_OF(shorter); i++) {
		size_t keep = shorter[i].n == 17 ? 16 : shorter[i].n;

		if (s.n != shorter[i].n || (s.n == 17 && s.p[16] != 'Z'))
			continue;
		memcpy(text, s.p, keep);
		if (s.n == 19 && text[10] == ' ')
			text[10] = 'T';
		strcpy(text + keep, shorter[i].tail);
		return instant_parse(str_of(text), out);
	}
	return false;
}

void buf_add_api_time(struct buf *b, struct instant t)
{
	buf_add_char(b, '"');
	buf_add_instant_ms(b, t);
	buf_add_char(b, '"');
}
