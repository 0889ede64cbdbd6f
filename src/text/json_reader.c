#include "base/base.h"
#include "text/json_reader.h"
#include "base/buf.h"
#include "base/utf8.h"

#include <endian.h>
#include <string.h>

struct json_reader json_reader(struct arena *mem, struct str text)
{
	return (struct json_reader){.mem = mem, .text = text};
}

struct json_reader json_reader_strict(struct arena *mem, struct str text)
{
	return (struct json_reader){.mem = mem, .text = text, .is_strict = true};
}

static void mistake(struct json_reader *r, const char *what)
{
	if (r->mistake)
		return;
	r->mistake = what;
	r->mistake_at = r->at;
	r->at = r->text.n; /* nothing comes any more */
}

bool json_is_good(const struct json_reader *r, struct err *err)
{
	int line = 1, col = 1;

	if (!r->mistake)
		return true;
	for (size_t i = 0; i < r->mistake_at; i++) {
		col = r->text.p[i] == '\n' ? 1 : col + 1;
		line += r->text.p[i] == '\n';
	}
	return err_set(err, (struct pos){NULL, line, col}, "%s", r->mistake);
}

static char look(const struct json_reader *r)
{
	return r->at < r->text.n ? r->text.p[r->at] : 0;
}

static void skip_blanks(struct json_reader *r)
{
	const char *p = r->text.p;
	size_t i = r->at;

	while (i < r->text.n &&
	       (p[i] == ' ' || p[i] == '\n' || p[i] == '\t' || p[i] == '\r'))
		i++;
	r->at = i;
}

enum json_kind json_kind(struct json_reader *r)
{
	skip_blanks(r);
	switch (look(r)) {
	case '{':
		return JSON_MAP;
	case '[':
		return JSON_LIST;
	case '"':
		return JSON_TEXT;
	case 'n':
		return JSON_NULL_VALUE;
	case 't':
	case 'f':
		return JSON_BOOL;
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9':
		return JSON_NUMBER;
	default:
		mistake(r, r->at < r->text.n ? "a value is expected"
					     : "the text ends too early");
		return JSON_BAD;
	}
}

/* -- maps and lists ------------------------------------------------------------------- */

void json_enter(struct json_reader *r)
{
	if (++r->depth > JSON_DEPTH) {
		mistake(r, "nested too deeply");
		return;
	}
	r->at++;
	r->is_fresh = true;
}

/* Whether another one comes, after its comma. */
static bool has_next(struct json_reader *r, char end, const char *expected)
{
	bool is_first = r->is_fresh;

	r->is_fresh = false;
	skip_blanks(r);
	if (look(r) == end) {
		r->at++;
		r->depth--;
		return false;
	}
	if (is_first)
		return !r->mistake;
	if (look(r) != ',') {
		mistake(r, r->at < r->text.n ? expected : "the text ends too early");
		return false;
	}
	r->at++;
	return true;
}

bool json_item(struct json_reader *r)
{
	return has_next(r, ']', "a comma or ] is expected") && json_kind(r) != JSON_BAD;
}

bool json_member(struct json_reader *r, struct str *name)
{
	if (!has_next(r, '}', "a comma or } is expected"))
		return false;
	skip_blanks(r);
	if (look(r) != '"') {
		mistake(r, "a name in quotes is expected");
		return false;
	}
	*name = json_read_text(r);
	skip_blanks(r);
	if (look(r) != ':') {
		mistake(r, "a colon is expected");
		return false;
	}
	r->at++;
	return json_kind(r) != JSON_BAD;
}

/* -- texts ---------------------------------------------------------------------------- */

#define EACH_BYTE UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* Not zero when a byte of the word ends a run of plain ones: a quote, a backslash, a
 * control character or one beyond ASCII. The lowest bit set is of the first such byte; a
 * borrow makes those above it doubtful. */
