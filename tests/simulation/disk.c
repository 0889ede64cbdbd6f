#include "base/base.h"
#include "simulation/sim.h"
#include "store/journal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* Writes are queued in order and reach the disk in order, some time later; a kill loses
 * those that had not. Behind the queue stands a map of rows, or the real store, which then
 * gets its writes and has them committed exactly when the model says so. */

struct write {
	struct write *next;
	uint64_t number;
	struct arena mem;
	struct action action; /* what it points to is in mem */
	const char *row;      /* what it writes or takes away; NULL: a record */
};

struct disk {
	struct write *first, **last;
	uint64_t queued, has;
	struct map rows;	     /* struct write by row */
	VEC(struct write *) records; /* that are committed */
	const char *folder;	     /* of the real store; NULL: there is none */
	struct store *store;
	struct arena mem;
};

/* -- copies --------------------------------------------------------------------------- */

static struct matchers copy_matchers(struct arena *mem, const struct matchers *m)
{
	struct matchers copy = {ARENA_ARRAY(mem, struct matcher, m->n), m->n};

	for (size_t i = 0; i < m->n; i++) {
		if (!matcher_new(mem, m->v[i].op, str_of(m->v[i].name),
				 str_of(m->v[i].value), &copy.v[i], NULL))
			BUG("a matcher that was good is bad");
	}
	return copy;
}

static const struct silence *copy_silence(struct arena *mem, const struct silence *from)
{
	struct silence *s = ARENA_NEW(mem, struct silence);

	*s = *from;
	s->matchers = copy_matchers(mem, &from->matchers);
	s->created_by = arena_text(mem, from->created_by);
	s->comment = arena_text(mem, from->comment);
	s->annotations = labels_copy(mem, from->annotations);
	return s;
}

static const uint64_t *copy_numbers(struct arena *mem, const uint64_t *from, size_t n)
{
	uint64_t *v = ARENA_ARRAY(mem, uint64_t, n);

	if (n)
		memcpy(v, from, n * sizeof(*v));
	return v;
}

static const struct told *copy_told(struct arena *mem, const struct told *from)
{
	struct told *t = ARENA_NEW(mem, struct told);

	*t = *from;
	t->group_key = arena_text(mem, from->group_key);
	t->receiver = arena_text(mem, from->receiver);
	t->integration = arena_text(mem, from->integration);
	t->firing = copy_numbers(mem, from->firing, from->n_firing);
	t->resolved = copy_numbers(mem, from->resolved, from->n_resolved);
	t->maybe = copy_numbers(mem, from->maybe, from->n_maybe);
	t->memory = NULL;
	t->n_memory = 0;
	return t;
}

static const struct alert *copy_alert(struct arena *mem, const struct alert *from)
{
	struct alert *a = ARENA_NEW(mem, struct alert);

	*a = *from;
	a->labels = labels_copy(mem, from->labels);
	a->annotations = labels_copy(mem, from->annotations);
	a->generator_url = arena_text(mem, from->generator_url);
	return a;
}

static const struct rule_alert *copy_rule_alert(struct arena *mem,
						const struct rule_alert *from)
{
	struct rule_alert *a = ARENA_NEW(mem, struct rule_alert);

	*a = *from;
	a->file = arena_text(mem, from->file);
	a->group = arena_text(mem, from->group);
	a->rule = arena_text(mem, from->rule);
	a->rule_labels = labels_copy(mem, from->rule_labels);
	a->labels = labels_copy(mem, from->labels);
	a->annotations = labels_copy(mem, from->annotations);
	return a;
}

static const struct open_delivery *copy_open(struct arena *mem,
					     const struct open_delivery *from)
{
	struct open_delivery *o = ARENA_NEW(mem, struct open_delivery);

	*o = *from;
	o->id = arena_text(mem, from->id);
	o->group_key = arena_text(mem, from->group_key);
	o->receiver = arena_text(mem, from->receiver);
	o->integration = arena_text(mem, from->integration);
	o->firing = copy_numbers(mem, from->firing, from->n_firing);
	o->resolved = copy_numbers(mem, from->resolved, from->n_resolved);
	return o;
}

