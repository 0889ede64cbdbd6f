#include "base/base.h"
#include "engine/why_asking.h"

#include <string.h>

/* -- a group of a route ------------------------------------------------------------ */

static void add_targets(struct asking *a, struct why_group *g, const struct group *now,
			const struct receiver *r, enum flushed flushed)
{
	g->targets = ARENA_ARRAY(a->mem, struct why_target, r->n_integrations + 1);
	for (size_t i = 0; i < r->n_integrations; i++) {
		const struct integration_config *to = &r->integrations[i];

		why_add_target(a, g, now,
			       &(struct why_target){.receiver = r->name,
						    .integration = to->kind->name,
						    .index = to->index},
			       flushed);
	}
	if (!r->n_integrations)
		why_add_target(a, g, now, &(struct why_target){.receiver = r->name},
			       flushed);
}

/* Whose answers the group's flush still waits for. */
static const char *open_for(struct asking *a, const struct flush *f)
{
	const char *text = NULL;
	struct delivery *d;

	for (size_t at = 0; (d = map_next(&a->e->deliveries, &at));) {
		if (d->flush != f)
			continue;
		text = arena_printf(a->mem, "%s%s%s/%s[%zu]%s%s", text ? text : "",
				    text ? ", " : "", d->told.receiver, d->told.integration,
				    d->told.index, d->last_error ? ": " : "",
				    d->last_error ? d->last_error : "");
	}
	return text;
}

static void add_live(struct asking *a, struct why_group *g, const struct group *now)
{
	const struct engine_options *o = &a->e->options;

	g->exists = true;
	g->flushed_at = MAX(now->flushed_at, g->flushed_at);
	g->next_at = now->timer.deadline.at;
	g->is_delayed = !now->flushed && o->start_delay &&
			g->next_at == o->started_at + o->start_delay;
	if (!now->flush)
		return;
	g->open_since = now->flush->at;
	g->open_until = now->flush->deadline;
	g->open_for = open_for(a, now->flush);
}

/* The flushes that changed nothing left no rows: they went on each interval. */
static wall_ms next_then(const struct asking *a, const struct why_group *g,
			 const struct story_group *then)
{
	wall_ms at = a->why->options.at;

	if (then->later_at)
		return then->later_at;
	if (then->next_at >= at)
		return then->next_at;
	if (then->flushed != HAS_FLUSHED || g->interval <= 0 || a->story->ended_at)
		return 0;
	return then->next_at + ((at - then->next_at) / g->interval + 1) * g->interval;
}

static enum flushed flushed_before(const struct asking *a, const struct group *now,
				   const struct story_group *then)
{
	if (!a->why->is_past)
		return now && now->flushed ? HAS_FLUSHED : NOT_FLUSHED;
	return then ? then->flushed : MAYBE_FLUSHED;
}

static void add_group(struct asking *a, const struct route *r)
{
	struct why_group g = {
		.key = group_key_for(a->mem, r, a->why->labels),
		.receiver = r->receiver->name,
		.place = pos_text(a->mem, r->at),
		.wait = r->group_wait,
		.interval = r->group_interval,
		.repeat = r->repeat_interval,
	};
	const struct group *now = a->stored ? group_of_alert(a->stored, r) : NULL;
	const struct story_group *then = story_group(a->story, g.key);

	if (then)
		g.flushed_at = then->flushed_at;
	if (then && a->why->is_past)
		g.next_at = next_then(a, &g, then);
	if (now)
		add_live(a, &g, now);
	add_targets(a, &g, now, r->receiver, flushed_before(a, now, then));
	vec_push_in(a->mem, &a->why->groups, g);
}

/* -- groups without one ------------------------------------------------------------ */

static bool has_target(const struct why *w, const struct story_target *t)
{
	for (size_t i = 0; i < w->groups.n; i++) {
		const struct why_group *g = &w->groups.v[i];

		for (size_t k = 0; !strcmp(g->key, t->group_key) && k < g->n_targets; k++) {
			const struct why_target *known = &g->targets[k];

			if (known->integration && !strcmp(known->receiver, t->receiver) &&
			    !strcmp(known->integration, t->integration) &&
			    known->index == t->index)
				return true;
		}
	}
	return false;
}

/* Fallback receivers, and what another configuration told. */
static void add_others(struct asking *a)
{
	for (size_t i = 0; i < a->story->targets.n; i++) {
		const struct story_target *t = &a->story->targets.v[i];
		struct why_group g = {.key = t->group_key, .receiver = t->receiver};

		if (!t->times_told || has_target(a->why, t))
			continue;
		g.targets = ARENA_NEW(a->mem, struct why_target);
		why_add_target(a, &g, NULL,
			       &(struct why_target){.receiver = t->receiver,
						    .integration = t->integration,
						    .index = t->index},
			       HAS_FLUSHED);
		vec_push_in(a->mem, &a->why->groups, g);
	}
}

/* A group of a configuration that is gone: all that is known is what the story has. */
static void add_group_then(struct asking *a, const struct story_group *then)
{
	struct why_group g = {.key = then->key,
			      .receiver = then->receiver,
			      .flushed_at = then->flushed_at};
	const struct story *s = a->story;

	g.next_at = next_then(a, &g, then);
	g.targets = ARENA_ARRAY(a->mem, struct why_target, s->targets.n + 1);
	for (size_t i = 0; i < s->targets.n; i++) {
		const struct story_target *t = &s->targets.v[i];

		if (!strcmp(t->group_key, g.key) && !strcmp(t->receiver, g.receiver))
			why_add_target(a, &g, NULL,
				       &(struct why_target){.receiver = t->receiver,
							    .integration = t->integration,
							    .index = t->index},
				       then->flushed);
	}
	if (!g.n_targets)
		why_add_target(a, &g, NULL, &(struct why_target){.receiver = g.receiver},
			       then->flushed);
	vec_push_in(a->mem, &a->why->groups, g);
}

static void add_groups_then(struct asking *a)
{
	for (size_t i = 0; i < a->story->groups.n; i++) {
		const struct story_group *g = &a->story->groups.v[i];

		if (g->joined || g->end_at || g->later_at)
			add_group_then(a, g);
	}
	add_others(a);
	if (!a->why->groups.n)
		a->why->cause = a->story->ended_at	   ? UNTOLD_RESOLVED
				: story_is_whole(a->story) ? UNTOLD_WAITS
							   : NOT_KNOWN;
}

/* -- all --------------------------------------------------------------------------- */

void why_add_groups(struct asking *a)
{
	struct why *w = a->why;
	bool is_of_now = !w->is_past || !w->options.config_changed_at;

	if (is_of_now && (!a->e->config || !a->e->config->root)) {
		w->cause = UNTOLD_NO_ROUTE;
		return;
	}
	if (is_of_now)
		why_add_routes(a);
	if (!w->is_past)
		why_add_mutes(a);
	if (!story_has_come(a->story))
		return;
	if (!is_of_now) {
		add_groups_then(a);
		return;
	}
	for (size_t i = 0; i < w->routes.n; i++) {
		if (w->routes.v[i].is_end)
			add_group(a, w->routes.v[i].route);
	}
	add_others(a);
}
