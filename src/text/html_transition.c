#include "base/base.h"
#include "text/html_context.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "text/html_attr.h"
#include "text/html_script.h"
#include "text/html_style.h"

#include <string.h>
#include <strings.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool is_alpha(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_alnum(char c)
{
	return is_alpha(c) || (c >= '0' && c <= '9');
}

static size_t skip_space(struct str s, size_t i)
{
	while (i < s.n && is_space(s.p[i]))
		i++;
	return i;
}

static struct html_context fail_two(struct arena *mem, struct str first, const char *middle,
				    struct str second)
{
	struct buf b = BUF(64 * 1024);
	struct html_context c;

	if (first.p)
		buf_add_quoted(&b, first);
	buf_add_text(&b, middle);
	buf_add_quoted(&b, second);
	c = html_failed(mem, NULL, NULL, buf_text(&b));
	buf_free(&b);
	return c;
}

/* -- text and tags -------------------------------------------------------------------- */

static size_t tag_name_end(struct str s, size_t i)
{
	if (i >= s.n || !is_alpha(s.p[i]))
		return i;
	for (i++; i < s.n; i++) {
		if (is_alnum(s.p[i]))
			continue;
		if ((s.p[i] != ':' && s.p[i] != '-') || i + 1 >= s.n ||
		    !is_alnum(s.p[i + 1]))
			break;
	}
	return i;
}

static struct html_context in_text(struct arena *mem, struct html_context c, struct str s,
				   size_t *used)
{
	size_t k = 0, i, end;

	for (*used = s.n;; k = i) {
		bool closes = false;

		i = str_find_char(str_from(s, k), '<');
		if (i == STR_NONE || (i += k) + 1 == s.n)
			return c;
		if (str_starts(str_from(s, i), STR("<!--"))) {
			*used = i + 4;
			return (struct html_context){.state = STATE_HTML_CMT};
		}
		i++;
		if (s.p[i] == '/') {
			if (i + 1 == s.n)
				return c;
			closes = true;
			i++;
		}
		end = tag_name_end(s, i);
		if (end != i) {
			struct str name = html_lower(mem, str_slice(s, i, end - i));

			*used = end;
			return (struct html_context){
				.state = STATE_TAG,
				.element = closes ? ELEMENT_OTHER : html_element_of(name),
			};
		}
	}
}

/* Where an attribute's name ends; STR_NONE and *bad when it holds what no name should. */
static size_t attr_name_end(struct str s, size_t i, size_t *bad)
{
	for (; i < s.n; i++) {
		char c = s.p[i];

		if (is_space(c) || c == '=' || c == '>')
			return i;
		if (c == '\'' || c == '"' || c == '<') {
			*bad = i;
			return STR_NONE;
		}
	}
	return i;
}

static struct html_context fail_name(struct arena *mem, struct str s, size_t bad,
				     size_t *used)
{
	*used = s.n;
	return fail_two(mem, str_slice(s, bad, 1),
			" in attribute name: ", utf8_first(s, 32));
}

static struct html_context after_tag(const struct html_context *c)
{
	static const enum html_state states[] = {
		[ELEMENT_OTHER] = STATE_TEXT,	[ELEMENT_SCRIPT] = STATE_JS,
		[ELEMENT_STYLE] = STATE_CSS,	[ELEMENT_TEXTAREA] = STATE_RCDATA,
		[ELEMENT_TITLE] = STATE_RCDATA, [ELEMENT_META] = STATE_TEXT,
	};

	return (struct html_context){
		.state = states[c->element],
		.element = c->element == ELEMENT_META ? ELEMENT_OTHER : c->element,
	};
}

static enum html_attr attr_of(const struct html_context *c, struct str name)
{
	if (c->element == ELEMENT_SCRIPT && str_is(name, "type"))
		return ATTR_SCRIPT_TYPE;
	if (c->element == ELEMENT_META && str_is(name, "content"))
		return ATTR_META_CONTENT;
	switch (html_attr_content(name)) {
	case CONTENT_URL:
		return ATTR_URL;
	case CONTENT_CSS:
		return ATTR_STYLE;
	case CONTENT_JS:
		return ATTR_SCRIPT;
	case CONTENT_SRCSET:
		return ATTR_SRCSET;
	case CONTENT_PLAIN:
	case CONTENT_HTML:
	case CONTENT_UNSAFE:
		break;
	}
	return ATTR_NONE;
}

static struct html_context in_tag(struct arena *mem, struct html_context c, struct str s,
				  size_t *used)
{
	size_t i = skip_space(s, 0), j, bad;

	*used = s.n;
	if (i == s.n)
		return c;
	if (s.p[i] == '>') {
		*used = i + 1;
		return after_tag(&c);
	}
	j = attr_name_end(s, i, &bad);
	if (j == STR_NONE)
		return fail_name(mem, s, bad, used);
	if (i == j)
		return fail_two(mem, (struct str){NULL, 0},
				"expected space, attr name, or end of tag, but got ",
				str_from(s, i));
	*used = j;
	return (struct html_context){
		.state = j == s.n ? STATE_ATTR_NAME : STATE_AFTER_NAME,
		.element = c.element,
		.attr = attr_of(&c, html_lower(mem, str_slice(s, i, j - i))),
	};
}