static void copy_record_alerts(struct arena *mem, struct record *r)
{
	struct record_alert *v = ARENA_ARRAY(mem, struct record_alert, r->n_alerts);

	for (size_t i = 0; i < r->n_alerts; i++) {
		v[i] = r->alerts[i];
		v[i].labels = labels_copy(mem, v[i].labels);
	}
	r->alerts = v;
}

static void copy_decisions(struct arena *mem, struct record *r)
{
	struct record_decision *v = ARENA_ARRAY(mem, struct record_decision,
						r->n_decisions);

	for (size_t i = 0; i < r->n_decisions; i++) {
		v[i] = r->decisions[i];
		v[i].receiver = arena_text(mem, v[i].receiver);
		v[i].integration = arena_text(mem, v[i].integration);
		v[i].delivery = arena_text(mem, v[i].delivery);
	}
	r->decisions = v;
}

static void copy_mutes(struct arena *mem, struct record *r)
{
	struct record_mute *v = ARENA_ARRAY(mem, struct record_mute, r->n_mutes);

	for (size_t i = 0; i < r->n_mutes; i++) {
		v[i] = r->mutes[i];
		v[i].by = arena_text(mem, v[i].by);
		v[i].rule = arena_text(mem, v[i].rule);
		v[i].source = v[i].source ? labels_copy(mem, v[i].source) : NULL;
		v[i].alerts = copy_numbers(mem, v[i].alerts, v[i].n);
	}
	r->mutes = v;
}

static const struct record *copy_record(struct arena *mem, const struct record *from)
{
	struct record *r = ARENA_NEW(mem, struct record);
	const char **texts[] = {&r->group_key, &r->receiver, &r->integration, &r->delivery,
				&r->error,     &r->from,     &r->by,	      &r->file,
				&r->group,     &r->rule,     &r->expr,	      &r->change,
				&r->hash};

	*r = *from;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		*texts[i] = arena_text(mem, *texts[i]);
	copy_record_alerts(mem, r);
	copy_decisions(mem, r);
	copy_mutes(mem, r);
	r->firing = copy_numbers(mem, from->firing, from->n_firing);
	r->resolved = copy_numbers(mem, from->resolved, from->n_resolved);
	if (from->silence)
		r->silence = copy_silence(mem, from->silence);
	return r;
}

/* -- the queue ------------------------------------------------------------------------ */

static const char *fingerprint_text(struct arena *mem, uint64_t fingerprint)
{
	return arena_printf(mem, "alert %016llx", (unsigned long long)fingerprint);
}

static const char *told_row(struct arena *mem, uint64_t number)
{
	return arena_printf(mem, "told %llu", (unsigned long long)number);
}

/* Copies what the action points to, and names the row that it is about. */
static void take_content(struct write *w, const struct action *from)
{
	struct arena *mem = &w->mem;
	struct action *a = &w->action;

	*a = *from;
	a->key = arena_text(mem, from->key);
	switch ((int)from->kind) {
	case ACTION_SAVE_SILENCE:
		a->silence = copy_silence(mem, from->silence);
		w->row = arena_printf(mem, "silence %s", a->silence->id);
		break;
	case ACTION_FORGET_SILENCE:
		w->row = arena_printf(mem, "silence %s", a->key);
		break;
	case ACTION_SAVE_TOLD:
		a->told = copy_told(mem, from->told);
		w->row = told_row(mem, a->told->number);
		break;
	case ACTION_FORGET_TOLD:
		w->row = told_row(mem, a->number);
		break;
	case ACTION_SAVE_ALERT:
		a->alert = copy_alert(mem, from->alert);
		w->row = fingerprint_text(mem, a->alert->labels->fingerprint);
		break;
	case ACTION_FORGET_ALERT:
		w->row = fingerprint_text(mem, a->fingerprint);
		break;
	case ACTION_SAVE_RULE_ALERT:
		a->rule_alert = copy_rule_alert(mem, from->rule_alert);
		w->row = arena_printf(mem, "rule %s", a->key);
		break;
	case ACTION_FORGET_RULE_ALERT:
		w->row = arena_printf(mem, "rule %s", a->key);
		break;
	case ACTION_SAVE_OPEN:
		a->open = copy_open(mem, from->open);
		w->row = arena_printf(mem, "open %s", a->open->id);
		break;
	case ACTION_FORGET_OPEN:
		w->row = arena_printf(mem, "open %s", a->key);
		break;
	case ACTION_RECORD:
		a->record = copy_record(mem, from->record);
		break;
	default:
		BUG("no write: %d", (int)from->kind);
	}
}

