/* promql_names.h - what an expression reads: the metrics it asks for by name, and its
 * selectors.
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"

/* The metrics, in an order of their own, each once; in the arena. Those inside absent() and
 * absent_over_time() are not among them: that one may be away is what they are for. 0 when
 * the expression is not PromQL. */
size_t promql_names(struct arena *, struct str expr, const char ***out);

/* A selector, as far as it says which names and labels it takes. */
struct prom_node;
struct promql_selectors {
	const struct prom_node *const *v;
	size_t n;
};
/* All of them, in the arena; false when the expression is not PromQL. */
bool promql_selectors(struct arena *, struct str expr, struct promql_selectors *) MUST_USE;
/* Whether it says anything about the name of what it takes. */
bool promql_selector_is_named(const struct prom_node *);
/* The one name that it takes; n 0: there is no such, or not only one. */
struct str promql_selector_name(const struct prom_node *);
/* Whether its first matcher on the label (__name__: the name before the braces comes first)
 * takes the value, or may: an expression that cannot be decided does. if_none is the
 * answer when it has no matcher on it. */
bool promql_selector_takes(const struct prom_node *, const char *label, const char *value,
			   bool if_none);
