/* vec.h - a typed growing array: VEC(struct x) xs = {0};
 *
 * Memory: its own; vec_free. The elements' own memory is the caller's matter. Pointers
 *         into .v are valid until the next push. A vec that lives in an arena grows by
 *         vec_push_in and is never freed. */
#pragma once
#include "base/arena.h"
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

#define VEC(T)                                                                             \
	struct {                                                                           \
		T *v;                                                                      \
		size_t n, cap;                                                             \
	}

#define vec_push(vec, ...)                                                                 \
	do {                                                                               \
		if ((vec)->n == (vec)->cap)                                                \
			(vec)->v = vec_grow((vec)->v, &(vec)->cap, sizeof(*(vec)->v));     \
		(vec)->v[(vec)->n++] = (__VA_ARGS__);                                      \
	} while (0)

#define vec_push_in(mem, vec, ...)                                                         \
	do {                                                                               \
		if ((vec)->n == (vec)->cap)                                                \
			(vec)->v = vec_grow_in((mem), (vec)->v, &(vec)->cap,               \
					       sizeof(*(vec)->v));                         \
		(vec)->v[(vec)->n++] = (__VA_ARGS__);                                      \
	} while (0)

/* Takes element i out, keeping the order of the rest. */
#define vec_remove(vec, i)                                                                 \
	do {                                                                               \
		memmove(&(vec)->v[i], &(vec)->v[(i) + 1],                                  \
			((vec)->n - (i)-1) * sizeof(*(vec)->v));                           \
		(vec)->n--;                                                                \
	} while (0)

#define vec_free(vec)                                                                      \
	do {                                                                               \
		free((vec)->v);                                                            \
		(vec)->v = NULL;                                                           \
		(vec)->n = (vec)->cap = 0;                                                 \
	} while (0)

void *vec_grow(void *v, size_t *cap, size_t size);
void *vec_grow_in(struct arena *, void *v, size_t *cap, size_t size);
