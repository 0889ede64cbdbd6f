/* batches.h - which rules of a group may be evaluated side by side.
 *
 * Order:  Prometheus's: first the rules that need no other, together; then those that need
 *         one and are needed, one by one; last, together, those that only need.
 * Memory: in the arena.
 * Spec:   spec/rules.md 7.
 */
#pragma once
#include "config/rules.h"

/* n 0: one after the other, as they stand in the file. */
struct batches {
	uint32_t *rule, *batch; /* in order; batch numbers ascend from 0 */
	size_t n, largest;
};
/* By what the rules' expressions say that they read. */
void batches_find(struct arena *, const struct rule_group *, struct batches *);
