#include "base/base.h"
#include "text/html_escaper.h"
#include "text/html_attr.h"
#include "text/print.h"
#include "text/unicode.h"

/* What the arguments print as, and how far that may be trusted. */
static bool stringify(struct call *c, struct str *out, enum value_trust *trust)
{
	struct value *v, text;
	struct buf *b;
	size_t n = 0;
	bool is_nil;

	*trust = TRUST_NONE;
	if (c->n == 1) {
		text = value_behind(c->args[0], &is_nil);
		if (value_kind_of(&text) == VALUE_STRING && !text.type->text) {
			*out = text.s;
			*trust = text.type->trust;
			return true;
		}
	}
	v = ARENA_ARRAY(c->mem, struct value, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		if (!c->args[i].type)
			continue;
		v[n] = value_behind(c->args[i], &is_nil);
		if (!v[n].type)
			v[n] = VALUE_NIL;
		n++;
	}
	b = call_buf(c);
	print_join(b, c->mem, v, n);
	if (!call_result(c, b, &text))
		return false;
	*out = text.s;
	return true;
}

static enum html_escaper self(const struct call *c)
{
	return (enum html_escaper)(c->func - html_escapers);
}

static bool escape_html(struct call *c, struct value *out)
{
	enum html_escaper how = self(c);
	enum value_trust trust;
	struct buf *b;
	struct str s;

	if (!stringify(c, &s, &trust))
		return false;
	*out = value_str(s);
	if (how == ESCAPE_HTML && trust == TRUST_HTML)
		return true;
	if (how == ESCAPE_NOSPACE && !s.n) {
		*out = value_text(HTML_FAILSAFE);
		return true;
	}
	if (trust == TRUST_HTML && how != ESCAPE_RCDATA)
		s = html_strip_tags(c->mem, s);
	b = call_buf(c);
	buf_add_html_escaped(b, s, how, trust == TRUST_HTML);
	return call_result(c, b, out);
}

static bool filter_url(struct call *c, struct value *out)
{
	enum value_trust trust;
	struct str s;

	if (!stringify(c, &s, &trust))
		return false;
	*out = value_str(s);
	if (trust != TRUST_URL && !html_is_safe_url(s))
		*out = value_text("#" HTML_FAILSAFE);
	return true;
}

static bool escape_url(struct call *c, struct value *out)
{
	enum value_trust trust;
	struct buf *b;
	struct str s;

	if (!stringify(c, &s, &trust))
		return false;
	b = call_buf(c);
	buf_add_url_escaped(b, s, self(c) == ESCAPE_URL_NORMALIZE || trust == TRUST_URL);
	return call_result(c, b, out);
}

static bool escape_srcset(struct call *c, struct value *out)
{
	struct buf *b, url = BUF(BUF_NO_LIMIT);
	enum value_trust trust;
	struct str s, part;
	bool first = true;

	if (!stringify(c, &s, &trust))
		return false;
	*out = value_str(s);
	if (trust == TRUST_SRCSET)
		return true;
	b = call_buf(c);
	if (trust == TRUST_URL) {
		buf_add_url_escaped(&url, s, true);
		for (s = buf_str(&url); str_cut(&s, ',', &part); first = false) {
			if (!first)
				buf_add_text(b, "%2c");
			buf_add_str(b, part);
		}
	} else {
		buf_add_srcset(b, s);
	}
	buf_free(&url);
	return call_result(c, b, out);
}

static bool escape_css(struct call *c, struct value *out)
{
	enum value_trust trust;
	struct buf *b;
	struct str s;

	if (!stringify(c, &s, &trust))
		return false;
	*out = value_str(s);
	if (self(c) == ESCAPE_CSS_FILTER && trust == TRUST_CSS)
		return true;
	b = call_buf(c);
	if (self(c) == ESCAPE_CSS)
		buf_add_css_string(b, s);
	else
		buf_add_css_value(b, c->mem, s);
	return call_result(c, b, out);
}

/* What JSON is made of: text methods win over structure, except for times. */
static bool js_operand(struct call *c, struct value *out)
{
	struct str joined;
	enum value_trust trust;
	bool is_nil;

	if (c->n != 1) {
		if (!stringify(c, &joined, &trust))
			return false;
		*out = value_str(joined);
		return true;
	}
	*out = value_behind(c->args[0], &is_nil);
	if (out->type && out->type->text && out->type->kind != VALUE_TIME &&
	    !value_is_nil(out))
		*out = value_str(out->type->text(c->mem, out));
	return true;
}