static struct html_context in_attr_name(struct arena *mem, struct html_context c,
					struct str s, size_t *used)
{
	size_t bad, end = attr_name_end(s, 0, &bad);

	if (end == STR_NONE)
		return fail_name(mem, s, bad, used);
	if (end != s.n)
		c.state = STATE_AFTER_NAME;
	*used = end;
	return c;
}

static struct html_context after_name(struct html_context c, struct str s, size_t *used)
{
	size_t i = skip_space(s, 0);

	*used = i;
	if (i == s.n)
		return c;
	if (s.p[i] != '=') {
		c.state = STATE_TAG;
		return c;
	}
	c.state = STATE_BEFORE_VALUE;
	*used = i + 1;
	return c;
}

static struct html_context before_value(struct html_context c, struct str s, size_t *used)
{
	size_t i = skip_space(s, 0);

	*used = i;
	if (i == s.n)
		return c;
	c.state = html_value_state(c.attr);
	c.delim = DELIM_SPACE;
	if (s.p[i] == '"' || s.p[i] == '\'') {
		c.delim = s.p[i] == '"' ? DELIM_DOUBLE : DELIM_SINGLE;
		*used = i + 1;
	}
	return c;
}

/* "url", blanks and "=" behind i; its length, 0 when it is not there. */
static size_t url_key_length(struct str s, size_t i)
{
	size_t end;

	if (s.n - i < 4 || strncasecmp(s.p + i, "url", 3) != 0)
		return 0;
	end = skip_space(s, i + 3);
	return end < s.n && s.p[end] == '=' ? end + 1 - i : 0;
}

static struct html_context in_meta_content(struct html_context c, struct str s,
					   size_t *used)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t n = url_key_length(s, i);

		if (n) {
			c.state = STATE_META_CONTENT_URL;
			*used = i + n;
			return c;
		}
	}
	*used = s.n;
	return c;
}

static struct html_context in_meta_url(struct html_context c, struct str s, size_t *used)
{
	size_t i = str_find_char(s, ';');

	*used = i == STR_NONE ? s.n : i + 1;
	if (i != STR_NONE)
		c.state = STATE_META_CONTENT;
	return c;
}

/* -- comments ------------------------------------------------------------------------- */

static struct html_context in_html_comment(struct html_context c, struct str s,
					   size_t *used)
{
	size_t i = str_find(s, STR("-->"));

	*used = i == STR_NONE ? s.n : i + 3;
	return i == STR_NONE ? c : (struct html_context){.state = STATE_TEXT};
}

static struct html_context in_block_comment(struct html_context c, struct str s,
					    size_t *used)
{
	size_t i = str_find(s, STR("*/"));

	*used = i == STR_NONE ? s.n : i + 2;
	if (i != STR_NONE)
		c.state = c.state == STATE_JS_BLOCK_CMT ? STATE_JS : STATE_CSS;
	return c;
}

/* The line's end is no part of the comment. */
static struct html_context in_line_comment(struct html_context c, struct str s,
					   size_t *used)
{
	bool css = c.state == STATE_CSS_LINE_CMT;

	for (size_t i = 0; i < s.n; i++) {
		struct str rest = str_from(s, i);

		if (s.p[i] != '\n' && s.p[i] != '\r' && !(css && s.p[i] == '\f') &&
		    (css || (!str_starts(rest, STR("\xE2\x80\xA8")) &&
			     !str_starts(rest, STR("\xE2\x80\xA9")))))
			continue;
		c.state = css ? STATE_CSS : STATE_JS;
		*used = i;
		return c;
	}
	*used = s.n;
	return c;
}

/* -- the end of script, style, textarea, title ---------------------------------------- */

/* Where "</tag" stands, something behind it that ends a name. */
static size_t tag_end_at(struct str s, struct str tag)
{
	for (size_t i = 0; i + 2 + tag.n < s.n; i++) {
		if (s.p[i] == '<' && s.p[i + 1] == '/' &&
		    strncasecmp(s.p + i + 2, tag.p, tag.n) == 0 && s.p[i + 2 + tag.n] &&
		    strchr("> \t\n\f/", s.p[i + 2 + tag.n]))
			return i;
	}
	return STR_NONE;
}

#define LONGEST_END_TAG 16 /* "</textarea" and what follows */

static struct html_context at_special_end(struct html_context c, struct str s, size_t *used)
{
	static const char *const tags[] = {[ELEMENT_SCRIPT] = "script",
					   [ELEMENT_STYLE] = "style",
					   [ELEMENT_TEXTAREA] = "textarea",
					   [ELEMENT_TITLE] = "title",
					   [ELEMENT_META] = ""};
	size_t i;

	*used = s.n;
	if (c.element == ELEMENT_OTHER ||
	    (c.element == ELEMENT_SCRIPT &&
	     (html_is_script_literal(c.state) || html_is_comment(c.state))))
		return c;
	i = tag_end_at(s, str_of(tags[c.element]));
	if (i == STR_NONE)
		return c;
	*used = i;
	return (struct html_context){.state = STATE_TEXT};
}

