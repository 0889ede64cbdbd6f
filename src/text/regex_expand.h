/* regex_expand.h - $1, ${1} and ${name} in a replacement, as Go's regexp.Expand has them.
 *
 * $$ is a dollar; the longest run of letters, digits and _ is the name; what names no
 * group, or one that took no part, is nothing.
 */
#pragma once
#include "base/buf.h"
#include "model/regex.h"

#define REGEX_SPANS (REGEX_MAX_GROUPS + 1)

/* spans are of a search with room for REGEX_SPANS. */
void buf_add_expanded(struct buf *, struct str replacement, const struct regex *,
		      const struct regex_text *, const struct regex_span *spans);
