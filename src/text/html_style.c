#include "base/base.h"
#include "text/html_style.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

bool html_is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

bool html_is_css_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

bool html_is_css_name(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

static struct str skip_space(struct str s)
{
	while (s.n && html_is_css_space(s.p[0]))
		s = str_from(s, 1);
	return s;
}

static size_t find_any(struct str s, size_t from, const char *any)
{
	for (size_t i = from; i < s.n; i++) {
		if (s.p[i] && strchr(any, s.p[i]))
			return i;
	}
	return STR_NONE;
}

/* "url" right before the parenthesis at i, blanks between allowed. */
static bool opens_url(struct str s, size_t i)
{
	while (i && html_is_css_space(s.p[i - 1]))
		i--;
	return i >= 3 && strncasecmp(s.p + i - 3, "url", 3) == 0 &&
	       (i == 3 || !html_is_css_name(s.p[i - 4]));
}

static struct html_context open_url(struct html_context c, struct str s, size_t i,
				    size_t *used)
{
	struct str rest = skip_space(str_from(s, i + 1));

	*used = s.n - rest.n;
	c.state = STATE_CSS_URL;
	if (rest.n && (rest.p[0] == '"' || rest.p[0] == '\'')) {
		c.state = rest.p[0] == '"' ? STATE_CSS_DQ_URL : STATE_CSS_SQ_URL;
		++*used;
	}
	return c;
}

struct html_context html_in_css(struct html_context c, struct str s, size_t *used)
{
	for (size_t i = 0; (i = find_any(s, i, "(\"'/")) != STR_NONE; i++) {
		char next = i + 1 < s.n ? s.p[i + 1] : 0;

		*used = i + 1;
		if (s.p[i] == '"' || s.p[i] == '\'') {
			c.state = s.p[i] == '"' ? STATE_CSS_DQ_STR : STATE_CSS_SQ_STR;
			return c;
		}
		if (s.p[i] == '(' && opens_url(s, i))
			return open_url(c, s, i, used);
		if (s.p[i] == '/' && (next == '/' || next == '*')) {
			c.state = next == '/' ? STATE_CSS_LINE_CMT : STATE_CSS_BLOCK_CMT;
			*used = i + 2;
			return c;
		}
	}
	*used = s.n;
	return c;
}

struct html_context html_in_url(struct html_context c, struct str s, size_t *used)
{
	*used = s.n;
	if (find_any(s, 0, "#?") != STR_NONE)
		c.part = PART_QUERY;
	else if (skip_space(s).n && c.part == PART_NONE)
		c.part = PART_PRE_QUERY;
	return c;
}

struct html_context html_in_css_string(struct arena *mem, struct html_context c,
				       struct str s, size_t *used)
{
	const char *ends = c.state == STATE_CSS_DQ_STR || c.state == STATE_CSS_DQ_URL
				   ? "\\\""
			   : c.state == STATE_CSS_URL ? "\\\t\n\f\r )"
						      : "\\'";
	size_t k = 0, from = 0, escape, i, read;

	for (; (i = find_any(s, k, ends)) != STR_NONE; k = i + 1) {
		if (s.p[i] != '\\') {
			c.state = STATE_CSS;
			*used = i + 1;
			return c;
		}
		escape = i;
		if (++i == s.n) {
			struct buf b = BUF(64 * 1024);

			buf_add_text(&b, "unfinished escape sequence in CSS string: ");
			buf_add_quoted(&b, s);
			c = html_failed(mem, NULL, NULL, buf_text(&b));
			buf_free(&b);
			*used = s.n;
			return c;
		}
		/* Go looks at all up to here; what stands before the last escape was seen
		 */
		c = html_in_url(c, html_decode_css(mem, str_slice(s, from, i + 1 - from)),
				&read);
		from = escape;
	}
	*used = s.n;
	return html_in_url(c, html_decode_css(mem, str_from(s, k)), &read);
}

static uint32_t take_hex(struct str *s)
{
	uint32_t r = 0;
	size_t n = 0;

	for (; n < 6 && n < s->n && html_is_hex(s->p[n]); n++) {
		char c = s->p[n];
		uint32_t more = r * 16 +
				(uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);

		if (more > 0x10FFFF)
			break;
		r = more;
	}
	*s = str_from(*s, n);
	return r;
}

static void skip_one_space(struct str *s)
{
	if (!s->n || !html_is_css_space(s->p[0]))
		return;
	*s = str_from(*s, s->p[0] == '\r' && s->n > 1 && s->p[1] == '\n' ? 2 : 1);
}

struct str html_decode_css(struct arena *mem, struct str s)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str out;
	size_t at;
	uint32_t r;

	if (str_find_char(s, '\\') == STR_NONE)
		return s;
	while ((at = str_find_char(s, '\\')) != STR_NONE) {
		buf_add_str(&b, str_slice(s, 0, at));
		s = str_from(s, at + 1);
		if (!s.n)
			break;
		if (html_is_hex(s.p[0])) {
			buf_add_rune(&b, take_hex(&s));
			skip_one_space(&s);
		} else {
			size_t n = utf8_decode(s, &r);

			buf_add(&b, s.p, n);
			s = str_from(s, n);
		}
	}
	buf_add_str(&b, s);
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}
