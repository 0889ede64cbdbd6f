#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

/* The life of an alerting rule's alerts (spec/rules.md 8):
 *
 *	            sample                held for long enough
 *	(none) ──────────────► PENDING ─────────────────────► FIRING
 *	   ▲                      │ no sample                   │ no sample, and not kept
 *	   └──────────────────────┘                             ▼
 *	   ▲───── 15 minutes later ───────────────────────── INACTIVE
 *
 * A sample for an INACTIVE one starts a new alert from PENDING. */

#define RESOLVED_RETENTION (15 * MINUTE)

/* -- candidates ----------------------------------------------------------------------- */

struct candidate {
	const struct labels *labels, *annotations;
	double value;
};

static const struct labels *without_name(struct arena *mem, const struct labels *labels)
{
	return labels_with(mem, labels, "__name__", "");
}

static bool expand_labels(struct engine *e, struct run *run, const struct sample *s,
			  struct candidate *c, const char **wanted)
{
	const struct rule *rule = run_rule(run)->rule;
	const struct labels *set = without_name(&run->eval_mem, s->labels);
	const char *text;

	for (size_t i = 0; i < rule->n_labels; i++) {
		const struct text_pair *p = &rule->labels[i];

		if (!expand(e, run, run->label_templates[i], p, s, NULL, &text)) {
			*wanted = text;
			return false;
		}
		set = labels_with(&run->eval_mem, set, p->name, text);
	}
	c->labels = labels_with(&run->eval_mem, set, "alertname", rule->alert);
	return true;
}

static bool expand_annotations(struct engine *e, struct run *run, const struct sample *s,
			       struct candidate *c, const char **wanted)
{
	const struct rule *rule = run_rule(run)->rule;
	size_t n = rule->n_annotations;
	struct label *pairs = ARENA_ARRAY(&run->eval_mem, struct label, n);

	for (size_t i = 0; i < n; i++) {
		const struct text_pair *p = &rule->annotations[i];

		pairs[i].name = p->name;
		if (!expand(e, run, run->annotation_templates[i], p, s, c->labels,
			    &pairs[i].value)) {
			*wanted = pairs[i].value;
			return false;
		}
	}
	c->annotations = labels_new_raw(&run->eval_mem, pairs, n, NULL);
	return true;
}

/* False when a query of a template is wanted first: what is made so far stays. */
static bool make_candidates(struct engine *e, struct run *run, const struct samples *in,
			    const char **wanted)
{
	if (in->n && !run->label_templates)
		expand_prepare(e, run);
	if (!run->candidates)
		run->candidates = ARENA_ARRAY(&run->eval_mem, struct candidate, in->n);
	for (; run->n_candidates < in->n; run->n_candidates++) {
		const struct sample *s = &in->v[run->n_candidates];
		struct candidate *c = &run->candidates[run->n_candidates];

		if (!expand_labels(e, run, s, c, wanted) ||
		    !expand_annotations(e, run, s, c, wanted))
			return false;
		c->value = s->value;
	}
	return true;
}

static bool are_distinct(const struct candidate *v, size_t n, const char **error)
{
	struct map seen = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < n; i++) {
		const struct candidate *c = &v[i];

		if (map_find(&seen, map_key_u64(&c->labels->fingerprint))) {
			*error = "vector contains metrics with the same labelset after "
				 "applying alert labels";
			ok = false;
		}
		map_put(&seen, map_key_u64(&c->labels->fingerprint), (void *)(uintptr_t)c);
	}
	map_free(&seen);
	return ok;
}

/* -- the table ------------------------------------------------------------------------ */

static struct active_alert *find(const struct rule_state *r, uint64_t fingerprint)
{
	return map_find(&r->active, map_key_u64(&fingerprint));
}

static void discard(void *p)
{
	struct active_alert *a = p;

	free(a->labels);
	free(a->annotations);
	free(a);
}

/* Of its row on the disk. */
static const char *row_key(struct engine *e, const struct rulegroup *g,
			   const struct rule_state *r, const struct active_alert *a)
{
	return arena_printf(e->mem, "%s;%s;%016llx;%016llx", g->map_key, r->rule->alert,
			    (unsigned long long)r->labels->fingerprint,
			    (unsigned long long)a->labels->fingerprint);
}

/* The list of those alike lies in the map under the labels of its first. */
static void join_alike(struct engine *e, struct active_alert *a)
{
	struct str key = map_key_u64(&a->labels->fingerprint);

	a->next_alike = map_find(&e->active, key);
	map_put(&e->active, key, a);
}

static void part_alike(struct engine *e, const struct active_alert *a)
{
	struct str key = map_key_u64(&a->labels->fingerprint);
	struct active_alert *first = map_find(&e->active, key), **link = &first;

	while (*link != a)
		link = &(*link)->next_alike;
	*link = a->next_alike;
	if (first)
		map_put(&e->active, map_key_u64(&first->labels->fingerprint), first);
	else
		map_del(&e->active, key);
}