uint64_t disk_take(struct disk *d, const struct action *a)
{
	struct write *w = mem_new(sizeof(*w));

	take_content(w, a);
	w->number = ++d->queued;
	*d->last = w;
	d->last = &w->next;
	return w->number;
}

uint64_t disk_take_record(struct disk *d, const struct record *r)
{
	return disk_take(d, &(struct action){.kind = ACTION_RECORD, .record = r});
}

uint64_t disk_forget_open(struct disk *d, const char *id)
{
	return disk_take(d, &(struct action){.kind = ACTION_FORGET_OPEN, .key = id});
}

uint64_t disk_queued(const struct disk *d)
{
	return d->queued;
}

uint64_t disk_has(const struct disk *d)
{
	return d->has;
}

static void write_free(struct write *w)
{
	if (!w)
		return;
	arena_free(&w->mem);
	free(w);
}

/* -- commits -------------------------------------------------------------------------- */

static bool is_save(enum action_kind kind)
{
	return kind == ACTION_SAVE_SILENCE || kind == ACTION_SAVE_TOLD ||
	       kind == ACTION_SAVE_ALERT || kind == ACTION_SAVE_RULE_ALERT ||
	       kind == ACTION_SAVE_OPEN;
}

static void give_to_store(struct store *s, const struct action *a)
{
	switch ((int)a->kind) {
	case ACTION_SAVE_SILENCE:
		store_save_silence(s, a->silence);
		break;
	case ACTION_FORGET_SILENCE:
		store_forget_silence(s, a->key);
		break;
	case ACTION_SAVE_TOLD:
		store_save_told(s, a->told);
		break;
	case ACTION_FORGET_TOLD:
		store_forget_told(s, a->number);
		break;
	case ACTION_SAVE_ALERT:
		store_save_alert(s, a->alert, a->is_known);
		break;
	case ACTION_FORGET_ALERT:
		store_forget_alert(s, a->fingerprint);
		break;
	case ACTION_SAVE_RULE_ALERT:
		store_save_rule_alert(s, a->key, a->rule_alert);
		break;
	case ACTION_FORGET_RULE_ALERT:
		store_forget_rule_alert(s, a->key);
		break;
	case ACTION_SAVE_OPEN:
		store_save_open(s, a->open);
		break;
	case ACTION_FORGET_OPEN:
		store_forget_open(s, a->key);
		break;
	default:
		store_record(s, a->record);
	}
}

static void note_synced(void *arg, bool ok)
{
	ASSERT(ok);
	*(bool *)arg = true;
}

static void wait_for_store(struct store *s)
{
	struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
	bool done = false;

	store_sync(s, note_synced, &done);
	while (!done) {
		poll(&p, 1, 1000);
		store_poll(s);
	}
}

static void carry_out(struct disk *d, struct write *w)
{
	if (d->store)
		give_to_store(d->store, &w->action);
	if (!w->row) {
		vec_push(&d->records, w);
		return;
	}
	write_free(map_del(&d->rows, str_of(w->row)));
	if (is_save(w->action.kind))
		map_put(&d->rows, str_of(w->row), w);
	else
		write_free(w);
}

