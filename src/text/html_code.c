#include "base/base.h"
#include "text/html_escaper.h"
#include "base/utf8.h"
#include "text/html_script.h"
#include "text/html_style.h"
#include "text/value_json.h"

#include <string.h>

/* CSS and JavaScript. */

/* -- CSS ------------------------------------------------------------------------------ */

static const char *css_escape(char c)
{
	static const struct {
		char c;
		const char *text;
	} escapes[] = {
		{0, "\\0"},    {'\t', "\\9"},  {'\n', "\\a"},  {'\f', "\\c"}, {'\r', "\\d"},
		{'"', "\\22"}, {'&', "\\26"},  {'\'', "\\27"}, {'(', "\\28"}, {')', "\\29"},
		{'+', "\\2b"}, {'/', "\\2f"},  {':', "\\3a"},  {';', "\\3b"}, {'<', "\\3c"},
		{'>', "\\3e"}, {'\\', "\\\\"}, {'{', "\\7b"},  {'}', "\\7d"},
	};

	for (size_t i = 0; i < COUNT_OF(escapes); i++) {
		if (escapes[i].c == c)
			return escapes[i].text;
	}
	return NULL;
}

void buf_add_css_string(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char *escape = css_escape(s.p[i]);
		bool last = i + 1 == s.n;

		if (!escape) {
			buf_add_char(b, s.p[i]);
			continue;
		}
		buf_add_text(b, escape);
		if (s.p[i] != '\\' &&
		    (last || html_is_hex(s.p[i + 1]) || html_is_css_space(s.p[i + 1])))
			buf_add_char(b, ' ');
	}
}

static bool is_safe_css(struct str s)
{
	struct buf name = BUF(BUF_NO_LIMIT);
	bool safe = true;

	for (size_t i = 0; i < s.n && safe; i++) {
		char c = s.p[i];

		if (!c || strchr("\"'()/;@[\\]`{}<>", c) ||
		    (c == '-' && i && s.p[i - 1] == '-'))
			safe = false;
		else if ((unsigned char)c < 0x80 && c != '-' && html_is_css_name(c))
			buf_add_char(&name, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
	safe = safe && str_find(buf_str(&name), STR("expression")) == STR_NONE &&
	       str_find(buf_str(&name), STR("mozbinding")) == STR_NONE;
	buf_free(&name);
	return safe;
}

void buf_add_css_value(struct buf *b, struct arena *mem, struct str s)
{
	s = html_decode_css(mem, s);
	if (is_safe_css(s))
		buf_add_str(b, s);
	else
		buf_add_text(b, HTML_FAILSAFE);
}

/* -- JavaScript ----------------------------------------------------------------------- */

static void add_js_rune(struct buf *b, uint32_t r, enum html_escaper how,
			bool keeps_backslash)
{
	static const char *const regexp = "$()*-.?[]^{|}";

	if (r == '\t' || r == '\n' || r == '\f' || r == '\r')
		buf_add_text(b, r == '\t'   ? "\\t"
				: r == '\n' ? "\\n"
				: r == '\f' ? "\\f"
					    : "\\r");
	else if (r == '\\')
		buf_add_text(b, keeps_backslash ? "\\" : "\\\\");
	else if (r == '/')
		buf_add_text(b, "\\/");
	else if (how == ESCAPE_JS_REGEXP && r && r < 0x80 && strchr(regexp, (int)r))
		buf_addf(b, "\\%c", (int)r);
	else if (r < ' ' || r == 0x2028 || r == 0x2029 ||
		 (r < 0x80 && strchr("\"&'+<>", (int)r)) ||
		 (r == '`' && how != ESCAPE_JS_REGEXP) ||
		 (how == ESCAPE_JS_TEMPLATE && r < 0x80 && strchr("${}", (int)r)))
		buf_addf(b, "\\u%04x", r);
	else
		buf_add_rune(b, r);
}

void buf_add_js_string(struct buf *b, struct str s, enum html_escaper how,
		       bool keeps_backslash)
{
	size_t step;
	uint32_t r;

	for (; s.n; s = str_from(s, step)) {
		step = utf8_decode(s, &r);
		if (r == UTF8_BAD)
			buf_add(b, s.p, step);
		else
			add_js_rune(b, r, how, keeps_backslash);
	}
}

static void add_js_error(struct buf *b, const char *text)
{
	struct buf safe = BUF(BUF_NO_LIMIT);
	struct str s;
	size_t at;

	buf_add_script_tags_escaped(&safe, str_of(text));
	s = buf_str(&safe);
	buf_add_text(b, " /* ");
	while ((at = str_find(s, STR("*/"))) != STR_NONE) {
		buf_add_str(b, str_slice(s, 0, at));
		buf_add_text(b, "* /");
		s = str_from(s, at + 2);
	}
	buf_add_str(b, s);
	buf_add_text(b, " */null ");
	buf_free(&safe);
}

static bool is_name_byte(char c)
{
	return html_is_js_name((unsigned char)c);
}

void buf_add_js_value(struct buf *b, struct arena *mem, const struct value *v)
{
	struct buf json = BUF(b->limit);
	const char *wrong = buf_add_json_value(&json, mem, v);
	bool pad;

	if (wrong) {
		add_js_error(b, wrong);
	} else if (json.full) {
		b->full = true;
	} else {
		/* a name or number must not run into a keyword beside it */
		pad = json.n &&
		      (is_name_byte(json.p[0]) || is_name_byte(json.p[json.n - 1]));
		if (pad)
			buf_add_char(b, ' ');
		buf_add_str(b, buf_str(&json));
		if (pad)
			buf_add_char(b, ' ');
	}
	buf_free(&json);
}
