/* journal.h - the journal on disk: a record as a row and back, and reading what was kept.
 *
 * Row:     at, kind, reason, group_key, receiver, integration ("webhook[0]"), delivery as
 *          columns of their own, all else as JSON in data; man/tocsin-journal.5 tells them.
 * Threads: reading has a connection of its own, so any thread may, while the daemon writes.
 * Limits:  journal_query.most rows, journal_query.patience of time, and JOURNAL_MOST_BYTES
 *          of what the rows say: newest first, so that what is left out is the oldest;
 *          journal_rows says how far it came. A row that wants() leaves out costs no
 * memory.
 */
#pragma once
#include "engine/record.h"

/* The JSON of the data column. */
void buf_add_record(struct buf *, const struct record *);

struct journal_row {
	int64_t id;
	struct record record;
};
struct journal_rows {
	struct journal_row *v; /* in order of id */
	size_t n;
	bool is_cut;	 /* there is more, older than what is here */
	wall_ms read_to; /* all since then was looked at; of what was not cut: the first */
};
struct journal_query {
	wall_ms from, to;	/* both within */
	unsigned kinds;		/* bits 1 << enum record_kind; 0: all */
	const char *receiver;	/* NULL: any */
	const char *delivery;	/* NULL: any */
	const char *const *any; /* data holds one of these texts; none: whatever it holds */
	size_t n_any;
	unsigned any_of;    /* rows of these kinds have to; 0: all */
	const bool *enough; /* the reader sets it to end the reading; NULL: nobody does */
	/* False leaves a row out; NULL: none. Rows come newest first. The record and all
	 * it points to end with the call: what is kept of it has to be copied.
	 */
	bool (*wants)(void *ctx, const struct record *);
	void *ctx;
	size_t most;	  /* rows; 0: 1000 */
	span_ms patience; /* 0: 2s */
};
#define JOURNAL_KIND(kind) (1u << (kind))
#define JOURNAL_MOST_BYTES ((size_t)64 * 1024 * 1024)

struct journal;
/* The journal in that folder, for reading. NULL and err when it cannot be opened. */
struct journal *journal_open(const char *folder, struct err *) MUST_USE;
void journal_close(struct journal *);
/* Whether the last call failed because the file is damaged. */
bool journal_found_damage(const struct journal *);
/* The time of the oldest row, before which nothing is known; 0: that of the daemon's first
 * start, and all are there; NEVER: there is none, and may have been. */
bool journal_begins(struct journal *, wall_ms *at, struct err *) MUST_USE;
/* The statement that it takes, for tests. */
const char *journal_sql(struct arena *, const struct journal_query *);
/* Rows that cannot be read are passed over. */
bool journal_read(struct journal *, const struct journal_query *, struct arena *,
		  struct journal_rows *, struct err *) MUST_USE;
