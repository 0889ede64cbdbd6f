/* yaml.h - a YAML document as a tree of nodes that know their place in the file.
 *
 * Dialect: YAML 1.1 as Go's yaml.v2 reads it: plain yes/no/on/off/y/n are booleans, 0x, 0b,
 *          0o and 0 lead integers, dates stay text, `<<` merges. A scalar keeps its source
 *          text whatever it resolves to, because a text field wants that.
 * Shape:   an alias shares the node it names, so the tree is a graph without cycles. Merge
 *          keys are already resolved: explicit keys first, then the merged ones.
 * Memory:  nodes, texts and the file's name live in the arena.
 * Limits:  YAML_MAX_BYTES of text, YAML_MAX_DEPTH levels, YAML_MAX_NODES nodes counted
 *          with every alias followed: a bomb of aliases is a mistake, not a long wait.
 * Failure: mistakes go to the errs, each with its place; repeated keys are all reported, a
 *          syntax error ends the reading.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define YAML_MAX_BYTES ((size_t)16 << 20)
#define YAML_MAX_DEPTH 200
#define YAML_MAX_NODES 2000000u

enum yaml_kind {
	YAML_NULL,
	YAML_BOOL,
	YAML_INT,
	YAML_FLOAT,
	YAML_TEXT,
	YAML_LIST,
	YAML_MAP,
};
struct yaml {
	enum yaml_kind kind;
	bool plain; /* a scalar without quotes and tag: quoted 'yes' is text */
	bool flow;  /* print a list or map on one line */
	bool yes;   /* YAML_BOOL */
	bool more;  /* on the top node: another document follows, unread */
	bool huge;  /* YAML_INT above INT64_MAX: num is to be read as uint64_t */
	struct pos at;
	size_t offset;	 /* the same place in the bytes that were read */
	struct str text; /* scalars: the source text, unquoted */
	int64_t num;	 /* YAML_INT */
	double real;	 /* YAML_INT and YAML_FLOAT */

	size_t n; /* elements of a list, pairs of a map */
	const struct yaml **items;
	const struct yaml **keys; /* maps only: items[i] is the value of keys[i] */

	uint32_t weight; /* nodes from here down, aliases followed */
	uint32_t depth;	 /* levels from here down; a scalar is 1 */
};

/* The first document; an empty one is a YAML_NULL. NULL when it could not be read to its
 * end. Repeated keys are mistakes, and the first of them is what counts. */
const struct yaml *yaml_read(struct arena *, const char *file, struct str bytes,
			     struct errs *) MUST_USE;
/* The same for those who keep the texts of scalars longer than the tree. */
const struct yaml *yaml_read_apart(struct arena *nodes, struct arena *texts,
				   const char *file, struct str bytes,
				   struct errs *) MUST_USE;

/* The documents after the first, up to one that cannot be read. What is wrong with the
 * first, which was read before, is not told again. */
const struct yaml **yaml_read_others(struct arena *nodes, struct arena *texts,
				     const char *file, struct str bytes, struct errs *,
				     size_t *n) MUST_USE;

/* As yaml_read, for text that a template rendered: the last of repeated keys counts. NULL
 * without a word when it is not YAML. */
const struct yaml *yaml_read_value(struct arena *, struct str bytes) MUST_USE;

/* Where a byte of a scalar's text stands among the bytes it was read from; the scalar's own
 * place when that cannot be told (escapes beyond the plain ones, other encodings). */
struct pos yaml_place(struct str bytes, const struct yaml *scalar, size_t offset);

const struct yaml *yaml_find(const struct yaml *map, const char *key); /* NULL: absent */
const char *yaml_kind_text(enum yaml_kind); /* "a list", for messages */
/* Whether both say the same, key by key in one order, however they are laid out. */
bool yaml_eq(const struct yaml *, const struct yaml *);

/* What a plain scalar means; sets kind, yes, num, real. */
void yaml_resolve(struct yaml *scalar, struct str text);

/* -- a tree being built, to be printed ------------------------------------------------ */
struct yaml *yaml_new_map(struct arena *);
struct yaml *yaml_new_list(struct arena *);
struct yaml *yaml_new_text(struct arena *, const char *); /* borrowed */
struct yaml *yaml_new_bool(struct arena *, bool);
struct yaml *yaml_new_int(struct arena *, int64_t);
struct yaml *yaml_new_float(struct arena *, double);
void yaml_put(struct arena *, struct yaml *map, const char *key, const struct yaml *value);
void yaml_push(struct arena *, struct yaml *list, const struct yaml *value);

/* Two blanks a level, dashes not indented; what is printed reads back as the same tree. */
void yaml_print(struct buf *, const struct yaml *);
