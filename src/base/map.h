/* map.h - a hash map from bytes to a pointer, that iterates in insertion order.
 *
 * Start:   {0} is an empty map.
 * Memory:  its table is its own (map_free); keys are borrowed and must stay as they are
 *          while they are in; they usually lie inside the value.
 * Values:  never NULL.
 * Order:   map_next gives entries as they were first put; a deleted and re-put key is new.
 *          Entries may be deleted, not added, while iterating.
 */
#pragma once
#include "base/str.h"

struct map_slot {
	struct str key;
	void *value; /* NULL: deleted */
	uint64_t hash;
};
struct map {
	struct map_slot *slots; /* in insertion order */
	uint32_t *index;	/* hash -> slot + 1; 0: free */
	size_t n;		/* live entries */
	size_t used, cap;	/* slots taken (with deleted ones), slots there */
};

void *map_find(const struct map *, struct str key);	 /* NULL when absent */
void map_put(struct map *, struct str key, void *value); /* replaces value and key */
void *map_del(struct map *, struct str key);		 /* the value it had, or NULL */
void map_free(struct map *);
size_t map_memory(const struct map *); /* bytes of its own */

/* for (size_t at = 0; (v = map_next(&m, &at));) */
void *map_next(const struct map *, size_t *at);
/* What map_next will give after so many more; NULL: nothing, or one that was deleted. */
static inline void *map_ahead(const struct map *m, size_t at, size_t n)
{
	return n < m->used - at ? m->slots[at + n].value : NULL;
}

/* A key of eight bytes: the address of a uint64_t inside the value. */
struct str map_key_u64(const uint64_t *);
