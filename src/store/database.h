/* database.h - the writer's connection: its file, prepared statements, and transactions
 * that are synced or not.
 *
 * A commit survives the end of the process. To survive a loss of power it has to be synced,
 * which takes most of its time. A synced commit takes those before it along.
 *
 * Inside store/ only; one thread at a time.
 */
#pragma once
#include "base/buf.h"
#include "base/time.h"
#include "store/schema.h"

#include <sys/stat.h>

#define DATABASE_LASTING 1000 /* ms until a commit is due to be synced */

struct database {
	const char *path; /* borrowed */
	sqlite3 *db;	  /* NULL: it is not open */
	sqlite3_stmt *statements[STATEMENTS];
	bool is_full;		/* commits are synced: PRAGMA synchronous */
	mono_ms unsynced_since; /* of commits that were not; 0: there are none */
	int wal_fd;		/* to sync them */
	int log_pages;		/* of the log, since it was last folded in */
	mono_ms unfolded_at;	/* when that failed; 0: it did not */
	struct stat file, wal;	/* as they were when last looked at; st_ino 0: not yet */
};

/* Makes the file, or brings its schema up to date. False and err when it cannot be;
 * *is_damaged when the file is no (whole) database. */
bool database_open(struct database *, const char *path, bool *is_damaged,
		   struct err *) MUST_USE;
void database_close(struct database *);
/* A closed one: the file and its log keep their content under another name. notes gets a
 * line that says so, with why; false and err: it cannot be. */
bool database_set_aside(const char *path, const char *why, wall_ms now, struct buf *notes,
			struct err *) MUST_USE;

/* The file that replaces another is put in its place, if that is free. False: it cannot be;
 * true also when there is none. One beside another is unfinished, and left alone. */
bool database_take_new(const char *path, const char *new_path);
/* With its log, if it is there. */
void database_remove(const char *path);
/* Whether the file that is open is still the one at the path, and not shorter. */
bool database_is_there(struct database *) MUST_USE;

bool database_begin(struct database *, bool synced) MUST_USE;
bool database_commit(struct database *) MUST_USE;
void database_roll_back(struct database *);
/* Syncs what was committed without. */
bool database_make_last(struct database *) MUST_USE;
bool database_is_sync_due(const struct database *);
/* What the log has goes into the database, which takes tens of milliseconds: best once the
 * log is long (8 MB) and nobody waits, at the latest when it is very long (16 MB). Somebody
 * who reads may hold some of it back. False and err: it cannot be done, and the log grows
 * as long as that lasts; it is due again a second later. */
bool database_fold_is_due(const struct database *, bool is_quiet);
bool database_fold(struct database *, struct err *) MUST_USE;
/* Of the last call that failed. */
bool database_found_damage(const struct database *);

/* Milliseconds of a clock that nobody sets. */
mono_ms steady_now(void);
