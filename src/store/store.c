#include "base/base.h"
#include "store/store.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/database.h"
#include "store/entry_pack.h"
#include "store/journal_span.h"
#include "store/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define GATHER_MS     50 /* a write that nobody waits for may wait for company */
#define PACE_MS	      5	 /* from commit to commit of what was told, while no one waits */
#define RETRY_MS      1000
#define LOOK_EVERY    200	       /* writes, for somebody in a hurry */
#define TRIM_MS	      20	       /* between slices that are trimmed for themselves */
#define IDLE_MS	      (10 * 60 * 1000) /* between looks for rows that grew old */
#define DEFAULT_AGE   (30 * DAY)
#define DEFAULT_BYTES ((int64_t)256 * 1024 * 1024)
#define SEAL	      STATEMENTS   /* not one */
#define ENTRIES	      (256 * 1024) /* bytes of alerts in a row of their log */
#define USUAL_ENTRY   500	   /* bytes */

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

enum renewal {
	RENEWAL_NONE,
	RENEWAL_WANTED,	 /* the file is damaged */
	RENEWAL_FILLING, /* another is open; the engine's state is on its way to it */
};

struct store {
	char *path;
	struct database db;	    /* the writer's, once it runs */
	struct alert_log alert_log; /* the writer's, once it runs */
	pthread_t writer;
	int wake_fd, report_fd;
	int lock_fd; /* the folder, locked while we run */
	struct journal_limits limits;
	/* the writer's own */
	struct journal_span span;
	struct buf packed; /* entries of alerts, on their way into a row */
	enum renewal renewal;
	char damage[200];	 /* why */
	bool is_sealed;		 /* the seal is in the batch under way */
	char *new_path;		 /* of the file that is to replace it */
	double (*seconds)(void); /* NULL: nothing is timed */
	mono_ms committed_at;	 /* the last batch */

	pthread_mutex_t mtx;
	/* shared, under mtx */
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
	bool hurries;
	size_t n_queued, record_bytes; /* the latter of queued records */
	bool urgent; /* somebody was told: a repeat would follow if this were lost */
	bool stopping, failed_at_end;
	bool told_damage; /* somebody who read the file said so */
	struct store_health health;
	wall_ms now;	/* of the last record, for trimming */
	mono_ms set_at; /* when it was that time */
};

/* -- the time -------------------------------------------------------------------------
 * Rows grow old also while nothing is written. */

void store_set_now(struct store *s, wall_ms now)
{
	mono_ms at = steady_now();

	pthread_mutex_lock(&s->mtx);
	s->now = now;
	s->set_at = at;
	pthread_mutex_unlock(&s->mtx);
}

static wall_ms time_now(struct store *s)
{
	mono_ms at = steady_now();
	wall_ms now;

	pthread_mutex_lock(&s->mtx);
	now = s->now + (at - s->set_at);
	pthread_mutex_unlock(&s->mtx);
	return now;
}

/* -- queueing ------------------------------------------------------------------------- */

static void wake(int fd)
{
	uint64_t one = 1;
	ssize_t n UNUSED = write(fd, &one, sizeof(one));
}

static void drain(int fd)
{
	uint64_t count;
	ssize_t n UNUSED = read(fd, &count, sizeof(count));
}

/* What was told goes along, so that no delivery is closed on disk whose outcome is not; so
 * do alerts and records, in one row with the ledger: nobody is told on disk of an alert
 * that is not there, and the journal keeps its order. */
static bool is_of_ledger(enum statement what)
{
	return what == SAVE_OPEN || what == FORGET_OPEN || what == SAVE_TOLD ||
	       what == FORGET_TOLD || what == APPEND_ALERTS || what == ADD_RECORD;
}

/* Under mtx: into the queue, behind what it must not overtake. */
static void put_in(struct store *s, struct write *w)
{
	struct write **at = s->last;

	if (is_of_ledger(w->what)) {
		at = s->last_ledger ? &s->last_ledger->next : &s->first;
		s->last_ledger = w;
		w->number = ++s->queued_ledger;
	} else {
		w->number = ++s->queued;
	}
	w->next = *at;
	*at = w;
	if (!w->next)
		s->last = &w->next;
	s->n_queued++;
}

