/* labels.h - a label set: sorted, unique name/value pairs. It identifies an alert.
 *
 * A set never changes once built; a different set is a new one (labels_with).
 *
 * Memory:  the set lives in the arena it was built in, and so do the strings it copies;
 *          labels_dup makes one block of its own for whoever outlives the arena.
 * Order:   by name, bytewise, so printing and iterating give the same order everywhere.
 * Values:  UTF-8 without NUL. In a set of labels an empty value means the label is absent
 *          and is dropped; annotations keep theirs (labels_new_raw).
 * Threads: immutable, any thread may read.
 * Spec:    spec/routing.md 1.2, 1.3.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct label {
	const char *name, *value;
};
struct labels {
	uint64_t fingerprint; /* FNV-1a of names and values, as Alertmanager's; 0: not
				 counted */
	size_t n;
	struct label v[];
};
extern const struct labels labels_none;

/* Copies, sorts, drops empty values. NULL and err on a repeated name. */
const struct labels *labels_new(struct arena *, const struct label *pairs, size_t n,
				struct err *) MUST_USE;
const struct labels *labels_new_raw(struct arena *, const struct label *pairs, size_t n,
				    struct err *) MUST_USE;
/* The same, borrowing the strings instead of copying them; raw ones get no fingerprint. */
const struct labels *labels_borrow(struct arena *, const struct label *pairs, size_t n,
				   struct err *) MUST_USE;
const struct labels *labels_borrow_raw(struct arena *, const struct label *pairs, size_t n,
				       struct err *) MUST_USE;
/* By name; those with one name keep their order. */
void labels_sort(struct label *, size_t n);

/* The set plus one pair (an empty value removes the name); borrows the strings. */
const struct labels *labels_with(struct arena *, const struct labels *, const char *name,
				 const char *value) MUST_USE;
/* base with every pair of over put over it; borrows the strings. */
const struct labels *labels_merge(struct arena *, const struct labels *base,
				  const struct labels *over) MUST_USE;
/* Only the pairs whose name is in the sorted list. */
const struct labels *labels_only(struct arena *, const struct labels *,
				 const char *const *names, size_t n) MUST_USE;

const char *labels_get(const struct labels *, const char *name);  /* "" when absent */
const char *labels_find(const struct labels *, const char *name); /* NULL when absent */
bool labels_eq(const struct labels *, const struct labels *);
int labels_cmp(const struct labels *, const struct labels *); /* label-set order, 1.3 */

/* Puts a set, which is borrowed, into an index of sets, where those that have one
 * fingerprint by chance are told apart. False when an equal one is there. */
struct map;
bool labels_index(struct arena *, struct map *, const struct labels *) MUST_USE;

/* The fingerprint of the values of some names alone, a missing one counting as "". */
uint64_t labels_hash_of(const struct labels *, const char *const *names, size_t n);

const struct labels *labels_copy(struct arena *, const struct labels *) MUST_USE;
/* One malloc block: free() it. */
struct labels *labels_dup(const struct labels *) MUST_USE;
size_t labels_memory(const struct labels *); /* bytes of such a block */
/* A copy in a block that is as large and aligned for a pointer. */
struct labels *labels_copy_to(void *block, const struct labels *);

void buf_add_labels(struct buf *, const struct labels *); /* {a="x", b="y"} */
void buf_add_labels_json(struct buf *, const struct labels *);
void buf_add_fingerprint(struct buf *, uint64_t); /* 16 hex digits */
bool fingerprint_parse(struct str, uint64_t *) MUST_USE;

/* Which names are good (spec/config.md 3.6). */
enum name_scheme { NAMES_UTF8, NAMES_CLASSIC };
bool is_label_name(struct str, enum name_scheme);
