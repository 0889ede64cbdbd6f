/* store.h - what survives a restart: SQLite (WAL) in the storage path.
 *
 * Writes are queued and made in batches by a thread of its own, each batch one
 * transaction. Whoever promised durability asks store_sync and answers when it reports.
 * Such a batch survives a loss of power; others do within a second.
 *
 * Threads: all functions belong to the caller's thread; the writer touches only the queue
 *          (under its mutex) and its own connection.
 * Memory:  what is passed in is copied.
 * Failure: a write that fails is tried again until it succeeds; the syncs that waited for
 *          it are told false at once. store_health counts and names the last error.
 * Limits:  STORE_MAX_QUEUE queued writes, STORE_MAX_RECORDS bytes of records among them;
 *          beyond that journal records are dropped and counted, state never: while the
 *          disk fails, of the writes to one row only the last
 *          is kept, and deletions beyond the ceiling are dropped (such a row is found
 *          expired at the next start).
 * Journal: trimmed from its old end, a slice a batch, by age and by the bytes of its rows;
 *          the room is used again.
 * Schema:  tables silences, told, alert_log, rule_alerts, rule_files, open_deliveries,
 *          journal; see schema.c, man/tocsin-journal.5, and alert_entry.h for what is in
 *          the log.
 *          Times are milliseconds since 1970 UTC unless they are text.
 */
#pragma once
#include "engine/event.h"

#define STORE_MAX_QUEUE	  500000
#define STORE_MAX_RECORDS ((size_t)64 * 1024 * 1024)

struct store;
struct store_options {
	const char *folder;	 /* made when absent */
	span_ms journal_age;	 /* 0: 30 days */
	int64_t journal_bytes;	 /* 0: 256 MiB */
	double (*seconds)(void); /* a steady clock, to time batches; NULL: they are not */
};
struct store_visitor {
	void *ctx;
	void (*silence)(void *ctx, const struct silence *);
	void (*told)(void *ctx, const struct told *);
	void (*alert)(void *ctx, const struct alert *);
	void (*rule_alert)(void *ctx, const struct rule_alert *);
	void (*rule_file)(void *ctx, const char *path, const char *text);
	/* a notification whose outcome an earlier life did not hear */
	void (*open)(void *ctx, const struct open_delivery *);
	/* a row that cannot be read: it is left alone */
	void (*broken)(void *ctx, const char *table, const char *key, const char *why);
};

/* With those above it. */
bool store_make_folder(const char *folder, struct err *) MUST_USE;
/* notes gets a line when a damaged file was set aside, else stays empty. */
struct store *store_open(const struct store_options *, wall_ms now, struct buf *notes,
			 struct err *) MUST_USE;
/* False and err when the file cannot be read to its end; *is_damaged when that is because
 * it is no whole database. What was given to the visitor until then stands. */
bool store_load(struct store *, const struct store_visitor *, bool *is_damaged,
		struct err *) MUST_USE;
/* What was read of the file is damaged: another takes its place. store_health counts it;
 * then all state (EVENT_SAVE_ALL, and rule files) has to be saved again, and store_seal
 * called. Only then the damaged file is renamed, the new one put in its place, and what
 * waits for the disk answered. */
void store_found_damage(struct store *);
void store_seal(struct store *);
/* Writes all that is queued, then ends the thread. False: something could not be written.
 */
bool store_close(struct store *);

void store_save_silence(struct store *, const struct silence *);
void store_forget_silence(struct store *, const char *id);
void store_save_told(struct store *, const struct told *);
void store_forget_told(struct store *, uint64_t number);
/* is_known: an older one of it is there, which this one outlives. */
void store_save_alert(struct store *, const struct alert *, bool is_known);
void store_forget_alert(struct store *, uint64_t fingerprint);
void store_save_rule_alert(struct store *, const char *key, const struct rule_alert *);
void store_forget_rule_alert(struct store *, const char *key);
void store_save_rule_file(struct store *, const char *path, struct str text);
void store_forget_rule_file(struct store *, const char *path);
void store_save_open(struct store *, const struct open_delivery *);
void store_forget_open(struct store *, const char *id);
void store_record(struct store *, const struct record *);

/* done is called from store_poll once all that was queued so far is on the disk (true) or
 * could not be written (false). */
void store_sync(struct store *, void (*done)(void *arg, bool ok), void *arg);
/* The same of open deliveries and what was told, with the alerts and records queued before
 * them, alone: a notification waits, and these overtake all else. */
void store_sync_ledger(struct store *, void (*done)(void *arg, bool ok), void *arg);
/* The same of posted alerts; they survive the end of the process at once, and a loss of
 * power a second later. */
void store_sync_alerts(struct store *, void (*done)(void *arg, bool ok), void *arg);
int store_fd(
	const struct store *); /* readable: call store_poll, the health may be another */
void store_poll(struct store *);

struct store_health {
	uint64_t batches, writes, failures, dropped_records;
	size_t queued, queued_bytes; /* the latter of records and alerts */
	size_t bytes;		     /* of the database file */
	size_t cache_bytes;	     /* in memory, of pages and statements */
	double seconds;		     /* spent on batches */
	struct {
		int64_t rows, bytes; /* the latter without the oldest row's */
		wall_ms oldest_at;   /* 0: there is none */
	} journal;
	char error[200];   /* "": the last batch succeeded */
	unsigned renewals; /* how often a new file was begun for a damaged one */
	char damage[200];  /* for people: of the last time */
};
struct store_health store_health(struct store *);
