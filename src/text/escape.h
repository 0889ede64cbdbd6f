/* escape.h - text made safe for other languages, as Go's text/template and net/url do. */
#pragma once
#include "base/buf.h"

void buf_add_html(struct buf *, struct str); /* " ' & < > NUL */
void buf_add_js(struct buf *, struct str);
void buf_add_query(struct buf *, struct str);	     /* blank as + */
void buf_add_path_segment(struct buf *, struct str); /* blank as %20 */
/* Undoes buf_add_query. False on a bad % escape, which *bad then is. */
bool query_decode(struct buf *, struct str, struct str *bad) MUST_USE;