/* -- all of them ---------------------------------------------------------------------- */

struct html_context html_transition(struct arena *mem, enum html_state state,
				    const struct html_context *c, struct str s,
				    size_t *used)
{
	switch (state) {
	case STATE_TEXT:
		return in_text(mem, *c, s, used);
	case STATE_TAG:
		return in_tag(mem, *c, s, used);
	case STATE_ATTR_NAME:
		return in_attr_name(mem, *c, s, used);
	case STATE_AFTER_NAME:
		return after_name(*c, s, used);
	case STATE_BEFORE_VALUE:
		return before_value(*c, s, used);
	case STATE_HTML_CMT:
		return in_html_comment(*c, s, used);
	case STATE_RCDATA:
		return at_special_end(*c, s, used);
	case STATE_URL:
	case STATE_SRCSET:
		return html_in_url(*c, s, used);
	case STATE_META_CONTENT:
		return in_meta_content(*c, s, used);
	case STATE_META_CONTENT_URL:
		return in_meta_url(*c, s, used);
	case STATE_JS:
		return html_in_js(mem, *c, s, used);
	case STATE_JS_DQ_STR:
	case STATE_JS_SQ_STR:
	case STATE_JS_REGEXP:
		return html_in_js_string(mem, *c, s, used);
	case STATE_JS_TMPL_LIT:
		return html_in_js_template(mem, *c, s, used);
	case STATE_JS_BLOCK_CMT:
	case STATE_CSS_BLOCK_CMT:
		return in_block_comment(*c, s, used);
	case STATE_JS_LINE_CMT:
	case STATE_JS_HTML_OPEN_CMT:
	case STATE_JS_HTML_CLOSE_CMT:
	case STATE_CSS_LINE_CMT:
		return in_line_comment(*c, s, used);
	case STATE_CSS:
		return html_in_css(*c, s, used);
	case STATE_CSS_DQ_STR:
	case STATE_CSS_SQ_STR:
	case STATE_CSS_DQ_URL:
	case STATE_CSS_SQ_URL:
	case STATE_CSS_URL:
		return html_in_css_string(mem, *c, s, used);
	case STATE_ATTR:
	case STATE_ERROR:
	case STATE_DEAD:
	case HTML_STATES:
		break;
	}
	*used = s.n;
	return *c;
}

size_t html_value_end(enum html_delim delim, struct str s)
{
	if (delim == DELIM_DOUBLE || delim == DELIM_SINGLE)
		return str_find_char(s, delim == DELIM_DOUBLE ? '"' : '\'');
	for (size_t i = 0; i < s.n; i++) {
		if (is_space(s.p[i]) || s.p[i] == '>')
			return i;
	}
	return STR_NONE;
}

static struct html_context in_value(struct arena *mem, struct html_context c, struct str s)
{
	size_t used;

	for (s = html_decode_entities(mem, s); s.n; s = str_from(s, used))
		c = html_transition(mem, c.state, &c, s, &used);
	return c;
}

static size_t unquoted_trouble(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] && strchr("\"'<=`", value.p[i]))
			return i;
	}
	return STR_NONE;
}

/* One step, but not past the end tag of the element. That is looked for only as far as the
 * step goes: a long script has many steps. */
static struct html_context in_content(struct arena *mem, const struct html_context *c,
				      struct str s, size_t *used)
{
	struct html_context next = html_transition(mem, c->state, c, s, used), ended;
	struct str seen = str_slice(s, 0, *used + LONGEST_END_TAG);
	size_t end;

	if (c->state == STATE_RCDATA) /* a step to the end tag, then one of its own */
		return *used ? *c : next;
	ended = at_special_end(*c, seen, &end);
	if (end >= *used && end != 0)
		return next;
	if (end == 0 && seen.n) {
		*used = 0;
		return ended;
	}
	return html_transition(mem, c->state, c, str_slice(s, 0, end), used);
}

struct html_context html_after_text(struct arena *mem, const struct html_context *c,
				    struct str s, size_t *used)
{
	enum html_element element = c->element;
	size_t end, bad;

	if (c->delim == DELIM_NONE)
		return in_content(mem, c, s, used);
	end = html_value_end(c->delim, s);
	bad = c->delim == DELIM_SPACE ? unquoted_trouble(str_slice(s, 0, end)) : STR_NONE;
	*used = s.n;
	if (bad != STR_NONE)
		return fail_two(mem, str_slice(s, bad, 1),
				" in unquoted attr: ", str_slice(s, 0, end));
	if (end == STR_NONE)
		return in_value(mem, *c, s);
	if (c->state == STATE_ATTR && c->element == ELEMENT_SCRIPT &&
	    c->attr == ATTR_SCRIPT_TYPE && !html_is_js_type(str_slice(s, 0, end)))
		element = ELEMENT_OTHER;
	*used = c->delim == DELIM_SPACE ? end : end + 1;
	return (struct html_context){.state = STATE_TAG, .element = element};
}
