#include "base/base.h"
#include "text/html_script.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

bool html_is_js_name(uint32_t c)
{
	return c == '$' || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

static bool is_js_space(uint32_t r)
{
	return r != 0x85 && (utf8_is_space(r) || r == 0xFEFF);
}

static bool is_regexp_keyword(struct str word)
{
	static const char *const words[] = {
		"break", "case",       "continue", "delete", "do",  "else",   "finally",
		"in",	 "instanceof", "return",   "throw",  "try", "typeof", "void"};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_is(word, words[i]))
			return true;
	}
	return false;
}

enum html_js html_js_after(struct str s, enum html_js before)
{
	size_t n, start;
	char c;

	s = utf8_trim_end(s, is_js_space);
	n = s.n;
	if (!n)
		return before;
	c = s.p[n - 1];
	if (c == '+' || c == '-') {
		for (start = n - 1; start && s.p[start - 1] == c; start--)
			;
		return (n - start) & 1 ? JS_REGEXP : JS_DIV;
	}
	if (c == '.')
		return n != 1 && s.p[n - 2] >= '0' && s.p[n - 2] <= '9' ? JS_DIV
									: JS_REGEXP;
	if (c && strchr(",<>=*%&|^?!~([:;{}", c))
		return JS_REGEXP;
	for (start = n; start && html_is_js_name((unsigned char)s.p[start - 1]); start--)
		;
	return is_regexp_keyword(str_from(s, start)) ? JS_REGEXP : JS_DIV;
}

static size_t find_any(struct str s, size_t from, const char *any)
{
	for (size_t i = from; i < s.n; i++) {
		if (s.p[i] && strchr(any, s.p[i]))
			return i;
	}
	return STR_NONE;
}

static struct html_context fail_quoted(struct arena *mem, const char *what, struct str s,
				       size_t *used, size_t most)
{
	struct buf b = BUF(64 * 1024);
	struct html_context c;

	*used = s.n;
	buf_add_text(&b, what);
	buf_add_quoted(&b, utf8_first(s, most));
	c = html_failed(mem, NULL, NULL, buf_text(&b));
	buf_free(&b);
	return c;
}

/* A slash in code, at i. */
static struct html_context at_slash(struct arena *mem, struct html_context c, struct str s,
				    size_t i, size_t *used)
{
	char next = i + 1 < s.n ? s.p[i + 1] : 0;

	*used = i + 1;
	if (next == '/' || next == '*') {
		c.state = next == '/' ? STATE_JS_LINE_CMT : STATE_JS_BLOCK_CMT;
		++*used;
	} else if (c.js == JS_REGEXP) {
		c.state = STATE_JS_REGEXP;
	} else if (c.js == JS_DIV) {
		c.js = JS_REGEXP;
	} else {
		return fail_quoted(mem,
				   "'/' could start a division or regexp: ", str_from(s, i),
				   used, 32);
	}
	return c;
}

/* "<!--", "-->" and "#!" hide the rest of their line; else they are operators. */
static struct html_context at_odd_comment(struct html_context c, struct str s, size_t i,
					  size_t *used)
{
	static const struct {
		const char *text;
		enum html_state state;
	} openers[] = {{"<!--", STATE_JS_HTML_OPEN_CMT},
		       {"-->", STATE_JS_HTML_CLOSE_CMT},
		       {"#!", STATE_JS_LINE_CMT}};

	for (size_t k = 0; k < COUNT_OF(openers); k++) {
		if (str_starts(str_from(s, i), str_of(openers[k].text))) {
			c.state = openers[k].state;
			*used = i + strlen(openers[k].text);
			return c;
		}
	}
	while (s.p[i] == '-' && *used < s.n && s.p[*used] == '-' &&
	       !str_starts(str_from(s, *used), STR("-->")))
		++*used; /* the parity of a run counts */
	c.js = html_js_after(str_slice(s, 0, *used), c.js);
	return c;
}

static struct html_context at_brace(struct html_context c, char brace)
{
	int *open = c.n_braces ? &c.braces[c.n_braces - 1] : NULL;

	c.js = JS_REGEXP;
	if (!open)
		return c;
	if (brace == '{') {
		++*open;
	} else if (--*open < 0) {
		c.n_braces--;
		c.state = STATE_JS_TMPL_LIT;
	}
	return c;
}

