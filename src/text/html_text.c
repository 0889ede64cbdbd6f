#include "base/base.h"
#include "text/html_escaper.h"
#include "base/utf8.h"
#include "text/html_context.h"

#include <string.h>

/* Text, attribute values and URLs. */

static const char *entity_of(uint32_t r, bool nospace, bool keeps_amp)
{
	switch (r) {
	case 0:
		return nospace ? "&#xfffd;" : "\xEF\xBF\xBD";
	case '"':
		return "&#34;";
	case '\'':
		return "&#39;";
	case '&':
		return keeps_amp ? NULL : "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '+':
		return "&#43;";
	default:
		break;
	}
	return NULL;
}

/* What an unquoted attribute value must not hold either. */
static bool add_nospace(struct buf *b, uint32_t r)
{
	if ((r >= '\t' && r <= '\r') || r == ' ' || r == '=' || r == '`') {
		buf_addf(b, "&#%u;", r);
		return true;
	}
	if ((r >= 0xFDD0 && r <= 0xFDEF) || (r >= 0xFFF0 && r <= 0xFFFF)) {
		buf_addf(b, "&#x%x;", r);
		return true;
	}
	return false;
}

/* What most text consists of. */
static bool is_harmless(char c, bool nospace)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '-' && c <= ':') ||
	       (c == ' ' && !nospace);
}

void buf_add_html_escaped(struct buf *b, struct str s, enum html_escaper how,
			  bool keeps_amp)
{
	bool nospace = how == ESCAPE_NOSPACE;
	size_t step, plain = 0;
	uint32_t r;

	for (size_t i = 0; i < s.n; i += step) {
		const char *entity;

		step = 1;
		if (is_harmless(s.p[i], nospace))
			continue;
		step = utf8_decode(str_from(s, i), &r);
		r = r == UTF8_BAD ? UTF8_REPLACE : r;
		if (r >= 0x80 && !nospace)
			continue;
		entity = entity_of(r, nospace, keeps_amp);
		if (!entity && !nospace)
			continue;
		buf_add(b, s.p + plain, i - plain);
		plain = i;
		if (entity)
			buf_add_text(b, entity);
		if (entity || add_nospace(b, r))
			plain = i + step;
	}
	buf_add_str(b, str_from(s, plain));
}

static size_t last_less_than(struct str s, size_t from, size_t end)
{
	for (size_t i = end; i > from; i--) {
		if (s.p[i - 1] == '<')
			return i - 1;
	}
	return end;
}

/* The text of all elements; by the state machine, so that "1 < 2" stays. */
struct str html_strip_tags(struct arena *mem, struct str s)
{
	struct html_context c = {.state = STATE_TEXT}, d;
	struct buf b = BUF(BUF_NO_LIMIT);
	bool all_text = true, is_text;
	size_t i = 0, used;
	struct str out = s;

	while (i != s.n && c.state != STATE_ERROR) {
		if (c.delim != DELIM_NONE) {
			used = html_value_end(c.delim, str_from(s, i));
			if (used == STR_NONE)
				break;
			i += used + (c.delim != DELIM_SPACE);
			c = (struct html_context){.state = STATE_TAG, .element = c.element};
			continue;
		}
		d = html_transition(
			mem, c.element && !html_is_in_tag(c.state) ? STATE_RCDATA : c.state,
			&c, str_from(s, i), &used);
		is_text = c.state == STATE_TEXT || c.state == STATE_RCDATA;
		all_text = all_text && is_text;
		if (is_text)
			buf_add(&b, s.p + i,
				(d.state == c.state ? i + used
						    : last_less_than(s, i, i + used)) -
					i);
		if (!used && d.state == c.state)
			break;
		c = d;
		i += used;
	}
	if (!all_text || i != s.n) {
		if (c.state == STATE_TEXT || c.state == STATE_RCDATA)
			buf_add_str(&b, str_from(s, i));
		out = buf_keep(&b, mem);
	}
	buf_free(&b);
	return out;
}

/* -- URLs ----------------------------------------------------------------------------- */

static bool is_word(struct str s, const char *lower)
{
	if (s.n != strlen(lower))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if ((s.p[i] | 0x20) != lower[i])
			return false;
	}
	return true;
}

bool html_is_safe_url(struct str s)
{
	size_t colon = str_find_char(s, ':');
	struct str scheme = str_slice(s, 0, colon);

	if (colon == STR_NONE || str_find_char(scheme, '/') != STR_NONE)
		return true;
	return is_word(scheme, "http") || is_word(scheme, "https") ||
	       is_word(scheme, "mailto");
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

void buf_add_url_escaped(struct buf *b, struct str s, bool normalize)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_alnum(c) || (c && strchr("-._~", c)) ||
		    (normalize && c && strchr("!#$&*+,/:;=?@[]", c)) ||
		    (normalize && c == '%' && i + 2 < s.n && is_hex(s.p[i + 1]) &&
		     is_hex(s.p[i + 2])))
			buf_add_char(b, c);
		else
			buf_addf(b, "%%%02x", (unsigned)(unsigned char)c);
	}
}

static bool is_html_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* "url 2x": the URL normalized, what describes it as it is. */
static void add_srcset_part(struct buf *b, struct str part)
{
	size_t start = 0, end;

	while (start < part.n && is_html_space(part.p[start]))
		start++;
	for (end = start; end < part.n && !is_html_space(part.p[end]);)
		end++;
	for (size_t i = end; i < part.n; i++) {
		if (!is_html_space(part.p[i]) && !is_alnum(part.p[i]))
			start = part.n + 1;
	}
	if (start > part.n || !html_is_safe_url(str_slice(part, start, end - start))) {
		buf_add_text(b, "#" HTML_FAILSAFE);
		return;
	}
	buf_add_str(b, str_slice(part, 0, start));
	buf_add_url_escaped(b, str_slice(part, start, end - start), true);
	buf_add_str(b, str_from(part, end));
}

void buf_add_srcset(struct buf *b, struct str s)
{
	struct str part;
	bool first = true;

	while (str_cut(&s, ',', &part)) {
		if (!first)
			buf_add_char(b, ',');
		first = false;
		add_srcset_part(b, part);
	}
}
