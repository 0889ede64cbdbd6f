#include "base/base.h"
#include "engine/why_asking.h"

#include <string.h>

/* -- what the engine has of it now ------------------------------------------------- */

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

/* -- what the last flush decided --------------------------------------------------- */

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

/* -- of its beginning -------------------------------------------------------------- */

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

/* -- of its end -------------------------------------------------------------------- */

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

/* -- both -------------------------------------------------------------------------- */

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

void why_add_target(struct asking *a, struct why_group *g, const struct group *now,
		    const struct why_target *name, enum flushed flushed)
{
	struct why_target *t = &g->targets[g->n_targets++];

	*t = (struct why_target){.receiver = name->receiver,
				 .integration = name->integration,
				 .index = name->index};
	fill_target(a, g, now, t, flushed);
}
