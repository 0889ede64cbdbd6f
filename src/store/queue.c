#include "base/base.h"
#include "store/parts.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES	    (256 * 1024) /* bytes of alerts in a row of their log */
#define USUAL_ENTRY 500		 /* bytes */
#define GATHER_MS   50		 /* a write that nobody waits for may wait for company */
/* Between commits that are synced, one after the other: a lone one comes at once. */
#define PACE_MS	     2	/* of open deliveries, for which somebody waits, in a crowd */
#define TOLD_PACE_MS 10 /* of what was told, for which nobody does */

/* -- the order --------------------------------------------------------------------- */

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
	s->n_open += w->what == SAVE_OPEN;
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

/* -- what the caller saves --------------------------------------------------------- */

static size_t bytes_of(const struct cell *cells, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += cells[i].s.n;
	return bytes;
}

static struct write *new_write(enum statement what, const struct cell *cells, size_t n)
{
	struct write *w = mem_resize(NULL,
				     sizeof(*w) + n * sizeof(*cells) + bytes_of(cells, n));
	char *at = (char *)&w->cells[n];

	*w = (struct write){.what = what, .n = n};
	for (size_t i = 0; i < n; i++) {
		w->cells[i] = cells[i];
		if (!cells[i].s.n)
			continue;
		memcpy(at, cells[i].s.p, cells[i].s.n);
		w->cells[i].s.p = at;
		at += cells[i].s.n;
	}
	return w;
}

void store_queue(struct store *s, enum statement what, const struct cell *cells, size_t n)
{
	struct write *w = new_write(what, cells, n);
	size_t bytes = bytes_of(cells, n);
	bool was_empty, urgent = false;

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
		eventfd_wake(s->wake_fd);
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
		eventfd_wake(s->wake_fd);
}

void store_save_alert(struct store *s, const struct alert *alert, bool is_known)
{
	save_entry(s, alert, alert->labels->fingerprint, is_known);
}

void store_forget_alert(struct store *s, uint64_t fingerprint)
{
	save_entry(s, NULL, fingerprint, true);
}

void store_seal(struct store *s)
{
	store_queue(s, SEAL, NULL, 0);
}

/* -- who waits for the disk -------------------------------------------------------- */

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
	eventfd_wake(s->wake_fd);
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
	eventfd_wake(s->wake_fd);
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

	eventfd_drain(s->report_fd);
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

/* -- what the writer takes --------------------------------------------------------- */

/* Under mtx. */
static bool has_lasting(const struct sync *y)
{
	for (; y; y = y->next)
		if (y->lasting)
			return true;
	return false;
}

/* Under mtx: somebody waits only for what survives the process. */
static bool has_passing(const struct sync *y)
{
	for (; y; y = y->next)
		if (!y->lasting)
			return true;
	return false;
}

mono_ms queue_due(const struct store *s, mono_ms now)
{
	if (s->waiting || s->stopping || has_passing(s->waiting_ledger))
		return now;
	if (s->waiting_ledger)
		return s->crowded_at + PACE_MS;
	return s->urgent ? s->told_at + TOLD_PACE_MS : now + GATHER_MS;
}

struct batch queue_take(struct store *s)
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
			   .tells = s->urgent,
			   .n_open = s->n_open,
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
		s->n_open = 0;
		s->record_bytes = 0;
		s->urgent = false;
	}
	pthread_mutex_unlock(&s->mtx);
	return b;
}

bool batch_makes_room(struct store *s, const struct batch *b, const struct write *w)
{
	if (is_of_ledger(w->what))
		return b->awaited && w->number > b->awaited;
	return b->awaited || __atomic_load_n(&s->hurries, __ATOMIC_RELAXED);
}

struct write *batch_cut_off(struct batch *b, const struct write *rest)
{
	struct write **link = &b->first, *first;

	while (*link != rest)
		link = &(*link)->next;
	first = *link;
	*link = NULL;
	return first;
}

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

struct left queue_put_back(struct store *s, struct write *first)
{
	struct write *rest = first, *last_ledger = NULL, *tail = NULL;
	struct left left = {0};

	for (struct write *w = first; w; w = w->next) {
		left.n++;
		if (w->what == ADD_RECORD)
			s->record_bytes += (size_t)write_bytes(w);
		s->urgent = s->urgent || w->what == SAVE_TOLD;
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

void queue_report(struct store *s, const struct batch *b, bool ok)
{
	bool any = report_list(s, &s->waiting_ledger, &s->last_waiting_ledger, b, ok);

	if (report_list(s, &s->waiting, &s->last_waiting, b, ok) || any)
		eventfd_wake(s->report_fd);
}

int64_t write_bytes(const struct write *w)
{
	int64_t bytes = 64;

	for (size_t i = 0; i < w->n; i++)
		bytes += (int64_t)w->cells[i].s.n;
	return bytes;
}

void write_free(struct write *w)
{
	free(w->entries);
	free(w);
}

void writes_free(struct write *batch)
{
	struct write *next;

	for (; batch; batch = next) {
		next = batch->next;
		write_free(batch);
	}
}
