#include "base/base.h"
#include "engine/story.h"

#include <string.h>

struct story story_of(struct arena *mem, uint64_t fingerprint)
{
	return (struct story){.mem = mem, .fingerprint = fingerprint};
}

static bool is_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && !strcmp(a, b));
}

/* -- finding -------------------------------------------------------------------------- */

static struct story_group *find_group(const struct story *s, const char *key)
{
	for (size_t i = 0; i < s->groups.n; i++) {
		if (is_text(s->groups.v[i].key, key))
			return &s->groups.v[i];
	}
	return NULL;
}

const struct story_group *story_group(const struct story *s, const char *key)
{
	return find_group(s, key);
}

static struct story_group *group_of(struct story *s, const struct record *r)
{
	struct story_group *g = find_group(s, r->group_key);

	if (g)
		return g;
	vec_push_in(s->mem, &s->groups,
		    (struct story_group){.key = arena_text(s->mem, r->group_key),
					 .receiver = arena_text(s->mem, r->receiver)});
	return &s->groups.v[s->groups.n - 1];
}

static struct story_target *find_target(const struct story *s, const char *group_key,
					const char *receiver, const char *integration,
					size_t index)
{
	for (size_t i = 0; i < s->targets.n; i++) {
		struct story_target *t = &s->targets.v[i];

		if (t->index == index && is_text(t->group_key, group_key) &&
		    is_text(t->receiver, receiver) && is_text(t->integration, integration))
			return t;
	}
	return NULL;
}

static struct story_target *target_of(struct story *s, const char *group_key,
				      const char *receiver, const char *integration,
				      size_t index)
{
	struct story_target *t = find_target(s, group_key, receiver, integration, index);

	if (t)
		return t;
	vec_push_in(s->mem, &s->targets,
		    (struct story_target){.group_key = arena_text(s->mem, group_key),
					  .receiver = arena_text(s->mem, receiver),
					  .integration = arena_text(s->mem, integration),
					  .index = index});
	return &s->targets.v[s->targets.n - 1];
}

/* The latest of that id: a notification may be sent again after a crash. */
static struct story_delivery *find_delivery(const struct story *s, const char *id)
{
	for (size_t i = s->deliveries.n; id && i--;) {
		if (!strcmp(s->deliveries.v[i].id, id))
			return &s->deliveries.v[i];
	}
	return NULL;
}

const struct story_delivery *story_delivery(const struct story *s, const char *id)
{
	return find_delivery(s, id);
}

/* -- alerts and rules ----------------------------------------------------------------- */

static void take_beginning(struct story *s, const struct record *r,
			   const struct record_alert *a, wall_ms came_at)
{
	s->came_at = came_at;
	s->starts_at = a->starts_at;
	s->ended_at = 0;
	s->from = arena_text(s->mem, r->from);
	s->user = arena_text(s->mem, r->by);
}

/* What was decided before is about another episode; what is on its way may still come. */
static void forget_episode(struct story *s)
{
	for (size_t i = 0; i < s->groups.n; i++) {
		struct story_group *g = &s->groups.v[i];

		g->joined = false;
		g->named_at = g->end_at = 0;
		g->muted = g->end_muted = (struct story_mute){0};
	}
	for (size_t i = 0; i < s->targets.n; i++) {
		struct story_target *t = &s->targets.v[i];

		t->decided = REASON_NONE;
		t->decided_at = 0;
		t->delivery = NULL;
		if (t->times_told && !t->end_told_at)
			t->told_before_at = t->last_told_at;
		t->first_told_at = t->last_told_at = t->end_told_at = t->doubt_at = 0;
		t->times_told = 0;
		t->end_decided = REASON_NONE;
		t->end_decided_at = 0;
		t->end_delivery = NULL;
	}
}

static void begin_episode(struct story *s, const struct record *r,
			  const struct record_alert *a)
{
	forget_episode(s);
	take_beginning(s, r, a, r->at);
	s->has_beginning = true;
	s->began_at = r->at;
}

void story_lost_track(struct story *s, wall_ms known_since)
{
	s->groups.v = NULL; /* a copy of the story may share them */
	s->groups.n = s->groups.cap = 0;
	s->targets.v = NULL;
	s->targets.n = s->targets.cap = 0;
	s->has_beginning = false;
	s->came_at = s->ended_at = 0;
	s->known_since = known_since;
}

