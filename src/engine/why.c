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
	bool is_sure_when;		   /* it came */
};

/* -- alerts that are known ------------------------------------------------------------ */

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

	if (p->alert->state == ALERT_PENDING && !alert_find(f->e, p->labels->fingerprint))
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
	const struct stored_alert *s = alert_find(e, fingerprint);
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

/* The first that does not hold; NULL: all do. */
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

#define MOST_NEAR 3

/* The alerts of the name, or names, that is asked for, and what else keeps each of them
 * from being meant; "": there are none. */
static const char *near_ones(struct engine *e, const struct matchers *m, struct arena *mem)
{
	struct matchers name = {.v = ARENA_ARRAY(mem, struct matcher, m->n)};
	const char *text = "";
	uint64_t *v;
	size_t n;

	for (size_t i = 0; i < m->n; i++) {
		if (!strcmp(m->v[i].name, "alertname"))
			name.v[name.n++] = m->v[i];
	}
	if (!name.n)
		return "";
	v = why_find(e, &name, MOST_NEAR, mem, &n);
	for (size_t i = 0; i < MIN(n, MOST_NEAR); i++) {
		const struct labels *labels = why_labels(e, v[i], mem);

		text = words_near(mem, text, labels, refusing(mem, m, labels));
	}
	return n > MOST_NEAR ? arena_printf(mem, "%s, and %zu more", text, n - MOST_NEAR)
			     : text;
}

static enum reason no_alert(struct engine *e, const struct matchers *m, struct arena *mem,
			    const char **words)
{
	enum reason cause = UNTOLD_UNKNOWN;
	struct rulegroup *g;

	*words = "no such alert is known, and no rule of that name is loaded";
	if (e->alerts.n >= e->options.max_alerts) {
		cause = UNTOLD_CEILING;
		*words = arena_printf(mem,
				      "no such alert is known, and none is taken in: there "
				      "are %zu, as many as --alerts.max-alerts allows",
				      e->alerts.n);
	}
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++) {
			const struct rule_state *r = &g->rules[i];

			if (!could_be_of(r->rule, m))
				continue;
			if (cause == UNTOLD_CEILING && r->active.n)
				continue; /* it makes some, which do not come in */
			*words = words_no_alert(mem, g->config, r->rule, r->last_error,
						r->evaluated_at);
			cause = r->last_error ? RULE_FAILS : UNTOLD_NO_SERIES;
			if (r->last_error)
				return cause;
		}
	}
	return cause;
}

enum reason why_nothing(struct engine *e, const struct matchers *m, struct arena *mem,
			const char **words)
{
	enum reason cause = no_alert(e, m, mem, words);

	*words = arena_printf(mem, "%s%s", *words, near_ones(e, m, mem));
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
	s->keep_firing = w.found.rule->rule->keep_firing;
	s->kept_since = active->keep_firing_since;
	s->rule_error = w.found.rule->last_error;
	s->rule_failed_at = w.found.rule->failing_since;
}

/* The alert turned after all that the story has of it. What came in an earlier life has
 * times by a clock that may have been set since. */
static bool is_behind(const struct story *s, const struct stored_alert *stored)
{
	if (stored->came_before)
		return !s->seen_at;
	return stored->came_at > (s->turned_at ? s->turned_at : s->last_seen_at);
}

static void add_router_facts(struct asking *a)
{
	struct story *s = a->story;
	const struct stored_alert *stored = a->stored;

	if (!stored) {
		if (s->came_at && !s->ended_at) /* it went, and the story knows no end */
			story_lost_track(s, a->why->options.now);
		return;
	}
	a->why->is_stored = true;
	a->why->ends_at = instant_is_zero(stored->ends_at) ? 0
							   : instant_ms(stored->ends_at);
	a->why->summary = labels_find(stored->content->annotations, "summary");
	s->labels = stored->labels;
	s->starts_at = instant_ms(stored->starts_at);
	s->refused_at = 0;
	if (is_behind(s, stored))
		story_lost_track(s, a->why->options.now);
	s->ended_at = stored_alert_is_resolved(stored, instant_of_ms(a->why->options.now))
			      ? a->why->ends_at
			      : 0;
	if (s->came_at && s->has_beginning)
		return;
	if (!s->known_since) /* a crash lost how it began */
		s->known_since = s->seen_at ? s->seen_at : a->why->options.now;
	a->is_sure_when = stored->came_at && !s->ended_at;
	s->came_at = a->is_sure_when ? stored->came_at : s->starts_at;
}

