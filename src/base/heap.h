/* heap.h - deadlines in total order: earliest first, equal ones in the order they were set.
 *
 * A struct deadline sits inside whatever waits; CONTAINER_OF leads back. It is in at most
 * one heap; {0} is in none.
 * Cost: set, drop and take are O(log n); the earliest is at hand.
 */
#pragma once
#include "base/base.h"
#include "base/time.h"
#include "base/vec.h"

struct deadline {
	wall_ms at;
	uint64_t seq; /* given by heap_set: later set, larger */
	size_t slot;  /* place in the heap from 1; 0: not in */
};
struct heap {
	VEC(struct deadline *) list;
	uint64_t seq;
};

void heap_set(struct heap *, struct deadline *, wall_ms at); /* puts in or moves */
void heap_drop(struct heap *, struct deadline *);	     /* no-op when not in */
struct deadline *heap_first(const struct heap *);	     /* NULL when empty */
/* Takes the earliest out when it is due at now, else NULL. */
struct deadline *heap_take_due(struct heap *, wall_ms now);
void heap_free(struct heap *);
