#include "base/base.h"
#include "engine/view.h"
#include "engine/core.h"

#include <stdlib.h>
#include <string.h>

/* Silences and inhibition are asked anew for each answer (spec/routing.md 11). */
static void fill_status(struct engine *e, struct alert_view *v, wall_ms now,
			struct arena *mem)
{
	struct instant at = instant_of_ms(now);
	const struct stored_silence **by;
	const struct stored_alert *source;

	v->n_silenced_by = silences_matching(e, v->alert.labels, at, mem, &by);
	v->silenced_by = ARENA_ARRAY(mem, const char *, v->n_silenced_by);
	for (size_t i = 0; i < v->n_silenced_by; i++)
		v->silenced_by[i] = by[i]->silence.id;
	source = inhibitor_find(e, v->alert.labels, at, NULL);
	if (source) {
		v->inhibited_by[0] = source->fingerprint;
		v->n_inhibited_by = 1;
	}
	v->state = v->n_silenced_by || v->n_inhibited_by ? MEMBER_SUPPRESSED
							 : MEMBER_ACTIVE;
}

static void fill_alert(struct engine *e, const struct stored_alert *s, struct alert_view *v,
		       wall_ms now, struct arena *mem)
{
	v->alert = stored_alert_view(s);
	v->fingerprint = s->fingerprint;
	fill_status(e, v, now, mem);
	if (s->routed_in != e->generation)
		return;
	v->receivers = ARENA_ARRAY(mem, const struct receiver *, s->routes->n);
	for (size_t i = 0; i < s->routes->n; i++)
		v->receivers[v->n_receivers++] = s->routes->v[i]->receiver;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The same matchers with the names that the alerts share. */
static struct matchers by_shared_names(const struct engine *e, const struct matchers *all,
				       struct arena *mem)
{
	struct matchers same = {ARENA_ARRAY(mem, struct matcher, all->n), all->n};

	for (size_t i = 0; i < all->n; i++) {
		const char *name = map_find(&e->names, str_of(all->v[i].name));

		same.v[i] = all->v[i];
		if (name)
			same.v[i].name = name;
	}
	return same;
}

/* A look at all alerts is spent waiting for the memory that their labels are in, so that is
 * asked for some alerts earlier. */
#define FETCH_AHEAD 8
#define CACHE_LINE  64

static void fetch_labels(const struct stored_alert *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < 3; i++)
		__builtin_prefetch((const char *)&s->labels + i * CACHE_LINE);
}

uint64_t *view_fingerprints(struct engine *e, wall_ms now, const struct matchers *matchers,
			    struct arena *mem, size_t *n)
{
	const struct matchers wanted = by_shared_names(e, matchers, mem);
	VEC(uint64_t) found = {0};
	struct instant at = instant_of_ms(now);
	struct stored_alert *s;

	for (size_t i = 0; (s = map_next(&e->alerts, &i));) {
		fetch_labels(map_ahead(&e->alerts, i, FETCH_AHEAD));
		if (matchers_hold(&wanted, s->labels) && !stored_alert_is_resolved(s, at))
			vec_push_in(mem, &found, s->fingerprint);
	}
	if (found.n)
		qsort(found.v, found.n, sizeof(*found.v), by_number);
	*n = found.n;
	return found.v;
}

bool view_alert(struct engine *e, wall_ms now, struct arena *mem, uint64_t fingerprint,
		struct alert_view *out)
{
	struct stored_alert *s = alert_find(e, fingerprint);

	*out = (struct alert_view){0};
	if (s)
		fill_alert(e, s, out, now, mem);
	return s != NULL;
}

static void fill_group(const struct group *g, struct group_view *v)
{
	*v = (struct group_view){
		.id = g->map_key,
		.labels = g->labels,
		.receiver = g->route->receiver,
		.route = g->route,
		.key = g->key,
		.muted_by = g->muted_by,
		.n_muted_by = g->n_muted_by,
		.next_flush_at = g->timer.deadline.at,
	};
}

