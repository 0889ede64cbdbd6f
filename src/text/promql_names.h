/* promql_names.h - which metrics an expression asks for by name.
 *
 * Those inside absent() and absent_over_time() are not among them: that one may be away is
 * what they are for. Names in an order of their own, each once.
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"

/* In the arena; 0 when the expression is not PromQL. */
size_t promql_names(struct arena *, struct str expr, const char ***out);