static void take_out(struct engine *e, struct rule_state *r, struct active_alert *a)
{
	part_alike(e, a);
	kept_release(e, a->labels);
	kept_release(e, a->annotations);
	map_del(&r->active, map_key_u64(&a->labels->fingerprint));
	bury(e, discard, a);
}

static void forget(struct engine *e, struct rulegroup *g, struct rule_state *r,
		   struct active_alert *a)
{
	act(e, ACTION_FORGET_RULE_ALERT)->key = row_key(e, g, r, a);
	take_out(e, r, a);
}

static struct active_alert *insert(struct engine *e, struct rule_state *r,
				   const struct labels *labels)
{
	struct active_alert *a = mem_new(sizeof(*a));

	a->labels = kept_new(e, labels);
	a->annotations = kept_new(e, &labels_none);
	map_put(&r->active, map_key_u64(&a->labels->fingerprint), a);
	join_alike(e, a);
	return a;
}

static void set_annotations(struct engine *e, struct active_alert *a,
			    const struct labels *annotations)
{
	kept_release(e, a->annotations);
	bury(e, free, a->annotations);
	a->annotations = kept_new(e, annotations);
}

const struct labels *alerting_outgoing(struct engine *e, const struct labels *labels)
{
	const struct labels *external = e->config->global.external_labels;

	if (external)
		labels = labels_merge(e->mem, external, labels);
	return e->config->alert_relabels.n
		       ? relabel(e->mem, labels, &e->config->alert_relabels)
		       : labels;
}

/* -- what changed, for the journal ---------------------------------------------------- */

static void note(struct engine *e, const struct active_alert *a, enum alert_change change)
{
	const struct labels *sent = alerting_outgoing(e, a->labels);
	const struct labels *labels = sent ? sent : a->labels;

	vec_push(&e->rule_changes, (struct record_alert){
					   .change = change,
					   .fingerprint = labels->fingerprint,
					   .labels = labels,
					   .starts_at = a->active_at,
					   .ends_at = a->resolved_at,
					   .value = a->value,
				   });
}

struct record *rule_record(struct engine *e, const struct rulegroup *g,
			   const struct rule_state *r, enum reason reason)
{
	struct record *record = act_record(e, RECORD_RULE, reason);

	record->file = arena_text(e->mem, g->config->file);
	record->group = arena_text(e->mem, g->config->name);
	record->line = r->rule->at.line;
	record->rule = arena_text(e->mem,
				  r->rule->alert ? r->rule->alert : r->rule->record);
	record->expr = arena_text(e->mem, r->rule->expr);
	record->hold = r->rule->hold;
	return record;
}

static void record_changes(struct engine *e, const struct rulegroup *g,
			   const struct rule_state *r, enum reason reason)
{
	size_t n = e->rule_changes.n, taken;
	struct record_alert *v;
	struct record *record;

	for (size_t at = 0; e->out && at < n; at += taken) {
		taken = MIN(n - at, RECORD_MOST_ALERTS);
		v = ARENA_ARRAY(e->mem, struct record_alert, taken);
		memcpy(v, e->rule_changes.v + at, taken * sizeof(*v));
		record = rule_record(e, g, r, reason);
		record->alerts = v;
		record->n_alerts = taken;
	}
	e->rule_changes.n = 0;
}

static void merge(struct engine *e, struct rulegroup *g, struct rule_state *r,
		  const struct candidate *c)
{
	struct active_alert *a = find(r, c->labels->fingerprint);
	bool comes = !a || a->state == ALERT_INACTIVE;

	if (a && comes)
		forget(e, g, r, a); /* a new story begins */
	if (comes) {
		a = insert(e, r, c->labels);
		a->state = ALERT_PENDING;
		a->active_at = g->slot;
		a->dirty = true;
	}
	a->value = c->value;
	if (comes && r->rule->hold)
		note(e, a, CHANGE_RULE_PENDING);
	a->seen_in = g->past.evaluation;
	if (!labels_eq(a->annotations, c->annotations)) {
		set_annotations(e, a, c->annotations);
		a->dirty = true;
	}
}

/* True while keep_firing_for holds an alert whose sample went away. */
static bool is_kept(struct active_alert *a, const struct rule *rule, wall_ms ts)
{
	if (a->state != ALERT_FIRING || !rule->keep_firing)
		return false;
	if (!a->keep_firing_since) {
		a->keep_firing_since = ts;
		a->dirty = true;
	}
	return ts - a->keep_firing_since < rule->keep_firing;
}

/* What happens to an alert without a sample; whether it still counts. */
static bool go_without(struct engine *e, struct rulegroup *g, struct rule_state *r,
		       struct active_alert *a)
{
	wall_ms ts = g->slot;

