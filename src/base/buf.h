/* buf.h - text being built, up to a limit given at its start.
 *
 * Start:   BUF(limit) or {.limit = n}; a limit of 0 means BUF_NO_LIMIT is not wanted and
 *          is a bug. What does not fit sets .full, and from then on nothing is added: the
 *          caller checks .full once at the end.
 * Memory:  owned; buf_free, or buf_take hands it to the caller.
 * Text:    .p is NUL-ended once something was added; buf_text never gives NULL.
 */
#pragma once
#include "base/base.h"
#include "base/arena.h"
#include "base/str.h"

#include <string.h>

struct buf {
	char *p;
	size_t n, cap, limit;
	bool full;
};

#define BUF(max)     ((struct buf){.limit = (max)})
#define BUF_NO_LIMIT SIZE_MAX /* for text whose size others already bound */

void buf_add_slowly(struct buf *, const void *bytes, size_t n); /* when room is short */
static inline void buf_add(struct buf *b, const void *bytes, size_t n)
{
	if (!n || n >= b->cap - b->n || n > b->limit - b->n || b->full) {
		buf_add_slowly(b, bytes, n);
		return;
	}
	memcpy(b->p + b->n, bytes, n);
	b->n += n;
	b->p[b->n] = 0;
}
static inline void buf_add_str(struct buf *b, struct str s)
{
	buf_add(b, s.p, s.n);
}
static inline void buf_add_text(struct buf *b, const char *text)
{
	buf_add_str(b, str_of(text));
}
static inline void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}
void buf_addf(struct buf *, const char *fmt, ...) PRINTF(2, 3);
void buf_add_int(struct buf *, int64_t);
void buf_add_rune(struct buf *, uint32_t rune);		 /* UTF-8 */
void buf_add_cut(struct buf *, struct str, size_t most); /* "…" for what is beyond most */

/* A JSON string with its quotes, as Go's encoding/json writes it: <, >, & and U+2028/9
 * escaped, bytes that are not UTF-8 replaced by U+FFFD. */
void buf_add_json(struct buf *, struct str);

struct str buf_str(const struct buf *);
const char *buf_text(const struct buf *);
struct str buf_keep(const struct buf *, struct arena *); /* a copy in the arena */
char *buf_take(struct buf *, size_t *n);		 /* free() it */
void buf_reset(struct buf *);				 /* empty, keeps its memory */
void buf_cut(struct buf *, size_t n);			 /* back to the first n bytes */
void buf_free(struct buf *);