/* It was over when it came; or a crash, or trimming, lost how it began. */
static void take_late_beginning(struct story *s, const struct record *r,
				const struct record_alert *a)
{
	s->has_beginning = !s->seen_at && !s->known_since;
	s->began_at = r->at;
	take_beginning(s, r, a, s->has_beginning ? r->at : a->starts_at);
}

static void take_change(struct story *s, const struct record *r,
			const struct record_alert *a)
{
	if (!s->labels)
		s->labels = labels_copy(s->mem, a->labels);
	switch (a->change) {
	case CHANGE_NEW:
	case CHANGE_FIRING:
		s->turned_at = r->at;
		begin_episode(s, r, a);
		break;
	case CHANGE_RESOLVED:
		s->turned_at = r->at;
		if (!s->came_at)
			take_late_beginning(s, r, a);
		s->ended_at = a->ends_at ? MIN(a->ends_at, r->at) : r->at;
		s->ended_for = r->reason;
		break;
	case CHANGE_RULE_PENDING:
		s->pending_at = a->starts_at;
		s->firing_at = s->resolved_at = s->dropped_at = 0;
		break;
	case CHANGE_RULE_FIRING:
		s->pending_at = a->starts_at;
		s->firing_at = r->at;
		s->resolved_at = s->dropped_at = 0;
		break;
	case CHANGE_RULE_RESOLVED:
		s->resolved_at = r->at;
		s->resolved_for = r->reason;
		break;
	case CHANGE_RULE_DROPPED:
		s->dropped_at = r->at;
		break;
	case CHANGE_DROPPED:
		s->refused_at = r->at;
		s->refused_for = arena_text(s->mem, r->error);
		break;
	case CHANGES:
		break;
	}
}

static void take_rule(struct story *s, const struct record *r)
{
	s->file = arena_text(s->mem, r->file);
	s->rule_group = arena_text(s->mem, r->group);
	s->rule = arena_text(s->mem, r->rule);
	s->expr = arena_text(s->mem, r->expr);
	s->line = r->line;
	s->hold = r->hold;
}

static bool is_of_rule(const struct story *s, const struct record *r)
{
	return s->rule && is_text(s->file, r->file) && is_text(s->rule_group, r->group) &&
	       is_text(s->rule, r->rule);
}

static void note_seen(struct story *s, const struct record *r)
{
	s->seen_at = s->seen_at ? s->seen_at : r->at;
	s->last_seen_at = r->at;
}

/* Another error of a rule that fails has a row of its own. */
static void take_health(struct story *s, const struct record *r)
{
	bool fails = r->reason == RULE_FAILS;

	s->rule_failed_at = !fails ? 0 : s->rule_error ? s->rule_failed_at : r->at;
	s->rule_error = fails ? arena_text(s->mem, r->error) : NULL;
}

static void take_alerts(struct story *s, const struct record *r)
{
	if (r->reason == RULE_FAILS || r->reason == RULE_WORKS) {
		if (!is_of_rule(s, r))
			return;
		take_health(s, r);
		return;
	}
	for (size_t i = 0; i < r->n_alerts; i++) {
		if (r->alerts[i].fingerprint != s->fingerprint)
			continue;
		if (r->kind == RECORD_RULE) {
			take_rule(s, r);
			s->value = r->alerts[i].value;
		}
		take_change(s, r, &r->alerts[i]);
		note_seen(s, r);
	}
}

/* -- flushes and deliveries ----------------------------------------------------------- */

static void add_delivery(struct story *s, const struct record *r,
			 const struct record_decision *d, bool fires)
{
	if (s->deliveries.n == STORY_MOST_DELIVERIES) {
		vec_remove(&s->deliveries, 0);
		s->n_deliveries_left_out++;
	}
	vec_push_in(s->mem, &s->deliveries,
		    (struct story_delivery){
			    .id = arena_text(s->mem, d->delivery),
			    .group_key = arena_text(s->mem, r->group_key),
			    .receiver = arena_text(s->mem, d->receiver),
			    .integration = arena_text(s->mem, d->integration),
			    .index = d->index,
			    .fires = fires,
			    .reason = d->reason,
			    .at = r->at,
		    });
}

static const struct record_mute *mute_of(const struct story *s, const struct record *r)
{
	for (size_t i = 0; i < r->n_mutes; i++) {
		if (fingerprints_have(r->mutes[i].alerts, r->mutes[i].n, s->fingerprint))
			return &r->mutes[i];
	}
	return NULL;
}

