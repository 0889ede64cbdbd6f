#include "base/base.h"
#include "base/vec.h"

void *vec_grow(void *v, size_t *cap, size_t size)
{
	size_t bytes;

	*cap = *cap ? *cap * 2 : 8;
	if (__builtin_mul_overflow(*cap, size, &bytes))
		BUG("vector of %zu times %zu bytes", *cap, size);
	return mem_resize(v, bytes);
}

void *vec_grow_in(struct arena *mem, void *v, size_t *cap, size_t size)
{
	size_t old = *cap * size;
	void *grown;

	*cap = *cap ? *cap * 2 : 2; /* most of them stay short */
	grown = arena_array(mem, *cap, size);
	if (old)
		memcpy(grown, v, old);
	return grown;
}