	if (is_kept(a, r->rule, ts))
		return true;
	if (a->state == ALERT_PENDING) {
		note(e, a, CHANGE_RULE_DROPPED);
		forget(e, g, r, a);
		return false;
	}
	if (a->resolved_at && ts - a->resolved_at > RESOLVED_RETENTION) {
		forget(e, g, r, a);
		return false;
	}
	if (a->state == ALERT_FIRING) {
		a->state = ALERT_INACTIVE;
		a->resolved_at = ts;
		a->dirty = true;
		note(e, a, CHANGE_RULE_RESOLVED);
	}
	return false;
}

static void hold_or_fire(struct engine *e, struct active_alert *a, const struct rule *rule,
			 wall_ms ts)
{
	if (a->state == ALERT_PENDING && ts - a->active_at >= rule->hold) {
		a->state = ALERT_FIRING;
		a->fired_at = ts;
		a->dirty = true;
		e->counters.rule_alerts_fired++;
		note(e, a, CHANGE_RULE_FIRING);
	}
	if (a->state == ALERT_FIRING && ts - a->active_at < rule->hold) {
		a->state = ALERT_PENDING; /* the rule's "for" was made longer */
		a->fired_at = a->last_sent_at = a->keep_firing_since = 0;
		a->dirty = true;
		note(e, a, CHANGE_RULE_PENDING);
	}
}

static size_t walk(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct active_alert *a;
	size_t n = 0;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		if (a->seen_in == g->past.evaluation) {
			a->dirty = a->dirty || a->keep_firing_since;
			a->keep_firing_since = 0;
		} else if (!go_without(e, g, r, a)) {
			continue;
		}
		n++;
		hold_or_fire(e, a, r->rule, g->slot);
	}
	return n;
}

static void forget_all(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));)
		forget(e, g, r, a);
}

bool alerting_take(struct engine *e, struct run *run, const struct samples *in,
		   const char **error, const char **wanted)
{
	struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);
	int64_t limit = g->config->limit;
	size_t n;

	*error = *wanted = NULL;
	if (!make_candidates(e, run, in, wanted) ||
	    !are_distinct(run->candidates, in->n, error))
		return false;
	for (size_t i = 0; i < in->n; i++)
		merge(e, g, r, &run->candidates[i]);
	n = walk(e, g, r);
	record_changes(e, g, r, REASON_NONE);
	r->samples = n;
	if (limit > 0 && n > (size_t)limit) {
		forget_all(e, g, r);
		*error = arena_printf(&run->eval_mem,
				      "exceeded limit of %lld with %zu alerts",
				      (long long)limit, n);
		return false;
	}
	return true;
}

/* -- handing over to the router (spec/rules.md 12) ------------------------------------ */

static bool is_due(const struct engine *e, const struct active_alert *a, wall_ms ts)
{
	if (a->state == ALERT_PENDING)
		return false;
	if (a->resolved_at > a->last_sent_at)
		return true;
	return a->last_sent_at + e->options.resend_delay < ts;
}

static wall_ms end_in_router(const struct engine *e, uint64_t fingerprint)
{
	const struct stored_alert *s = map_find(&e->alerts, map_key_u64(&fingerprint));

	return s ? instant_ms(s->ends_at) : 0;
}

/* Promises that it fires until then. An end that lies later in the router stays: that of a
 * rule, this one or one that it follows, is this rule's from now on (left.c). */
static void hand_over(struct engine *e, const struct rule_state *r, struct active_alert *a,
		      wall_ms until)
{
	const struct labels *labels = alerting_outgoing(e, a->labels);
	struct alert_post post = {
		.annotations = a->annotations->v,
		.n_annotations = a->annotations->n,
		.starts_at = instant_of_ms(a->fired_at),
		.ends_at = instant_of_ms(a->resolved_at ? a->resolved_at : until),
		.generator_url = r->generator_url,
	};
	wall_ms promised = a->valid_until;
	uint64_t taken;
	bool is_its;

	a->valid_until = until;
	if (!labels)
		return;
	promised = MAX(promised, left_promise(e, labels->fingerprint));
	is_its = end_in_router(e, labels->fingerprint) <= promised;
	post.labels = labels->v;
	post.n_labels = labels->n;
	taken = e->counters.alerts_stored;
	alerts_post(e, &post, 1, NULL);
	e->counters.rule_alerts++;
	e->counters.rule_alerts_refused += e->counters.alerts_stored == taken;
	if (is_its)
		a->valid_until = MAX(until, end_in_router(e, labels->fingerprint));
}

