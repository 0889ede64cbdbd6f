/* parts.h - what the parts of the store share: the queue, the writer, and the renewal of a
 * damaged file.
 *
 *	queue.c		what waits to be written, in which order, and who waits for it
 *	shrink.c	what of it is kept while the disk fails
 *	writer.c	the thread: batches, one transaction each
 *	renewal.c	another file in the place of a damaged one
 *	store.c		opening, closing, health
 *	rows.c		our nouns as rows, and back
 *
 * Inside store/ only.
 *
 * Threads: the caller's and the writer's. Each field of struct store says whose it is.
 *          Functions that want the mutex held say "Under mtx"; others take it themselves.
 */
#pragma once
#include "store/database.h"
#include "store/journal_span.h"
#include "store/rows.h"

#include <pthread.h>

/* -- the queue --------------------------------------------------------------------- */

#define CROWD 8 /* so many deliveries at once are a crowd, which waits for company */

#define SEAL STATEMENTS /* not one: once this is written, a new file holds all */

struct write { /* with its cells' bytes behind it, one block */
	struct write *next;
	enum statement what;
	bool is_superseded;
	uint64_t number; /* among those of its kind: that go first, or do not */
	char *entries;	 /* of alerts: the first cell's, to be freed; else NULL */
	size_t outlives; /* about so many bytes of older entries */
	size_t n;
	struct cell cells[]; /* of a row: its key, a text or a number, first */
};
struct sync {
	void (*done)(void *, bool);
	void *arg;
	uint64_t after, after_ledger; /* the numbers of the last writes it waits for */
	bool lasting;		      /* they have to survive a loss of power */
	bool ok;
	struct sync *next;
};
struct batch {
	struct write *first;
	uint64_t up_to, ledger_up_to;
	uint64_t awaited; /* somebody waits for the ledger up to there; 0: nobody */
	bool lasting;	  /* it has to survive a loss of power */
	bool tells;	  /* what somebody was told is in it */
	size_t n_open;	  /* deliveries that begin with it */
	size_t n;
	wall_ms now;
};
struct left {
	size_t n, n_ledger; /* writes, and those of the ledger among them */
};

enum renewal {
	RENEWAL_NONE,
	RENEWAL_WANTED,	 /* the file is damaged */
	RENEWAL_FILLING, /* another is open; the engine's state is on its way to it */
};

struct store {
	/* the same while the writer runs */
	char *path, *new_path; /* the latter of the file that is to replace it */
	pthread_t writer;
	int wake_fd, report_fd;
	int lock_fd; /* the folder, locked while we run */
	struct journal_limits limits;
	double (*seconds)(void); /* NULL: nothing is timed */

	/* under db_mtx: the writer's, but while store_load reads */
	pthread_mutex_t db_mtx;
	struct database db;
	struct alert_log alert_log;
	struct journal_span span;
	struct buf packed; /* entries of alerts, on their way into a row */
	enum renewal renewal;
	char damage[200];   /* why */
	bool is_sealed;	    /* the seal is in the batch under way */
	char unfolded[200]; /* why the database's log cannot be folded in; "": it can */
	mono_ms crowded_at; /* when the last batch with many open deliveries was written, */
	mono_ms told_at;    /* and the last with what was told */
	bool failed_at_end;

	pthread_mutex_t mtx;
	/* the queue: shared, under mtx */
	struct write *first, **last;
	struct sync *waiting, **last_waiting, *reported, **last_reported;
	struct buf entries; /* of alerts: the next write that is queued, */
	size_t outlived;    /* and what it outlives */
	uint64_t queued;    /* number of the last write */
	/* Open deliveries, what was told, and what these name go before all else, in their
	 * own order, because a notification waits for them: the last one in the queue,
	 * numbers and syncs of their own, and whether a batch under way should make room.
	 */
	struct write *last_ledger;
	uint64_t queued_ledger;
	struct sync *waiting_ledger, **last_waiting_ledger;
	bool hurries;		 /* atomic: a batch looks without the mutex */
	size_t n_queued, n_open; /* the latter: deliveries that begin */
	size_t record_bytes;	 /* of queued records */
	bool urgent; /* somebody was told: a repeat would follow if this were lost */

	/* what else both know: shared, under mtx */
	bool stopping;
	bool told_damage; /* somebody who read the file said so */
	struct store_health health;
	wall_ms now;	/* of the last record, for trimming */
	mono_ms set_at; /* when it was that time */
};

/* All that is queued. */
struct batch queue_take(struct store *);
/* Under mtx: until when a batch that could begin now may wait for company. */
mono_ms queue_due(const struct store *, mono_ms now);
/* Under mtx: what a batch did not write goes back into the queue: before all that came
 * meanwhile, what is of the ledger before that of the ledger, the rest before the rest. */
struct left queue_put_back(struct store *, struct write *first);
/* Under mtx: those who waited for the batch, as far as it came, are told at the next
 * store_poll. */
void queue_report(struct store *, const struct batch *, bool ok);
/* The batch ends before this write: somebody waits for what is done by then, or for some
 * of the ledger that came meanwhile, which may overtake the rest. */
bool batch_makes_room(struct store *, const struct batch *, const struct write *);
/* The part of the batch from rest on, which is cut off it. */
struct write *batch_cut_off(struct batch *, const struct write *rest);
int64_t write_bytes(const struct write *); /* of a record, as the journal counts them */
void write_free(struct write *);
void writes_free(struct write *first); /* with those after it */

/* Waiting must not cost more than one write a row, whatever the time. */
void batch_shrink(struct batch *);

/* -- the writer -------------------------------------------------------------------- */

/* The thread; arg is the store. Returns once that is stopping and the queue empty, or the
 * disk does not take it. */
void *writer_run(void *arg);

/* -- a damaged file -------------------------------------------------------------------
 * Another takes its place once all that the engine knows is in it, which a seal in the
 * queue says; until then a start finds the damaged one, and reads of it what it can. The
 * writer's, all three. */

void renewal_want(struct store *, const char *why);
/* Opens the other. */
bool renewal_begin(struct store *, struct err *) MUST_USE;
/* The seal was written: if there is another file it takes the place of the damaged one. */
bool renewal_finish(struct store *, struct err *) MUST_USE;

/* -- what both threads know -------------------------------------------------------- */

/* The time of the last record and what went by since: rows grow old also while nothing is
 * written. */
wall_ms store_now(struct store *);
/* Under mtx, once the writer runs: the journal's span into the health. */
void store_note_span(struct store *);

/* wake_fd wakes the writer, report_fd the caller. */
void eventfd_wake(int fd);
void eventfd_drain(int fd);
