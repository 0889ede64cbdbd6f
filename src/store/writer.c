#include "base/base.h"
#include "store/parts.h"
#include "store/entry_pack.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#define FILL_MS	   50 /* for more of what fills a new file */
#define QUIET_MS   2  /* before what takes a while, and nobody waits for */
#define RETRY_MS   1000
#define LOOK_EVERY 200		    /* writes, for somebody in a hurry */
#define TRIM_MS	   20		    /* between slices that are trimmed for themselves */
#define IDLE_MS	   (10 * 60 * 1000) /* between looks for rows that grew old */

/* -- a write ----------------------------------------------------------------------- */

static void bind_cell(sqlite3_stmt *st, int i, const struct cell *c)
{
	switch (c->kind) {
	case CELL_NULL:
		sqlite3_bind_null(st, i);
		break;
	case CELL_INT:
		sqlite3_bind_int64(st, i, c->i);
		break;
	case CELL_REAL:
		sqlite3_bind_double(st, i, c->d);
		break;
	case CELL_TEXT:
		sqlite3_bind_text64(st, i, c->s.n ? c->s.p : "", c->s.n, SQLITE_STATIC,
				    SQLITE_UTF8);
		break;
	case CELL_BLOB:
		sqlite3_bind_blob64(st, i, c->s.n ? c->s.p : "", c->s.n, SQLITE_STATIC);
		break;
	}
}

static bool run(sqlite3_stmt *st)
{
	bool ok = sqlite3_step(st) == SQLITE_DONE;

	sqlite3_reset(st);
	return ok;
}

/* A record, bound but for its last column. */
static bool add_record(struct store *s, const struct write *w, struct journal_span *span)
{
	int64_t total = span->newest.total + write_bytes(w);

	sqlite3_bind_int64(s->db.statements[ADD_RECORD], (int)w->n + 1, total);
	if (!run(s->db.statements[ADD_RECORD]))
		return false;
	span->newest = (struct journal_end){.id = sqlite3_last_insert_rowid(s->db.db),
					    .total = total,
					    .at = w->cells[0].i};
	if (!span->oldest.id)
		span->oldest = span->newest;
	return true;
}

static void bind_packed(struct store *s, sqlite3_stmt *st, struct str entries)
{
	buf_reset(&s->packed);
	buf_add_packed(&s->packed, entries);
	sqlite3_bind_blob64(st, 1, s->packed.p, s->packed.n, SQLITE_STATIC);
}

static bool carry_out(struct store *s, const struct write *w, struct journal_span *span)
{
	sqlite3_stmt *st;

	if (w->what == SEAL) {
		s->is_sealed = true;
		return true;
	}
	st = s->db.statements[w->what];
	for (size_t i = 0; i < w->n; i++)
		bind_cell(st, (int)i + 1, &w->cells[i]);
	if (w->what == APPEND_ALERTS)
		bind_packed(s, st, w->cells[0].s);
	return w->what == ADD_RECORD ? add_record(s, w, span) : run(st);
}

/* -- a batch ----------------------------------------------------------------------- */

/* One transaction; all or nothing. Somebody in a hurry ends it early: *rest was not tried.
 */
static bool write_batch(struct store *s, const struct batch *b, const struct write **rest,
			struct err *err)
{
	bool ok = database_begin(&s->db, b->lasting);
	struct journal_span span = s->span;
	const struct write *w = b->first;

	for (size_t n = 1; ok && w; w = w->next, n++) {
		if (n % LOOK_EVERY == 0 && batch_makes_room(s, b, w))
			break;
		ok = carry_out(s, w, &span);
	}
	*rest = w;
	ok = ok && span_trim(&span, &s->limits, b->now, s->db.statements[OLDEST_RECORDS],
			     s->db.statements[TRIM_RECORDS]);
	if (ok && database_commit(&s->db)) {
		s->span = span;
		return true;
	}
	err_set(err, NOWHERE, "%s", sqlite3_errmsg(s->db.db));
	if (database_found_damage(&s->db))
		renewal_want(s, err->text);
	database_roll_back(&s->db);
	s->is_sealed = false;
	return false;
}

/* False and err: the disk did not take the batch. */
static bool try_batch(struct store *s, const struct batch *b, const struct write **rest,
		      struct err *err)
{
	if (b->lasting && s->renewal == RENEWAL_NONE && !database_is_there(&s->db)) {
		renewal_want(s, "it is gone, or another file");
		return err_set(err, NOWHERE, "%s", s->damage);
	}
	if (b->first || span_is_due(&s->span, &s->limits, b->now)) {
		if (!write_batch(s, b, rest, err))
			return false;
	} else if (b->lasting && s->db.unsynced_since && !database_make_last(&s->db)) {
		return err_set(err, NOWHERE, "%s", strerror(errno));
	}
	return !s->is_sealed || renewal_finish(s, err);
}

/* Under mtx: of the last batch; "": it succeeded. */
static void note_error(struct store *s, const char *error)
{
	if (!s->health.error[0] != !error[0])
		eventfd_wake(s->report_fd); /* whoever asks for the health should look */
	snprintf(s->health.error, sizeof(s->health.error), "%.*s",
		 (int)sizeof(s->health.error) - 1, error);
}