static void take_mute(struct story *s, struct story_mute *to, const struct record *r,
		      const struct record_mute *m, bool is_first)
{
	bool is_as_before = !is_first && m && to->reason == m->reason &&
			    is_text(to->by, m->by);

	*to = (struct story_mute){
		.reason = m ? m->reason : REASON_NONE,
		.by = m ? arena_text(s->mem, m->by) : NULL,
		.rule = m ? arena_text(s->mem, m->rule) : NULL,
		.source = m && m->source ? labels_copy(s->mem, m->source) : NULL,
		.since = is_as_before ? to->since : r->at,
	};
}

/* A group goes with the last that is over, once that was told, if anybody has to be. */
static enum flushed state_after(const struct record *r)
{
	if (r->n_firing)
		return HAS_FLUSHED;
	for (size_t i = 0; i < r->n_decisions; i++) {
		if (r->decisions[i].delivery)
			return MAYBE_FLUSHED;
	}
	return NOT_FLUSHED;
}

static void take_time(struct story_group *g, const struct record *r)
{
	g->flushed_at = r->at;
	g->next_at = r->next_at;
	g->flushed = state_after(r);
}

static void take_place(struct story *s, const struct record *r, const struct record_mute *m,
		       bool fires)
{
	struct story_group *g = group_of(s, r);

	take_time(g, r);
	g->named_at = r->at;
	if (fires) {
		take_mute(s, &g->muted, r, m, !g->joined);
		g->joined = g->has_integrations = true;
		return;
	}
	take_mute(s, &g->end_muted, r, m, !g->end_at);
	g->end_at = r->at;
}

/* A notification that leaves out what is over says nothing about an end. */
static void take_decision(struct story *s, const struct record *r,
			  const struct record_decision *d, bool fires)
{
	struct story_target *t;

	if (!d->integration) {
		group_of(s, r)->has_integrations = false;
		return;
	}
	t = target_of(s, r->group_key, d->receiver, d->integration, d->index);
	if (fires) {
		t->decided = d->reason;
		t->decided_at = r->at;
		t->delivery = arena_text(s->mem, d->delivery);
	} else {
		t->end_decided = d->without_ended ? HELD_RESOLVED_UNWANTED : d->reason;
		t->end_decided_at = r->at;
		t->end_delivery = d->without_ended ? NULL : arena_text(s->mem, d->delivery);
	}
	if (d->delivery && (fires || !d->without_ended))
		add_delivery(s, r, d, fires);
}

/* Whom the group tells, also where this alert was kept out. */
static void know_targets(struct story *s, const struct record *r)
{
	for (size_t i = 0; i < r->n_decisions; i++) {
		const struct record_decision *d = &r->decisions[i];

		if (d->integration)
			target_of(s, r->group_key, d->receiver, d->integration, d->index);
	}
}

static void note_without_it(struct story *s, const char *id)
{
	if (!id || !s->known_since)
		return;
	if (s->without_it.n == STORY_MOST_DELIVERIES)
		vec_remove(&s->without_it, 0);
	vec_push_in(s->mem, &s->without_it, arena_text(s->mem, id));
}

static void take_flush(struct story *s, const struct record *r)
{
	bool fires = fingerprints_have(r->firing, r->n_firing, s->fingerprint);
	const struct record_mute *m;
	struct story_group *g;

	if (!fires && !fingerprints_have(r->resolved, r->n_resolved, s->fingerprint)) {
		g = find_group(s, r->group_key);
		if (g)
			take_time(g, r);
		return;
	}
	note_seen(s, r);
	if (!fires && !s->ended_at)
		s->ended_at = r->at; /* its end came by itself */
	m = mute_of(s, r);
	take_place(s, r, m, fires);
	know_targets(s, r);
	for (size_t i = 0; i < r->n_decisions; i++) {
		if (m)
			note_without_it(s, r->decisions[i].delivery);
		else
			take_decision(s, r, &r->decisions[i], fires);
	}
}

void story_add_later(struct story *s, const struct record *r)
{
	struct story_group *g;

	if (r->kind != RECORD_FLUSH ||
	    (!fingerprints_have(r->firing, r->n_firing, s->fingerprint) &&
	     !fingerprints_have(r->resolved, r->n_resolved, s->fingerprint)))
		return;
	g = group_of(s, r);
	if (!g->later_at)
		g->later_at = r->at;
	know_targets(s, r);
}

static void forget_flushes(struct story *s, enum flushed flushed)
{
	for (size_t i = 0; i < s->groups.n; i++)
		s->groups.v[i].flushed = flushed;
}