static bool is_in_group(const struct story *s)
{
	for (size_t i = 0; i < s->groups.n; i++) {
		if (s->groups.v[i].joined)
			return true;
	}
	return false;
}

static const char *state_of(const struct why *w)
{
	const struct story *s = w->story;

	if ((s->came_at || is_in_group(s)) && !s->ended_at)
		return "firing";
	if (s->pending_at && !s->firing_at && !s->dropped_at && !s->resolved_at)
		return "pending";
	if (s->came_at || s->resolved_at || s->ended_at)
		return "resolved";
	if (s->dropped_at)
		return "inactive";
	return s->refused_at ? "dropped" : "unknown";
}

/* -- routes --------------------------------------------------------------------------- */

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
				    .place = pos_text(a->mem, r->at),
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
					    a->mem, source->labels, NULL, "fires",
					    inhibit_rule_text(a->mem, rule))});
	for (size_t i = 0; i < a->why->routes.n; i++) {
		if (a->why->routes.v[i].is_end)
			add_intervals(a, a->why->routes.v[i].route);
	}
}

/* -- what the engine knows of a group ------------------------------------------------- */

static const struct member *member_of(const struct stored_alert *s, const struct group *g)
{
	for (const struct member *m = s ? s->members : NULL; m; m = m->next_of_alert) {
		if (m->group == g)
			return m;
	}
	return NULL;
}

static bool is_active_interval(const struct route *r, const char *name)
{
	for (size_t i = 0; i < r->n_active; i++) {
		if (!strcmp(r->active[i]->name, name))
			return true;
	}
	return false;
}

static struct verdict_of muted_by_interval(const struct group *g)
{
	return (struct verdict_of){.cause = is_active_interval(g->route, g->muted_by[0])
						    ? MUTED_BY_INACTIVE
						    : MUTED_BY_TIME,
				   .by = g->muted_by[0],
				   .next_at = g->timer.deadline.at};
}

/* That the last flush kept the alert out the engine remembers, and not by what: whatever
 * still does, in the order in which a flush asks; what does no longer was an inhibition,
 * as silences are kept for longer. */
static struct verdict_of muted_before(struct asking *a, const struct group *g)
{
	struct instant then = instant_of_ms(g->flushed_at);
	const struct inhibit_rule *rule = NULL;
	const struct stored_silence **by;
	const struct stored_alert *source = inhibitor_find(
		a->e, a->why->labels, instant_of_ms(a->why->options.now), &rule);
	struct verdict_of v = {.cause = MUTED_BY_INHIBITION,
			       .next_at = g->timer.deadline.at};

	if (source) {
		v.by = arena_printf(a->mem, "%016llx",
				    (unsigned long long)source->fingerprint);
		v.rule = inhibit_rule_text(a->mem, rule);
		v.source = source->labels;
	} else if (silences_matching(a->e, a->why->labels, then, a->mem, &by)) {
		v.cause = MUTED_BY_SILENCE;
		v.by = by[0]->silence.id;
		story_know_silence(a->story, &by[0]->silence);
	}
	return v;
}

static const struct told *log_of(struct asking *a, const char *group_key,
				 const struct why_target *t)
{
	const struct told key = {.group_key = group_key,
				 .receiver = t->receiver,
				 .integration = t->integration,
				 .index = t->index};

	if (a->why->is_past || !t->integration)
		return NULL;
	return told_find(a->e, told_key(a->mem, &key));
}

