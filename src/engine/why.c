#include "base/base.h"
#include "engine/why.h"
#include "engine/core.h"
#include "engine/why_words.h"

#include <stdlib.h>
#include <string.h>

struct asking {
	struct engine *e;
	struct arena *mem;
	struct story *story;
	struct why *why;
	const struct stored_alert *stored; /* NULL: not now, or a past time is asked for */
	bool began_unseen; /* the story does not reach back to when the alert came */
};

/* -- alerts that are known ------------------------------------------------------------ */

static struct stored_alert *find_stored(const struct engine *e, uint64_t fingerprint)
{
	return map_find(&e->alerts, map_key_u64(&fingerprint));
}

static const struct labels *routed_labels(const struct engine *e, struct arena *mem,
					  const struct labels *labels)
{
	const struct labels *external = e->config ? e->config->global.external_labels
						  : NULL;

	return external ? labels_merge(mem, external, labels) : labels;
}

struct rule_place { /* an alert in its rule */
	const struct rulegroup *group;
	const struct rule_state *rule;
	const struct active_alert *alert;
	const struct labels *labels; /* as the router knows them */
};

/* Calls see for each alert of each rule of that name (NULL: any) until it says that it has
 * seen enough. */
static void each_rule_alert(struct engine *e, const char *name, struct arena *mem,
			    bool (*see)(void *arg, const struct rule_place *), void *arg)
{
	struct active_alert *a;
	struct rulegroup *g;

	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++) {
			const struct rule_state *r = &g->rules[i];

			if (name && (!r->rule->alert || strcmp(r->rule->alert, name)))
				continue;
			for (size_t k = 0; (a = map_next(&r->active, &k));) {
				struct rule_place p = {g, r, a,
						       routed_labels(e, mem, a->labels)};

				if (see(arg, &p))
					return;
			}
		}
	}
}

struct wanted_place {
	uint64_t fingerprint;
	struct rule_place found;
};

static bool is_wanted(void *arg, const struct rule_place *p)
{
	struct wanted_place *w = arg;

	if (p->labels->fingerprint != w->fingerprint)
		return false;
	w->found = *p;
	return p->alert->state != ALERT_INACTIVE; /* another rule may have it, too */
}

struct finding {
	const struct matchers *matchers;
	struct engine *e;
	uint64_t *v;
	size_t n, most;
};

static bool is_new(const struct finding *f, uint64_t fingerprint)
{
	for (size_t i = 0; i < MIN(f->n, f->most); i++) {
		if (f->v[i] == fingerprint)
			return false;
	}
	return true;
}

static void note_found(struct finding *f, const struct labels *labels)
{
	if (!matchers_hold(f->matchers, labels) || !is_new(f, labels->fingerprint))
		return;
	if (f->n < f->most)
		f->v[f->n] = labels->fingerprint;
	f->n++;
}

static bool find_pending(void *arg, const struct rule_place *p)
{
	struct finding *f = arg;

	if (p->alert->state == ALERT_PENDING && !find_stored(f->e, p->labels->fingerprint))
		note_found(f, p->labels);
	return false;
}

/* The alertname that the matchers want; NULL: several would do. */
static const char *exact_name(const struct matchers *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].op == MATCH_EQUAL && !strcmp(m->v[i].name, "alertname"))
			return m->v[i].value;
	}
	return NULL;
}

uint64_t *why_find(struct engine *e, const struct matchers *matchers, size_t most,
		   struct arena *mem, size_t *n)
{
	struct finding f = {.matchers = matchers, .e = e, .most = most};
	struct arena scratch = {0};
	struct stored_alert *s;

	f.v = ARENA_ARRAY(mem, uint64_t, most);
	for (size_t at = 0; (s = map_next(&e->alerts, &at));)
		note_found(&f, s->labels);
	each_rule_alert(e, exact_name(matchers), &scratch, find_pending, &f);
	arena_free(&scratch);
	*n = f.n;
	return f.v;
}

const struct labels *why_labels(struct engine *e, uint64_t fingerprint, struct arena *mem)
{
	const struct stored_alert *s = find_stored(e, fingerprint);
	struct wanted_place w = {.fingerprint = fingerprint};

	if (s)
		return s->labels;
	each_rule_alert(e, NULL, mem, is_wanted, &w);
	return w.found.labels;
}

/* -- no alert ------------------------------------------------------------------------- */

