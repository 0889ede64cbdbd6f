#include "base/base.h"
#include "engine/batches.h"
#include "base/map.h"
#include "text/promql_names.h"

#include <string.h>

/* A rule needs an earlier one when a selector of its expression may read what that one
 * writes. A selector that does not say its name might read anything: then all rules go one
 * after the other, as they stand; so they do when an expression is not PromQL.
 * Limits: as many questions whether a selector takes a name as MOST_TESTS, then the same.
 */

#define MOST_TESTS 5000000

struct needs {
	const struct rule_group *g;
	bool *needs_one, *is_needed; /* by rule */
	struct map first;	     /* of const struct rule: the first of that name */
	size_t *next;		     /* rule: the next of its name; SIZE_MAX: none */
	size_t tests;
};

static const char *name_of(const struct rule *r)
{
	return r->alert ? r->alert : r->record;
}

static void needs_new(struct needs *n, struct arena *mem, const struct rule_group *g)
{
	*n = (struct needs){.g = g,
			    .needs_one = ARENA_ARRAY(mem, bool, g->n_rules),
			    .is_needed = ARENA_ARRAY(mem, bool, g->n_rules),
			    .next = ARENA_ARRAY(mem, size_t, g->n_rules)};
	for (size_t i = g->n_rules; i--;) {
		struct str name = str_of(name_of(&g->rules[i]));
		const struct rule *later = map_find(&n->first, name);

		n->next[i] = later ? (size_t)(later - g->rules) : SIZE_MAX;
		map_put(&n->first, name, &g->rules[i]);
	}
}

static void mark(struct needs *n, size_t rule, size_t needed)
{
	n->needs_one[rule] = true;
	n->is_needed[needed] = true;
}

static bool takes_name(const struct prom_node *s, const char *name)
{
	return promql_selector_takes(s, "__name__", name, false);
}

/* Of rules of one name all that stand before. */
static void find_named(struct needs *n, size_t rule, struct str name)
{
	const struct rule *first = map_find(&n->first, name);

	for (size_t i = first ? (size_t)(first - n->g->rules) : SIZE_MAX; i < rule;
	     i = n->next[i])
		mark(n, rule, i);
}

static void find_any(struct needs *n, size_t rule, const struct prom_node *s)
{
	bool reads_alerts = takes_name(s, "ALERTS") || takes_name(s, "ALERTS_FOR_STATE");

	n->tests += rule;
	for (size_t i = 0; i < rule && n->tests <= MOST_TESTS; i++) {
		const struct rule *r = &n->g->rules[i];

		if (takes_name(s, name_of(r)) ||
		    (reads_alerts && r->alert &&
		     promql_selector_takes(s, "alertname", r->alert, true)))
			mark(n, rule, i);
	}
}

/* False when nobody can tell what the rule reads. */
static bool find_needs(struct needs *n, struct arena *mem, size_t rule)
{
	struct promql_selectors reads;

	if (!promql_selectors(mem, str_of(n->g->rules[rule].expr), &reads))
		return false;
	for (size_t i = 0; i < reads.n; i++) {
		const struct prom_node *s = reads.v[i];
		struct str name = promql_selector_name(s);

		if (!promql_selector_is_named(s))
			return false;
		if (name.n && !str_is(name, "ALERTS") && !str_is(name, "ALERTS_FOR_STATE"))
			find_named(n, rule, name);
		else
			find_any(n, rule, s);
	}
	return n->tests <= MOST_TESTS;
}

static void put(struct batches *b, size_t rule, bool begins)
{
	b->batch[b->n] = b->n ? b->batch[b->n - 1] + begins : 0;
	b->rule[b->n++] = (uint32_t)rule;
}

/* The rules that need one, or not, and are needed, or not (is_needed < 0: either). */
static void put_all(struct batches *b, const struct needs *n, bool needs_one, int is_needed,
		    bool together)
{
	size_t size = 0;

	for (size_t i = 0; i < n->g->n_rules; i++) {
		if (n->needs_one[i] != needs_one ||
		    (is_needed >= 0 && n->is_needed[i] != (is_needed > 0)))
			continue;
		put(b, i, !together || !size);
		size++;
	}
	b->largest = MAX(b->largest, together ? size : MIN(size, 1));
}

void batches_find(struct arena *mem, const struct rule_group *g, struct batches *out)
{
	struct arena scratch = {0};
	bool is_known = true;
	struct needs n;

	*out = (struct batches){0};
	needs_new(&n, &scratch, g);
	for (size_t i = 0; is_known && i < g->n_rules; i++)
		is_known = find_needs(&n, &scratch, i);
	if (is_known && g->n_rules > 1) {
		out->rule = ARENA_ARRAY(mem, uint32_t, g->n_rules);
		out->batch = ARENA_ARRAY(mem, uint32_t, g->n_rules);
		put_all(out, &n, false, -1, true);
		put_all(out, &n, true, true, false);
		put_all(out, &n, true, false, true);
	}
	map_free(&n.first);
	arena_free(&scratch);
}
