#include "base/base.h"
#include "engine/core.h"

#include <stdlib.h>
#include <string.h>

/* What a rule that was removed had announced. It is announced resolved two intervals later
 * (and, with alert_relabel_configs, a resend delay), unless somebody says meanwhile that it
 * fires, or it fires by then for another rule of that name: the same rule under another
 * group's or file's name, a copy of it, or the file, which was only away for a moment.
 * While the alert is pending there, its end waits as long as the removed rule had promised
 * that it fires. */

#define MOST_LEAVING 100000 /* alerts; more are resolved at once */

struct leaving {
	struct timer timer;
	struct labels *labels, *annotations; /* as the router knows the alert */
	char *generator_url;
	const char *rule; /* the alert's name, and what its rule knew it by */
	uint64_t fingerprint;
	span_ms wait;
	wall_ms fired_at, resolved_at, valid_until;
	uint64_t version; /* of the router's alert, when the rule went */
};

static const struct stored_alert *known(const struct engine *e, const struct leaving *l)
{
	return map_find(&e->alerts, map_key_u64(&l->labels->fingerprint));
}

static void leaving_free(struct engine *e, struct leaving *l)
{
	timer_stop(e, &l->timer);
	map_del(&e->leaving, map_key_u64(&l->labels->fingerprint));
	free(l->labels);
	free(l->annotations);
	free(l->generator_url);
	free((void *)(uintptr_t)l->rule);
	free(l);
}

static void resolve(struct engine *e, const struct leaving *l)
{
	struct alert_post post = {
		.labels = l->labels->v,
		.n_labels = l->labels->n,
		.annotations = l->annotations->v,
		.n_annotations = l->annotations->n,
		.starts_at = instant_of_ms(l->fired_at),
		.ends_at = instant_of_ms(l->resolved_at),
		.generator_url = l->generator_url,
	};

	alerts_post(e, &post, 1, NULL);
}

/* The alerting rules of one name. */
struct namesakes {
	char *name;
	VEC(const struct rule_state *) rules;
};

void namesakes_add(struct engine *e, const struct rule_state *r)
{
	struct namesakes *n = map_find(&e->namesakes, str_of(r->rule->alert));

	if (!n) {
		n = mem_new(sizeof(*n));
		n->name = mem_text(r->rule->alert);
		map_put(&e->namesakes, str_of(n->name), n);
	}
	vec_push(&n->rules, r);
}

static void namesakes_free(struct engine *e, struct namesakes *n)
{
	map_del(&e->namesakes, str_of(n->name));
	vec_free(&n->rules);
	free(n->name);
	free(n);
}

void namesakes_remove(struct engine *e, const struct rule_state *r)
{
	struct namesakes *n = map_find(&e->namesakes, str_of(r->rule->alert));
	size_t i = 0;

	ASSERT(n);
	while (n->rules.v[i] != r)
		i++;
	n->rules.v[i] = n->rules.v[--n->rules.n];
	if (!n->rules.n)
		namesakes_free(e, n);
}

/* Whether another rule has the alert in that state, and it goes by the same labels to the
 * router: relabelling may have changed. */
static bool is_elsewhere(struct engine *e, const struct leaving *l, enum alert_state state)
{
	const struct namesakes *n = map_find(&e->namesakes, str_of(l->rule));

	for (size_t i = 0; n && i < n->rules.n; i++) {
		const struct active_alert *a = map_find(&n->rules.v[i]->active,
							map_key_u64(&l->fingerprint));
		const struct labels *sent;

		if (!a || a->state != state)
			continue;
		sent = alerting_outgoing(e, a->labels);
		if (sent && labels_eq(sent, l->labels))
			return true;
	}
	return false;
}

static void due(struct engine *e, struct timer *t, wall_ms now)
{
	struct leaving *l = CONTAINER_OF(t, struct leaving, timer);
	const struct stored_alert *s = known(e, l);
	bool is_untold = s && s->version == l->version;

	if (is_untold && now < l->valid_until && is_elsewhere(e, l, ALERT_PENDING)) {
		timer_set(e, &l->timer, MIN(now + l->wait, l->valid_until));
		return;
	}
	if (is_untold && !is_elsewhere(e, l, ALERT_FIRING))
		resolve(e, l);
	leaving_free(e, l);
}

/* Relabelling may give alerts of any rules the same labels. Who else has this one is not
 * looked for then, but waited for: that rule will send it again. */
static span_ms longer_if_relabelled(const struct engine *e, span_ms wait)
{
	return e->config->alert_relabels.n ? wait + e->options.resend_delay : wait;
}

void leaving_add(struct engine *e, const struct labels *labels,
		 const struct active_alert *a, const char *generator_url, span_ms wait)
{
	struct leaving *l = map_find(&e->leaving, map_key_u64(&labels->fingerprint));
	const struct stored_alert *s;

	if (l)
		leaving_free(e, l);
	l = mem_new(sizeof(*l));
	l->labels = labels_dup(labels);
	l->annotations = labels_dup(a->annotations);
	l->generator_url = mem_text(generator_url);
	l->rule = mem_text(labels_get(a->labels, "alertname"));
	l->fingerprint = a->labels->fingerprint;
	l->wait = longer_if_relabelled(e, wait);
	l->fired_at = a->fired_at;
	l->valid_until = a->valid_until;
	l->resolved_at = MAX(e->now, a->fired_at);
	s = known(e, l);
	l->version = s ? s->version : 0;
	l->timer.due = due;
	map_put(&e->leaving, map_key_u64(&l->labels->fingerprint), l);
	timer_set(e, &l->timer, e->leaving.n > MOST_LEAVING ? e->now : e->now + l->wait);
}

void leaving_move(struct engine *e, span_ms jump)
{
	struct leaving *l;

	for (size_t at = 0; (l = map_next(&e->leaving, &at));) {
		l->fired_at += jump;
		l->resolved_at += jump;
		l->valid_until += jump;
	}
}

void leaving_end(struct engine *e)
{
	struct leaving *l;

	for (size_t at = 0; (l = map_next(&e->leaving, &at));)
		leaving_free(e, l);
	map_free(&e->leaving);
	map_free(&e->namesakes);
}
