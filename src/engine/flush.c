#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

/* One flush of one group, from the list of its alerts to the wish to deliver
 * (spec/routing.md 4.5, 5, 6). Each alert that falls out and each integration that is not
 * told leaves a record with its reason. */

#define SHORTEST_PATIENCE (10 * SECOND)

struct pick { /* an alert on its way through the pipeline */
	struct member *member;
	bool resolved;
};
struct pipeline {
	struct engine *e;
	struct group *g;
	struct flush *f;
	struct pick *v;
	size_t n;
	wall_ms now;
	struct record *record; /* of all that is decided on the way */
	uint64_t *muted;       /* fingerprints; room for all */
	size_t n_muted;
	const struct inhibit_rule *named; /* the last one that was, and its name */
	const char *name;
	VEC(struct record_mute) mutes;
	VEC(struct record_decision) decisions;
};

static int in_alert_order(const void *a, const void *b)
{
	const struct member *const *x = a, *const *y = b;

	return alert_cmp((*x)->alert->labels, (*y)->alert->labels);
}

static void sort_members(struct group *g)
{
	if (!g->sorted && g->members.n)
		qsort(g->members.v, g->members.n, sizeof(*g->members.v), in_alert_order);
	g->sorted = true;
}

static struct flush *flush_new(struct group *g, wall_ms now)
{
	struct flush *f = mem_new(sizeof(*f));

	f->group = g;
	f->at = now;
	f->deadline = now + MAX(g->route->group_interval, SHORTEST_PATIENCE);
	f->n_open = 1; /* the flush itself, until all branches are started */
	g->flush = f;
	return f;
}

/* Gives the sum of how often its alerts turned. */
static uint64_t take_all(struct pipeline *p)
{
	struct group *g = p->g;
	struct instant now = instant_of_ms(p->now);
	uint64_t turns = 0;

	sort_members(g);
	p->v = ARENA_ARRAY(p->e->mem, struct pick, g->members.n);
	p->f->resolved = ARENA_ARRAY(&p->f->mem, struct flush_alert, g->members.n);
	for (size_t i = 0; i < g->members.n; i++) {
		struct stored_alert *s = g->members.v[i]->alert;
		bool resolved = stored_alert_is_resolved(s, now);

		if (resolved)
			alert_ended(p->e, s);
		p->v[p->n++] = (struct pick){g->members.v[i], resolved};
		turns += s->turns;
		if (resolved)
			p->f->resolved[p->f->n_resolved++] = (struct flush_alert){
				stored_alert_ref(s), s->version};
	}
	return turns;
}

/* Neighbours with one cause share an entry: a piece of the list of all that are muted. */
static struct record_mute *note_muted(struct pipeline *p, const struct pick *pick,
				      enum reason reason, const char *by)
{
	struct record_mute *last = p->mutes.n ? &p->mutes.v[p->mutes.n - 1] : NULL;
	uint64_t *at = &p->muted[p->n_muted++];

	*at = pick->member->alert->fingerprint;
	if (last && last->reason == reason && !strcmp(last->by, by)) {
		last->n++;
		return last;
	}
	vec_push_in(p->e->mem, &p->mutes,
		    (struct record_mute){.reason = reason, .by = by, .alerts = at, .n = 1});
	return &p->mutes.v[p->mutes.n - 1];
}

static void note_inhibited(struct pipeline *p, const struct pick *pick,
			   const struct stored_alert *source,
			   const struct inhibit_rule *rule)
{
	const char *by = arena_printf(p->e->mem, "%016llx",
				      (unsigned long long)source->fingerprint);
	struct record_mute *m = note_muted(p, pick, MUTED_BY_INHIBITION, by);

	if (p->named != rule)
		p->name = inhibit_rule_text(p->e->mem, rule);
	p->named = rule;
	m->rule = p->name;
	m->source = source->labels;
}

static void leave_out_inhibited(struct pipeline *p)
{
	struct instant now = instant_of_ms(p->now);
	size_t kept = 0;

	if (!p->e->inhibitor)
		return;
	for (size_t i = 0; i < p->n; i++) {
		const struct labels *labels = p->v[i].member->alert->labels;
		const struct inhibit_rule *rule = NULL;
		const struct stored_alert *by = inhibitor_find(p->e, labels, now, &rule);

		if (!by) {
			p->v[kept++] = p->v[i];
			continue;
		}
		p->v[i].member->state = MEMBER_SUPPRESSED;
		p->e->counters.suppressed_inhibition++;
		note_inhibited(p, &p->v[i], by, rule);
	}
	p->n = kept;
}

