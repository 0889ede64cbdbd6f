/* html_context.h - where in an HTML document a point of a template is.
 *
 * Static text moves the context (html_transition.c); each action is escaped for the
 * context it stands in (html_escape.c). A context is a small value.
 * Spec: spec/go-template.md 18.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "text/node.h"

enum html_state {
	STATE_TEXT,
	STATE_TAG,
	STATE_ATTR_NAME,
	STATE_AFTER_NAME,
	STATE_BEFORE_VALUE,
	STATE_HTML_CMT,
	STATE_RCDATA,
	STATE_ATTR,
	STATE_URL,
	STATE_SRCSET,
	STATE_META_CONTENT,
	STATE_META_CONTENT_URL,
	STATE_JS,
	STATE_JS_DQ_STR,
	STATE_JS_SQ_STR,
	STATE_JS_TMPL_LIT,
	STATE_JS_REGEXP,
	STATE_JS_BLOCK_CMT,
	STATE_JS_LINE_CMT,
	STATE_JS_HTML_OPEN_CMT,
	STATE_JS_HTML_CLOSE_CMT,
	STATE_CSS,
	STATE_CSS_DQ_STR,
	STATE_CSS_SQ_STR,
	STATE_CSS_DQ_URL,
	STATE_CSS_SQ_URL,
	STATE_CSS_URL,
	STATE_CSS_BLOCK_CMT,
	STATE_CSS_LINE_CMT,
	STATE_ERROR, /* the analysis failed: .error says why */
	STATE_DEAD,  /* behind break or continue: never reached */
	HTML_STATES,
};
enum html_delim { DELIM_NONE, DELIM_DOUBLE, DELIM_SINGLE, DELIM_SPACE };
enum html_url_part { PART_NONE, PART_PRE_QUERY, PART_QUERY, PART_UNKNOWN };
enum html_js { JS_REGEXP, JS_DIV, JS_UNKNOWN }; /* what a slash would start */
enum html_attr {
	ATTR_NONE,
	ATTR_SCRIPT,
	ATTR_SCRIPT_TYPE,
	ATTR_STYLE,
	ATTR_URL,
	ATTR_SRCSET,
	ATTR_META_CONTENT,
};
enum html_element {
	ELEMENT_OTHER,
	ELEMENT_SCRIPT,
	ELEMENT_STYLE,
	ELEMENT_TEXTAREA,
	ELEMENT_TITLE,
	ELEMENT_META,
};

struct html_error {
	const struct source *source; /* of the node; NULL: no place but a name */
	const struct node *node;
	int line; /* where there is no node; 0: none either */
	const char *text;
};

#define HTML_BRACES 16 /* "${" within each other */
struct html_context {
	enum html_state state;
	enum html_delim delim;
	enum html_url_part part;
	enum html_js js;
	enum html_attr attr;
	enum html_element element;
	int braces[HTML_BRACES]; /* open braces, per "${" of template literals */
	int n_braces;
	const struct node *node;  /* the break or continue left by */
	struct html_error *error; /* STATE_ERROR */
};

bool html_context_eq(const struct html_context *, const struct html_context *);
void html_context_print(struct buf *, const struct html_context *); /* "{stateText ...}" */
/* The name of a template's copy for this context. */
struct str html_context_mangle(struct arena *, const struct html_context *,
			       struct str name);

struct html_context html_failed(struct arena *, const struct source *, const struct node *,
				const char *text);
bool html_is_comment(enum html_state);
bool html_is_script_literal(enum html_state);
bool html_is_in_tag(enum html_state);
/* The state in which the value of such an attribute starts. */
enum html_state html_value_state(enum html_attr);

/* The context after some text at the start of s, and how much of it that was. */
struct html_context html_after_text(struct arena *, const struct html_context *,
				    struct str s, size_t *used);
/* One step of the state machine proper, as if in this state, not looking at delimiters. */
struct html_context html_transition(struct arena *, enum html_state,
				    const struct html_context *, struct str s,
				    size_t *used);
/* Where an attribute value with this delimiter ends in s; STR_NONE: not in s. */
size_t html_value_end(enum html_delim, struct str s);