struct group_view *view_groups(struct engine *e, struct arena *mem, size_t *n)
{
	struct group_view *v = ARENA_ARRAY(mem, struct group_view, e->groups.n);
	struct group *g;

	*n = 0;
	for (size_t at = 0; (g = map_next(&e->groups, &at));)
		fill_group(g, &v[(*n)++]);
	return v;
}

bool view_group(struct engine *e, struct str id, struct group_view *out)
{
	struct group *g = map_find(&e->groups, id);

	if (g)
		fill_group(g, out);
	return g != NULL;
}

static int in_alert_order(const void *a, const void *b)
{
	const struct stored_alert *const *x = a, *const *y = b;

	return alert_cmp((*x)->labels, (*y)->labels);
}

uint64_t *view_group_alerts(struct engine *e, wall_ms now, struct str id,
			    const struct matchers *matchers, struct arena *mem, size_t *n)
{
	const struct matchers wanted = by_shared_names(e, matchers, mem);
	struct group *g = map_find(&e->groups, id);
	struct instant at = instant_of_ms(now);
	const struct stored_alert **v;
	uint64_t *fingerprints;

	*n = 0;
	if (!g)
		return NULL;
	v = ARENA_ARRAY(mem, const struct stored_alert *, g->members.n);
	for (size_t i = 0; i < g->members.n; i++) {
		const struct stored_alert *s = g->members.v[i]->alert;

		if (!stored_alert_is_resolved(s, at) && matchers_hold(&wanted, s->labels))
			v[(*n)++] = s;
	}
	if (*n && !g->sorted)
		qsort(v, *n, sizeof(*v), in_alert_order);
	fingerprints = ARENA_ARRAY(mem, uint64_t, *n);
	for (size_t i = 0; i < *n; i++)
		fingerprints[i] = v[i]->fingerprint;
	return fingerprints;
}

void view_group_states(struct engine *e, wall_ms now, struct str id, size_t states[3])
{
	struct group *g = map_find(&e->groups, id);
	struct instant at = instant_of_ms(now);

	for (size_t i = 0; g && i < g->members.n; i++) {
		if (!stored_alert_is_resolved(g->members.v[i]->alert, at))
			states[g->members.v[i]->state]++;
	}
}

const struct silence **view_silences(struct engine *e, struct arena *mem, size_t *n)
{
	const struct silence **v = ARENA_ARRAY(mem, const struct silence *, e->silences.n);
	struct stored_silence *s;

	*n = 0;
	for (size_t at = 0; (s = map_next(&e->silences, &at));)
		v[(*n)++] = &s->silence;
	return v;
}

const struct silence *view_silence(struct engine *e, const char *id)
{
	struct stored_silence *s = map_find(&e->silences, str_of(id));

	return s ? &s->silence : NULL;
}

const char *rule_health_text(enum rule_health h)
{
	static const char *const words[] = {"unknown", "ok", "err"};

	return words[h];
}

static void fill_rule(const struct rule_state *r, struct rule_view *v, struct arena *mem)
{
	struct active_alert *a;

	*v = (struct rule_view){
		.rule = r->rule,
		.health = r->health,
		.last_error = r->last_error ? r->last_error : "",
		.last_warning = r->last_warning ? r->last_warning : "",
		.evaluated_at = r->evaluated_at,
		.duration = r->duration,
		.active = ARENA_ARRAY(mem, struct active_view, r->active.n),
		.results = r->results,
		.ever_had_series = r->ever_had_series,
		.evaluations = r->evaluations,
		.failures = r->failures,
		.generator_url = r->generator_url,
	};
	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		v->state = MAX(v->state, a->state);
		if (a->state == ALERT_INACTIVE)
			continue;
		v->active[v->n_active++] = (struct active_view){
			a->labels,   a->annotations,	   a->state, a->active_at,
			a->fired_at, a->keep_firing_since, a->value, a->restored};
	}
}