/* Whether the rule can have made such an alert, as far as its text says. */
static bool could_be_of(const struct rule *r, const struct matchers *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (!strcmp(m->v[i].name, "alertname"))
			return r->alert && matcher_accepts(&m->v[i], r->alert);
	}
	return false;
}

enum reason why_nothing(struct engine *e, const struct matchers *m, struct arena *mem,
			const char **words)
{
	enum reason cause = UNTOLD_UNKNOWN;
	struct rulegroup *g;

	*words = "no such alert is known: none was posted, and no rule of that name is "
		 "loaded";
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++) {
			const struct rule_state *r = &g->rules[i];

			if (!could_be_of(r->rule, m))
				continue;
			*words = words_no_alert(mem, g->config, r->rule, r->last_error,
						r->evaluated_at);
			cause = r->last_error ? RULE_FAILS : UNTOLD_NO_SERIES;
			if (r->last_error)
				return cause;
		}
	}
	return cause;
}

/* -- what the engine knows now, added to the story ------------------------------------ */

static void add_rule_facts(struct asking *a)
{
	struct wanted_place w = {.fingerprint = a->why->fingerprint};
	struct story *s = a->story;
	const struct labels *known = a->stored ? a->stored->labels : s->labels;
	const struct active_alert *active;

	each_rule_alert(a->e, known ? labels_get(known, "alertname") : NULL, a->mem,
			is_wanted, &w);
	active = w.found.alert;
	if (!active)
		return;
	if (!s->labels)
		s->labels = w.found.labels;
	s->file = w.found.group->config->file;
	s->rule_group = w.found.group->config->name;
	s->rule = w.found.rule->rule->alert;
	s->expr = w.found.rule->rule->expr;
	s->line = w.found.rule->rule->at.line;
	s->hold = w.found.rule->rule->hold;
	s->value = active->value;
	s->pending_at = active->active_at;
	s->firing_at = active->state == ALERT_PENDING ? 0 : active->fired_at;
	s->resolved_at = active->resolved_at;
	s->dropped_at = 0;
	s->rule_error = w.found.rule->last_error;
	s->rule_failed_at = s->rule_error ? w.found.rule->evaluated_at : 0;
}

static void add_router_facts(struct asking *a)
{
	struct story *s = a->story;
	const struct stored_alert *stored = a->stored;

	if (!stored)
		return;
	a->why->is_stored = true;
	a->why->ends_at = instant_is_zero(stored->ends_at) ? 0
							   : instant_ms(stored->ends_at);
	a->why->summary = labels_find(stored->annotations, "summary");
	s->labels = stored->labels;
	s->starts_at = instant_ms(stored->starts_at);
	if (stored_alert_is_resolved(stored, instant_of_ms(a->why->options.now)))
		s->ended_at = a->why->ends_at;
	else
		s->ended_at = 0;
	if (s->came_at)
		return;
	a->began_unseen = true;
	s->came_at = stored->came_at && !s->ended_at ? stored->came_at : s->starts_at;
}

static const char *state_of(const struct why *w)
{
	const struct story *s = w->story;

	if (s->came_at && !s->ended_at)
		return "firing";
	if (s->pending_at && !s->firing_at && !s->dropped_at && !s->resolved_at)
		return "pending";
	if (s->came_at || s->resolved_at)
		return "resolved";
	return s->dropped_at ? "inactive" : "unknown";
}

/* -- routes --------------------------------------------------------------------------- */

static const char *refusing(struct arena *mem, const struct matchers *m,
			    const struct labels *labels)
{
	for (size_t i = 0; i < m->n; i++) {
		struct buf b = BUF(BUF_NO_LIMIT);
		const char *text;

		if (matcher_holds(&m->v[i], labels))
			continue;
		buf_add_matcher(&b, &m->v[i]);
		text = buf_keep(&b, mem).p;
		buf_free(&b);
		return text;
	}
	return NULL;
}

static bool walk(struct asking *a, const struct route *r, unsigned depth, bool not_asked)
{
	struct why *w = a->why;
	const char *refused_by = refusing(a->mem, &r->matchers, w->labels);
	bool taken = false;
	size_t at = w->routes.n;

	if (at < WHY_MOST_ROUTES)
		vec_push_in(a->mem, &w->routes,
			    (struct why_route){r, depth, !refused_by && !not_asked, false,
					       not_asked ? NULL : refused_by, not_asked});
	if (refused_by || not_asked)
		return false;
	for (size_t i = 0, ended = 0; i < r->n_kids; i++) {
		if (!walk(a, r->kids[i], depth + 1, ended))
			continue;
		taken = true;
		ended = !r->kids[i]->goes_on;
	}
	if (at < WHY_MOST_ROUTES)
		w->routes.v[at].is_end = !taken;
	return true;
}