static bool escape_js_value(struct call *c, struct value *out)
{
	struct value v;
	struct buf *b;

	if (!js_operand(c, &v))
		return false;
	b = call_buf(c);
	if (v.type == &type_js)
		buf_add_str(b, v.s);
	else if (v.type == &type_jsstr)
		buf_addf(b, "\"%.*s\"", FMT(v.s));
	else
		buf_add_js_value(b, c->mem, &v);
	return call_result(c, b, out);
}

static bool escape_js(struct call *c, struct value *out)
{
	enum html_escaper how = self(c);
	enum value_trust trust;
	struct buf *b;
	struct str s;

	if (!stringify(c, &s, &trust))
		return false;
	b = call_buf(c);
	if (how == ESCAPE_JS_REGEXP && !s.n)
		buf_add_text(b, "(?:)");
	buf_add_js_string(b, s, how, how == ESCAPE_JS_STRING && trust == TRUST_JSSTR);
	return call_result(c, b, out);
}

static bool is_safe_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'z'))
			return false;
	}
	return s.n && html_attr_content(s) == CONTENT_PLAIN;
}

static bool filter_name(struct call *c, struct value *out)
{
	enum value_trust trust;
	struct str s, lower;

	if (!stringify(c, &s, &trust))
		return false;
	*out = value_str(s);
	if (trust == TRUST_ATTR)
		return true;
	lower = unicode_lower(c->mem, s);
	*out = is_safe_name(lower) ? value_str(lower) : value_text(HTML_FAILSAFE);
	return true;
}

static bool drop(struct call *c, struct value *out)
{
	(void)c;
	*out = value_text("");
	return true;
}

static bool join_arguments(struct call *c, struct value *out)
{
	enum value_trust trust;
	struct str s;

	if (!stringify(c, &s, &trust))
		return false;
	*out = value_str(s);
	return true;
}

#define ESCAPER(id, go_name, c_call)                                                       \
	[id] = {.name = go_name,                                                           \
		.call = c_call,                                                            \
		.in = {&type_any},                                                         \
		.n_in = 1,                                                                 \
		.is_variadic = true,                                                       \
		.out = &type_string,                                                       \
		.special = FUNC_ESCAPER}

const struct func html_escapers[HTML_ESCAPERS] = {
	ESCAPER(ESCAPE_HTML, "_html_template_htmlescaper", escape_html),
	ESCAPER(ESCAPE_RCDATA, "_html_template_rcdataescaper", escape_html),
	ESCAPER(ESCAPE_ATTR, "_html_template_attrescaper", escape_html),
	ESCAPER(ESCAPE_NOSPACE, "_html_template_nospaceescaper", escape_html),
	ESCAPER(ESCAPE_URL_FILTER, "_html_template_urlfilter", filter_url),
	ESCAPER(ESCAPE_URL_NORMALIZE, "_html_template_urlnormalizer", escape_url),
	ESCAPER(ESCAPE_URL, "_html_template_urlescaper", escape_url),
	ESCAPER(ESCAPE_SRCSET, "_html_template_srcsetescaper", escape_srcset),
	ESCAPER(ESCAPE_CSS_FILTER, "_html_template_cssvaluefilter", escape_css),
	ESCAPER(ESCAPE_CSS, "_html_template_cssescaper", escape_css),
	ESCAPER(ESCAPE_JS_VALUE, "_html_template_jsvalescaper", escape_js_value),
	ESCAPER(ESCAPE_JS_STRING, "_html_template_jsstrescaper", escape_js),
	ESCAPER(ESCAPE_JS_TEMPLATE, "_html_template_jstmpllitescaper", escape_js),
	ESCAPER(ESCAPE_JS_REGEXP, "_html_template_jsregexpescaper", escape_js),
	ESCAPER(ESCAPE_NAME, "_html_template_htmlnamefilter", filter_name),
	ESCAPER(ESCAPE_COMMENT, "_html_template_commentescaper", drop),
	ESCAPER(ESCAPE_JOIN, "_eval_args_", join_arguments),
};
