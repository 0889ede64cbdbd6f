#include "base/base.h"
#include "store/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_AGE   (30 * DAY)
#define DEFAULT_BYTES ((int64_t)256 * 1024 * 1024)

/* -- what both threads know -------------------------------------------------------- */

void eventfd_wake(int fd)
{
	uint64_t one = 1;
	ssize_t n UNUSED = write(fd, &one, sizeof(one));
}

void eventfd_drain(int fd)
{
	uint64_t count;
	ssize_t n UNUSED = read(fd, &count, sizeof(count));
}

void store_set_now(struct store *s, wall_ms now)
{
	mono_ms at = steady_now();

	pthread_mutex_lock(&s->mtx);
	s->now = now;
	s->set_at = at;
	pthread_mutex_unlock(&s->mtx);
}

wall_ms store_now(struct store *s)
{
	mono_ms at = steady_now();
	wall_ms now;

	pthread_mutex_lock(&s->mtx);
	now = s->now + (at - s->set_at);
	pthread_mutex_unlock(&s->mtx);
	return now;
}

void store_note_span(struct store *s)
{
	s->health.journal.rows = span_rows(&s->span);
	s->health.journal.bytes = span_bytes(&s->span);
	s->health.journal.oldest_at = s->span.oldest.at;
}

struct store_health store_health(struct store *s)
{
	struct store_health h;
	struct stat file;

	pthread_mutex_lock(&s->mtx);
	h = s->health;
	h.queued = s->n_queued;
	h.queued_bytes = s->record_bytes + s->entries.n;
	h.cache_bytes = (size_t)sqlite3_memory_used();
	pthread_mutex_unlock(&s->mtx);
	if (!fstatat(s->lock_fd, DATABASE, &file, 0))
		h.bytes = (size_t)file.st_size;
	return h;
}

/* -- opening and closing ----------------------------------------------------------- */

static bool make_folders(struct arena *mem, const char *path, struct err *err)
{
	char *text = (char *)(uintptr_t)arena_text(mem, path);

	for (char *p = text + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = 0;
		if (mkdir(text, 0750) && errno != EEXIST)
			return err_sys(err, (struct pos){path, 0, 0},
				       "cannot make the folder");
		*p = c;
		if (!c)
			return true;
	}
}

bool store_make_folder(const char *folder, struct err *err)
{
	struct arena mem = {0};
	bool ok = make_folders(&mem, folder, err);

	arena_free(&mem);
	return ok;
}

static bool open_or_set_aside(struct store *s, wall_ms now, struct buf *notes,
			      struct err *err)
{
	char why[sizeof(err->text)];
	bool damaged;

	database_take_new(s->path, s->new_path);
	if (database_open(&s->db, s->path, &damaged, err))
		return true;
	snprintf(why, sizeof(why), "%s", err->text);
	return damaged && database_set_aside(s->path, why, now, notes, err) &&
	       database_open(&s->db, s->path, &damaged, err);
}

static void release(struct store *s)
{
	database_close(&s->db);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	if (s->report_fd >= 0)
		close(s->report_fd);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s->new_path);
	pthread_mutex_destroy(&s->mtx);
	pthread_mutex_destroy(&s->db_mtx);
	writes_free(s->first);
	buf_free(&s->entries);
	buf_free(&s->packed);
	alert_log_forget(&s->alert_log);
	free(s);
}

/* Two daemons on one folder would each take the other's word for their own. */
static bool lock_folder(struct store *s, const char *folder, struct err *err)
{
	struct pos at = {folder, 0, 0};

	s->lock_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock_fd < 0)
		return err_sys(err, at, "cannot open");
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return err_set(err, at, "another tocsind uses this folder");
	return true;
}

static bool open_all(struct store *s, const struct store_options *o, wall_ms now,
		     struct buf *notes, struct err *err)
{
	if (s->wake_fd < 0 || s->report_fd < 0)
		return err_sys(err, NOWHERE, "eventfd");
	if (!store_make_folder(o->folder, err) || !lock_folder(s, o->folder, err) ||
	    !open_or_set_aside(s, now, notes, err))
		return false;
	s->alert_log.db = s->db.db;
	if (span_find(s->db.statements[OLDEST_RECORDS], s->db.statements[NEWEST_RECORDS],
		      &s->span))
		store_note_span(s);
	if (pthread_create(&s->writer, NULL, writer_run, s))
		return err_set(err, NOWHERE, "cannot start the writer thread");
	return true;
}

struct store *store_open(const struct store_options *o, wall_ms now, struct buf *notes,
			 struct err *err)
{
	struct store *s = mem_new(sizeof(*s));
	struct arena mem = {0};
	static char kept_path[4096]; /* errors name it after this returns */

	s->path = mem_text(arena_printf(&mem, "%s/" DATABASE, o->folder));
	s->new_path = mem_text(arena_printf(&mem, "%s/" DATABASE ".new", o->folder));
	arena_free(&mem);
	s->last = &s->first;
	s->entries = BUF(BUF_NO_LIMIT);
	s->packed = BUF(BUF_NO_LIMIT);
	s->last_waiting = &s->waiting;
	s->last_waiting_ledger = &s->waiting_ledger;
	s->last_reported = &s->reported;
	s->limits.age = o->journal_age ? o->journal_age : DEFAULT_AGE;
	s->limits.bytes = o->journal_bytes ? o->journal_bytes : DEFAULT_BYTES;
	s->seconds = o->seconds;
	s->lock_fd = -1;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->report_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&s->mtx, NULL);
	pthread_mutex_init(&s->db_mtx, NULL);
	store_set_now(s, now);
	if (open_all(s, o, now, notes, err))
		return s;
	if (err && err->at.file == s->path) {
		snprintf(kept_path, sizeof(kept_path), "%s", s->path);
		err->at.file = kept_path;
	}
	release(s);
	return NULL;
}

bool store_close(struct store *s)
{
	bool ok;

	if (!s)
		return true;
	pthread_mutex_lock(&s->mtx);
	s->stopping = true;
	pthread_mutex_unlock(&s->mtx);
	eventfd_wake(s->wake_fd);
	pthread_join(s->writer, NULL);
	store_poll(s);
	ok = !s->failed_at_end;
	release(s);
	return ok;
}

struct alert_log *store_alert_log(struct store *s)
{
	return &s->alert_log;
}

void store_lock_db(struct store *s)
{
	pthread_mutex_lock(&s->db_mtx);
}

void store_unlock_db(struct store *s)
{
	pthread_mutex_unlock(&s->db_mtx);
}

sqlite3 *store_db(struct store *s)
{
	return s->db.db;
}