static bool is_to(const struct delivery *d, const char *group_key,
		  const struct why_target *t)
{
	return t->integration && d->told.index == t->index &&
	       !strcmp(d->told.group_key, group_key) &&
	       !strcmp(d->told.receiver, t->receiver) &&
	       !strcmp(d->told.integration, t->integration);
}

/* On its way now; NULL: none is. */
static const struct delivery *open_delivery_of(struct asking *a, const char *group_key,
					       const struct why_target *t, bool of_end)
{
	struct delivery *d;

	for (size_t at = 0; !a->why->is_past && (d = map_next(&a->e->deliveries, &at));) {
		if (is_to(d, group_key, t) &&
		    fingerprints_have(of_end ? d->told.resolved : d->told.firing,
				      of_end ? d->told.n_resolved : d->told.n_firing,
				      a->why->fingerprint))
			return d;
	}
	return NULL;
}

static struct verdict_of on_its_way(struct asking *a, const struct delivery *d)
{
	bool is_first = d->attempt <= 1 && (d->in_flight || !d->last_error);

	return (struct verdict_of){
		.cause = is_first ? UNTOLD_UNDER_WAY : DELIVERY_RETRY,
		.at = is_first ? d->flush->at : d->attempt_at,
		.delivery = arena_text(a->mem, d->notification.id),
		.error = is_first ? NULL : arena_text(a->mem, d->last_error),
		.attempts = d->attempt - (d->in_flight && !is_first),
		.next_at = d->in_flight ? 0 : d->timer.deadline.at,
		.doubt_at = d->in_doubt ? d->attempt_at : 0,
	};
}

static struct verdict_of by_engine(struct asking *a, const struct group *g,
				   const struct member *m, const struct why_target *t)
{
	const struct told *log = log_of(a, g->key, t);

	if (m->state == MEMBER_SUPPRESSED)
		return muted_before(a, g);
	if (g->n_muted_by)
		return muted_by_interval(g);
	if (!t->integration)
		return (struct verdict_of){.cause = HELD_NO_INTEGRATION,
					   .at = g->flushed_at};
	if (log && fingerprints_have(log->maybe, log->n_maybe, a->why->fingerprint))
		return (struct verdict_of){.cause = DELIVERY_UNKNOWN,
					   .next_at = g->timer.deadline.at};
	if (log && fingerprints_have(log->firing, log->n_firing, a->why->fingerprint))
		return (struct verdict_of){.cause = HELD_NOTHING_NEW, .at = log->at};
	return (struct verdict_of){.cause = NOT_KNOWN, .next_at = g->timer.deadline.at};
}

/* Of a group whose last decision the story does not have. What came before that decision
 * may be missing, too. */
static struct verdict_of by_last_flush(struct asking *a, const struct group *g,
				       const struct member *m, const struct why_target *t)
{
	struct verdict_of v = by_engine(a, g, m, t);

	v.known_since = g->recorded_at ? g->recorded_at : g->created_at;
	return v;
}

/* -- groups and verdicts -------------------------------------------------------------- */

/* The notification log knows what the journal may have lost; what it has may be of an
 * episode before. */
static void ask_log(struct asking *a, const char *group_key, struct why_target *t)
{
	const struct told *log = log_of(a, group_key, t);
	const struct story *s = a->story;

	if (!log || !(story_is_whole(s) || a->is_sure_when) || log->at < s->came_at)
		return;
	if (fingerprints_have(log->firing, log->n_firing, a->why->fingerprint))
		t->verdict = (struct verdict_of){
			.is_told = true, .at = log->at, .last_at = log->at, .times = 1};
}

static bool sends_ends(const struct asking *a, const struct why_target *t)
{
	const struct receiver *r = config_find_receiver(a->e->config, t->receiver);

	for (size_t i = 0; r && i < r->n_integrations; i++) {
		const struct integration_config *to = &r->integrations[i];

		if (to->index == t->index && !strcmp(to->kind->name, t->integration))
			return to->send_resolved;
	}
	return false;
}

