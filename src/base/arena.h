/* arena.h - memory that dies together.
 *
 * Start:   {0} is a ready, empty arena.
 * Memory:  zeroed, aligned for any type; never NULL (no memory ends the process).
 * Lives:   until arena_reset (which keeps one block for the next round) or arena_free.
 * Limits:  arena_size says what it holds; whoever feeds it outside data bounds that.
 */
#pragma once
#include "base/base.h"
#include "base/str.h"

#include <stdarg.h>

struct arena_block;
struct arena_deferred;
struct arena {
	struct arena_block *last; /* the block being filled; the others hang behind it */
	size_t size;		  /* bytes of all blocks */
	struct arena_deferred *deferred;
};

void *arena_alloc(struct arena *, size_t size) MUST_USE;
/* n things of so many bytes together are all that it will hold: one block, no larger than
 * they need. */
void arena_expect(struct arena *, size_t n, size_t bytes);
#define ARENA_NEW(mem, type)	  ((type *)arena_alloc((mem), sizeof(type)))
#define ARENA_ARRAY(mem, type, n) ((type *)arena_array((mem), (n), sizeof(type)))
void *arena_array(struct arena *, size_t n, size_t size) MUST_USE; /* checks n * size */

const char *arena_text(struct arena *, const char *); /* NULL stays NULL */
const char *arena_copy(struct arena *, struct str);   /* adds the NUL */
struct str arena_str(struct arena *, struct str);     /* also NUL-ended */
const char *arena_printf(struct arena *, const char *fmt, ...) PRINTF(2, 3);
const char *arena_vprintf(struct arena *, const char *fmt, va_list) PRINTF(2, 0);

/* Runs fn(arg) when the arena is reset or freed, latest first: for the few things whose
 * memory a library owns (a compiled regular expression). */
void arena_defer(struct arena *, void (*fn)(void *), void *arg);

size_t arena_size(const struct arena *);
void arena_reset(struct arena *);
void arena_free(struct arena *);
