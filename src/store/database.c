#include "base/base.h"
#include "store/database.h"
#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LONG_LOG    1000 /* pages */
#define LONGEST_LOG 2000
#define FOLD_AGAIN  1000 /* ms */

mono_ms steady_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* -- the file ------------------------------------------------------------------------- */

static bool prepare_all(struct database *d, struct err *err)
{
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(d->db, statement_sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &d->statements[i],
				       NULL) != SQLITE_OK)
			return err_set(err, (struct pos){d->path, 0, 0}, "%s",
				       sqlite3_errmsg(d->db));
	}
	return true;
}

/* Neither ever gets shorter while it is open. */
static bool is_same(const char *path, struct stat *before)
{
	struct stat now;

	if (stat(path, &now))
		return !before->st_ino;
	if (before->st_ino &&
	    (now.st_ino != before->st_ino || now.st_dev != before->st_dev ||
	     now.st_size < before->st_size))
		return false;
	*before = now;
	return true;
}

static int note_log(void *arg, sqlite3 *db, const char *name, int pages)
{
	(void)db, (void)name;
	((struct database *)arg)->log_pages = pages;
	return SQLITE_OK;
}

bool database_open(struct database *d, const char *path, bool *is_damaged, struct err *err)
{
	*d = (struct database){.path = path, .is_full = true, .wal_fd = -1};
	d->db = schema_open(path, is_damaged, err);
	if (!d->db)
		return false;
	sqlite3_wal_hook(d->db, note_log, d);
	if (prepare_all(d, err)) {
		is_same(d->path, &d->file);
		return true;
	}
	*is_damaged = database_found_damage(d);
	database_close(d);
	return false;
}

void database_close(struct database *d)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(d->statements[i]);
	sqlite3_close(d->db);
	if (d->db && d->wal_fd >= 0)
		close(d->wal_fd);
	*d = (struct database){.path = d->path, .wal_fd = -1};
}

bool database_set_aside(const char *path, const char *why, wall_ms now, struct buf *notes,
			struct err *err)
{
	struct arena mem = {0};
	const char *aside = arena_printf(&mem, "%s.damaged-%lld", path, (long long)now);
	bool ok = !rename(path, aside) || errno == ENOENT;

	if (ok) {
		rename(arena_printf(&mem, "%s-wal", path),
		       arena_printf(&mem, "%s-wal", aside));
		unlink(arena_printf(&mem, "%s-shm", path));
		buf_addf(notes,
			 "%s was damaged (%s); it is kept as %s and a new one is begun",
			 path, why, aside);
	} else {
		err_sys(err, (struct pos){path, 0, 0}, "damaged, and cannot be set aside");
	}
	arena_free(&mem);
	return ok;
}

bool database_take_new(const char *path, const char *new_path)
{
	return !access(path, F_OK) || access(new_path, F_OK) || !rename(new_path, path);
}

void database_remove(const char *path)
{
	struct arena mem = {0};

	unlink(path);
	unlink(arena_printf(&mem, "%s-wal", path));
	unlink(arena_printf(&mem, "%s-shm", path));
	arena_free(&mem);
}

bool database_is_there(struct database *d)
{
	struct arena mem = {0};
	bool ok = is_same(d->path, &d->file) &&
		  is_same(arena_printf(&mem, "%s-wal", d->path), &d->wal);

	arena_free(&mem);
	return ok;
}

bool database_found_damage(const struct database *d)
{
	int code = sqlite3_errcode(d->db);

	return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

/* -- transactions --------------------------------------------------------------------- */

static bool run(struct database *d, const char *sql)
{
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

bool database_begin(struct database *d, bool synced)
{
	if (d->is_full != synced) {
		if (!run(d, synced ? "PRAGMA synchronous = FULL"
				   : "PRAGMA synchronous = NORMAL"))
			return false;
		d->is_full = synced;
	}
	return run(d, "BEGIN IMMEDIATE");
}

bool database_commit(struct database *d)
{
	if (!run(d, "COMMIT"))
		return false;
	if (d->is_full)
		d->unsynced_since = 0;
	else if (!d->unsynced_since)
		d->unsynced_since = steady_now();
	return true;
}

bool database_fold_is_due(const struct database *d, bool is_quiet)
{
	return d->log_pages >= (is_quiet ? LONG_LOG : LONGEST_LOG) &&
	       (!d->unfolded_at || steady_now() - d->unfolded_at >= FOLD_AGAIN);
}

bool database_fold(struct database *d, struct err *err)
{
	int code = sqlite3_wal_checkpoint_v2(d->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
					     NULL);

	if (code == SQLITE_OK || code == SQLITE_BUSY) {
		d->log_pages = 0; /* else the next commit says */
		d->unfolded_at = 0;
		return true;
	}
	d->unfolded_at = steady_now();
	return err_set(err, NOWHERE, "%s", sqlite3_errmsg(d->db));
}

void database_roll_back(struct database *d)
{
	run(d, "ROLLBACK");
}

bool database_is_sync_due(const struct database *d)
{
	return d->unsynced_since && steady_now() - d->unsynced_since >= DATABASE_LASTING;
}

/* Only a commit syncs the log, and there is nothing to commit. */
bool database_make_last(struct database *d)
{
	struct arena mem = {0};

	if (d->wal_fd < 0)
		d->wal_fd = open(arena_printf(&mem, "%s-wal", d->path),
				 O_RDONLY | O_CLOEXEC);
	arena_free(&mem);
	if (d->wal_fd < 0 || fdatasync(d->wal_fd))
		return false;
	d->unsynced_since = 0;
	return true;
}