static void ask_log_of_end(struct asking *a, const char *group_key, struct why_target *t)
{
	const struct told *log = log_of(a, group_key, t);

	if (log && log->at >= a->story->ended_at && sends_ends(a, t) &&
	    fingerprints_have(log->resolved, log->n_resolved, a->why->fingerprint))
		t->end = (struct verdict_of){
			.is_told = true, .at = log->at, .last_at = log->at, .times = 1};
}

static bool may_know(const struct verdict_of *v)
{
	return v->is_told || v->doubt_at || v->told_before_at ||
	       (v->cause >= DELIVERY_RETRY && v->cause <= DELIVERY_UNKNOWN &&
		v->cause != DELIVERY_GAVE_UP);
}

/* Whoever heard nothing of the beginning has nothing to hear of the end. */
static void fill_end(struct asking *a, const struct why_group *g, const struct group *now,
		     struct why_target *t)
{
	const struct delivery *d;

	t->end = story_end(a->story, g->key, t->receiver, t->integration, t->index);
	if (!t->end.is_told && !t->end.cause)
		return;
	if (!t->end.is_told)
		ask_log_of_end(a, g->key, t);
	d = t->end.is_told ? NULL : open_delivery_of(a, g->key, t, true);
	if (d && sends_ends(a, t))
		t->end = on_its_way(a, d);
	t->is_end_of_matter = t->end.is_told || may_know(&t->verdict) ||
			      t->verdict.known_since;
	if (!t->is_end_of_matter && t->verdict.cause != UNTOLD_UNDER_WAY)
		t->end = (struct verdict_of){.cause = HELD_NOTHING_FIRED, .at = t->end.at};
	if (!t->end.is_told && now && t->end.cause != DELIVERY_RETRY)
		t->end.next_at = now->timer.deadline.at;
}

/* When a group waits for something else than its own timers. */
static void name_wait(const struct why_group *g, const struct group *now,
		      struct why_target *t)
{
	enum reason *cause = &t->verdict.cause;

	if (*cause != UNTOLD_GROUP_WAIT && *cause != UNTOLD_GROUP_INTERVAL &&
	    *cause != UNTOLD_WAITS)
		return;
	*cause = now->flushed ? UNTOLD_GROUP_INTERVAL : UNTOLD_GROUP_WAIT;
	if (g->is_delayed)
		*cause = UNTOLD_START_DELAY;
	if (now->overdue) {
		*cause = UNTOLD_FLUSH_OPEN;
		t->verdict.at = g->open_since;
	}
}

/* The story ends before the group's last decision about this episode, or was never told of
 * it. */
static bool lags_behind(const struct asking *a, const struct group *now,
			const struct member *m)
{
	const struct story_group *then = story_group(a->story, now->key);

	return m && m->state != MEMBER_UNPROCESSED &&
	       now->flushed_at >= a->story->came_at &&
	       !(then && then->joined && then->named_at >= now->recorded_at);
}

/* How it ended did not reach the journal. */
static void doubt_delivery(struct asking *a, const struct why_group *g,
			   struct why_target *t)
{
	const struct verdict_of *v = &t->verdict;

	if ((v->cause == UNTOLD_UNDER_WAY || v->cause == DELIVERY_RETRY) &&
	    !open_delivery_of(a, g->key, t, false))
		t->verdict = (struct verdict_of){.cause = NOT_KNOWN,
						 .at = v->at,
						 .known_since = v->known_since,
						 .doubt_at = v->doubt_at,
						 .told_before_at = v->told_before_at,
						 .delivery = v->delivery};
}

/* What the receiver has of an episode before, whatever the journal lost of that. */
static void ask_log_of_before(struct asking *a, const struct why_group *g,
			      struct why_target *t)
{
	const struct told *log = log_of(a, g->key, t);

