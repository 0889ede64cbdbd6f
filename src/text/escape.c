#include "base/base.h"
#include "text/escape.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <string.h>

static const char *html_entity(char c)
{
	switch (c) {
	case '"':
		return "&#34;";
	case '\'':
		return "&#39;";
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case 0:
		return "\xEF\xBF\xBD";
	default:
		return NULL;
	}
}

void buf_add_html(struct buf *b, struct str s)
{
	size_t plain = 0;

	for (size_t i = 0; i < s.n; i++) {
		const char *entity = html_entity(s.p[i]);

		if (!entity)
			continue;
		buf_add(b, s.p + plain, i - plain);
		buf_add_text(b, entity);
		plain = i + 1;
	}
	buf_add_str(b, str_from(s, plain));
}

static void add_js_rune(struct buf *b, uint32_t r)
{
	if (r < 0x80 && r && strchr("\\'\"", (int)r))
		buf_addf(b, "\\%c", (int)r);
	else if (r < ' ' || (r < 0x80 && strchr("<>&=", (int)r)))
		buf_addf(b, "\\u%04X", r);
	else if (r < 0x80 || rune_is_print(r))
		buf_add_rune(b, r);
	else
		buf_addf(b, "\\u%04X", r);
}

void buf_add_js(struct buf *b, struct str s)
{
	uint32_t r;

	while (s.n) {
		s = str_from(s, utf8_decode(s, &r));
		if (r == UTF8_BAD)
			buf_add_text(b, "\\uFFFD");
		else
			add_js_rune(b, r);
	}
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-_.~", c));
}

static void add_percent(struct buf *b, struct str s, const char *also)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_unreserved(c) || (c && strchr(also, c)))
			buf_add_char(b, c);
		else
			buf_addf(b, "%%%02X", (unsigned)(unsigned char)c);
	}
}

void buf_add_query(struct buf *b, struct str s)
{
	struct str piece;
	bool first = true;

	if (!s.p)
		return;
	while (str_cut(&s, ' ', &piece)) {
		if (!first)
			buf_add_char(b, '+');
		first = false;
		add_percent(b, piece, "");
	}
}

void buf_add_path_segment(struct buf *b, struct str s)
{
	add_percent(b, s, "$&+=:@");
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool query_decode(struct buf *b, struct str s, struct str *bad)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '+') {
			buf_add_char(b, ' ');
		} else if (s.p[i] != '%') {
			buf_add_char(b, s.p[i]);
		} else if (i + 2 >= s.n || hex_value(s.p[i + 1]) < 0 ||
			   hex_value(s.p[i + 2]) < 0) {
			*bad = str_slice(s, i, 3);
			return false;
		} else {
			buf_add_char(b, (char)(hex_value(s.p[i + 1]) << 4 |
					       hex_value(s.p[i + 2])));
			i += 2;
		}
	}
	return true;
}
