/* journal.h - what the answers out of the journal share: reading on another thread, times
 * and members of JSON.
 *
 * Limits: READ_PATIENCE for all reads of one answer; what was not looked at is told.
 *         MOST_READINGS wait or are under way, further ones are answered with 503; they do
 *         not count as GET requests meanwhile, so that a slow disk refuses nobody else.
 */
#pragma once
#include "api/request.h"
#include "store/journal.h"

#define READ_PATIENCE (3 * SECOND)
#define MOST_READINGS 16

/* One answer on its way. */
struct reading {
	struct request *r;
	struct arena mem; /* the worker's while it runs */
	struct journal *journal;
	struct err err; /* text "": none */
	wall_ms from, to, now;
	wall_ms begins_at; /* what was before was trimmed; 0: all is there */
	double began;
	/* on another thread: reads; then on the loop: answers, with all engine views */
	void (*read)(struct reading *);
	void (*answer)(struct reading *);
	void *state;
};
/* In the call's memory: it ends with the answer. */
struct reading *reading_new(struct request *);
/* Begins once what has been recorded so far is on the disk. */
void reading_start(struct reading *);
wall_ms reading_until(const struct reading *); /* to, or all that there is by now */
/* False when an error is set; the patience of all reads is one, a query may have less. */
bool reading_rows(struct reading *, struct journal_query *, struct journal_rows *) MUST_USE;

/* A parameter as a time, RFC 3339 or seconds; absent leaves it alone. False after a 400. */
bool param_time(struct request *, const char *name, wall_ms *) MUST_USE;
/* {"status":"error",...} */
void answer_bad(struct request *, int status, const char *text);

/* Members: a comma before all but the first of an object or list. */
void put_name(struct buf *, const char *name);
void put_comma(struct buf *);
void put_str(struct buf *, const char *name, const char *text); /* NULL: left out */
void put_int(struct buf *, const char *name, int64_t);
void put_value(struct buf *, const char *name, double); /* a text: there is NaN */
void put_bool(struct buf *, const char *name, bool);
void put_at(struct buf *, const char *name, wall_ms); /* 0: left out */
void put_set(struct buf *, const char *name, const struct labels *);
void put_hash(struct buf *, const char *name, uint64_t fingerprint);
/* Each line of the text. */
void put_lines(struct buf *, const char *name, struct str text);
/* An integration in the receiver's list; NULL: left out. */
void put_integration(struct buf *, const char *receiver, const char *integration,
		     size_t index);
/* The beginning of an answer's data, and its end: text, as lines, then it is answered. */
void begin_data(struct buf *);
void answer_data(struct request *, struct buf *, const struct buf *text);