/* Under mtx: what was gathered of alerts becomes a write. */
static void push_entries(struct store *s)
{
	struct write *w;
	size_t n;

	if (!s->entries.n)
		return;
	w = mem_new(sizeof(*w) + sizeof(w->cells[0]));
	w->what = APPEND_ALERTS;
	w->n = 1;
	w->entries = buf_take(&s->entries, &n);
	w->outlives = s->outlived;
	w->cells[0] = (struct cell){.kind = CELL_BLOB, .s = {w->entries, n}};
	put_in(s, w);
	s->entries = BUF(BUF_NO_LIMIT);
	s->outlived = 0;
}

void store_queue(struct store *s, enum statement what, const struct cell *cells, size_t n)
{
	size_t bytes = 0;
	struct write *w;
	bool was_empty, urgent = false;
	char *at;

	for (size_t i = 0; i < n; i++)
		bytes += cells[i].s.n;
	w = mem_resize(NULL, sizeof(*w) + n * sizeof(*cells) + bytes);
	*w = (struct write){.what = what, .n = n};
	at = (char *)&w->cells[n];
	for (size_t i = 0; i < n; i++) {
		w->cells[i] = cells[i];
		if (!cells[i].s.n)
			continue;
		memcpy(at, cells[i].s.p, cells[i].s.n);
		w->cells[i].s.p = at;
		at += cells[i].s.n;
	}
	pthread_mutex_lock(&s->mtx);
	was_empty = !s->first && !s->entries.n;
	if (what == ADD_RECORD && (s->n_queued >= STORE_MAX_QUEUE ||
				   s->record_bytes + bytes > STORE_MAX_RECORDS)) {
		s->health.dropped_records++;
		free(w);
	} else {
		s->record_bytes += what == ADD_RECORD ? bytes : 0;
		if (what == SAVE_OPEN)
			push_entries(s); /* of the alerts it tells of */
		put_in(s, w);
		urgent = what == SAVE_TOLD && !s->urgent;
		s->urgent = s->urgent || urgent;
	}
	pthread_mutex_unlock(&s->mtx);
	if (was_empty || urgent)
		wake(s->wake_fd);
}

/* alert NULL: the one with that fingerprint left. An older entry is as long as this one, or
 * as most. */
static void save_entry(struct store *s, const struct alert *alert, uint64_t fingerprint,
		       bool is_known)
{
	size_t before;
	bool was_empty;

	pthread_mutex_lock(&s->mtx);
	was_empty = !s->first && !s->entries.n;
	before = s->entries.n;
	if (alert)
		buf_add_entry(&s->entries, alert);
	else
		buf_add_farewell(&s->entries, fingerprint);
	if (is_known)
		s->outlived += alert ? s->entries.n - before : USUAL_ENTRY;
	if (s->entries.n >= ENTRIES)
		push_entries(s);
	pthread_mutex_unlock(&s->mtx);
	if (was_empty)
		wake(s->wake_fd);
}

void store_save_alert(struct store *s, const struct alert *alert, bool is_known)
{
	save_entry(s, alert, alert->labels->fingerprint, is_known);
}

void store_forget_alert(struct store *s, uint64_t fingerprint)
{
	save_entry(s, NULL, fingerprint, true);
}

static struct sync *new_sync(void (*done)(void *, bool), void *arg, bool lasting)
{
	struct sync *y = mem_new(sizeof(*y));

	y->done = done;
	y->arg = arg;
	y->lasting = lasting;
	return y;
}

void store_sync(struct store *s, void (*done)(void *, bool), void *arg)
{
	struct sync *y = new_sync(done, arg, true);

	pthread_mutex_lock(&s->mtx);
	push_entries(s);
	y->after = s->queued;
	y->after_ledger = s->queued_ledger;
	*s->last_waiting = y;
	s->last_waiting = &y->next;
	pthread_mutex_unlock(&s->mtx);
	wake(s->wake_fd);
}

static void sync_ledger(struct store *s, struct sync *y)
{
	pthread_mutex_lock(&s->mtx);
	push_entries(s);
	y->after_ledger = s->queued_ledger;
	*s->last_waiting_ledger = y;
	s->last_waiting_ledger = &y->next;
	__atomic_store_n(&s->hurries, true, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&s->mtx);
	wake(s->wake_fd);
}

void store_sync_ledger(struct store *s, void (*done)(void *, bool), void *arg)
{
	sync_ledger(s, new_sync(done, arg, true));
}

