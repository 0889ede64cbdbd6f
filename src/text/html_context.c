#include "base/base.h"
#include "text/html_context.h"

#include <string.h>

/* Go's names of its constants: they show in error texts and in the names of copies. */
static const char *const states[HTML_STATES] = {
	"stateText",	    "stateTag",		  "stateAttrName",
	"stateAfterName",   "stateBeforeValue",	  "stateHTMLCmt",
	"stateRCDATA",	    "stateAttr",	  "stateURL",
	"stateSrcset",	    "stateMetaContent",	  "stateMetaContentURL",
	"stateJS",	    "stateJSDqStr",	  "stateJSSqStr",
	"stateJSTmplLit",   "stateJSRegexp",	  "stateJSBlockCmt",
	"stateJSLineCmt",   "stateJSHTMLOpenCmt", "stateJSHTMLCloseCmt",
	"stateCSS",	    "stateCSSDqStr",	  "stateCSSSqStr",
	"stateCSSDqURL",    "stateCSSSqURL",	  "stateCSSURL",
	"stateCSSBlockCmt", "stateCSSLineCmt",	  "stateError",
	"stateDead",
};
static const char *const delims[] = {"delimNone", "delimDoubleQuote", "delimSingleQuote",
				     "delimSpaceOrTagEnd"};
static const char *const parts[] = {"urlPartNone", "urlPartPreQuery", "urlPartQueryOrFrag",
				    "urlPartUnknown"};
static const char *const slashes[] = {"jsCtxRegexp", "jsCtxDivOp", "jsCtxUnknown"};
static const char *const attrs[] = {"attrNone", "attrScript", "attrScriptType", "attrStyle",
				    "attrURL",	"attrSrcset", "attrMetaContent"};
static const char *const elements[] = {"elementNone",	  "elementScript", "elementStyle",
				       "elementTextarea", "elementTitle",  "elementMeta"};

bool html_context_eq(const struct html_context *a, const struct html_context *b)
{
	return a->state == b->state && a->delim == b->delim && a->part == b->part &&
	       a->js == b->js && a->attr == b->attr && a->element == b->element &&
	       a->n_braces == b->n_braces &&
	       memcmp(a->braces, b->braces, (size_t)a->n_braces * sizeof(*a->braces)) ==
		       0 &&
	       a->error == b->error;
}

static void print_braces(struct buf *b, const struct html_context *c)
{
	buf_add_char(b, '[');
	for (int i = 0; i < c->n_braces; i++)
		buf_addf(b, "%s%d", i ? " " : "", c->braces[i]);
	buf_add_char(b, ']');
}

void html_context_print(struct buf *b, const struct html_context *c)
{
	buf_addf(b, "{%s %s %s %s ", states[c->state], delims[c->delim], parts[c->part],
		 slashes[c->js]);
	print_braces(b, c);
	buf_addf(b, " %s %s <nil>}", attrs[c->attr], elements[c->element]);
}

struct str html_context_mangle(struct arena *mem, const struct html_context *c,
			       struct str name)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str s;

	if (c->state == STATE_TEXT)
		return name;
	buf_add_str(&b, name);
	buf_addf(&b, "$htmltemplate_%s", states[c->state]);
	if (c->delim)
		buf_addf(&b, "_%s", delims[c->delim]);
	if (c->part)
		buf_addf(&b, "_%s", parts[c->part]);
	if (c->js)
		buf_addf(&b, "_%s", slashes[c->js]);
	if (c->n_braces) {
		buf_add_text(&b, "_jsBraceDepth(");
		print_braces(&b, c);
		buf_add_char(&b, ')');
	}
	if (c->attr)
		buf_addf(&b, "_%s", attrs[c->attr]);
	if (c->element)
		buf_addf(&b, "_%s", elements[c->element]);
	s = buf_keep(&b, mem);
	buf_free(&b);
	return s;
}

struct html_context html_failed(struct arena *mem, const struct source *src,
				const struct node *node, const char *text)
{
	struct html_error *e = ARENA_NEW(mem, struct html_error);

	*e = (struct html_error){src, node, 0, arena_text(mem, text)};
	return (struct html_context){.state = STATE_ERROR, .error = e};
}

bool html_is_comment(enum html_state s)
{
	return s == STATE_HTML_CMT || s == STATE_CSS_BLOCK_CMT || s == STATE_CSS_LINE_CMT ||
	       (s >= STATE_JS_BLOCK_CMT && s <= STATE_JS_HTML_CLOSE_CMT);
}

bool html_is_script_literal(enum html_state s)
{
	return s >= STATE_JS_DQ_STR && s <= STATE_JS_REGEXP;
}

bool html_is_in_tag(enum html_state s)
{
	return (s >= STATE_TAG && s <= STATE_BEFORE_VALUE) || s == STATE_ATTR;
}

enum html_state html_value_state(enum html_attr attr)
{
	switch (attr) {
	case ATTR_SCRIPT:
		return STATE_JS;
	case ATTR_STYLE:
		return STATE_CSS;
	case ATTR_URL:
		return STATE_URL;
	case ATTR_SRCSET:
		return STATE_SRCSET;
	case ATTR_META_CONTENT:
		return STATE_META_CONTENT;
	case ATTR_NONE:
	case ATTR_SCRIPT_TYPE:
		break;
	}
	return STATE_ATTR;
}