static void set_muted_by(struct group *g, const struct time_interval *const *v, size_t n)
{
	free(g->muted_by);
	g->muted_by = n ? mem_new(n * sizeof(*g->muted_by)) : NULL;
	g->n_muted_by = n;
	for (size_t i = 0; i < n; i++)
		g->muted_by[i] = v[i]->name;
}

static bool contains_any(const struct time_interval *const *v, size_t n, wall_ms at)
{
	for (size_t i = 0; i < n; i++) {
		if (time_interval_contains(v[i], at))
			return true;
	}
	return false;
}

/* The mute intervals that contain the moment, a name once for each spec that does. */
static void set_muting(struct group *g, wall_ms at)
{
	const struct route *r = g->route;
	const struct time_interval **list;
	size_t n = 0, most = 0;

	for (size_t i = 0; i < r->n_mute; i++)
		most += r->mute[i]->n_specs;
	list = mem_new(most * sizeof(*list));
	for (size_t i = 0; i < r->n_mute; i++) {
		for (size_t k = 0; k < r->mute[i]->n_specs; k++) {
			if (interval_spec_contains(&r->mute[i]->specs[k], at))
				list[n++] = r->mute[i];
		}
	}
	set_muted_by(g, list, n);
	free(list);
}

static void leave_out_all(struct pipeline *p, enum reason reason, uint64_t *counter)
{
	const char *by = p->g->n_muted_by ? p->g->muted_by[0] : "";

	for (size_t i = 0; i < p->n; i++) {
		p->v[i].member->state = MEMBER_ACTIVE;
		note_muted(p, &p->v[i], reason, by);
	}
	*counter += p->n;
	p->n = 0;
}

static void leave_out_by_time(struct pipeline *p)
{
	const struct route *r = p->g->route;

	if (!p->n || PLANT(time_ignored))
		return;
	if (r->n_active && !contains_any((const struct time_interval *const *)r->active,
					 r->n_active, p->now)) {
		set_muted_by(p->g, (const struct time_interval *const *)r->active,
			     r->n_active);
		leave_out_all(p, MUTED_BY_INACTIVE, &p->e->counters.suppressed_inactive);
		return;
	}
	set_muting(p->g, p->now);
	if (p->g->n_muted_by)
		leave_out_all(p, MUTED_BY_TIME, &p->e->counters.suppressed_mute);
}

static void leave_out_silenced(struct pipeline *p)
{
	struct instant now = instant_of_ms(p->now);
	const struct stored_silence **by;
	size_t kept = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct labels *labels = p->v[i].member->alert->labels;

		if (!silences_matching(p->e, labels, now, p->e->mem, &by)) {
			p->v[i].member->state = MEMBER_ACTIVE;
			p->v[kept++] = p->v[i];
			continue;
		}
		if (PLANT(mute_is_resolve)) {
			p->v[i].resolved = true;
			p->v[kept++] = p->v[i];
			continue;
		}
		p->v[i].member->state = MEMBER_SUPPRESSED;
		p->e->counters.suppressed_silence++;
		note_muted(p, &p->v[i], MUTED_BY_SILENCE, by[0]->silence.id);
	}
	p->n = kept;
}

/* -- dedup (spec/routing.md 6.2) ------------------------------------------------------ */

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static const uint64_t *hashes_of(struct pipeline *p, bool resolved, size_t *n)
{
	uint64_t *v = ARENA_ARRAY(&p->f->mem, uint64_t, p->n);

	*n = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].resolved == resolved)
			v[(*n)++] = p->v[i].member->alert->fingerprint;
	}
	if (*n)
		qsort(v, *n, sizeof(*v), by_value);
	return v;
}

/* Both sorted. */
static bool is_subset(const uint64_t *some, size_t n_some, const uint64_t *all,
		      size_t n_all)
{
	size_t j = 0;

	for (size_t i = 0; i < n_some; i++, j++) {
		while (j < n_all && all[j] < some[i])
			j++;
		if (j == n_all || all[j] != some[i])
			return false;
	}
	return true;
}

