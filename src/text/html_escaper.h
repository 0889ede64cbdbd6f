/* html_escaper.h - the functions that the HTML engine puts at the end of pipelines.
 *
 * Each takes what print would print of its arguments (nothing for a missing value), or one
 * typed string that it may trust. Spec: spec/go-template.md 19.
 */
#pragma once
#include "text/func.h"

enum html_escaper {
	ESCAPE_HTML,
	ESCAPE_RCDATA,
	ESCAPE_ATTR,
	ESCAPE_NOSPACE,
	ESCAPE_URL_FILTER,
	ESCAPE_URL_NORMALIZE,
	ESCAPE_URL,
	ESCAPE_SRCSET,
	ESCAPE_CSS_FILTER,
	ESCAPE_CSS,
	ESCAPE_JS_VALUE,
	ESCAPE_JS_STRING,
	ESCAPE_JS_TEMPLATE,
	ESCAPE_JS_REGEXP,
	ESCAPE_NAME,
	ESCAPE_COMMENT,
	ESCAPE_JOIN, /* joins the arguments of {{html a b}}; escapes nothing */
	HTML_ESCAPERS,
};
extern const struct func html_escapers[HTML_ESCAPERS];

#define HTML_FAILSAFE "ZgotmplZ" /* what a filter puts in place of something unsafe */

/* The escapers' text halves, one file a language. */
void buf_add_html_escaped(struct buf *, struct str, enum html_escaper, bool keeps_amp);
struct str html_strip_tags(struct arena *, struct str);
bool html_is_safe_url(struct str);
void buf_add_url_escaped(struct buf *, struct str, bool normalize);
void buf_add_srcset(struct buf *, struct str);
void buf_add_css_string(struct buf *, struct str);
void buf_add_css_value(struct buf *, struct arena *, struct str);
void buf_add_js_string(struct buf *, struct str, enum html_escaper, bool keeps_backslash);
void buf_add_js_value(struct buf *, struct arena *, const struct value *);