	if (a->why->is_past || !t->integration)
		return;
	if (!log || !fingerprints_have(log->firing, log->n_firing, a->why->fingerprint))
		t->verdict.told_before_at = 0;
	else if (a->story->came_at && log->at < a->story->came_at)
		t->verdict.told_before_at = log->at;
}

/* Whether the source that muted it still fires. */
static void ask_source(struct asking *a, struct verdict_of *v)
{
	const struct stored_alert *source = NULL;
	uint64_t fingerprint;

	if (v->cause != MUTED_BY_INHIBITION || !v->by || a->why->is_past ||
	    !fingerprint_parse(str_of(v->by), &fingerprint))
		return;
	source = alert_find(a->e, fingerprint);
	if (!source)
		v->source_ended_at = NEVER;
	else if (stored_alert_is_resolved(source, instant_of_ms(a->why->options.now)))
		v->source_ended_at = instant_ms(source->ends_at);
}

static void fill_live(struct asking *a, const struct why_group *g, const struct group *now,
		      struct why_target *t)
{
	const struct delivery *d = open_delivery_of(a, g->key, t, false);
	const struct member *m = member_of(a->stored, now);
	const struct verdict_of then = t->verdict;
	enum reason cause = t->verdict.cause;

	if (d)
		t->verdict = on_its_way(a, d);
	else if (!a->story->ended_at && lags_behind(a, now, m))
		t->verdict = by_last_flush(a, now, m, t);
	else if (cause == NOT_KNOWN && !a->story->ended_at && m &&
		 m->state == MEMBER_UNPROCESSED)
		t->verdict.cause = UNTOLD_WAITS; /* since the start, or the reload */
	t->verdict.known_since = MAX(then.known_since, t->verdict.known_since);
	t->verdict.doubt_at = MAX(then.doubt_at, t->verdict.doubt_at);
	t->verdict.told_before_at = then.told_before_at;
	name_wait(g, now, t);
	if (t->verdict.cause != DELIVERY_RETRY)
		t->verdict.next_at = now->timer.deadline.at;
}

static bool is_muted(const struct asking *a, const struct why_group *g)
{
	for (size_t i = 0; i < a->why->mutes.n; i++) {
		const struct why_mute *m = &a->why->mutes.v[i];

		if (!m->place || (g->place && !strcmp(m->place, g->place)))
			return true;
	}
	return false;
}

static void find_repeat(struct asking *a, const struct why_group *g, struct why_target *t)
{
	const struct told *log = log_of(a, g->key, t);

	if (g->exists && log && log->at && !a->story->ended_at && !is_muted(a, g) &&
	    (t->verdict.is_told || t->verdict.cause == HELD_NOTHING_NEW) &&
	    fingerprints_have(log->firing, log->n_firing, a->why->fingerprint))
		t->repeat_at = log->at + g->repeat;
}

static void fill_target(struct asking *a, const struct why_group *g,
			const struct group *now, struct why_target *t, enum flushed flushed)
{
	t->verdict = story_verdict(a->story, g->key, t->receiver, t->integration, t->index,
				   flushed);
	if (!t->verdict.is_told && a->story->came_at)
		ask_log(a, g->key, t);
	if (!t->verdict.is_told && !a->why->is_past)
		doubt_delivery(a, g, t);
	if (!t->verdict.is_told && now)
		fill_live(a, g, now, t);
	if (!t->verdict.is_told)
		ask_log_of_before(a, g, t);
	fill_end(a, g, now, t);
	ask_source(a, &t->verdict);
	ask_source(a, &t->end);
	find_repeat(a, g, t);
}

static void add_target(struct asking *a, struct why_group *g, const struct group *now,
		       const struct why_target *name, enum flushed flushed)
{
	struct why_target *t = &g->targets[g->n_targets++];

	*t = (struct why_target){.receiver = name->receiver,
				 .integration = name->integration,
				 .index = name->index};
	fill_target(a, g, now, t, flushed);
}

