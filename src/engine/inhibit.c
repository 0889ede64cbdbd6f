#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

/* The ideal rule of spec/routing.md 7.1: any active source with equal labels mutes.
 *
 * Each rule keeps its sources in buckets by the values of its equal labels. An alert that
 * matches both sides of a rule can neither mute nor be muted by another such alert, so a
 * bucket keeps those sources apart: a target that is itself a source looks only among the
 * sources that are no targets. The cost of a question is then independent of the number
 * of sources: the first one that still fires decides. */

struct source_list {
	VEC(struct stored_alert *) list;
};
struct source_bucket {
	uint64_t hash; /* of the equal labels' values */
	struct source_list pure, both;
};
struct rule_index {
	const struct inhibit_rule *rule;
	struct map buckets;
};
struct inhibitor {
	struct rule_index *rules;
	size_t n;
};

static struct source_bucket *bucket_of(struct rule_index *r, const struct labels *labels,
				       bool make)
{
	uint64_t hash = labels_hash_of(labels, r->rule->equal, r->rule->n_equal);
	struct source_bucket *b = map_find(&r->buckets, map_key_u64(&hash));

	if (!b && make) {
		b = mem_new(sizeof(*b));
		b->hash = hash;
		map_put(&r->buckets, map_key_u64(&b->hash), b);
	}
	return b;
}

static bool has(const struct source_list *l, const struct stored_alert *s)
{
	for (size_t i = 0; i < l->list.n; i++) {
		if (l->list.v[i] == s)
			return true;
	}
	return false;
}

/* A source that some list let go when it resolved may still be in others. */
static void add_source(struct source_list *l, struct stored_alert *s)
{
	if (s->left_a_list && has(l, s))
		return;
	vec_push(&l->list, stored_alert_ref(s));
}

static void let_go(struct engine *e, struct stored_alert *s)
{
	s->left_a_list = true;
	s->sourced_in = 0;
	stored_alert_unref(e, s);
}

static void rule_saw(struct rule_index *r, struct stored_alert *s)
{
	struct source_bucket *b;

	if (!matchers_hold(&r->rule->source, s->labels))
		return;
	b = bucket_of(r, s->labels, true);
	add_source(matchers_hold(&r->rule->target, s->labels) ? &b->both : &b->pure, s);
}

void inhibitor_saw(struct engine *e, struct stored_alert *s)
{
	struct inhibitor *in = e->inhibitor;

	if (!in || s->sourced_in == e->generation ||
	    stored_alert_is_resolved(s, instant_of_ms(e->now)))
		return;
	for (size_t i = 0; i < in->n; i++)
		rule_saw(&in->rules[i], s);
	s->sourced_in = e->generation;
	s->left_a_list = false;
}

void inhibitor_load(struct engine *e)
{
	struct stored_alert *s;
	struct inhibitor *in;

	inhibitor_free(e);
	if (!e->config->n_inhibit_rules)
		return;
	in = mem_new(sizeof(*in));
	in->n = e->config->n_inhibit_rules;
	in->rules = mem_new(in->n * sizeof(*in->rules));
	for (size_t i = 0; i < in->n; i++)
		in->rules[i].rule = &e->config->inhibit_rules[i];
	e->inhibitor = in;
	for (size_t at = 0; (s = map_next(&e->alerts, &at));) {
		s->left_a_list = false; /* all lists are empty */
		inhibitor_saw(e, s);
	}
}

/* Drops the resolved ones it passes; the last takes their place. */
static const struct stored_alert *first_firing(struct engine *e, struct source_list *l,
					       const struct inhibit_rule *rule,
					       const struct labels *target,
					       struct instant now)
{
	for (size_t i = 0; i < l->list.n;) {
		struct stored_alert *s = l->list.v[i];

		if (stored_alert_is_resolved(s, now) && !PLANT(resolved_inhibits)) {
			l->list.v[i] = l->list.v[--l->list.n];
			let_go(e, s);
			continue;
		}
		for (size_t k = 0; k < rule->n_equal; k++) {
			if (strcmp(labels_get(s->labels, rule->equal[k]),
				   labels_get(target, rule->equal[k])))
				goto next; /* two value sets with one hash */
		}
		return s;
	next:
		i++;
	}
	return NULL;
}

static const struct stored_alert *rule_mutes(struct engine *e, struct rule_index *r,
					     const struct labels *target,
					     struct instant now)
{
	const struct stored_alert *s;
	struct source_bucket *b;

	if (!r->buckets.n || !matchers_hold(&r->rule->target, target))
		return NULL;
	b = bucket_of(r, target, false);
	if (!b)
		return NULL;
	s = first_firing(e, &b->pure, r->rule, target, now);
	if (!s && b->both.list.n && !matchers_hold(&r->rule->source, target))
		s = first_firing(e, &b->both, r->rule, target, now);
	return s;
}

const struct stored_alert *inhibitor_find(struct engine *e, const struct labels *target,
					  struct instant now,
					  const struct inhibit_rule **rule)
{
	struct inhibitor *in = e->inhibitor;

	for (size_t i = 0; in && i < in->n; i++) {
		const struct stored_alert *s = rule_mutes(e, &in->rules[i], target, now);

		if (s) {
			if (rule)
				*rule = in->rules[i].rule;
			return s;
		}
	}
	return NULL;
}

const char *inhibit_rule_text(struct arena *mem, const struct inhibit_rule *r)
{
	const char *at = pos_text(mem, r->at);

	return r->name[0] ? arena_printf(mem, "%s (%s)", r->name, at) : at;
}

static void drop_resolved(struct engine *e, struct source_list *l, struct instant now)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->list.n; i++) {
		if (stored_alert_is_resolved(l->list.v[i], now))
			let_go(e, l->list.v[i]);
		else
			l->list.v[kept++] = l->list.v[i];
	}
	l->list.n = kept;
}

void inhibitor_collect(struct engine *e, struct instant now)
{
	struct inhibitor *in = e->inhibitor;

	for (size_t i = 0; in && i < in->n; i++) {
		struct source_bucket *b;

		for (size_t at = 0; (b = map_next(&in->rules[i].buckets, &at));) {
			drop_resolved(e, &b->pure, now);
			drop_resolved(e, &b->both, now);
			if (b->pure.list.n || b->both.list.n)
				continue;
			map_del(&in->rules[i].buckets, map_key_u64(&b->hash));
			vec_free(&b->pure.list);
			vec_free(&b->both.list);
			free(b);
		}
	}
}

static void free_list(struct engine *e, struct source_list *l)
{
	for (size_t i = 0; i < l->list.n; i++)
		stored_alert_unref(e, l->list.v[i]);
	vec_free(&l->list);
}

void inhibitor_free(struct engine *e)
{
	struct inhibitor *in = e->inhibitor;

	if (!in)
		return;
	for (size_t i = 0; i < in->n; i++) {
		struct source_bucket *b;

		for (size_t at = 0; (b = map_next(&in->rules[i].buckets, &at));) {
			free_list(e, &b->pure);
			free_list(e, &b->both);
			free(b);
		}
		map_free(&in->rules[i].buckets);
	}
	free(in->rules);
	free(in);
	e->inhibitor = NULL;
}
