#include "base/base.h"
#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK  480 /* many arenas hold one small thing */
#define LARGEST_STEP (256 * 1024)
#define ALIGNMENT    16

struct arena_block {
	struct arena_block *before;
	size_t used, cap;
	_Alignas(ALIGNMENT) char bytes[];
};

struct arena_deferred {
	struct arena_deferred *next;
	void (*fn)(void *);
	void *arg;
};

static struct arena_block *add_block_of(struct arena *a, size_t cap)
{
	struct arena_block *b = mem_resize(NULL, sizeof(*b) + cap);

	*b = (struct arena_block){.before = a->last, .cap = cap};
	a->size += cap;
	a->last = b;
	return b;
}

static struct arena_block *add_block(struct arena *a, size_t need)
{
	size_t cap = a->last ? MIN(a->last->cap * 2, LARGEST_STEP) : FIRST_BLOCK;

	return add_block_of(a, MAX(cap, need));
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

void arena_expect(struct arena *a, size_t n, size_t bytes)
{
	add_block_of(a, aligned(bytes) + n * ALIGNMENT);
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->last;
	void *p;

	if (size > PTRDIFF_MAX / 2)
		BUG("arena asked for %zu bytes", size);
	size = aligned(size);
	if (!b || b->cap - b->used < size)
		b = add_block(a, size);
	p = b->bytes + b->used;
	b->used += size;
	return memset(p, 0, size);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		BUG("array of %zu times %zu bytes", n, size);
	return arena_alloc(a, bytes);
}

struct str arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct str){p, s.n};
}

const char *arena_copy(struct arena *a, struct str s)
{
	return arena_str(a, s).p;
}

const char *arena_text(struct arena *a, const char *text)
{
	return text ? arena_copy(a, str_of(text)) : NULL;
}

const char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	char most[256];
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(most, sizeof(most), fmt, again);
	va_end(again);
	ASSERT(n >= 0);
	p = arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(most))
		memcpy(p, most, (size_t)n);
	else
		vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

const char *arena_printf(struct arena *a, const char *fmt, ...)
{
	const char *p;
	va_list ap;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
	struct arena_deferred *d = ARENA_NEW(a, struct arena_deferred);

	*d = (struct arena_deferred){a->deferred, fn, arg};
	a->deferred = d;
}

static void run_deferred(struct arena *a)
{
	for (; a->deferred; a->deferred = a->deferred->next)
		a->deferred->fn(a->deferred->arg);
}

size_t arena_size(const struct arena *a)
{
	return a->size;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = a->last;

	if (!keep)
		return;
	run_deferred(a);
	if (keep->cap > LARGEST_STEP) { /* one huge request must not stay for ever */
		arena_free(a);
		return;
	}
	a->last = keep->before;
	keep->before = NULL;
	arena_free(a);
	keep->used = 0;
	a->last = keep;
	a->size = keep->cap;
}

void arena_free(struct arena *a)
{
	struct arena_block *before;

	run_deferred(a);
	for (struct arena_block *b = a->last; b; b = before) {
		before = b->before;
		free(b);
	}
	*a = (struct arena){0};
}
