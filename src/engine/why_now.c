#include "base/base.h"
#include "engine/why_asking.h"
#include "engine/why_words.h"

#define LONGEST_LOOK (8 * DAY)

/* -- facts of the rule and of the router ------------------------------------------- */

void why_add_rule_facts(struct asking *a)
{
	struct story *s = a->story;
	const struct labels *known = a->stored ? a->stored->labels : s->labels;
	struct rule_place in = why_rule_place(a->e,
					      known ? labels_get(known, "alertname") : NULL,
					      a->why->fingerprint, a->mem);
	const struct active_alert *active = in.alert;

	if (!active)
		return;
	if (!s->labels)
		s->labels = in.labels;
	s->file = in.group->config->file;
	s->rule_group = in.group->config->name;
	s->rule = in.rule->rule->alert;
	s->expr = in.rule->rule->expr;
	s->line = in.rule->rule->at.line;
	s->hold = in.rule->rule->hold;
	s->value = active->value;
	s->pending_at = active->active_at;
	s->firing_at = active->state == ALERT_PENDING ? 0 : active->fired_at;
	s->resolved_at = active->resolved_at;
	s->dropped_at = 0;
	s->keep_firing = in.rule->rule->keep_firing;
	s->kept_since = active->keep_firing_since;
	s->rule_error = in.rule->last_error;
	s->rule_failed_at = in.rule->failing_since;
}

/* The alert turned after all that the story has of it. What came in an earlier life has
 * times by a clock that may have been set since. */
static bool is_behind(const struct story *s, const struct stored_alert *stored)
{
	if (stored->came_before)
		return !s->seen_at;
	return stored->came_at > (s->turned_at ? s->turned_at : s->last_seen_at);
}

void why_add_router_facts(struct asking *a)
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

/* -- routes ------------------------------------------------------------------------ */

static bool walk(struct asking *a, const struct route *r, unsigned depth, bool not_asked)
{
	struct why *w = a->why;
	const char *refused_by = why_refusing(a->mem, &r->matchers, w->labels);
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

void why_add_routes(struct asking *a)
{
	walk(a, a->e->config->root, 0, false);
}

/* -- what mutes it ----------------------------------------------------------------- */

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

void why_add_next(struct asking *a, wall_ms at, const char *words)
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
	why_add_next(a, until,
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

void why_add_mutes(struct asking *a)
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
		why_add_next(a, instant_ms(s->ends_at),
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
