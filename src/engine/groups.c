#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

/* A group is found by its route's number and its labels' fingerprint. Two label sets with
 * one fingerprint share a group; the fingerprint is what identifies alerts, too. */
struct group_id {
	uint64_t route, labels;
};

static const struct labels *group_labels(struct arena *mem, const struct route *r,
					 const struct labels *labels)
{
	if (r->group_by_all)
		return labels;
	return labels_only(mem, labels, (const char *const *)r->group_by, r->n_group_by);
}

static struct group *find(const struct engine *e, const struct group_id *id)
{
	return map_find(&e->groups, (struct str){(const char *)id, sizeof(*id)});
}

static void due(struct engine *e, struct timer *t, wall_ms now)
{
	struct group *g = CONTAINER_OF(t, struct group, timer);

	flush_start(e, g, now);
}

static const char *make_key(struct arena *mem, const struct route *r,
			    const struct labels *labels)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	const char *key;

	buf_add_text(&text, r->key);
	buf_add_char(&text, ':');
	buf_add_labels(&text, labels);
	key = buf_keep(&text, mem).p;
	buf_free(&text);
	return key;
}

const char *group_key_for(struct arena *mem, const struct route *r,
			  const struct labels *labels)
{
	return make_key(mem, r, group_labels(mem, r, labels));
}

struct group *group_of_alert(const struct stored_alert *s, const struct route *r)
{
	for (struct member *m = s->members; m; m = m->next_of_alert) {
		if (m->group->route == r)
			return m->group;
	}
	return NULL;
}

/* An alert that is older than group_wait is told at once. */
static bool waited_elsewhere(const struct engine *e, const struct route *r,
			     const struct stored_alert *s)
{
	return instant_ms(s->starts_at) + r->group_wait < e->now &&
	       !PLANT(reload_restarts_timers);
}

static void hurry(struct engine *e, struct group *g, const struct stored_alert *s)
{
	if (e->options.any_old_alert_hurries && !g->flushed &&
	    waited_elsewhere(e, g->route, s) && g->timer.deadline.at > e->now)
		timer_set(e, &g->timer,
			  MAX(e->now, e->options.started_at + e->options.start_delay));
}

/* A restart and a reload do not begin group_wait anew: it goes on since the alert came. */
static wall_ms wait_ends_at(const struct engine *e, const struct route *r,
			    const struct stored_alert *s)
{
	wall_ms at = e->now + r->group_wait;

	if (s->came_at && !PLANT(reload_restarts_timers))
		at = MIN(at, MAX(s->came_at + r->group_wait, e->now));
	return MAX(at, e->options.started_at + e->options.start_delay);
}

static void join(struct engine *e, struct group *g, const struct stored_alert *s)
{
	wall_ms at = wait_ends_at(e, g->route, s);

	if (!g->flushed && at < g->timer.deadline.at)
		timer_set(e, &g->timer, at);
	hurry(e, g, s);
}

static struct group *create(struct engine *e, const struct route *r,
			    const struct labels *labels, const struct stored_alert *first)
{
	const char *key = make_key(e->mem, r, labels);
	struct group *g = mem_new(sizeof(*g));
	wall_ms at = wait_ends_at(e, r, first);
	struct group_id *id;

	arena_expect(&g->mem, 3, sizeof(*id) + labels_memory(labels) + strlen(key) + 1);
	id = ARENA_NEW(&g->mem, struct group_id);
	*id = (struct group_id){r->number, labels->fingerprint};
	g->map_key = (struct str){(const char *)id, sizeof(*id)};
	g->route = r;
	g->labels = labels_copy(&g->mem, labels);
	g->key = arena_text(&g->mem, key);
	g->created_at = e->now;
	g->goes_on = e->regroups;
	g->number = ++e->next_number;
	g->timer.due = due;
	if (waited_elsewhere(e, r, first))
		at = e->now;
	timer_set(e, &g->timer, MAX(at, e->options.started_at + e->options.start_delay));
	map_put(&e->groups, g->map_key, g);
	return g;
}

void groups_add(struct engine *e, const struct route *r, struct stored_alert *s)
{
	const struct labels *labels;
	struct group_id id;
	struct group *g;
	struct member *m;

	for (m = s->members; m; m = m->next_of_alert) {
		if (m->group->route != r)
			continue;
		hurry(e, m->group, s); /* it sees the alert's new content by itself */
		return;
	}
	labels = group_labels(e->mem, r, s->labels);
	id = (struct group_id){r->number, labels->fingerprint};
	g = find(e, &id);
	if (g)
		join(e, g, s);
	else
		g = create(e, r, labels, s);
	m = mem_new(sizeof(*m));
	*m = (struct member){g, stored_alert_ref(s), s->members, MEMBER_UNPROCESSED};
	s->members = m;
	vec_push(&g->members, m);
	g->sorted = g->members.n == 1;
}

static void forget_member(struct engine *e, struct member *m)
{
	struct member **at = &m->alert->members;

	while (*at != m)
		at = &(*at)->next_of_alert;
	*at = m->next_of_alert;
	stored_alert_unref(e, m->alert);
	free(m);
}

void group_remove_member(struct engine *e, struct group *g, struct member *m)
{
	for (size_t i = 0; i < g->members.n; i++) {
		if (g->members.v[i] == m) {
			vec_remove(&g->members, i);
			break;
		}
	}
	forget_member(e, m);
}

void group_free(struct engine *e, struct group *g)
{
	timer_stop(e, &g->timer);
	map_del(&e->groups, g->map_key);
	for (size_t i = 0; i < g->members.n; i++)
		forget_member(e, g->members.v[i]);
	vec_free(&g->members);
	if (g->flush)
		g->flush->group = NULL;
	free(g->muted_by);
	arena_free(&g->mem);
	free(g);
}

void groups_free(struct engine *e)
{
	struct group *g;

	for (size_t at = 0; (g = map_next(&e->groups, &at));)
		group_free(e, g);
	map_free(&e->groups);
}
