/* html_attr.h - what HTML's names mean for escaping (spec/go-template.md 18.2, 18.3). */
#pragma once
#include "base/arena.h"
#include "text/html_context.h"

enum html_content {
	CONTENT_PLAIN,
	CONTENT_CSS,
	CONTENT_HTML,
	CONTENT_JS,
	CONTENT_URL,
	CONTENT_SRCSET,
	CONTENT_UNSAFE
};
enum html_content html_attr_content(struct str lower_name);
enum html_element html_element_of(struct str lower_name);
bool html_is_js_type(struct str mime_type);

/* Text with its entities (&amp;, &#38;, &#x26;) decoded. */
struct str html_decode_entities(struct arena *, struct str);
struct str html_lower(struct arena *, struct str); /* ASCII letters; borrows if it can */