struct html_context html_in_js(struct arena *mem, struct html_context c, struct str s,
			       size_t *used)
{
	size_t i = find_any(s, 0, "\"`'/{}<-#");

	c.js = html_js_after(str_slice(s, 0, i), c.js);
	*used = i == STR_NONE ? s.n : i + 1;
	if (i == STR_NONE)
		return c;
	switch (s.p[i]) {
	case '"':
	case '\'':
	case '`':
		c.state = s.p[i] == '"'	   ? STATE_JS_DQ_STR
			  : s.p[i] == '\'' ? STATE_JS_SQ_STR
					   : STATE_JS_TMPL_LIT;
		c.js = JS_REGEXP;
		break;
	case '/':
		return at_slash(mem, c, s, i, used);
	case '<':
	case '-':
	case '#':
		return at_odd_comment(c, s, i, used);
	default:
		return at_brace(c, s.p[i]);
	}
	return c;
}

#define UNFINISHED_ESCAPE "unfinished escape sequence in JS string: "

struct html_context html_in_js_template(struct arena *mem, struct html_context c,
					struct str s, size_t *used)
{
	for (size_t i = 0; (i = find_any(s, i, "`\\$")) != STR_NONE; i++) {
		*used = i + 1;
		if (s.p[i] == '`') {
			c.state = STATE_JS;
			return c;
		}
		if (s.p[i] == '\\' && ++i == s.n)
			return fail_quoted(mem, UNFINISHED_ESCAPE, s, used, SIZE_MAX);
		if (s.p[i] == '$' && i + 1 < s.n && s.p[i + 1] == '{' &&
		    s.p[*used - 1] == '$') {
			if (c.n_braces == HTML_BRACES)
				return fail_quoted(mem,
						   "too many ${ within each other: ", s,
						   used, 32);
			c.braces[c.n_braces++] = 0;
			c.state = STATE_JS;
			*used = i + 2;
			return c;
		}
	}
	*used = s.n;
	return c;
}

/* "</script" does not end a regexp at its slash. */
static bool is_script_end(struct str s, size_t slash)
{
	return slash && slash + 7 <= s.n &&
	       strncasecmp(s.p + slash - 1, "</script", 8) == 0;
}

struct html_context html_in_js_string(struct arena *mem, struct html_context c,
				      struct str s, size_t *used)
{
	const char *specials = c.state == STATE_JS_SQ_STR   ? "\\'"
			       : c.state == STATE_JS_REGEXP ? "\\/[]"
							    : "\\\"";
	bool in_set = false;

	for (size_t i = 0; (i = find_any(s, i, specials)) != STR_NONE; i++) {
		if (s.p[i] == '\\') {
			if (++i == s.n)
				return fail_quoted(mem, UNFINISHED_ESCAPE, s, used,
						   SIZE_MAX);
		} else if (s.p[i] == '[' || s.p[i] == ']') {
			in_set = s.p[i] == '[';
		} else if (s.p[i] == '/' && is_script_end(s, i)) {
			i++;
		} else if (!in_set) {
			c.state = STATE_JS;
			c.js = JS_DIV;
			*used = i + 1;
			return c;
		}
	}
	if (in_set)
		return fail_quoted(mem, "unfinished JS regexp charset: ", s, used,
				   SIZE_MAX);
	*used = s.n;
	return c;
}

static size_t script_tag_at(struct str s)
{
	static const char *const tags[] = {"<script", "</script", "<!--"};

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '<')
			continue;
		for (size_t k = 0; k < COUNT_OF(tags); k++) {
			size_t n = strlen(tags[k]);

			if (s.n - i >= n && strncasecmp(s.p + i, tags[k], n) == 0)
				return i;
		}
	}
	return STR_NONE;
}

bool html_has_script_tag(struct str s)
{
	return script_tag_at(s) != STR_NONE;
}

void buf_add_script_tags_escaped(struct buf *b, struct str s)
{
	size_t at;

	while ((at = script_tag_at(s)) != STR_NONE) {
		buf_add_str(b, str_slice(s, 0, at));
		buf_add_text(b, "\\x3C");
		s = str_from(s, at + 1);
	}
	buf_add_str(b, s);
}
