#include "base/base.h"
#include "engine/core.h"

#include <malloc.h>

/* What the engine's tables hold, by what it is for. Counted when somebody asks: a look at
 * each entry costs less than keeping books at each change would. */

static size_t block(const void *p)
{
	return malloc_usable_size((void *)(uintptr_t)p);
}

static size_t alerts(const struct engine *e)
{
	size_t sum = map_memory(&e->alerts) + shared_memory(e);
	const struct stored_alert *s;

	for (size_t at = 0; (s = map_next(&e->alerts, &at));)
		sum += block(s) + block(s->content);
	return sum;
}

static size_t groups(const struct engine *e)
{
	size_t sum = map_memory(&e->groups);
	const struct group *g;

	for (size_t at = 0; (g = map_next(&e->groups, &at));) {
		sum += block(g) + arena_size(&g->mem) + block(g->members.v) +
		       g->members.n * sizeof(struct member);
		if (g->flush)
			sum += block(g->flush) + arena_size(&g->flush->mem);
	}
	return sum;
}

static size_t silences(const struct engine *e)
{
	size_t sum = map_memory(&e->silences) + map_memory(&e->silence_index) +
		     block(e->loose_silences.v);
	const struct stored_silence *s;
	const struct silence_bucket *b;

	for (size_t at = 0; (s = map_next(&e->silences, &at));)
		sum += block(s) + arena_size(&s->mem);
	for (size_t at = 0; (b = map_next(&e->silence_index, &at));)
		sum += block(b) + block(b->list.v);
	return sum;
}

static size_t told(const struct engine *e)
{
	size_t sum = map_memory(&e->told);
	const struct stored_told *t;

	for (size_t at = 0; (t = map_next(&e->told, &at));)
		sum += block(t) + arena_size(&t->mem);
	return sum;
}

static size_t rule(const struct rule_state *r)
{
	size_t sum = map_memory(&r->active) + arena_size(&r->results_mem) +
		     map_memory(&r->written.series) + arena_size(&r->written.mem) +
		     block(r->updates.v);
	const struct active_alert *a;

	for (size_t at = 0; (a = map_next(&r->active, &at));)
		sum += block(a) + block(a->labels) + block(a->annotations);
	return sum;
}

static size_t rules(const struct engine *e)
{
	size_t sum = map_memory(&e->rulegroups) + map_memory(&e->active) +
		     map_memory(&e->living) + left_memory(e);
	const struct rulegroup *g;
	const void *living;

	for (size_t at = 0; (living = map_next(&e->living, &at));)
		sum += block(living);
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		sum += block(g) + arena_size(&g->mem);
		for (size_t i = 0; i < g->config->n_rules; i++)
			sum += rule(&g->rules[i]);
		for (size_t i = 0; i < g->n_runs; i++)
			sum += arena_size(&g->runs[i].eval_mem);
	}
	return sum;
}

struct engine_memory view_memory(const struct engine *e)
{
	return (struct engine_memory){
		.alerts = alerts(e),
		.groups = groups(e),
		.silences = silences(e),
		.told = told(e),
		.rules = rules(e),
	};
}