void disk_commit(struct disk *d, uint64_t up_to)
{
	bool any = false;

	while (d->first && d->first->number <= up_to) {
		struct write *w = d->first;

		d->first = w->next;
		d->has = w->number;
		carry_out(d, w);
		any = true;
	}
	if (!d->first)
		d->last = &d->first;
	if (any && d->store)
		wait_for_store(d->store);
}

void disk_kill(struct disk *d)
{
	while (d->first) {
		struct write *next = d->first->next;

		write_free(d->first);
		d->first = next;
	}
	d->last = &d->first;
	d->has = d->queued; /* numbers that were lost are not given again */
}

/* -- opening and reading -------------------------------------------------------------- */

static void open_store(struct disk *d, wall_ms now)
{
	struct store_options options = {.folder = d->folder};
	struct buf notes = BUF(1000);
	struct err err = {0};

	store_close(d->store);
	d->store = store_open(&options, now, &notes, &err);
	if (!d->store || notes.n)
		BUG("the store: %s%s", err.text, buf_text(&notes));
	buf_free(&notes);
}

struct disk *disk_new(const char *folder)
{
	struct disk *d = mem_new(sizeof(*d));

	d->last = &d->first;
	d->folder = arena_text(&d->mem, folder);
	return d;
}

static void read_store(struct disk *d, const struct store_visitor *v, wall_ms now)
{
	struct err err = {0};
	bool damaged;

	open_store(d, now);
	if (!store_load(d->store, v, &damaged, &err))
		BUG("the store: %s", err.text);
}

void disk_load(struct disk *d, const struct store_visitor *v, wall_ms now)
{
	struct write *w;

	if (d->folder) {
		read_store(d, v, now);
		return;
	}
	for (size_t at = 0; (w = map_next(&d->rows, &at));) {
		const struct action *a = &w->action;

		if (a->kind == ACTION_SAVE_SILENCE)
			v->silence(v->ctx, a->silence);
		else if (a->kind == ACTION_SAVE_TOLD)
			v->told(v->ctx, a->told);
		else if (a->kind == ACTION_SAVE_ALERT)
			v->alert(v->ctx, a->alert);
		else if (a->kind == ACTION_SAVE_RULE_ALERT)
			v->rule_alert(v->ctx, a->rule_alert);
		else
			v->open(v->ctx, a->open);
	}
}

static void read_journal(struct disk *d, void (*see)(void *, const struct record *),
			 void *arg)
{
	const struct journal_query all = {
		.from = 0, .to = NEVER, .most = 10000000, .patience = HOUR};
	struct arena mem = {0};
	struct journal_rows rows;
	struct err err = {0};
	struct journal *j = journal_open(d->folder, &err);

	if (!j || !journal_read(j, &all, &mem, &rows, &err))
		BUG("the journal: %s", err.text);
	for (size_t i = 0; i < rows.n; i++)
		see(arg, &rows.v[i].record);
	journal_close(j);
	arena_free(&mem);
}

void disk_journal(struct disk *d, void (*see)(void *, const struct record *), void *arg)
{
	if (d->folder) {
		read_journal(d, see, arg);
		return;
	}
	for (size_t i = 0; i < d->records.n; i++)
		see(arg, d->records.v[i]->action.record);
}

size_t disk_records(const struct disk *d)
{
	return d->folder ? 0 : d->records.n;
}

const struct record *disk_record(const struct disk *d, size_t i, uint64_t *number)
{
	*number = d->records.v[i]->number;
	return d->records.v[i]->action.record;
}

size_t disk_rows(const struct disk *d, struct buf *names)
{
	struct write *w;

	for (size_t at = 0; (w = map_next(&d->rows, &at));)
		buf_addf(names, "%s\n", w->row);
	return d->rows.n;
}

void disk_free(struct disk *d)
{
	struct write *w;

	disk_kill(d);
	store_close(d->store);
	for (size_t at = 0; (w = map_next(&d->rows, &at));)
		write_free(w);
	for (size_t i = 0; i < d->records.n; i++)
		write_free(d->records.v[i]);
	map_free(&d->rows);
	vec_free(&d->records);
	arena_free(&d->mem);
	free(d);
}