static struct record_decision decision_of(const struct record *r)
{
	return (struct record_decision){r->receiver, r->integration, r->index,
					r->reason,   r->delivery,    r->without_ended};
}

/* A fallback receiver, whom no flush names. */
static void take_sending(struct story *s, const struct record *r)
{
	const struct record_decision d = decision_of(r);
	bool fires = fingerprints_have(r->firing, r->n_firing, s->fingerprint);

	if (!fires && (r->without_ended ||
		       !fingerprints_have(r->resolved, r->n_resolved, s->fingerprint)))
		return;
	note_seen(s, r);
	target_of(s, r->group_key, r->receiver, r->integration, r->index);
	if (!find_delivery(s, r->delivery))
		add_delivery(s, r, &d, fires);
}

static void take_told(struct story *s, const struct story_delivery *d, wall_ms at)
{
	struct story_target *t = target_of(s, d->group_key, d->receiver, d->integration,
					   d->index);

	if (!d->fires) {
		t->told_before_at = 0;
		if (!s->has_beginning || d->at >= s->began_at)
			t->end_told_at = at; /* else of another episode's end */
		t->end_told_by = d->id;
		return;
	}
	t->told_by = d->id;
	if (!t->times_told++)
		t->first_told_at = at;
	t->last_told_at = at;
}

/* An attempt whose flush is not in the journal, but which says whom it told of. */
static struct story_delivery *take_orphan(struct story *s, const struct record *r)
{
	bool fires = fingerprints_have(r->firing, r->n_firing, s->fingerprint);
	const struct record_decision d = decision_of(r);
	struct story_group *g;

	if (!r->integration ||
	    (!fires && !fingerprints_have(r->resolved, r->n_resolved, s->fingerprint)))
		return NULL;
	note_seen(s, r);
	take_decision(s, r, &d, fires);
	if (fires) {
		g = group_of(s, r);
		g->flushed_at = g->flushed_at ? g->flushed_at : r->at;
		g->joined = g->has_integrations = true;
	}
	return find_delivery(s, r->delivery);
}

static bool is_without_it(const struct story *s, const char *id)
{
	for (size_t i = s->without_it.n; id && i--;) {
		if (!strcmp(s->without_it.v[i], id))
			return true;
	}
	return false;
}

/* It was decided before the story begins, and may have told of the alert. */
static void note_orphan(struct story *s, const struct record *r)
{
	if (!s->known_since || r->reason != DELIVERY_SENT || r->n_firing || !r->group_key ||
	    is_without_it(s, r->delivery))
		return;
	for (size_t i = 0; i < s->orphans.n; i++) {
		if (!strcmp(s->orphans.v[i].group_key, r->group_key)) {
			s->orphans.v[i].at = r->at;
			return;
		}
	}
	if (s->orphans.n < STORY_MOST_ORPHANS)
		vec_push_in(s->mem, &s->orphans,
			    (struct story_orphan){arena_text(s->mem, r->group_key), r->at});
}

static void take_doubt(struct story *s, const struct story_delivery *d, wall_ms at)
{
	if (d->fires)
		target_of(s, d->group_key, d->receiver, d->integration, d->index)
			->doubt_at = at;
}

static void take_attempt(struct story *s, const struct record *r)
{
	struct story_delivery *d = find_delivery(s, r->delivery);

	if (!d)
		d = take_orphan(s, r);
	if (!d) {
		note_orphan(s, r);
		return;
	}
	d->outcome = r->reason;
	d->ended_at = r->at;
	d->next_at = r->reason == DELIVERY_RETRY ? r->next_at : 0;
	d->attempts = r->attempt;
	d->status = r->status;
	d->error = arena_text(s->mem, r->error);
	if (r->reason == DELIVERY_SENT)
		take_told(s, d, r->at);
	else if (r->in_doubt || r->reason == DELIVERY_UNKNOWN)
		take_doubt(s, d, r->at);
}

/* -- silences ------------------------------------------------------------------------- */

static const char *matchers_text(struct arena *mem, const struct matchers *m)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	buf_add_matchers(&b, m);
	text = buf_keep(&b, mem).p;
	buf_free(&b);
	return text;
}

