/* html_style.h - CSS as far as escaping must understand it (spec/go-template.md 18.5). */
#pragma once
#include "text/html_context.h"

struct html_context html_in_css(struct html_context, struct str, size_t *used);
struct html_context html_in_css_string(struct arena *, struct html_context, struct str,
				       size_t *used);
struct html_context html_in_url(struct html_context, struct str, size_t *used);

struct str html_decode_css(struct arena *, struct str); /* \22 and the like */
bool html_is_css_name(char);
bool html_is_css_space(char);
bool html_is_hex(char);