/* One is over of which the receiver perhaps believes that it fires. */
static bool ends_a_doubt(const struct told *now, const struct told *last)
{
	for (size_t i = 0; i < last->n_maybe; i++) {
		if (is_subset(&last->maybe[i], 1, now->resolved, now->n_resolved))
			return true;
	}
	return false;
}

static enum reason decide(const struct told *now, const struct told *last,
			  bool send_resolved, wall_ms at, span_ms repeat)
{
	if (!last)
		return now->n_firing ? NOTIFY_FIRST : HELD_NOTHING_FIRED;
	if (!is_subset(now->firing, now->n_firing, last->firing, last->n_firing))
		return last->n_firing ? NOTIFY_NEW : NOTIFY_FIRST;
	if (!now->n_firing)
		return last->n_firing || ends_a_doubt(now, last) ? NOTIFY_RESOLVED
								 : HELD_NOTHING_FIRED;
	if (send_resolved &&
	    (!is_subset(now->resolved, now->n_resolved, last->resolved, last->n_resolved) ||
	     ends_a_doubt(now, last)))
		return NOTIFY_SOME_RESOLVED;
	if (PLANT(repeats_early))
		repeat /= 2;
	return last->at < at - repeat ? NOTIFY_REPEAT : HELD_NOTHING_NEW;
}

static void note_decision(struct pipeline *p, const struct told *t,
			  const struct integration_config *to, enum reason reason,
			  const char *delivery)
{
	vec_push_in(p->e->mem, &p->decisions,
		    (struct record_decision){t->receiver, t->integration, t->index, reason,
					     arena_text(p->e->mem, delivery),
					     to && !to->send_resolved});
}

/* -- the record of the flush ---------------------------------------------------------- */

static struct record *begin_record(struct pipeline *p)
{
	struct record *r = act_record(p->e, RECORD_FLUSH, REASON_NONE);
	uint64_t *firing = ARENA_ARRAY(p->e->mem, uint64_t, p->n);
	uint64_t *resolved = ARENA_ARRAY(p->e->mem, uint64_t, p->f->n_resolved);

	p->muted = ARENA_ARRAY(p->e->mem, uint64_t, p->n);
	r->group_key = arena_text(p->e->mem, p->g->key);
	r->receiver = p->g->route->receiver->name;
	r->next_at = p->g->timer.deadline.at;
	r->firing = firing;
	r->resolved = resolved;
	for (size_t i = 0; i < p->n; i++) {
		uint64_t fingerprint = p->v[i].member->alert->fingerprint;

		if (p->v[i].resolved)
			resolved[r->n_resolved++] = fingerprint;
		else
			firing[r->n_firing++] = fingerprint;
	}
	return r;
}

static uint64_t mix(uint64_t sum, uint64_t v)
{
	return (sum ^ v) * UINT64_C(0x9e3779b97f4a7c15) + (sum >> 29);
}

static uint64_t mix_text(uint64_t sum, const char *text)
{
	return mix(sum, str_fnv(FNV_START, str_of(text)));
}

/* What of the decisions has to be the same for a flush to tell nothing new. */
static uint64_t digest(const struct pipeline *p, uint64_t turns)
{
	const struct record *r = p->record;
	uint64_t sum = mix(turns, r->n_firing);

	for (size_t i = 0; i < r->n_firing; i++)
		sum = mix(sum, r->firing[i]);
	for (size_t i = 0; i < r->n_resolved; i++)
		sum = mix(sum, r->resolved[i]);
	for (size_t i = 0; i < r->n_mutes; i++) {
		sum = mix_text(mix(sum, r->mutes[i].reason), r->mutes[i].by);
		for (size_t k = 0; k < r->mutes[i].n; k++)
			sum = mix(sum, r->mutes[i].alerts[k]);
	}
	for (size_t i = 0; i < r->n_decisions; i++)
		sum = mix_text(mix(sum, r->decisions[i].reason), r->decisions[i].delivery);
	return sum ? sum : 1;
}

/* All were told of all, before the start or the reload that made the group anew: there is
 * nothing to say of its first flush. */