static void add_targets(struct asking *a, struct why_group *g, const struct group *now,
			const struct receiver *r, enum flushed flushed)
{
	g->targets = ARENA_ARRAY(a->mem, struct why_target, r->n_integrations + 1);
	for (size_t i = 0; i < r->n_integrations; i++) {
		const struct integration_config *to = &r->integrations[i];

		add_target(a, g, now,
			   &(struct why_target){.receiver = r->name,
						.integration = to->kind->name,
						.index = to->index},
			   flushed);
	}
	if (!r->n_integrations)
		add_target(a, g, now, &(struct why_target){.receiver = r->name}, flushed);
}

/* Whose answers the group's flush still waits for. */
static const char *open_for(struct asking *a, const struct flush *f)
{
	const char *text = NULL;
	struct delivery *d;

	for (size_t at = 0; (d = map_next(&a->e->deliveries, &at));) {
		if (d->flush != f)
			continue;
		text = arena_printf(a->mem, "%s%s%s/%s[%zu]%s%s", text ? text : "",
				    text ? ", " : "", d->told.receiver, d->told.integration,
				    d->told.index, d->last_error ? ": " : "",
				    d->last_error ? d->last_error : "");
	}
	return text;
}

static void add_live(struct asking *a, struct why_group *g, const struct group *now)
{
	const struct engine_options *o = &a->e->options;

	g->exists = true;
	g->flushed_at = MAX(now->flushed_at, g->flushed_at);
	g->next_at = now->timer.deadline.at;
	g->is_delayed = !now->flushed && o->start_delay &&
			g->next_at == o->started_at + o->start_delay;
	if (!now->flush)
		return;
	g->open_since = now->flush->at;
	g->open_until = now->flush->deadline;
	g->open_for = open_for(a, now->flush);
}

/* The flushes that changed nothing left no rows: they went on each interval. */
static wall_ms next_then(const struct asking *a, const struct why_group *g,
			 const struct story_group *then)
{
	wall_ms at = a->why->options.at;

	if (then->later_at)
		return then->later_at;
	if (then->next_at >= at)
		return then->next_at;
	if (then->flushed != HAS_FLUSHED || g->interval <= 0 || a->story->ended_at)
		return 0;
	return then->next_at + ((at - then->next_at) / g->interval + 1) * g->interval;
}

static enum flushed flushed_before(const struct asking *a, const struct group *now,
				   const struct story_group *then)
{
	if (!a->why->is_past)
		return now && now->flushed ? HAS_FLUSHED : NOT_FLUSHED;
	return then ? then->flushed : MAYBE_FLUSHED;
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

	if (then)
		g.flushed_at = then->flushed_at;
	if (then && a->why->is_past)
		g.next_at = next_then(a, &g, then);
	if (now)
		add_live(a, &g, now);
	add_targets(a, &g, now, r->receiver, flushed_before(a, now, then));
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
		add_target(a, &g, NULL,
			   &(struct why_target){.receiver = t->receiver,
						.integration = t->integration,
						.index = t->index},
			   HAS_FLUSHED);
		vec_push_in(a->mem, &a->why->groups, g);
	}
}

/* A group of a configuration that is gone: all that is known is what the story has. */
static void add_group_then(struct asking *a, const struct story_group *then)
{
	struct why_group g = {.key = then->key,
			      .receiver = then->receiver,
			      .flushed_at = then->flushed_at};
	const struct story *s = a->story;

	g.next_at = next_then(a, &g, then);
	g.targets = ARENA_ARRAY(a->mem, struct why_target, s->targets.n + 1);
	for (size_t i = 0; i < s->targets.n; i++) {
		const struct story_target *t = &s->targets.v[i];

		if (!strcmp(t->group_key, g.key) && !strcmp(t->receiver, g.receiver))
			add_target(a, &g, NULL,
				   &(struct why_target){.receiver = t->receiver,
							.integration = t->integration,
							.index = t->index},
				   then->flushed);
	}
	if (!g.n_targets)
		add_target(a, &g, NULL, &(struct why_target){.receiver = g.receiver},
			   then->flushed);
	vec_push_in(a->mem, &a->why->groups, g);
}