static void fill_rulegroup(const struct rulegroup *g, struct rulegroup_view *to,
			   struct arena *mem)
{
	*to = (struct rulegroup_view){
		.config = g->config,
		.interval = g->interval,
		.last_duration = g->past.last_duration,
		.evaluated_at = g->past.last_started_at,
		.next_at = g->next_slot,
		.iterations = g->past.iterations,
		.missed = g->past.missed,
		.resets = g->past.resets,
		.rules_duration = g->past.last_rules_duration,
		.restore_duration = g->past.restore_duration,
		.is_slow = g->is_late || g->tick_pending ||
			   g->past.last_duration > g->interval,
		.last_samples = g->past.last_samples,
		.durations = &g->past.durations,
		.durations_sum = g->past.durations_sum,
		.n_rules = g->config->n_rules,
		.rules = ARENA_ARRAY(mem, struct rule_view, g->config->n_rules),
	};
	for (size_t i = 0; i < to->n_rules; i++)
		fill_rule(&g->rules[i], &to->rules[i], mem);
}

struct rulegroup_view *view_rules(struct engine *e, struct arena *mem, size_t *n)
{
	struct rulegroup_view *v = ARENA_ARRAY(mem, struct rulegroup_view, e->rulegroups.n);
	struct rulegroup *g;

	*n = 0;
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));)
		fill_rulegroup(g, &v[(*n)++], mem);
	return v;
}

static struct rule_numbers numbers_of(const struct rule_state *r)
{
	struct rule_numbers v = {
		.rule = r->rule,
		.last_samples = r->last_samples,
		.last_series_fetched = r->evaluations ? r->last_series_fetched : -1,
		.failures = r->failures};
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		v.pending += a->state == ALERT_PENDING;
		v.firing += a->state == ALERT_FIRING;
	}
	return v;
}

const struct rule_group *view_rule_numbers(struct engine *e, const char *key,
					   struct arena *mem, struct rule_numbers **v,
					   size_t *n)
{
	const struct rulegroup *g = map_find(&e->rulegroups, str_of(key));

	if (!g)
		return NULL;
	*n = g->config->n_rules;
	*v = ARENA_ARRAY(mem, struct rule_numbers, *n);
	for (size_t i = 0; i < *n; i++)
		(*v)[i] = numbers_of(&g->rules[i]);
	return g->config;
}

struct rulegroup_name *view_rulegroup_names(struct engine *e, struct arena *mem, size_t *n)
{
	struct rulegroup_name *v = ARENA_ARRAY(mem, struct rulegroup_name, e->rulegroups.n);
	struct rulegroup *g;

	*n = 0;
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));)
		v[(*n)++] = (struct rulegroup_name){arena_text(mem, g->map_key),
						    arena_text(mem, g->config->file),
						    arena_text(mem, g->config->name)};
	return v;
}

bool view_rulegroup(struct engine *e, const char *key, struct arena *mem,
		    struct rulegroup_view *out)
{
	struct rulegroup *g = map_find(&e->rulegroups, str_of(key));

	if (g)
		fill_rulegroup(g, out, mem);
	return g != NULL;
}

const struct engine_counters *view_counters(const struct engine *e)
{
	return &e->counters;
}

struct engine_sizes view_sizes(struct engine *e, wall_ms now)
{
	struct engine_sizes sizes = {
		.alerts = e->alerts.n,
		.groups = e->groups.n,
		.deliveries = e->deliveries.n,
		.told = e->told.n,
		.rule_groups = e->rulegroups.n,
	};
	struct instant at = instant_of_ms(now);
	struct stored_silence *silence;
	struct stored_alert *s;

	for (size_t i = 0; (silence = map_next(&e->silences, &i));)
		sizes.silences[silence_state(&silence->silence, at)]++;
	for (size_t i = 0; (s = map_next(&e->alerts, &i));) {
		enum member_state strongest = MEMBER_UNPROCESSED;

		if (!s->members || stored_alert_is_resolved(s, at))
			continue;
		for (struct member *m = s->members; m; m = m->next_of_alert)
			strongest = MAX(strongest, m->state);
		sizes.alert_states[strongest]++;
	}
	return sizes;
}