static bool goes_on_as_told(const struct pipeline *p)
{
	const struct record *r = p->record;

	if (!p->g->goes_on || p->g->decided || r->n_mutes || r->n_resolved)
		return false;
	for (size_t i = 0; i < r->n_decisions; i++) {
		if (r->decisions[i].reason != HELD_NOTHING_NEW)
			return false;
	}
	return r->n_decisions;
}

static void end_record(struct pipeline *p, uint64_t turns)
{
	struct record *r = p->record;
	struct group *g = p->g;
	bool tells = false;
	uint64_t decided;

	for (size_t i = 0; i < p->decisions.n; i++)
		tells = tells || p->decisions.v[i].delivery;
	r->mutes = p->mutes.v;
	r->n_mutes = p->mutes.n;
	r->decisions = p->decisions.v;
	r->n_decisions = p->decisions.n;
	r->unchanged = g->unchanged;
	r->unchanged_at = g->unchanged_at;
	decided = digest(p, turns);
	r->is_unchanged = !tells && (decided == g->decided || goes_on_as_told(p));
	g->decided = decided;
	g->flushed_at = p->now;
	if (!r->is_unchanged)
		g->recorded_at = p->now;
	g->unchanged = r->is_unchanged ? g->unchanged + 1 : 0;
	g->unchanged_at = r->is_unchanged ? p->now : 0;
}

/* -- branches ------------------------------------------------------------------------- */

static void borrow_alerts(struct pipeline *p)
{
	struct flush *f = p->f;

	if (f->told)
		return;
	f->told = ARENA_ARRAY(&f->mem, struct told_alert, p->n);
	for (size_t i = 0; i < p->n; i++) {
		struct stored_alert *s = p->v[i].member->alert;

		f->told[f->n_told++] = (struct told_alert){stored_alert_ref(s),
							   content_ref(s->content)};
	}
}

static void fill_alerts(struct pipeline *p, struct notification *n, bool send_resolved)
{
	struct notification_alert *v = ARENA_ARRAY(&p->f->mem, struct notification_alert,
						   p->n);

	borrow_alerts(p);
	n->alerts = v;
	for (size_t i = 0; i < p->n; i++) {
		const struct stored_alert *s = p->v[i].member->alert;
		bool resolved = p->v[i].resolved;

		if (resolved && !send_resolved && !PLANT(send_resolved_ignored))
			continue;
		n->firing = n->firing || !resolved;
		v[n->n_alerts++] = (struct notification_alert){
			.labels = s->labels,
			.annotations = s->content->annotations,
			.starts_at = s->starts_at,
			.ends_at = resolved ? s->ends_at : INSTANT_ZERO,
			.generator_url = s->content->generator_url,
			.resolved = resolved,
		};
	}
}

/* What the entry will say once this was sent. */
static struct told told_by(struct pipeline *p, const struct receiver *receiver,
			   const struct integration_config *to)
{
	struct told t = {
		.group_key = arena_text(&p->f->mem, p->g->key),
		.receiver = receiver->name,
		.integration = to->kind->name,
		.index = PLANT(wrong_index) ? 0 : to->index,
	};

	t.firing = hashes_of(p, false, &t.n_firing);
	t.resolved = hashes_of(p, true, &t.n_resolved);
	return t;
}

static const char *start_branch(struct pipeline *p, const struct receiver *receiver,
				const struct integration_config *to,
				const struct told *told, const char *key,
				const struct told *last, enum reason reason)
{
	struct delivery *d = delivery_new(p->e, p->f);
	struct notification *n = &d->notification;

	d->is_fallback = receiver != p->g->route->receiver;
	d->told = *told;
	d->told_key = arena_text(&p->f->mem, key);
	if (last && reason != NOTIFY_FIRST) {
		struct text_pair *memory = ARENA_ARRAY(&p->f->mem, struct text_pair,
						       last->n_memory);

		for (size_t i = 0; i < last->n_memory; i++) {
			memory[i].name = arena_text(&p->f->mem, last->memory[i].name);
			memory[i].text = arena_text(&p->f->mem, last->memory[i].text);
		}
		d->told.memory = memory;
		d->told.n_memory = last->n_memory;
	}
	*n = (struct notification){
		.receiver = receiver,
		.integration = to,
		.route = p->g->route,
		.group_key = told->group_key,
		.group_labels = labels_copy(&p->f->mem, p->g->labels),
		.reason = reason,
		.repeat_interval = p->g->route->repeat_interval,
		.at = p->now,
		.deadline = p->f->deadline,
		.memory = d->told.memory,
		.n_memory = d->told.n_memory,
	};
	fill_alerts(p, n, to->send_resolved);
	n->id = notification_id(&p->f->mem, key, n, last ? last->at : 0);
	delivery_start(p->e, d, p->now);
	return n->id;
}