/* Those that could matter; which one did, a flush says. */
static void take_silence(struct story *s, const struct record *r)
{
	const struct silence *from = r->silence;
	struct story_silence silence;

	if (!from || (s->labels && !matchers_hold(&from->matchers, s->labels)))
		return;
	silence = (struct story_silence){
		.id = arena_text(s->mem, from->id),
		.author = arena_text(s->mem, from->created_by),
		.comment = arena_text(s->mem, from->comment),
		.matchers = matchers_text(s->mem, &from->matchers),
		.change = arena_text(s->mem, r->change),
		.from = arena_text(s->mem, r->from),
		.user = arena_text(s->mem, r->by),
		.at = r->at,
		.starts_at = instant_ms(from->starts_at),
		.ends_at = instant_ms(from->ends_at),
	};
	for (size_t i = 0; i < s->silences.n; i++) {
		if (!strcmp(s->silences.v[i].id, silence.id)) {
			s->silences.v[i] = silence;
			return;
		}
	}
	vec_push_in(s->mem, &s->silences, silence);
}

const struct story_silence *story_silence(const struct story *s, const char *id)
{
	for (size_t i = 0; i < s->silences.n; i++) {
		if (!strcmp(s->silences.v[i].id, id))
			return &s->silences.v[i];
	}
	return NULL;
}

void story_know_silence(struct story *s, const struct silence *silence)
{
	const struct record r = {.kind = RECORD_SILENCE,
				 .at = instant_ms(silence->updated_at),
				 .silence = silence};

	if (!story_silence(s, silence->id))
		take_silence(s, &r);
}

void story_add(struct story *s, const struct record *r)
{
	switch (r->kind) {
	case RECORD_ALERTS:
	case RECORD_RULE:
		take_alerts(s, r);
		break;
	case RECORD_FLUSH:
		take_flush(s, r);
		break;
	case RECORD_SENDING:
		take_sending(s, r);
		break;
	case RECORD_ATTEMPT:
		take_attempt(s, r);
		break;
	case RECORD_SILENCE:
		take_silence(s, r);
		break;
	case RECORD_CONFIG:
		if (r->error)
			break;
		forget_flushes(s, NOT_FLUSHED); /* groups are made anew */
		s->config_at = r->at;
		s->config_hash = arena_text(s->mem, r->hash);
		break;
	case RECORD_START:
		/* a journal may begin anew while the daemon goes on */
		forget_flushes(s, record_begins_anew(r) ? MAYBE_FLUSHED : NOT_FLUSHED);
		break;
	case RECORD_CLOCK:
		s->turned_at += s->turned_at ? r->jump : 0;
		s->last_seen_at += s->last_seen_at ? r->jump : 0;
		break;
	case RECORD_FILE:
	case RECORD_STOP:
	case RECORD_KINDS:
		break;
	}
}

/* -- verdicts ------------------------------------------------------------------------- */

bool story_has_come(const struct story *s)
{
	if (s->came_at)
		return true;
	for (size_t i = 0; i < s->groups.n; i++) {
		if (s->groups.v[i].joined)
			return true;
	}
	return false;
}

bool story_is_whole(const struct story *s)
{
	return !s->known_since || (s->has_beginning && s->began_at >= s->known_since);
}

enum reason story_rule_cause(const struct story *s)
{
	if (s->rule_error)
		return RULE_FAILS;
	if (s->dropped_at)
		return UNTOLD_DROPPED;
	if (s->pending_at && !s->resolved_at)
		return UNTOLD_PENDING;
	if (s->refused_at)
		return UNTOLD_CEILING;
	return s->known_since ? NOT_KNOWN : UNTOLD_UNKNOWN;
}

bool verdict_is_in_doubt(const struct verdict_of *v)
{
	return !v->is_told &&
	       (v->doubt_at || v->cause == DELIVERY_UNKNOWN || v->cause == NOT_KNOWN ||
		(v->cause == HELD_NOTHING_NEW && v->known_since));
}

static struct verdict_of told(const struct story_target *t)
{
	return (struct verdict_of){
		.is_told = true,
		.at = t->first_told_at,
		.last_at = t->last_told_at,
		.times = t->times_told,
		.delivery = t->told_by,
	};
}

static struct verdict_of by_delivery(const struct story *s, const char *id,
				     wall_ms decided_at)
{
	const struct story_delivery *d = find_delivery(s, id);
	struct verdict_of v = {.cause = UNTOLD_UNDER_WAY, .at = decided_at, .delivery = id};

	if (!d || d->outcome == REASON_NONE)
		return v;
	v.cause = d->outcome;
	v.at = d->ended_at;
	v.error = d->error;
	v.status = d->status;
	v.attempts = d->attempts;
	v.next_at = d->next_at;
	return v;
}