void alerting_send(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	uint64_t before = e->counters.rule_alerts;
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		if (!is_due(e, a, g->slot))
			continue;
		a->last_sent_at = g->slot;
		a->dirty = true;
		hand_over(e, r, a, g->slot + 4 * MAX(g->interval, e->options.resend_delay));
	}
	e->counters.rule_handovers += e->counters.rule_alerts > before;
}

/* -- state on disk -------------------------------------------------------------------- */

static struct rule_alert row_of(const struct rulegroup *g, const struct rule_state *r,
				const struct active_alert *a)
{
	return (struct rule_alert){
		.file = g->config->file,
		.group = g->config->name,
		.rule = r->rule->alert,
		.rule_labels = r->labels,
		.labels = a->labels,
		.annotations = a->annotations,
		.state = a->state,
		.value = a->value,
		.active_at = a->active_at,
		.fired_at = a->fired_at,
		.resolved_at = a->resolved_at,
		.last_sent_at = a->last_sent_at,
		.valid_until = a->valid_until,
		.keep_firing_since = a->keep_firing_since,
		.interval = g->interval,
	};
}

void alerting_save(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		struct rule_alert *row;
		struct action *action;

		if (!a->dirty)
			continue;
		a->dirty = false;
		row = ARENA_NEW(e->mem, struct rule_alert);
		*row = row_of(g, r, a);
		action = act(e, ACTION_SAVE_RULE_ALERT);
		action->key = row_key(e, g, r, a);
		action->rule_alert = row;
	}
}

void alerting_save_all(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));)
		a->dirty = true;
	alerting_save(e, g, r);
}

/* A kill may have kept the disk from getting that it fired, or was sent again, but not what
 * the router had of it by then, which tells the rule by its expression. */
static wall_ms promise_of(struct engine *e, const struct rule_state *r,
			  const struct rule_alert *row)
{
	const struct labels *labels = alerting_outgoing(e, row->labels);
	const struct stored_alert *s = NULL;

	if (labels && !left_promise(e, labels->fingerprint))
		s = map_find(&e->alerts, map_key_u64(&labels->fingerprint));
	if (!s || !s->came_before ||
	    strcmp(s->content->generator_url, r->generator_url) != 0)
		return row->valid_until;
	return MAX(row->valid_until, instant_ms(s->ends_at));
}

void alerting_take_back(struct engine *e, struct rule_state *r,
			const struct rule_alert *row)
{
	struct active_alert *a = find(r, row->labels->fingerprint);

	if (a) { /* of a rule of the same name and labels: so is the row */
		a->dirty = true;
		return;
	}
	a = insert(e, r, row->labels);
	set_annotations(e, a, row->annotations);
	a->state = row->state;
	a->value = row->value;
	a->active_at = PLANT(pending_restarts) ? e->now : row->active_at;
	a->fired_at = row->fired_at;
	a->resolved_at = row->resolved_at;
	a->last_sent_at = row->last_sent_at;
	a->valid_until = promise_of(e, r, row);
	a->keep_firing_since = row->keep_firing_since;
	if (!rule_alert_leaves(row))
		return;
	a->resolved_at = 0;
	a->dirty = true;
	note(e, a, a->state == ALERT_FIRING ? CHANGE_RULE_FIRING : CHANGE_RULE_PENDING);
}

void alerting_restore(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	if (!e->left.n || !r->rule->alert)
		return;
	left_give_back(e, g, r);
	record_changes(e, g, r, REASON_NONE);
}

/* The row stays while there is something to say of the alert. */
static void leave(struct engine *e, struct rulegroup *g, struct rule_state *r,
		  struct active_alert *a)
{
	struct rule_alert row = row_of(g, r, a);

	left_add(e, &row);
	take_out(e, r, a);
}

void alerting_end(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		if (a->state == ALERT_INACTIVE) {
			forget(e, g, r, a);
			continue;
		}
		note(e, a,
		     a->state == ALERT_FIRING ? CHANGE_RULE_RESOLVED : CHANGE_RULE_DROPPED);
		leave(e, g, r, a);
	}
	record_changes(e, g, r, RULE_REMOVED);
}

static void move(wall_ms *at, span_ms jump)
{
	if (*at)
		*at += jump;
}

void alerting_move(struct engine *e, struct rulegroup *g, struct rule_state *r,
		   span_ms jump)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		move(&a->active_at, jump);
		move(&a->fired_at, jump);
		move(&a->resolved_at, jump);
		move(&a->last_sent_at, jump);
		move(&a->keep_firing_since, jump);
		a->dirty = true;
		if (a->state != ALERT_PENDING && a->last_sent_at)
			hand_over(e, r, a, a->valid_until + jump);
		else
			move(&a->valid_until, MAX(jump, 0));
	}
	alerting_save(e, g, r); /* else a restart would take old times for new ones */
}

void alerting_free(struct rule_state *r)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));)
		discard(a);
	map_free(&r->active);
}
