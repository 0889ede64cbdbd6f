#include "base/base.h"
#include "engine/core.h"

#include <math.h>
#include <stdlib.h>

/* What rules write, and which series ended (spec/rules.md 13, 14): results of recording
 * rules, ALERTS and ALERTS_FOR_STATE. A series that a good evaluation does not have any
 * more ends with a stale marker; a failed evaluation writes nothing and ends nothing.
 *
 * Unlike Prometheus, the series of alerts carry the alert's labels and nothing else
 * (spec/rules.md 13, note 2), and are there from the first evaluation on, because the
 * state of alerts does not wait to be restored.
 * Limits:  as many series as rules had, and MOST_FAREWELLS of groups that went. */

#define MOST_FAREWELLS 1000000

struct sample_list {
	struct write_sample *v;
	size_t n, cap;
};

static bool is_wanted(const struct engine *e)
{
	return e->config && e->config->n_remote_writes;
}

/* -- sets of series ------------------------------------------------------------------- */

struct series {
	const struct labels *labels;
	bool is_histogram; /* its last sample was one, and so is its end */
};

static bool has(const struct written *w, const struct labels *labels)
{
	const struct series *found = map_find(&w->series,
					      map_key_u64(&labels->fingerprint));

	return found && labels_eq(found->labels, labels);
}

static void add(struct written *w, const struct labels *labels, bool is_histogram)
{
	struct series *own = ARENA_NEW(&w->mem, struct series);

	*own = (struct series){labels_copy(&w->mem, labels), is_histogram};
	map_put(&w->series, map_key_u64(&own->labels->fingerprint), own);
}

void written_free(struct written *w)
{
	map_free(&w->series);
	arena_free(&w->mem);
	*w = (struct written){0};
}

static void wish(struct engine *e, wall_ms at, const struct sample_list *list)
{
	if (list->n)
		act(e, ACTION_WRITE)->write = (struct write_wish){at, list->v, list->n};
}

static void push(struct engine *e, struct sample_list *list, const struct labels *labels,
		 double value)
{
	vec_push_in(e->mem, list, (struct write_sample){.labels = labels, .value = value});
}

/* An end for each series that is not among the first n of the list. */
static void push_ends(struct engine *e, struct sample_list *list, struct written *w,
		      const struct written *except)
{
	const struct series *gone;

	for (size_t at = 0; (gone = map_next(&w->series, &at));) {
		if (has(except, gone->labels))
			continue;
		vec_push_in(
			e->mem, list,
			(struct write_sample){.labels = labels_copy(e->mem, gone->labels),
					      .is_stale = true,
					      .is_histogram = gone->is_histogram});
	}
}

/* -- which series rules write ----------------------------------------------------------
 * By fingerprint, how many rules do: what went may have to leave out many. */

struct living {
	uint64_t fingerprint;
	size_t n;
};

static void begin_living(struct engine *e, const struct labels *labels)
{
	struct living *l = map_find(&e->living, map_key_u64(&labels->fingerprint));

	if (!l) {
		l = mem_new(sizeof(*l));
		l->fingerprint = labels->fingerprint;
		map_put(&e->living, map_key_u64(&l->fingerprint), l);
	}
	l->n++;
}

static void end_living(struct engine *e, const struct labels *labels)
{
	struct living *l = map_find(&e->living, map_key_u64(&labels->fingerprint));

	ASSERT(l);
	if (--l->n)
		return;
	map_del(&e->living, map_key_u64(&l->fingerprint));
	free(l);
}

/* The rule writes these from now on. */
static void set_series(struct engine *e, struct rule_state *r, struct written now)
{
	const struct series *s;

	for (size_t at = 0; (s = map_next(&now.series, &at));)
		begin_living(e, s->labels);
	for (size_t at = 0; (s = map_next(&r->written.series, &at));)
		end_living(e, s->labels);
	written_free(&r->written);
	r->written = now;
}

static void leave_living(const struct engine *e, struct written *w)
{
	const struct series *s;

	for (size_t at = 0; (s = map_next(&w->series, &at));) {
		struct str key = map_key_u64(&s->labels->fingerprint);

		if (map_find(&e->living, key))
			map_del(&w->series, key);
	}
}

/* -- one evaluation ------------------------------------------------------------------- */

static void list_results(struct engine *e, const struct rule_state *r,
			 struct sample_list *out)
{
	for (size_t i = 0; i < r->results.n; i++) {
		const struct sample *s = &r->results.v[i];

		if (s->histogram)
			vec_push_in(e->mem, out,
				    (struct write_sample){.labels = s->labels,
							  .histogram = s->histogram,
							  .is_histogram = true});
		else
			push(e, out, s->labels, s->value);
	}
}

/* Alerts that differ in an alertstate of their own alone are one series of ALERTS. */
static bool have_own_state(const struct rule_state *r)
{
	const struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		if (labels_find(a->labels, "alertstate"))
			return true;
	}
	return false;
}

static bool is_listed(struct map *seen, const struct labels *series)
{
	struct str key = map_key_u64(&series->fingerprint);

	if (map_find(seen, key))
		return true;
	map_put(seen, key, (void *)(uintptr_t)series);
	return false;
}

/* seen NULL: no two alerts are one series. */
static void list_alert(struct engine *e, const struct active_alert *a, struct map *seen,
		       struct sample_list *out)
{
	const struct labels *set = labels_with(e->mem, a->labels, "__name__", "ALERTS");
	wall_ms seconds = a->active_at / 1000 - (a->active_at % 1000 < 0);

