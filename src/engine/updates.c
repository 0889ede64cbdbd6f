#include "base/base.h"
#include "engine/core.h"

#include <stdlib.h>

/* It grows as it fills, and turns round once it is full. */
static bool has_room(struct updates *u, size_t limit)
{
	if (u->n < u->cap)
		return true;
	if (u->cap >= limit)
		return false;
	u->cap = MIN(limit, u->cap ? 2 * u->cap : 4);
	u->v = mem_resize(u->v, u->cap * sizeof(*u->v));
	return true;
}

void updates_add(struct updates *u, size_t limit, const struct rule_update *update)
{
	struct rule_update *to;

	if (has_room(u, limit)) {
		to = &u->v[u->n++];
	} else {
		to = &u->v[u->next];
		u->next = (u->next + 1) % u->n;
		free((void *)(uintptr_t)to->error);
	}
	*to = *update;
	to->error = update->error ? mem_text(update->error) : NULL;
}

void updates_free(struct updates *u)
{
	for (size_t i = 0; i < u->n; i++)
		free((void *)(uintptr_t)u->v[i].error);
	free(u->v);
	*u = (struct updates){0};
}

struct rule_update *view_updates(struct engine *e, const char *key, size_t rule,
				 struct arena *mem, size_t *n)
{
	const struct rulegroup *g = map_find(&e->rulegroups, str_of(key));
	const struct updates *u;
	struct rule_update *v;

	*n = 0;
	if (!g || rule >= g->config->n_rules)
		return NULL;
	u = &g->rules[rule].updates;
	v = ARENA_ARRAY(mem, struct rule_update, u->n);
	for (; *n < u->n; ++*n) {
		v[*n] = u->v[(u->next + u->n - 1 - *n) % u->n];
		v[*n].error = arena_text(mem, v[*n].error);
	}
	return v;
}