static void add_groups_then(struct asking *a)
{
	for (size_t i = 0; i < a->story->groups.n; i++) {
		const struct story_group *g = &a->story->groups.v[i];

		if (g->joined || g->end_at || g->later_at)
			add_group_then(a, g);
	}
	add_others(a);
	if (!a->why->groups.n)
		a->why->cause = a->story->ended_at	   ? UNTOLD_RESOLVED
				: story_is_whole(a->story) ? UNTOLD_WAITS
							   : NOT_KNOWN;
}

static void add_groups(struct asking *a)
{
	struct why *w = a->why;
	bool came = a->story->came_at || is_in_group(a->story);
	bool is_of_now = !w->is_past || !w->options.config_changed_at;

	if (is_of_now && (!a->e->config || !a->e->config->root)) {
		w->cause = UNTOLD_NO_ROUTE;
		return;
	}
	if (is_of_now)
		walk(a, a->e->config->root, 0, false);
	if (!w->is_past)
		add_mutes(a);
	if (!came)
		return;
	if (!is_of_now) {
		add_groups_then(a);
		return;
	}
	for (size_t i = 0; i < w->routes.n; i++) {
		if (w->routes.v[i].is_end)
			add_group(a, w->routes.v[i].route);
	}
	add_others(a);
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

		if (d->outcome == DELIVERY_RETRY && d->next_at >= a->why->options.now)
			add_next(a, d->next_at,
				 arena_printf(a->mem, "the next attempt at %s/%s[%zu]",
					      d->receiver, d->integration, d->index));
	}
}

static void add_repeats(struct asking *a, const struct why_group *g)
{
	for (size_t i = 0; i < g->n_targets; i++) {
		const struct why_target *t = &g->targets[i];

		if (t->repeat_at)
			add_next(a, t->repeat_at,
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
	if (s->kept_since)
		add_next(a, s->kept_since + s->keep_firing,
			 "its keep_firing_for is over: it ends at the first evaluation "
			 "from then on");
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

		for (size_t k = 0; k < g->n_targets; k++) {
			struct why_target *t = &g->targets[k];

			t->words = words_verdict(a->mem, a->why, g, t);
			t->end_words = words_end(a->mem, a->why, g, t);
		}
	}
	a->why->headline = words_headline(a->mem, a->why);
}

/* The silences that flushes named, when the journal has lost their beginning. */
static void add_silences(struct asking *a)
{
	for (size_t i = 0; i < a->story->groups.n; i++) {
		const struct story_group *g = &a->story->groups.v[i];
		const struct story_mute *both[] = {&g->muted, &g->end_muted};

		for (size_t k = 0; k < COUNT_OF(both); k++) {
			const struct silence *s = both[k]->reason == MUTED_BY_SILENCE
							  ? view_silence(a->e, both[k]->by)
							  : NULL;

			if (s)
				story_know_silence(a->story, s);
		}
	}
}

/* What an alert is does not change: only of when it was so the story alone can tell. */
static void add_labels(struct asking *a)
{
	if (!a->story->labels && a->story->seen_at)
		a->story->labels = why_labels(a->e, a->story->fingerprint, a->mem);
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
		a.stored = alert_find(e, story->fingerprint);
		add_rule_facts(&a);
		add_router_facts(&a);
	}
	add_silences(&a);
	add_labels(&a);
	w->labels = story->labels;
	if (!w->labels)
		w->labels_now = why_labels(e, story->fingerprint, mem);
	w->state = state_of(w);
	w->cause = story_rule_cause(story);
	if (w->labels)
		add_groups(&a);
	if (w->labels && !w->is_past)
		add_future(&a);
	find_words(&a);
	return w;
}