	set = labels_with(e->mem, set, "alertstate",
			  a->state == ALERT_FIRING ? "firing" : "pending");
	if (!seen || !is_listed(seen, set))
		push(e, out, set, 1);
	push(e, out, labels_with(e->mem, a->labels, "__name__", "ALERTS_FOR_STATE"),
	     (double)seconds);
}

/* Each series once. */
static void list_alerts(struct engine *e, const struct rule_state *r,
			struct sample_list *out)
{
	struct active_alert *a;
	struct map seen = {0};
	bool may_be_alike = have_own_state(r);

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		if (a->state != ALERT_INACTIVE)
			list_alert(e, a, may_be_alike ? &seen : NULL, out);
	}
	map_free(&seen);
}

static bool is_same(const struct written *w, const struct sample_list *list)
{
	if (w->series.n != list->n)
		return false;
	for (size_t i = 0; i < list->n; i++) {
		const struct write_sample *v = &list->v[i];
		const struct series *old = map_find(&w->series,
						    map_key_u64(&v->labels->fingerprint));

		if (!old || old->is_histogram != v->is_histogram ||
		    !labels_eq(old->labels, v->labels))
			return false;
	}
	return true;
}

static struct written set_of(const struct sample_list *list)
{
	struct written w = {0};

	for (size_t i = 0; i < list->n; i++)
		add(&w, list->v[i].labels, list->v[i].is_histogram);
	return w;
}

void written_take(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct sample_list list = {0};
	wall_ms at = rulegroup_at(e, g);

	/* A clock that went back a little repeats a slot: receivers refuse a second value
	 * for the same time, with all that comes with it. */
	if (!is_wanted(e) || at == r->written.at)
		return;
	if (r->rule->record)
		list_results(e, r, &list);
	else
		list_alerts(e, r, &list);
	if (!is_same(&r->written, &list)) {
		struct written now = set_of(&list);

		push_ends(e, &list, &r->written, &now);
		set_series(e, r, now);
	}
	r->written.at = at;
	g->has_written = g->has_written || list.n;
	wish(e, at, &list);
}

void written_restore(struct engine *e, struct rule_state *r)
{
	struct sample_list list = {0};

	if (!is_wanted(e) || !r->rule->alert)
		return;
	list_alerts(e, r, &list);
	set_series(e, r, set_of(&list));
}

/* -- rules and groups that went ------------------------------------------------------- */

static void copy_series(const struct written *from, struct written *to)
{
	const struct series *s;

	for (size_t at = 0; (s = map_next(&from->series, &at));)
		add(to, s->labels, s->is_histogram);
}

void written_orphan(struct engine *e, struct rule_state *r, struct written *to)
{
	copy_series(&r->written, to);
	set_series(e, r, (struct written){0});
}

static void end_all(struct engine *e, struct written *w, wall_ms at)
{
	static const struct written nothing;
	struct sample_list list = {0};

	leave_living(e, w);
	push_ends(e, &list, w, &nothing);
	wish(e, at, &list);
	written_free(w);
}

void written_end_iteration(struct engine *e, struct rulegroup *g)
{
	if (g->past.orphans.series.n) {
		end_all(e, &g->past.orphans, rulegroup_at(e, g));
		g->has_written = true;
	}
	if (g->has_written)
		act(e, ACTION_WRITE_FLUSH);
	g->has_written = false;
}

struct farewell {
	struct timer timer;
	struct written written;
	size_t n;
	wall_ms at;		       /* when the group stopped */
	struct farewell *next, **link; /* the latter leads here */
};

static void farewell_free(struct engine *e, struct farewell *f)
{
	*f->link = f->next;
	if (f->next)
		f->next->link = f->link;
	e->n_farewell_series -= f->n;
	timer_stop(e, &f->timer);
	written_free(&f->written);
	free(f);
}

static void say_farewell(struct engine *e, struct timer *t, wall_ms now)
{
	struct farewell *f = CONTAINER_OF(t, struct farewell, timer);

	(void)now;
	end_all(e, &f->written, f->at);
	act(e, ACTION_WRITE_FLUSH);
	farewell_free(e, f);
}

void written_end_group(struct engine *e, struct rulegroup *g)
{
	struct written all = {0};
	struct farewell *f;

	for (size_t i = 0; i < g->config->n_rules; i++)
		written_orphan(e, &g->rules[i], &all);
	copy_series(&g->past.orphans, &all);
	if (!all.series.n || !is_wanted(e) ||
	    e->n_farewell_series + all.series.n > MOST_FAREWELLS) {
		written_free(&all); /* readers stop seeing them by themselves */
		return;
	}
	f = mem_new(sizeof(*f));
	f->written = all;
	f->n = all.series.n;
	f->at = rulegroup_offset(e, g, e->now);
	f->next = e->farewells;
	f->link = &e->farewells;
	if (f->next)
		f->next->link = &f->next;
	e->farewells = f;
	e->n_farewell_series += f->n;
	f->timer.due = say_farewell;
	timer_set(e, &f->timer, e->now + 2 * g->interval);
}

/* -- all of it ------------------------------------------------------------------------ */

void farewells_free(struct engine *e)
{
	struct living *l;

	while (e->farewells)
		farewell_free(e, e->farewells);
	for (size_t at = 0; (l = map_next(&e->living, &at));)
		free(l);
	map_free(&e->living);
}

void written_config(struct engine *e)
{
	struct rulegroup *g;

	if (is_wanted(e))
		return;
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++)
			written_free(&g->rules[i].written);
		written_free(&g->past.orphans);
	}
	farewells_free(e);
}

void written_move(struct engine *e, span_ms jump)
{
	for (struct farewell *f = e->farewells; f; f = f->next)
		f->at += jump;
}