static struct verdict_of by_mute(const struct story_group *g, const struct story_mute *m)
{
	return (struct verdict_of){.cause = m->reason,
				   .at = m->since,
				   .by = m->by,
				   .rule = m->rule,
				   .source = m->source,
				   .next_at = g->next_at};
}

static struct verdict_of by_place(const struct story *s, const struct story_group *g,
				  enum flushed flushed)
{
	static const enum reason waits[] = {
		[NOT_FLUSHED] = UNTOLD_GROUP_WAIT,
		[HAS_FLUSHED] = UNTOLD_GROUP_INTERVAL,
		[MAYBE_FLUSHED] = UNTOLD_WAITS,
	};

	if (g && g->joined && g->muted.reason)
		return by_mute(g, &g->muted);
	if (!story_is_whole(s))
		return (struct verdict_of){.cause = NOT_KNOWN};
	if (s->ended_at)
		return (struct verdict_of){.cause = UNTOLD_RESOLVED, .at = s->ended_at};
	return (struct verdict_of){
		.cause = waits[flushed], .at = s->came_at, .next_at = g ? g->later_at : 0};
}

static struct verdict_of untold(const struct story *s, const struct story_group *g,
				const struct story_target *t, bool has_integration,
				enum flushed flushed)
{
	struct verdict_of v;

	if (t && t->decided >= DELIVERY_SENT && t->decided <= DELIVERY_UNKNOWN)
		/* its beginning is not in the journal */
		return by_delivery(s, t->delivery, t->decided_at);
	if (!s->came_at && !(g && g->joined))
		return (struct verdict_of){.cause = story_rule_cause(s)};
	if (!g || !g->joined || g->muted.reason)
		return by_place(s, g, flushed);
	if (!has_integration)
		return (struct verdict_of){.cause = HELD_NO_INTEGRATION,
					   .at = g->flushed_at};
	if (!t || !t->decided_at)
		return by_place(s, g, flushed);
	if (reason_is_told(t->decided))
		v = by_delivery(s, t->delivery, t->decided_at);
	else
		v = (struct verdict_of){.cause = t->decided, .at = t->decided_at};
	if (!v.next_at)
		v.next_at = g->next_at;
	return v;
}

static wall_ms known_since(const struct story *s, const char *group_key)
{
	for (size_t i = 0; i < s->orphans.n; i++) {
		if (!strcmp(s->orphans.v[i].group_key, group_key))
			return MAX(s->known_since, s->orphans.v[i].at + 1);
	}
	return s->known_since;
}

struct verdict_of story_verdict(const struct story *s, const char *group_key,
				const char *receiver, const char *integration, size_t index,
				enum flushed flushed)
{
	const struct story_target *t = find_target(s, group_key, receiver, integration,
						   index);
	struct verdict_of v;

	if (t && t->times_told)
		return told(t);
	v = untold(s, find_group(s, group_key), t, integration, flushed);
	v.doubt_at = t ? t->doubt_at : 0;
	v.told_before_at = t ? t->told_before_at : 0;
	if (!story_is_whole(s))
		v.known_since = known_since(s, group_key);
	return v;
}

static struct verdict_of end_untold(const struct story *s, const struct story_group *g,
				    const struct story_target *t)
{
	if (g && g->end_at && g->end_muted.reason)
		return by_mute(g, &g->end_muted);
	if (t && t->end_decided_at && t->end_delivery)
		return by_delivery(s, t->end_delivery, t->end_decided_at);
	if (t && t->end_decided_at)
		return (struct verdict_of){.cause = t->end_decided,
					   .at = t->end_decided_at};
	if (!story_is_whole(s))
		return (struct verdict_of){.cause = NOT_KNOWN};
	return (struct verdict_of){.cause = UNTOLD_END_AHEAD,
				   .at = s->ended_at,
				   .next_at = g ? g->next_at : 0};
}

struct verdict_of story_end(const struct story *s, const char *group_key,
			    const char *receiver, const char *integration, size_t index)
{
	const struct story_target *t = find_target(s, group_key, receiver, integration,
						   index);
	struct verdict_of v;

	if (t && t->end_told_at)
		return (struct verdict_of){.is_told = true,
					   .at = t->end_told_at,
					   .last_at = t->end_told_at,
					   .times = 1,
					   .delivery = t->end_told_by};
	if (!s->ended_at || !integration)
		return (struct verdict_of){0};
	v = end_untold(s, find_group(s, group_key), t);
	if (!story_is_whole(s))
		v.known_since = s->known_since;
	return v;
}