void store_sync_alerts(struct store *s, void (*done)(void *, bool), void *arg)
{
	sync_ledger(s, new_sync(done, arg, false));
}

int store_fd(const struct store *s)
{
	return s->report_fd;
}

void store_poll(struct store *s)
{
	struct sync *y, *next;

	drain(s->report_fd);
	pthread_mutex_lock(&s->mtx);
	y = s->reported;
	s->reported = NULL;
	s->last_reported = &s->reported;
	pthread_mutex_unlock(&s->mtx);
	for (; y; y = next) {
		next = y->next;
		y->done(y->arg, y->ok);
		free(y);
	}
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

/* -- the writer ----------------------------------------------------------------------- */

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

static int64_t record_bytes(const struct write *w)
{
	int64_t bytes = 64;

	for (size_t i = 0; i < w->n; i++)
		bytes += (int64_t)w->cells[i].s.n;
	return bytes;
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
	int64_t total = span->newest.total + record_bytes(w);

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

struct batch {
	struct write *first;
	uint64_t up_to, ledger_up_to;
	uint64_t awaited; /* somebody waits for the ledger up to there; 0: nobody */
	bool lasting;	  /* it has to survive a loss of power */
	size_t n;
	wall_ms now;
};

/* Under mtx: the syncs that a batch ends move to the reports. */
static bool report_list(struct store *s, struct sync **first, struct sync ***last,
			const struct batch *b, bool ok)
{
	bool any = false;

	while (*first && (*first)->after <= b->up_to &&
	       (*first)->after_ledger <= b->ledger_up_to &&
	       (b->lasting || !ok || !(*first)->lasting)) {
		struct sync *y = *first;

		*first = y->next;
		if (!*first)
			*last = first;
		y->next = NULL;
		y->ok = ok;
		*s->last_reported = y;
		s->last_reported = &y->next;
		any = true;
	}
	return any;
}

static void report(struct store *s, const struct batch *b, bool ok)
{
	bool any = report_list(s, &s->waiting_ledger, &s->last_waiting_ledger, b, ok);

	if (report_list(s, &s->waiting, &s->last_waiting, b, ok) || any)
		wake(s->report_fd);
}

static void free_write(struct write *w)
{
	free(w->entries);
	free(w);
}

static void free_batch(struct write *batch)
{
	struct write *next;

	for (; batch; batch = next) {
		next = batch->next;
		free_write(batch);
	}
}

static void sleep_until_woken(struct store *s, int ms)
{
	struct pollfd p = {.fd = s->wake_fd, .events = POLLIN};

	if (poll(&p, 1, ms) > 0)
		drain(s->wake_fd);
}

/* The batch ends before this write: somebody waits for what is done by then, or for some
 * of the ledger that came meanwhile, which may overtake the rest. */
static bool makes_room(struct store *s, const struct batch *b, const struct write *w)
{
	if (is_of_ledger(w->what))
		return b->awaited && w->number > b->awaited;
	return b->awaited || __atomic_load_n(&s->hurries, __ATOMIC_RELAXED);
}

static void want_renewal(struct store *s, const char *why)
{
	s->renewal = RENEWAL_WANTED;
	snprintf(s->damage, sizeof(s->damage), "%.*s", (int)sizeof(s->damage) - 1, why);
}

/* One transaction; all or nothing. Somebody in a hurry ends it early: *rest was not tried.
 */
static bool write_batch(struct store *s, const struct batch *b, const struct write **rest,
			struct err *err)
{
	bool ok = database_begin(&s->db, b->lasting);
	struct journal_span span = s->span;
	const struct write *w = b->first;

	for (size_t n = 1; ok && w; w = w->next, n++) {
		if (n % LOOK_EVERY == 0 && makes_room(s, b, w))
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
		want_renewal(s, err->text);
	database_roll_back(&s->db);
	s->is_sealed = false;
	return false;
}

/* Under mtx. */
static bool has_lasting(const struct sync *y)
{
	for (; y; y = y->next)
		if (y->lasting)
			return true;
	return false;
}

static struct batch take_batch(struct store *s)
{
	mono_ms at = steady_now();
	struct batch b;

	pthread_mutex_lock(&s->mtx);
	push_entries(s);
	b = (struct batch){.first = s->first,
			   .up_to = s->queued,
			   .ledger_up_to = s->queued_ledger,
			   .lasting = s->urgent || s->stopping || has_lasting(s->waiting) ||
				      has_lasting(s->waiting_ledger) ||
				      database_is_sync_due(&s->db),
			   .n = s->n_queued,
			   .now = s->now + (at - s->set_at)};
	for (const struct sync *y = s->waiting_ledger; y; y = y->next)
		b.awaited = y->after_ledger;
	__atomic_store_n(&s->hurries, false, __ATOMIC_RELAXED);
	if (s->first) {
		s->first = NULL;
		s->last_ledger = NULL;
		s->last = &s->first;
		s->n_queued = 0;
		s->record_bytes = 0;
		s->urgent = false;
	}
	pthread_mutex_unlock(&s->mtx);
	return b;
}

/* -- while the disk fails ------------------------------------------------------------- */

static bool is_of_row(const struct write *w)
{
	return w->what < ADD_RECORD;
}

static bool is_forget(const struct write *w)
{
	return is_of_row(w) && w->what % 2;
}

static struct str row_key(const struct write *w)
{
	const struct cell *c = &w->cells[0];

	return c->kind == CELL_INT ? (struct str){(const char *)&c->i, sizeof(c->i)} : c->s;
}

/* Of the writes to one row only the last counts. */
static void mark_superseded(struct write *batch)
{
	struct map rows[ADD_RECORD / 2] = {0};

	for (struct write *w = batch; w; w = w->next) {
		struct write *before;

		if (!is_of_row(w))
			continue;
		before = map_find(&rows[w->what / 2], row_key(w));
		if (before)
			before->is_superseded = true;
		map_put(&rows[w->what / 2], row_key(w), w);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		map_free(&rows[i]);
}

static void note_entries(struct write *batch, struct last_entries *last)
{
	uint64_t number = 0;
	struct log_entry e;

	for (struct write *w = batch; w; w = w->next) {
		struct str rest = w->entries ? w->cells[0].s : STR("");

		while (entry_next(&rest, &e))
			last_entries_note(last, e.fingerprint, ++number);
	}
}

/* Of the entries of one alert only the last counts. */
static void shrink_entries(struct write *batch)
{
	struct last_entries last = {0};
	uint64_t number = 0;
	size_t farewells = 0;
	struct log_entry e;

	note_entries(batch, &last);
	for (struct write *w = batch; w; w = w->next) {
		struct str rest = w->entries ? w->cells[0].s : STR("");
		size_t kept = 0;

		if (!w->entries)
			continue;
		while (entry_next(&rest, &e)) {
			farewells += !e.content.n;
			if (++number != last_entries_find(&last, e.fingerprint) ||
			    (!e.content.n && farewells > STORE_MAX_QUEUE))
				continue;
			memmove(w->entries + kept, e.whole.p, e.whole.n);
			kept += e.whole.n;
		}
		w->cells[0].s.n = kept;
		w->is_superseded = !kept;
	}
	last_entries_free(&last);
}

/* Waiting must not cost more than one write a row, whatever the time. */
static void shrink(struct batch *b)
{
	struct write **link = &b->first, *w;
	size_t forgets = 0;

	mark_superseded(b->first);
	shrink_entries(b->first);
	b->n = 0;
	while ((w = *link)) {
		forgets += is_forget(w);
		if (w->is_superseded || (is_forget(w) && forgets > STORE_MAX_QUEUE)) {
			*link = w->next;
			free_write(w);
		} else {
			b->n++;
			link = &w->next;
		}
	}
}

struct left {
	size_t n, n_ledger; /* writes, and those of the ledger among them */
};

/* Under mtx: a list goes into the queue, at *at. */
static void put_list(struct store *s, struct write **at, struct write *first,
		     struct write *last)
{
	if (!first)
		return;
	last->next = *at;
	if (!last->next)
		s->last = &last->next;
	*at = first;
}

/* Under mtx: what a batch did not write goes back into the queue: before all that came
 * meanwhile, what is of the ledger before that of the ledger, the rest before the rest. */
static struct left put_back(struct store *s, struct write *first)
{
	struct write *rest = first, *last_ledger = NULL, *tail = NULL;
	struct left left = {0};

	for (struct write *w = first; w; w = w->next) {
		left.n++;
		if (w->what == ADD_RECORD)
			s->record_bytes += (size_t)record_bytes(w);
		if (is_of_ledger(w->what)) {
			left.n_ledger++;
			last_ledger = w;
			rest = w->next;
		}
		tail = w;
	}
	if (last_ledger) {
		put_list(s, &s->first, first, last_ledger);
		s->last_ledger = s->last_ledger ? s->last_ledger : last_ledger;
	}
	put_list(s, s->last_ledger ? &s->last_ledger->next : &s->first, rest, tail);
	s->n_queued += left.n;
	return left;
}

/* The part of the batch from rest on, which is cut off it. */
static struct write *cut_off(struct batch *b, const struct write *rest)
{
	struct write **link = &b->first, *first;

	while (*link != rest)
		link = &(*link)->next;
	first = *link;
	*link = NULL;
	return first;
}

static bool is_idle(struct store *s, bool *stopping)
{
	bool idle;

	pthread_mutex_lock(&s->mtx);
	if (s->told_damage && s->renewal == RENEWAL_NONE)
		want_renewal(s, "a reader found damage");
	s->told_damage = false;
	idle = !s->first && !s->entries.n && !s->waiting && !s->waiting_ledger &&
	       s->renewal != RENEWAL_WANTED;
	*stopping = s->stopping;
	pthread_mutex_unlock(&s->mtx);
	return idle;
}

/* How long the next batch may wait for company. */
static int patience(struct store *s)
{
	mono_ms since = steady_now() - s->committed_at;
	int ms = GATHER_MS;

	pthread_mutex_lock(&s->mtx);
	if (s->waiting || s->waiting_ledger || s->stopping)
		ms = 0;
	else if (s->urgent)
		ms = since < PACE_MS ? (int)(PACE_MS - since) : 0;
	pthread_mutex_unlock(&s->mtx);
	return ms;
}

/* Under mtx, once the writer runs. */
static void note_span(struct store *s)
{
	s->health.journal.rows = span_rows(&s->span);
	s->health.journal.bytes = span_bytes(&s->span);
	s->health.journal.oldest_at = s->span.oldest.at;
}

/* -- a damaged file -------------------------------------------------------------------
 * Another takes its place once all that the engine knows is in it, which a seal in the
 * queue says; until then a start finds the damaged one, and reads of it what it can. */

static bool begin_anew(struct store *s, struct err *err)
{
	bool damaged;

	alert_log_forget(&s->alert_log);
	database_close(&s->db);
	database_remove(s->new_path);
	if (!database_open(&s->db, s->new_path, &damaged, err))
		return false;
	s->alert_log = (struct alert_log){.db = s->db.db};
	s->span = (struct journal_span){0};
	s->renewal = RENEWAL_FILLING;
	s->is_sealed = false;
	pthread_mutex_lock(&s->mtx);
	s->health.renewals++;
	snprintf(s->health.damage, sizeof(s->health.damage), "%s", s->damage);
	wake(s->report_fd);
	pthread_mutex_unlock(&s->mtx);
	return true;
}

/* The file that holds all takes the place of the damaged one. */
static bool finish_renewal(struct store *s, struct err *err)
{
	struct buf notes = BUF(2000);
	bool damaged, ok;

	s->is_sealed = false;
	if (s->renewal != RENEWAL_FILLING)
		return true;
	alert_log_forget(&s->alert_log);
	database_close(&s->db);
	ok = database_set_aside(s->path, s->damage, time_now(s), &notes, err) &&
	     (database_take_new(s->path, s->new_path) ||
	      err_sys(err, (struct pos){s->new_path, 0, 0}, "cannot be renamed")) &&
	     database_open(&s->db, s->path, &damaged, err);
	fsync(s->lock_fd); /* the names last, too */
	buf_free(&notes);
	if (!ok) {
		s->renewal = RENEWAL_WANTED;
		return false;
	}
	s->alert_log = (struct alert_log){.db = s->db.db};
	s->renewal = RENEWAL_NONE;
	return true;
}

void store_found_damage(struct store *s)
{
	pthread_mutex_lock(&s->mtx);
	s->told_damage = true;
	pthread_mutex_unlock(&s->mtx);
	wake(s->wake_fd);
}

void store_seal(struct store *s)
{
	store_queue(s, SEAL, NULL, 0);
}

/* False and err: the disk did not take the batch. */
static bool try_batch(struct store *s, const struct batch *b, const struct write **rest,
		      struct err *err)
{
	if (b->lasting && s->renewal == RENEWAL_NONE && !database_is_there(&s->db)) {
		want_renewal(s, "it is gone, or another file");
		return err_set(err, NOWHERE, "%s", s->damage);
	}
	if (b->first || span_is_due(&s->span, &s->limits, b->now)) {
		if (!write_batch(s, b, rest, err))
			return false;
	} else if (b->lasting && s->db.unsynced_since && !database_make_last(&s->db)) {
		return err_set(err, NOWHERE, "%s", strerror(errno));
	}
	return !s->is_sealed || finish_renewal(s, err);
}

/* False when the disk does not take it. */
static bool write_one_batch(struct store *s)
{
	struct batch b = take_batch(s);
	struct err err;
	double began = s->seconds ? s->seconds() : 0, took;
	const struct write *rest = b.first;
	bool ok, renews = s->renewal == RENEWAL_WANTED;
	struct left left = {0};

	ok = (!renews || begin_anew(s, &err)) && try_batch(s, &b, &rest, &err);
	took = s->seconds ? s->seconds() - began : 0;
	s->committed_at = steady_now();
	if (!ok)
		shrink(&b);
	pthread_mutex_lock(&s->mtx);
	if (!s->health.error[0] != ok)
		wake(s->report_fd); /* whoever asks for the health should look */
	snprintf(s->health.error, sizeof(s->health.error), "%.*s",
		 (int)sizeof(s->health.error) - 1, ok ? "" : err.text);
	note_span(s);
	if (ok) {
		left = put_back(s, cut_off(&b, rest));
		s->health.batches += b.first != NULL;
		s->health.seconds += b.first ? took : 0;
		s->health.writes += b.n - left.n;
	} else {
		s->health.failures++;
		put_back(s, b.first);
	}
	b.up_to -= left.n - left.n_ledger;
	b.ledger_up_to -= left.n_ledger;
	/* What is in an unfinished file does not count yet; damage is no failure before a
	 * new file was tried. */
	if (ok ? s->renewal == RENEWAL_NONE : renews || s->renewal != RENEWAL_WANTED)
		report(s, &b, ok);
	pthread_mutex_unlock(&s->mtx);
	if (ok) {
		for (const struct write *w = b.first; w; w = w->next)
			s->alert_log.outlived += w->outlives;
		free_batch(b.first);
	}
	return ok;
}

/* A slice of what keeps the log of alerts small. */
static void tidy(struct store *s)
{
	if (database_begin(&s->db, false) && alert_log_tidy(&s->alert_log) &&
	    database_commit(&s->db))
		return;
	database_roll_back(&s->db);
	alert_log_forget(&s->alert_log); /* until more is outlived */
}

static bool trims(struct store *s)
{
	return span_is_due(&s->span, &s->limits, time_now(s));
}

static void *write_all(void *arg)
{
	struct store *s = arg;
	enum renewal was;
	bool stopping;
	int wait;

	for (;;) {
		bool idle = is_idle(s, &stopping);

		if (idle && stopping)
			return NULL;
		if (alert_log_is_untidy(&s->alert_log) && !stopping)
			tidy(s);
		else if (idle)
			sleep_until_woken(s, trims(s)		    ? TRIM_MS
					     : s->db.unsynced_since ? DATABASE_LASTING
								    : IDLE_MS);
		if (idle && (!is_idle(s, &stopping) ||
			     (!trims(s) && !database_is_sync_due(&s->db))))
			continue;
		if (!idle && (wait = patience(s)))
			sleep_until_woken(s, wait);
		was = s->renewal;
		if (write_one_batch(s)) {
			if (s->renewal == RENEWAL_FILLING && stopping)
				return NULL; /* nobody is left to fill it */
			if (s->renewal == RENEWAL_FILLING)
				sleep_until_woken(s, GATHER_MS);
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

/* -- opening and closing -------------------------------------------------------------- */

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
	free_batch(s->first);
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
		note_span(s);
	if (pthread_create(&s->writer, NULL, write_all, s))
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
	wake(s->wake_fd);
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

sqlite3 *store_db(struct store *s)
{
	return s->db.db;
}