/* -- groups and verdicts -------------------------------------------------------------- */

/* The notification log knows what the journal may have lost. */
static void ask_log(struct asking *a, const char *group_key, struct why_target *t)
{
	const struct told key = {.group_key = group_key,
				 .receiver = t->receiver,
				 .integration = t->integration,
				 .index = t->index};
	const struct told *log = a->why->is_past || !t->integration
					 ? NULL
					 : told_find(a->e, told_key(a->mem, &key));

	if (!log || (!a->began_unseen && log->at < a->story->came_at))
		return;
	for (size_t i = 0; i < log->n_firing; i++) {
		if (log->firing[i] == a->why->fingerprint)
			t->verdict = (struct verdict_of){.is_told = true,
							 .at = log->at,
							 .last_at = log->at,
							 .times = 1};
	}
}

static wall_ms end_told_at(const struct story *s, const char *group_key,
			   const struct why_target *t)
{
	for (size_t i = 0; i < s->targets.n; i++) {
		const struct story_target *known = &s->targets.v[i];

		if (!strcmp(known->group_key, group_key) && t->integration &&
		    !strcmp(known->receiver, t->receiver) &&
		    !strcmp(known->integration, t->integration) && known->index == t->index)
			return known->end_told_at;
	}
	return 0;
}

static void fill_target(struct asking *a, const struct why_group *g, struct why_target *t,
			bool has_flushed)
{
	t->verdict = story_verdict(a->story, g->key, t->receiver, t->integration, t->index,
				   has_flushed);
	if (!t->verdict.is_told && a->story->came_at)
		ask_log(a, g->key, t);
	if (!t->verdict.is_told && t->verdict.cause != DELIVERY_RETRY && g->exists)
		t->verdict.next_at = g->next_at;
	t->end_told_at = end_told_at(a->story, g->key, t);
}

static void add_targets(struct asking *a, struct why_group *g, const struct receiver *r,
			bool has_flushed)
{
	g->targets = ARENA_ARRAY(a->mem, struct why_target, r->n_integrations + 1);
	for (size_t i = 0; i < r->n_integrations; i++) {
		struct why_target *t = &g->targets[g->n_targets++];

		t->receiver = r->name;
		t->integration = r->integrations[i].kind->name;
		t->index = r->integrations[i].index;
		fill_target(a, g, t, has_flushed);
	}
	if (r->n_integrations)
		return;
	g->targets[0].receiver = r->name;
	g->n_targets = 1;
	fill_target(a, g, &g->targets[0], has_flushed);
}

static void add_group(struct asking *a, const struct route *r)
{
	struct why_group g = {
		.key = group_key_for(a->mem, r, a->why->labels),
		.receiver = r->receiver->name,
		.place = pos_text(a->mem, r->at),
		.wait = r->group_wait,
		.interval = r->group_interval,
		.repeat = r->repeat_interval,
	};
	const struct group *now = a->stored ? group_of_alert(a->stored, r) : NULL;
	const struct story_group *then = story_group(a->story, g.key);
	bool has_flushed = now && now->flushed;

	if (then) {
		g.flushed_at = then->flushed_at;
		g.next_at = then->next_at;
	}
	if (now) {
		g.exists = true;
		g.flushed_at = MAX(now->flushed_at, g.flushed_at);
		g.next_at = now->timer.deadline.at;
	} else if (!a->why->is_past) {
		g.next_at = 0;
	}
	add_targets(a, &g, r->receiver, has_flushed);
	vec_push_in(a->mem, &a->why->groups, g);
}

static bool has_target(const struct why *w, const struct story_target *t)
{
	for (size_t i = 0; i < w->groups.n; i++) {
		const struct why_group *g = &w->groups.v[i];

		for (size_t k = 0; !strcmp(g->key, t->group_key) && k < g->n_targets; k++) {
			const struct why_target *known = &g->targets[k];

			if (known->integration && !strcmp(known->receiver, t->receiver) &&
			    !strcmp(known->integration, t->integration) &&
			    known->index == t->index)
				return true;
		}
	}
	return false;
}

