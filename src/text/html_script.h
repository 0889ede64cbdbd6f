/* html_script.h - JavaScript as far as escaping must understand it (go-template.md 18.6).
 */
#pragma once
#include "text/html_context.h"

/* What a slash means after this text, which is no string, comment or regexp. */
enum html_js html_js_after(struct str, enum html_js before);
bool html_is_js_name(uint32_t c); /* ASCII letters, digits, _ and $ */

struct html_context html_in_js(struct arena *, struct html_context, struct str,
			       size_t *used);
struct html_context html_in_js_string(struct arena *, struct html_context, struct str,
				      size_t *used);
struct html_context html_in_js_template(struct arena *, struct html_context, struct str,
					size_t *used);

bool html_has_script_tag(struct str); /* <script, </script or <!-- in any case */
void buf_add_script_tags_escaped(struct buf *, struct str);