/* False when the disk does not take it. */
static bool write_one_batch(struct store *s)
{
	struct batch b = queue_take(s);
	struct err err;
	double began = s->seconds ? s->seconds() : 0, took;
	const struct write *rest = b.first;
	bool ok, renews = s->renewal == RENEWAL_WANTED;
	struct left left = {0};

	ok = (!renews || renewal_begin(s, &err)) && try_batch(s, &b, &rest, &err);
	took = s->seconds ? s->seconds() - began : 0;
	if (b.n_open >= CROWD)
		s->crowded_at = steady_now();
	if (b.tells)
		s->told_at = steady_now();
	if (!ok)
		batch_shrink(&b);
	pthread_mutex_lock(&s->mtx);
	note_error(s, ok ? s->unfolded : err.text);
	store_note_span(s);
	if (ok) {
		left = queue_put_back(s, batch_cut_off(&b, rest));
		s->health.batches += b.first != NULL;
		s->health.seconds += b.first ? took : 0;
		s->health.writes += b.n - left.n;
	} else {
		s->health.failures++;
		queue_put_back(s, b.first);
	}
	b.up_to -= left.n - left.n_ledger;
	b.ledger_up_to -= left.n_ledger;
	/* What is in an unfinished file does not count yet; damage is no failure before a
	 * new file was tried. */
	if (ok ? s->renewal == RENEWAL_NONE : renews || s->renewal != RENEWAL_WANTED)
		queue_report(s, &b, ok);
	pthread_mutex_unlock(&s->mtx);
	if (ok) {
		for (const struct write *w = b.first; w; w = w->next)
			s->alert_log.outlived += w->outlives;
		writes_free(b.first);
	}
	return ok;
}

/* -- the thread -------------------------------------------------------------------- */

static bool is_idle(struct store *s, bool *stopping)
{
	bool idle;

	pthread_mutex_lock(&s->mtx);
	if (s->told_damage && s->renewal == RENEWAL_NONE)
		renewal_want(s, "a reader found damage");
	s->told_damage = false;
	idle = !s->first && !s->entries.n && !s->waiting && !s->waiting_ledger &&
	       s->renewal != RENEWAL_WANTED;
	*stopping = s->stopping;
	pthread_mutex_unlock(&s->mtx);
	return idle;
}

/* Under db_mtx: a slice of what keeps the log of alerts small. */
static void tidy(struct store *s)
{
	if (!alert_log_is_untidy(&s->alert_log))
		return;
	if (database_begin(&s->db, false) && alert_log_tidy(&s->alert_log) &&
	    database_commit(&s->db))
		return;
	database_roll_back(&s->db);
	alert_log_forget(&s->alert_log); /* until more is outlived */
}

/* Under db_mtx. */
static void fold(struct store *s, bool is_quiet)
{
	struct err err;
	bool ok;

	if (!database_fold_is_due(&s->db, is_quiet))
		return;
	ok = database_fold(&s->db, &err);
	snprintf(s->unfolded, sizeof(s->unfolded), "%.*s", (int)sizeof(s->unfolded) - 1,
		 ok ? "" : err.text);
	if (!ok && database_found_damage(&s->db))
		renewal_want(s, s->unfolded);
	pthread_mutex_lock(&s->mtx);
	s->health.failures += !ok;
	note_error(s, s->unfolded);
	pthread_mutex_unlock(&s->mtx);
}

static bool trims(struct store *s)
{
	return span_is_due(&s->span, &s->limits, store_now(s));
}

static void sleep_until_woken(struct store *s, int ms)
{
	struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};

	if (poll(&p, 1, ms) > 0)
		eventfd_drain(s->wake_fd);
}

static void wait_for_company(struct store *s)
{
	mono_ms began = steady_now(), wait;

	do {
		pthread_mutex_lock(&s->mtx);
		wait = queue_due(s, began) - steady_now();
		pthread_mutex_unlock(&s->mtx);
		if (wait > 0)
			sleep_until_woken(s, (int)wait);
	} while (wait > 0);
}

static int idle_time(struct store *s)
{
	if (trims(s))
		return TRIM_MS;
	if (database_fold_is_due(&s->db, true))
		return QUIET_MS;
	if (s->unfolded[0])
		return RETRY_MS;
	return s->db.unsynced_since ? DATABASE_LASTING : IDLE_MS;
}

/* False when the disk does not take it. */
static bool write_and_fold(struct store *s)
{
	bool ok;

	pthread_mutex_lock(&s->db_mtx);
	ok = write_one_batch(s);
	if (ok)
		fold(s, false);
	pthread_mutex_unlock(&s->db_mtx);
	return ok;
}

void *writer_run(void *arg)
{
	struct store *s = arg;
	enum renewal was;
	bool stopping;

	for (;;) {
		bool idle = is_idle(s, &stopping);

		if (idle && stopping)
			return NULL;
		if (alert_log_is_untidy(&s->alert_log) && !stopping) {
			pthread_mutex_lock(&s->db_mtx);
			tidy(s);
			pthread_mutex_unlock(&s->db_mtx);
		} else if (idle) {
			sleep_until_woken(s, idle_time(s));
		}
		if (idle && !is_idle(s, &stopping))
			continue;
		if (idle && !trims(s) && !database_is_sync_due(&s->db)) {
			pthread_mutex_lock(&s->db_mtx);
			fold(s, true);
			pthread_mutex_unlock(&s->db_mtx);
			continue;
		}
		if (!idle)
			wait_for_company(s);
		was = s->renewal;
		if (write_and_fold(s)) {
			if (s->renewal == RENEWAL_FILLING && stopping)
				return NULL; /* nobody is left to fill it */
			if (s->renewal == RENEWAL_FILLING)
				sleep_until_woken(s, FILL_MS);
			continue;
		}
		if (s->renewal == RENEWAL_WANTED && was != RENEWAL_WANTED && !stopping)
			continue;
		if (stopping) { /* tried once more than it could: give up */
			s->failed_at_end = true;
			return NULL;
		}
		sleep_until_woken(s, RETRY_MS);
	}
}