static uint64_t odd_bytes(uint64_t word)
{
	uint64_t quote = word ^ EACH_BYTE * '"', slash = word ^ EACH_BYTE * '\\';

	return ((word - EACH_BYTE * 0x20) | (quote - EACH_BYTE) | (slash - EACH_BYTE) |
		word) &
	       HIGH_BITS;
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static size_t plain_run(struct str s, size_t from)
{
	size_t i = from;
	uint64_t word, odd;

	for (; i + sizeof(word) <= s.n; i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		odd = odd_bytes(le64toh(word));
		if (odd)
			return i - from + (size_t)__builtin_ctzll(odd) / 8;
	}
	while (i < s.n && is_plain(s.p[i]))
		i++;
	return i - from;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The value of \uXXXX at an offset; -1: it is none. */
static int escaped_unit(struct str s, size_t at)
{
	int unit = 0;

	if (at + 6 > s.n || s.p[at] != '\\' || s.p[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + 6; i++) {
		int digit = hex_digit(s.p[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* \uXXXX, or two of them for a character outside the first plane. */
static void add_escaped_rune(struct json_reader *r, struct buf *b)
{
	int unit = escaped_unit(r->text, r->at), low;
	uint32_t rune = UTF8_REPLACE;

	if (unit < 0) {
		mistake(r, "\\u needs four hexadecimal digits");
		return;
	}
	r->at += 6;
	low = unit >= 0xd800 && unit < 0xdc00 ? escaped_unit(r->text, r->at) : -1;
	if (low >= 0xdc00 && low < 0xe000) {
		rune = 0x10000 + ((uint32_t)(unit - 0xd800) << 10) +
		       (uint32_t)(low - 0xdc00);
		r->at += 6;
	} else if (unit && (unit < 0xd800 || unit >= 0xe000)) {
		rune = (uint32_t)unit;
	} else if (r->is_strict) {
		mistake(r, "an escape that stands for no character");
	}
	buf_add_rune(b, rune);
}

static void add_escape(struct json_reader *r, struct buf *b)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char c = r->at + 1 < r->text.n ? r->text.p[r->at + 1] : 0;
	const char *found = c ? strchr(names, c) : NULL;

	if (c == 'u') {
		add_escaped_rune(r, b);
		return;
	}
	if (!found) {
		mistake(r, "no such escape");
		return;
	}
	buf_add_char(b, values[found - names]);
	r->at += 2;
}

static void add_rune(struct json_reader *r, struct buf *b)
{
	uint32_t rune;
	size_t n = utf8_decode(str_from(r->text, r->at), &rune);

	if (rune == UTF8_BAD && r->is_strict) {
		mistake(r, "not UTF-8");
		return;
	}
	buf_add_rune(b, rune == UTF8_BAD ? UTF8_REPLACE : rune);
	r->at += n;
}

/* The rest of a text that has more than plain characters. */
static struct str odd_text(struct json_reader *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str out = STR("");

	while (!r->mistake && look(r) != '"') {
		size_t n = plain_run(r->text, r->at);

		buf_add_str(&b, str_slice(r->text, r->at, n));
		r->at += n;
		if (r->at == r->text.n)
			mistake(r, "a text without its closing quote");
		else if (look(r) == '\\')
			add_escape(r, &b);
		else if ((unsigned char)look(r) >= 0x80)
			add_rune(r, &b);
		else if (look(r) != '"')
			mistake(r, "a control character in a text must be escaped");
	}
	if (!r->mistake) {
		r->at++;
		out = buf_keep(&b, r->mem);
	}
	buf_free(&b);
	return out;
}

#define ROOM (16 * 1024) /* bytes for many short texts */

static char *room_for(struct json_reader *r, size_t n)
{
	char *p;

	if (n > r->room_left) {
		r->room_left = MAX(n, MIN(ROOM, r->text.n - r->at + 1));
		r->room = arena_alloc(r->mem, r->room_left);
	}
	p = r->room;
	r->room += n;
	r->room_left -= n;
	return p;
}

static struct str plain_text(struct json_reader *r, size_t n)
{
	char *p = room_for(r, n + 1);

	memcpy(p, r->text.p + r->at, n);
	p[n] = 0;
	r->at += n + 1;
	return (struct str){p, n};
}

/* Whether the text that begins is plain to its end, and how long it then is. */
static bool is_all_plain(struct json_reader *r, size_t *n)
{
	r->at++;
	*n = plain_run(r->text, r->at);
	return r->at + *n < r->text.n && r->text.p[r->at + *n] == '"';
}

struct str json_read_text(struct json_reader *r)
{
	size_t n;

	return is_all_plain(r, &n) ? plain_text(r, n) : odd_text(r);
}

static void skip_text(struct json_reader *r)
{
	size_t n;

	if (is_all_plain(r, &n))
		r->at += n + 1;
	else
		odd_text(r);
}

/* -- what is not wanted --------------------------------------------------------------- */

static void skip_word(struct json_reader *r)
{
	static const char *const words[] = {"null", "true", "false"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_starts(str_from(r->text, r->at), str_of(words[i]))) {
			r->at += strlen(words[i]);
			return;
		}
	}
	mistake(r, "no such word");
}

static bool skip_digits(struct json_reader *r)
{
	size_t start = r->at;

	while (look(r) >= '0' && look(r) <= '9')
		r->at++;
	if (r->at == start)
		mistake(r, "a digit is expected");
	return !r->mistake;
}

static void skip_number(struct json_reader *r)
{
	r->at += look(r) == '-';
	if (look(r) == '0')
		r->at++;
	else if (!skip_digits(r))
		return;
	if (look(r) == '.') {
		r->at++;
		if (!skip_digits(r))
			return;
	}
	if (look(r) == 'e' || look(r) == 'E') {
		r->at++;
		r->at += look(r) == '+' || look(r) == '-';
		skip_digits(r);
	}
}

void json_skip(struct json_reader *r)
{
	struct str name;

	switch (json_kind(r)) {
	case JSON_BAD:
		break;
	case JSON_NULL_VALUE:
	case JSON_BOOL:
		skip_word(r);
		break;
	case JSON_NUMBER:
		skip_number(r);
		break;
	case JSON_TEXT:
		skip_text(r);
		break;
	case JSON_LIST:
		json_enter(r);
		while (json_item(r))
			json_skip(r);
		break;
	case JSON_MAP:
		json_enter(r);
		while (json_member(r, &name))
			json_skip(r);
		break;
	}
}

bool json_truth(struct json_reader *r)
{
	bool is_true = json_kind(r) == JSON_BOOL && look(r) == 't';

	json_skip(r);
	return is_true;
}

bool json_number(struct json_reader *r, double *out)
{
	bool is_number = json_kind(r) == JSON_NUMBER;
	size_t start = r->at;

	json_skip(r);
	return is_number && !r->mistake &&
	       str_double(str_slice(r->text, start, r->at - start), out);
}

void json_end(struct json_reader *r)
{
	skip_blanks(r);
	if (r->at < r->text.n)
		mistake(r, "something stands behind the end");
}