static void branch(struct pipeline *p, const struct integration_config *to)
{
	const struct receiver *receiver = p->g->route->receiver;
	struct told told = told_by(p, receiver, to);
	const char *key = told_key(p->e->mem, &told);
	const struct told *last = told_find(p->e, key);
	enum reason reason = decide(&told, last, to->send_resolved, p->now,
				    p->g->route->repeat_interval);

	p->e->counters.told_queries++;
	p->e->counters.told_misses += !last;
	if (reason_is_told(reason) && !told.n_firing && !to->send_resolved) {
		counters_of(p->e, to->kind->name, told.receiver)->notifications++;
		note_decision(p, &told, to, HELD_RESOLVED_UNWANTED, NULL);
		told_set(p->e, key, &told, p->g->route->repeat_interval);
		return;
	}
	note_decision(p, &told, to, reason,
		      reason_is_told(reason)
			      ? start_branch(p, receiver, to, &told, key, last, reason)
			      : NULL);
}

/* Who stood in while the receiver failed, and holds it for firing, hears of the end, also
 * when the receiver works again. */
static void end_fallback(struct pipeline *p, const struct integration_config *to)
{
	const struct receiver *receiver = p->g->route->fallback;
	struct told told = told_by(p, receiver, to);
	const char *key = told_key(p->e->mem, &told);
	const struct told *last = told_find(p->e, key);

	if (last && (last->n_firing || ends_a_doubt(&told, last)) && !told.n_firing &&
	    to->send_resolved)
		note_decision(
			p, &told, to, NOTIFY_RESOLVED,
			start_branch(p, receiver, to, &told, key, last, NOTIFY_RESOLVED));
}

static void tell(struct pipeline *p)
{
	const struct receiver *r = p->g->route->receiver, *other = p->g->route->fallback;

	if (p->n && !r->n_integrations)
		note_decision(p, &(struct told){.receiver = r->name}, NULL,
			      HELD_NO_INTEGRATION, NULL);
	for (size_t i = 0; p->n && i < r->n_integrations; i++)
		branch(p, &r->integrations[i]);
	for (size_t i = 0; p->n && other && i < other->n_integrations; i++)
		end_fallback(p, &other->integrations[i]);
}

/* -- when a receiver gave up ---------------------------------------------------------- */

#define FALLBACK_NOTE "fallback" /* the annotation that says why */

static const struct labels *with_note(struct arena *mem, const struct labels *old,
				      const char *text)
{
	struct label *v = ARENA_ARRAY(mem, struct label, old->n + 1);
	size_t n = 0;

	for (size_t i = 0; i < old->n; i++) {
		if (strcmp(old->v[i].name, FALLBACK_NOTE))
			v[n++] = old->v[i];
	}
	v[n++] = (struct label){FALLBACK_NOTE, text};
	return labels_new_raw(mem, v, n, NULL);
}

