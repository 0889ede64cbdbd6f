/* parse.h - a template source parsed into named bodies.
 *
 * Memory:  nodes in the arena; they borrow the source's text.
 * Failure: Go's words, "template: name:line: ...", at the place the parser had come to.
 * Limits:  TEMPLATE_MAX_NESTING levels of blocks and parentheses.
 * Spec:    spec/go-template.md 3 to 5.
 */
#pragma once
#include "base/err.h"
#include "text/func.h"
#include "text/node.h"

/* The source's own body is among them, under its name. NULL and err on a mistake. */
struct bodies *parse_source(struct arena *, enum template_funcs, const struct source *,
			    struct err *) MUST_USE;
