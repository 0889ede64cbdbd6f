#include "base/base.h"
#include "base/quote.h"
#include "engine/core.h"

#include <math.h>
#include <string.h>

/* Since when alerts wait, when another program evaluated their rules before (spec/rules.md
 * 16): Prometheus and vmalert leave it in ALERTS_FOR_STATE. Our own state needs none of
 * this; it is for the first life of a storage, and for each rule at most once.
 *
 *	1. the last sample of each series of the rule within the outage tolerance
 *	2. which of them could still be seen a while later: the others had ended
 *
 * A rule that does not wait for the grace period simply waits again. */

#define SEEN_LATER (4 * MINUTE) /* a series without new samples is seen for five */

struct readback {
	const char *selector;
	struct samples last; /* NULL before the first answer */
	wall_ms newest;
};

/* -- asking --------------------------------------------------------------------------- */

static bool is_selectable(const struct text_pair *label)
{
	return label->text[0] && !strstr(label->text, "{{") &&
	       is_label_name(str_of(label->name), NAMES_CLASSIC) &&
	       strcmp(label->name, "alertname") != 0;
}

static void add_matcher(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s=", name);
	buf_add_quoted(b, str_of(value));
}

static const char *selector_of(struct run *run)
{
	const struct rule *rule = run_rule(run)->rule;
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	buf_add_text(&b, "ALERTS_FOR_STATE{");
	add_matcher(&b, "alertname", rule->alert);
	for (size_t i = 0; i < rule->n_labels; i++) {
		if (!is_selectable(&rule->labels[i]))
			continue;
		buf_add_char(&b, ',');
		add_matcher(&b, rule->labels[i].name, rule->labels[i].text);
	}
	buf_add_char(&b, '}');
	text = buf_keep(&b, &run->eval_mem).p;
	buf_free(&b);
	return text;
}

static bool has_pending(const struct rule_state *r)
{
	struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		if (a->state == ALERT_PENDING)
			return true;
	}
	return false;
}

bool readback_start(struct engine *e, struct run *run)
{
	struct rule_state *r = run_rule(run);
	struct buf span = BUF(100);
	struct readback *b;

	if (!r->reads_back)
		return false;
	r->reads_back = false;
	if (!e->options.outage_tolerance || !rulegroup_is_prometheus(e, run->group) ||
	    r->rule->hold < e->options.grace_period || !has_pending(r))
		return false;
	b = ARENA_NEW(&run->eval_mem, struct readback);
	b->selector = selector_of(run);
	run->reading = b;
	run->reading_since = e->now;
	buf_add_span(&span, e->options.outage_tolerance);
	rulegroup_ask(e, run,
		      arena_printf(&run->eval_mem, "%s[%s]", b->selector, buf_text(&span)),
		      e->now, true);
	buf_free(&span);
	return true;
}

/* -- the answers ---------------------------------------------------------------------- */

/* What identifies the alert wherever it was written: external labels came on the way, and
 * vmalert adds the group. */
static const struct labels *identity(struct engine *e, const struct rulegroup *g,
				     const struct labels *set)
{
	const struct labels *external = e->config->global.external_labels;

	set = labels_with(e->mem, set, "__name__", "");
	if (!strcmp(labels_get(set, "alertgroup"), g->config->name))
		set = labels_with(e->mem, set, "alertgroup", "");
	for (size_t i = 0; external && i < external->n; i++) {
		const struct label *l = &external->v[i];

		if (!strcmp(labels_get(set, l->name), l->value))
			set = labels_with(e->mem, set, l->name, "");
	}
	return set;
}

/* The samples by what they identify; of several the newest. */
static struct map index_of(struct engine *e, const struct rulegroup *g,
			   const struct samples *in)
{
	struct map index = {0};

	for (size_t i = 0; i < in->n; i++) {
		const struct sample *s = &in->v[i], *other;
		const struct labels *id = identity(e, g, s->labels);

		other = map_find(&index, map_key_u64(&id->fingerprint));
		if (!other || other->at < s->at)
			map_put(&index, map_key_u64(&id->fingerprint),
				(void *)(uintptr_t)s);
	}
	return index;
}

static void keep_last(struct run *run, const struct samples *in)
{
	struct readback *b = run->reading;
	struct sample *v = ARENA_ARRAY(&run->eval_mem, struct sample, in->n);

	for (size_t i = 0; i < in->n; i++) {
		v[i] = in->v[i];
		v[i].labels = labels_copy(&run->eval_mem, in->v[i].labels);
		b->newest = MAX(b->newest, v[i].at);
	}
	b->last = (struct samples){v, in->n};
}

/* When an alert that was last seen waiting at "last" would have begun to wait, had the
 * evaluations in between taken place. */
static wall_ms moved(const struct engine *e, const struct sample *last, span_ms hold)
{
	wall_ms down = last->at - last->at % SECOND;
	wall_ms active = (wall_ms)last->value * SECOND;
	span_ms left = hold - (down - active);

	if (left <= 0)
		return active;
	if (left < e->options.grace_period)
		return e->now + e->options.grace_period - hold;
	return active + (e->now - down);
}

static bool is_sane(const struct engine *e, const struct sample *s)
{
	return isfinite(s->value) && s->value > 0 && s->at <= e->now &&
	       s->value <= (double)s->at / 1000;
}

static bool take_over(struct engine *e, struct active_alert *a, const struct sample *last,
		      span_ms hold)
{
	if (a->state != ALERT_PENDING || !is_sane(e, last))
		return false;
	a->active_at = moved(e, last, hold);
	a->restored = true;
	a->dirty = true;
	return true;
}

static void take_all_over(struct engine *e, struct run *run,
			  const struct samples *seen_later)
{
	const struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);
	struct map last = index_of(e, g, &run->reading->last);
	struct map seen = index_of(e, g, seen_later);
	struct active_alert *a;
	size_t n = 0;

	for (size_t at = 0; (a = map_next(&r->active, &at));) {
		const struct labels *id = identity(e, g, a->labels);
		const struct sample *s = map_find(&last, map_key_u64(&id->fingerprint));

		if (s && map_find(&seen, map_key_u64(&id->fingerprint)))
			n += take_over(e, a, s, r->rule->hold);
	}
	map_free(&last);
	map_free(&seen);
	if (n)
		act_note(e, false, "rules", "pending alerts go on waiting where they were",
			 arena_printf(e->mem, "%s:%d: %s (%zu)", g->config->file,
				      r->rule->at.line, r->rule->alert, n),
			 NULL);
}

bool readback_answered(struct engine *e, struct run *run, const struct query_ended *in)
{
	struct rulegroup *g = run->group;
	const struct rule *rule = run_rule(run)->rule;
	struct readback *b = run->reading;

	if (!in->ok) {
		act_note(e, true, "rules", "Failed to restore 'for' state",
			 arena_printf(e->mem, "%s:%d: %s", g->config->file, rule->at.line,
				      rule->alert),
			 in->error);
	} else if (b->last.v) {
		take_all_over(e, run, &in->samples);
	} else if (in->samples.n && rulegroup_is_prometheus(e, g)) {
		keep_last(run, &in->samples);
		rulegroup_ask(e, run, b->selector, MIN(e->now, b->newest + SEEN_LATER),
			      false);
		return false;
	}
	run->reading = NULL;
	g->past.restore_duration += e->now - run->reading_since;
	return true;
}