/* Fallback receivers, and what another configuration told. */
static void add_others(struct asking *a)
{
	for (size_t i = 0; i < a->story->targets.n; i++) {
		const struct story_target *t = &a->story->targets.v[i];
		struct why_group g = {.key = t->group_key, .receiver = t->receiver};

		if (!t->times_told || has_target(a->why, t))
			continue;
		g.targets = ARENA_NEW(a->mem, struct why_target);
		g.n_targets = 1;
		g.targets[0].receiver = t->receiver;
		g.targets[0].integration = t->integration;
		g.targets[0].index = t->index;
		fill_target(a, &g, &g.targets[0], true);
		vec_push_in(a->mem, &a->why->groups, g);
	}
}

static void add_groups(struct asking *a)
{
	struct why *w = a->why;

	if (!a->e->config || !a->e->config->root) {
		w->cause = UNTOLD_NO_ROUTE;
		return;
	}
	walk(a, a->e->config->root, 0, false);
	if (!a->story->came_at) {
		w->cause = story_rule_cause(a->story);
		return;
	}
	for (size_t i = 0; i < w->routes.n; i++) {
		if (w->routes.v[i].is_end)
			add_group(a, w->routes.v[i].route);
	}
	add_others(a);
}

/* -- what mutes it now ---------------------------------------------------------------- */

#define LONGEST_LOOK (8 * DAY)

static bool contains_any(const struct time_interval *const *v, size_t n, wall_ms at)
{
	for (size_t i = 0; i < n; i++) {
		if (time_interval_contains(v[i], at))
			return true;
	}
	return false;
}

/* When the intervals begin or end to contain the time; 0: not within a week. */
static wall_ms turns_at(const struct time_interval *const *v, size_t n, wall_ms now)
{
	bool is_in = contains_any(v, n, now);

	for (wall_ms at = now - now % MINUTE + MINUTE; at < now + LONGEST_LOOK;
	     at += MINUTE) {
		if (contains_any(v, n, at) != is_in)
			return at;
	}
	return 0;
}

static void add_mute(struct asking *a, const struct why_mute *m)
{
	vec_push_in(a->mem, &a->why->mutes, *m);
}

static void add_next(struct asking *a, wall_ms at, const char *words)
{
	if (at)
		vec_push_in(a->mem, &a->why->next, (struct why_next){at, words});
}

static void add_interval(struct asking *a, const struct route *r, enum reason reason,
			 const struct time_interval *const *v, size_t n)
{
	wall_ms until = turns_at(v, n, a->why->options.now);
	const char *name = v[0]->name;

	for (size_t i = 0; reason == MUTED_BY_TIME && i < n; i++) {
		if (time_interval_contains(v[i], a->why->options.now))
			name = v[i]->name;
	}
	add_mute(a,
		 &(struct why_mute){.reason = reason,
				    .by = name,
				    .receiver = r->receiver->name,
				    .words = words_interval(a->mem, reason, name, until)});
	add_next(a, until,
		 arena_printf(a->mem, "the time interval \"%s\" %s", name,
			      reason == MUTED_BY_TIME ? "ends" : "begins"));
}

static void add_intervals(struct asking *a, const struct route *r)
{
	const struct time_interval *const *active =
		(const struct time_interval *const *)r->active;
	const struct time_interval *const *mute =
		(const struct time_interval *const *)r->mute;
	wall_ms now = a->why->options.now;

	if (r->n_active && !contains_any(active, r->n_active, now))
		add_interval(a, r, MUTED_BY_INACTIVE, active, r->n_active);
	else if (contains_any(mute, r->n_mute, now))
		add_interval(a, r, MUTED_BY_TIME, mute, r->n_mute);
}