static void fall_back_to(struct engine *e, const struct delivery *failed,
			 const struct integration_config *to, const char *text)
{
	struct flush *f = failed->flush;
	const struct route *route = failed->notification.route;
	struct told told = failed->told;
	struct notification_alert *alerts = ARENA_ARRAY(&f->mem, struct notification_alert,
							failed->notification.n_alerts);
	const struct told *last;
	struct delivery *d;
	const char *key;
	enum reason reason;

	told.receiver = route->fallback->name;
	told.integration = to->kind->name;
	told.index = to->index;
	told.memory = NULL;
	told.n_memory = 0;
	key = told_key(&f->mem, &told);
	last = told_find(e, key);
	reason = decide(&told, last, to->send_resolved, e->now, route->repeat_interval);
	if (!reason_is_told(reason))
		return;
	d = delivery_new(e, f);
	d->is_fallback = true;
	d->deadline = e->now + MAX(route->group_interval, SHORTEST_PATIENCE);
	d->told = told;
	d->told_key = key;
	d->notification = failed->notification;
	d->notification.receiver = route->fallback;
	d->notification.integration = to;
	d->notification.reason = reason;
	d->notification.deadline = d->deadline;
	d->notification.memory = NULL;
	d->notification.n_memory = 0;
	for (size_t i = 0; i < d->notification.n_alerts; i++) {
		alerts[i] = failed->notification.alerts[i];
		alerts[i].annotations = with_note(&f->mem, alerts[i].annotations, text);
	}
	d->notification.alerts = alerts;
	d->notification.id = notification_id(&f->mem, key, &d->notification,
					     last ? last->at : 0);
	delivery_start(e, d, e->now);
}

void flush_fall_back(struct engine *e, const struct delivery *failed, const char *error)
{
	const struct receiver *to = failed->notification.route->fallback;
	const char *text;

	if (!to || !failed->notification.firing ||
	    (failed->flush->fell_back && !PLANT(falls_back_twice)))
		return;			 /* of the end it hears anyhow: end_fallback */
	failed->flush->fell_back = true; /* once, however many integrations give up */
	text = arena_printf(&failed->flush->mem, "%s/%s[%zu] gave up: %s",
			    failed->told.receiver, failed->told.integration,
			    failed->told.index, error ? error : "no reason given");
	for (size_t i = 0; i < to->n_integrations; i++)
		fall_back_to(e, failed, &to->integrations[i], text);
}

/* -- beginning and end ---------------------------------------------------------------- */

/* The next flush is one interval after this one was due, so that small delays do not add
 * up; after a long sleep the rhythm starts anew. */
static void set_next(struct engine *e, struct group *g, wall_ms now)
{
	wall_ms due_at = g->timer.deadline.at;
	span_ms every = g->route->group_interval;

	timer_set(e, &g->timer, now - due_at < every ? due_at + every : now + every);
}

void flush_start(struct engine *e, struct group *g, wall_ms now)
{
	struct pipeline p = {.e = e, .g = g, .now = now};
	uint64_t turns;

	changes_record(e);
	set_next(e, g, now);
	if (g->flush) {
		g->overdue = true;
		return;
	}
	e->counters.flushes++;
	g->flushed = true;
	p.f = flush_new(g, now);
	turns = take_all(&p);
	changes_record(e);
	p.record = begin_record(&p);
	leave_out_inhibited(&p);
	leave_out_by_time(&p);
	leave_out_silenced(&p);
	tell(&p);
	end_record(&p, turns);
	flush_branch_ended(e, p.f, true);
}

static void remove_resolved(struct engine *e, struct flush *f)
{
	for (size_t i = 0; i < f->n_resolved; i++) {
		struct stored_alert *s = f->resolved[i].alert;
		struct member *m = s->members;

		while (m && m->group != f->group)
			m = m->next_of_alert;
		if (m && (s->version == f->resolved[i].version || PLANT(lost_on_refire)))
			group_remove_member(e, f->group, m);
	}
}

static void flush_free(struct engine *e, struct flush *f)
{
	for (size_t i = 0; i < f->n_resolved; i++)
		stored_alert_unref(e, f->resolved[i].alert);
	for (size_t i = 0; i < f->n_told; i++) {
		content_unref(e, f->told[i].content);
		stored_alert_unref(e, f->told[i].alert);
	}
	arena_free(&f->mem);
	free(f);
}

void flush_branch_ended(struct engine *e, struct flush *f, bool ok)
{
	struct group *g = f->group;
	bool ended_some UNUSED = f->n_resolved;

	f->failed = f->failed || !ok;
	if (--f->n_open)
		return;
	if (g) {
		g->flush = NULL;
		if (!f->failed || PLANT(resolve_lost))
			remove_resolved(e, f);
	}
	flush_free(e, f);
	if (!g)
		return;
	if ((!g->members.n && !PLANT(groups_leak)) || (PLANT(group_lost) && ended_some)) {
		group_free(e, g);
	} else if (g->overdue) {
		g->overdue = false;
		timer_set(e, &g->timer, e->now);
	}
}