static void add_mutes(struct asking *a)
{
	struct instant now = instant_of_ms(a->why->options.now);
	const struct inhibit_rule *rule = NULL;
	const struct stored_alert *source;
	const struct stored_silence **by;
	size_t n = silences_matching(a->e, a->why->labels, now, a->mem, &by);

	for (size_t i = 0; i < n; i++) {
		const struct silence *s = &by[i]->silence;

		add_mute(a, &(struct why_mute){.reason = MUTED_BY_SILENCE,
					       .by = s->id,
					       .words = words_silence(
						       a->mem, s->id, s->created_by,
						       s->comment, instant_ms(s->ends_at),
						       a->why->options.now)});
		add_next(a, instant_ms(s->ends_at),
			 arena_printf(a->mem, "silence %s ends", s->id));
	}
	source = inhibitor_find(a->e, a->why->labels, now, &rule);
	if (source)
		add_mute(a, &(struct why_mute){
				    .reason = MUTED_BY_INHIBITION,
				    .by = arena_printf(
					    a->mem, "%016llx",
					    (unsigned long long)source->fingerprint),
				    .rule = inhibit_rule_text(a->mem, rule),
				    .words = words_inhibition(
					    a->mem, source->labels, NULL,
					    inhibit_rule_text(a->mem, rule))});
	for (size_t i = 0; i < a->why->routes.n; i++) {
		if (a->why->routes.v[i].is_end)
			add_intervals(a, a->why->routes.v[i].route);
	}
}

/* -- what comes next ------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
	const struct why_next *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void add_deliveries(struct asking *a)
{
	for (size_t i = 0; i < a->story->deliveries.n; i++) {
		const struct story_delivery *d = &a->story->deliveries.v[i];

		if (d->outcome == DELIVERY_RETRY)
			add_next(a, d->next_at,
				 arena_printf(a->mem, "the next attempt at %s/%s[%zu]",
					      d->receiver, d->integration, d->index));
	}
}

static void add_repeats(struct asking *a, const struct why_group *g)
{
	for (size_t i = 0; i < g->n_targets; i++) {
		const struct why_target *t = &g->targets[i];

		if (t->verdict.is_told && g->exists && !a->story->ended_at)
			add_next(a, t->verdict.last_at + g->repeat,
				 arena_printf(a->mem,
					      "%s/%s[%zu] is told again at the first flush "
					      "after this, if nothing changes before",
					      t->receiver, t->integration, t->index));
	}
}

static void add_future(struct asking *a)
{
	struct why *w = a->why;
	const struct story *s = a->story;

	if (!strcmp(w->state, "pending"))
		add_next(a, s->pending_at + s->hold,
			 "it fires at the first evaluation from then on, if its condition "
			 "lasts");
	if (w->is_stored && !s->ended_at)
		add_next(
			a, w->ends_at,
			s->rule ? "it ends, unless its rule says before that it still fires"
				: "it ends, unless it is posted again before");
	for (size_t i = 0; i < w->groups.n; i++) {
		const struct why_group *g = &w->groups.v[i];

		if (g->exists)
			add_next(a, g->next_at,
				 arena_printf(a->mem, "the group for %s flushes",
					      g->receiver));
		add_repeats(a, g);
	}
	add_deliveries(a);
	if (w->next.n)
		qsort(w->next.v, w->next.n, sizeof(*w->next.v), by_time);
}

/* -- the whole ------------------------------------------------------------------------ */

static void find_words(struct asking *a)
{
	for (size_t i = 0; i < a->why->groups.n; i++) {
		struct why_group *g = &a->why->groups.v[i];

		for (size_t k = 0; k < g->n_targets; k++)
			g->targets[k].words = words_verdict(a->mem, a->why, g,
							    &g->targets[k]);
	}
}

/* The silences that flushes named, when the journal has lost their beginning. */
static void add_silences(struct asking *a)
{
	for (size_t i = 0; i < a->story->groups.n; i++) {
		const struct story_group *g = &a->story->groups.v[i];
		const struct silence *s = g->muted == MUTED_BY_SILENCE
						  ? view_silence(a->e, g->by)
						  : NULL;

		if (s)
			story_know_silence(a->story, s);
	}
}

struct why *why_alert(struct engine *e, struct story *story, const struct why_options *o,
		      struct arena *mem)
{
	struct why *w = ARENA_NEW(mem, struct why);
	struct asking a = {.e = e, .mem = mem, .story = story, .why = w};

	w->fingerprint = story->fingerprint;
	w->story = story;
	w->options = *o;
	w->is_past = o->at < o->now;
	if (!w->is_past) {
		a.stored = find_stored(e, story->fingerprint);
		add_rule_facts(&a);
		add_router_facts(&a);
		add_silences(&a);
	}
	w->labels = story->labels;
	w->state = state_of(w);
	w->cause = UNTOLD_UNKNOWN;
	if (!w->labels)
		return w;
	add_groups(&a);
	if (!w->is_past) {
		add_mutes(&a);
		add_future(&a);
	}
	find_words(&a);
	return w;
}
