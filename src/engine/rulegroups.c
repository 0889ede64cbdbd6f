#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

/* Which rule groups there are: read from files, changed, gone (spec/rules.md 17), moved
 * with the clock. What was under way and what rules remember goes over to the group that
 * takes another's place. */

static const struct labels *labels_as_written(struct rulegroup *g, const struct rule *r)
{
	struct label *v = ARENA_ARRAY(&g->mem, struct label, r->n_labels);

	for (size_t i = 0; i < r->n_labels; i++)
		v[i] = (struct label){r->labels[i].name, r->labels[i].text};
	return labels_new(&g->mem, v, r->n_labels, NULL);
}

static const char *generator_url(struct engine *e, struct rulegroup *g, const char *expr)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *url;

	buf_add_text(&b, e->options.external_url);
	buf_add_text(&b, "/graph?g0.expr=");
	buf_add_query_escaped(&b, str_of(expr));
	buf_add_text(&b, "&g0.tab=1");
	url = buf_keep(&b, &g->mem).p;
	buf_free(&b);
	return url;
}

static const char *key_of(struct arena *mem, const struct rule_group *c)
{
	return arena_printf(mem, "%s;%s", c->file, c->name);
}

/* vmalert's concurrency: so many rules at a time, whatever they need of each other. Else
 * those that need nothing of each other, where that is allowed. */
static void runs_new(struct engine *e, struct rulegroup *g)
{
	size_t most = MAX(g->config->n_rules, 1), wanted = 1;

	if (g->config->concurrency) {
		wanted = (size_t)g->config->concurrency;
	} else if (e->options.concurrent_evals) {
		batches_find(&g->mem, g->config, &g->batches);
		most = MAX(g->batches.largest, 1);
		wanted = e->options.concurrent_evals + 1;
	}
	g->n_runs = MIN(most, wanted);
	g->runs = mem_new(g->n_runs * sizeof(*g->runs));
	for (size_t i = 0; i < g->n_runs; i++)
		g->runs[i] = (struct run){.group = g, .series_fetched = -1};
}

static struct rulegroup *group_new(struct engine *e, const struct rule_group *c)
{
	struct rulegroup *g = mem_new(sizeof(*g));

	g->config = c;
	g->map_key = mem_text(key_of(e->mem, c));
	g->timer.due = rulegroup_due;
	g->templates = template_set_new(&g->mem,
					c->as_vmalert ? FUNCS_VMALERT : FUNCS_RULE);
	g->rules = mem_new(c->n_rules * sizeof(*g->rules));
	runs_new(e, g);
	for (size_t i = 0; i < c->n_rules; i++) {
		struct rule_state *r = &g->rules[i];

		r->rule = &c->rules[i];
		r->labels = labels_as_written(g, r->rule);
		r->generator_url = generator_url(e, g, r->rule->shown);
		r->reads_back = e->reads_back && r->rule->alert;
	}
	map_put(&e->rulegroups, str_of(g->map_key), g);
	return g;
}

static void rulegroup_free(struct rulegroup *g)
{
	for (size_t i = 0; i < g->config->n_rules; i++) {
		alerting_free(&g->rules[i]);
		arena_free(&g->rules[i].results_mem);
		written_free(&g->rules[i].written);
		updates_free(&g->rules[i].updates);
		free(g->rules[i].last_error);
		free(g->rules[i].last_warning);
	}
	written_free(&g->past.orphans);
	arena_free(&g->mem);
	for (size_t i = 0; i < g->n_runs; i++)
		arena_free(&g->runs[i].eval_mem);
	free(g->runs);
	free(g->rules);
	free(g->map_key);
	free(g);
}

/* Off the timers and out of the table; its memory lives to the end of the step. */
static void stop(struct engine *e, struct rulegroup *g)
{
	timer_stop(e, &g->timer);
	for (size_t i = 0; i < g->n_runs; i++) {
		struct run *run = &g->runs[i];

		run_give_slot(e, run);
		if (!run->query_id)
			continue;
		act(e, ACTION_QUERY_CANCEL)->id = run->query_id;
		map_del(&e->queries, map_key_u64(&run->query_id));
	}
	map_del(&e->rulegroups, str_of(g->map_key));
}

static void end_group(struct engine *e, struct rulegroup *g)
{
	stop(e, g);
	for (size_t i = 0; i < g->config->n_rules; i++)
		alerting_end(e, g, &g->rules[i]);
	written_end_group(e, g);
	rulegroup_free(g);
}

static void inherit_updates(struct rule_state *from, struct rule_state *to)
{
	if (from->rule->update_entries_limit != to->rule->update_entries_limit)
		return;
	to->updates = from->updates;
	from->updates = (struct updates){0};
}

/* A rule whose state may move, among those of the same name and labels, in their order. */
struct heirloom {
	uint64_t identity;
	struct rule_state *rule;
	struct heirloom *next;
};

static uint64_t identity_of(const struct rule_state *r)
{
	const char *name = r->rule->alert ? r->rule->alert : r->rule->record;

	return str_hash(str_of(name)) ^ r->labels->fingerprint;
}

static void gather_rules(struct engine *e, struct rulegroup *g, struct map *out)
{
	struct heirloom *v = ARENA_ARRAY(e->mem, struct heirloom, g->config->n_rules);

	for (size_t i = g->config->n_rules; i-- > 0;) {
		v[i] = (struct heirloom){identity_of(&g->rules[i]), &g->rules[i], NULL};
		v[i].next = map_find(out, map_key_u64(&v[i].identity));
		map_put(out, map_key_u64(&v[i].identity), &v[i]);
	}
}

/* The first that is the same rule; it is the heir's from now on. NULL: there is none. */
static struct rule_state *take_rule(struct map *rules, const struct rule_state *heir)
{
	uint64_t identity = identity_of(heir);
	struct heirloom *first = map_find(rules, map_key_u64(&identity)), **link = &first;
	struct rule_state *rule;

	while (*link && !rule_eq((*link)->rule->rule, heir->rule))
		link = &(*link)->next;
	if (!*link)
		return NULL;
	rule = (*link)->rule;
	*link = (*link)->next;
	if (first)
		map_put(rules, map_key_u64(&first->identity), first);
	else
		map_del(rules, map_key_u64(&identity));
	return rule;
}

/* The state of a rule moves to its successor: same name, same labels as written, the n-th
 * such rule to the n-th (spec/rules.md 17.2). */
static void inherit(struct engine *e, struct rulegroup *from, struct rulegroup *to)
{
	struct map rules = {0};

	if (!PLANT(rules_start_anew))
		gather_rules(e, from, &rules);
	for (size_t i = 0; i < to->config->n_rules; i++) {
		struct rule_state *next = &to->rules[i], *old = take_rule(&rules, next);

		if (!old)
			continue;
		next->active = old->active;
		old->active = (struct map){0};
		next->written = old->written;
		old->written = (struct written){0};
		inherit_updates(old, next);
	}
	map_free(&rules);
}

/* The slot whose evaluation was cut off is evaluated anew, once: a group that is edited
 * faster than it evaluates would stand still there. */
static void go_on(struct engine *e, const struct rulegroup *cut, struct rulegroup *g)
{
	uint64_t passed;

	if (!cut->begins_anew) {
		g->begins_anew = true;
		g->next_slot = cut->slot;
		timer_set(e, &g->timer, e->now);
		return;
	}
	passed = (uint64_t)MAX((e->now - cut->slot) / cut->interval, 0);
	g->past.iterations += passed;
	g->past.missed += passed + 1;
}

static void replace(struct engine *e, struct rulegroup *old, const struct rule_group *c)
{
	struct rulegroup *g;

	stop(e, old);
	g = group_new(e, c);
	inherit(e, old, g);
	g->past = old->past;
	old->past = (struct group_past){0};
	for (size_t i = 0; i < old->config->n_rules; i++) {
		alerting_end(e, old, &old->rules[i]);
		written_orphan(e, &old->rules[i], &g->past.orphans);
	}
	for (size_t i = 0; i < c->n_rules; i++)
		alerting_restore(e, g, &g->rules[i]);
	rulegroup_start(e, g);
	if (old->running)
		go_on(e, old, g);
	rulegroup_free(old);
}

/* The same group from another reading of its file: only where its text lies is new. Parsed
 * templates, and labels made with them, borrow from the old one: they are made again. */
static void adopt(struct rulegroup *g, const struct rule_group *c)
{
	g->config = c;
	for (size_t i = 0; i < c->n_rules; i++)
		g->rules[i].rule = &c->rules[i];
	for (size_t i = 0; i < g->n_runs; i++) {
		struct run *run = &g->runs[i];

		run->label_templates = run->annotation_templates = NULL;
		run->candidates = NULL;
		run->n_candidates = 0;
	}
}

static void load_group(struct engine *e, const struct rule_group *c)
{
	struct rulegroup *old = map_find(&e->rulegroups, str_of(key_of(e->mem, c)));
	struct rulegroup *g;

	if (old && rule_group_eq(old->config, c)) {
		adopt(old, c);
		return;
	}
	if (old) {
		replace(e, old, c);
		return;
	}
	g = group_new(e, c);
	for (size_t i = 0; i < c->n_rules; i++)
		alerting_restore(e, g, &g->rules[i]);
	for (size_t i = 0; i < c->n_rules; i++)
		written_restore(e, &g->rules[i]);
	rulegroup_start(e, g);
}

/* Ends the groups of the path that file (NULL: none) does not have any more. */
static void end_others(struct engine *e, const char *path, const struct rule_file *file)
{
	struct rulegroup *g;
	struct map names = {0};

	for (size_t i = 0; file && i < file->n_groups; i++)
		map_put(&names, str_of(file->groups[i].name), &file->groups[i]);
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		if (!strcmp(g->config->file, path) &&
		    !map_find(&names, str_of(g->config->name)))
			end_group(e, g);
	}
	map_free(&names);
}

void rulegroups_load(struct engine *e, const struct rule_file *file)
{
	end_others(e, file->path, file);
	for (size_t i = 0; i < file->n_groups; i++)
		load_group(e, &file->groups[i]);
	left_file_known(e, file->path);
}

void rulegroups_drop(struct engine *e, const char *path)
{
	end_others(e, path, NULL);
	left_file_known(e, path);
}

/* The next slot is the first of a new grid; an evaluation under way keeps its own. */
static void regrid(struct engine *e, struct rulegroup *g)
{
	if (g->running)
		g->new_grid = true;
	else
		g->slot = 0;
	rulegroup_start(e, g);
}

/* A new configuration may have other intervals and datasources. A query that is out goes
 * on: the shell holds all it needs. */
void rulegroups_config(struct engine *e)
{
	struct rulegroup *g;

	written_config(e);
	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		if (!g->config->interval &&
		    g->interval != e->config->global.evaluation_interval) {
			regrid(e, g);
		}
	}
}

static void move_run(struct run *run, span_ms jump)
{
	run->rule_started_at += jump;
	run->reading_since += jump;
}

/* The evaluation under way is of the same moment, by the new clock. */
static void move_runs(struct rulegroup *g, span_ms jump)
{
	if (!g->running)
		return;
	g->slot += jump;
	g->started_at += jump;
	for (size_t i = 0; i < g->n_runs; i++)
		move_run(&g->runs[i], jump);
}

void rulegroups_move(struct engine *e, span_ms jump)
{
	struct rulegroup *g;

	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		g->past.resets += jump < 0;
		move_runs(g, jump);
		for (size_t i = 0; i < g->config->n_rules; i++) {
			g->rules[i].failing_since += g->rules[i].failing_since ? jump : 0;
			alerting_move(e, g, &g->rules[i], jump);
		}
		regrid(e, g);
	}
	left_move(e, jump);
	written_move(e, jump);
}

void rulegroups_free(struct engine *e)
{
	struct rulegroup *g;

	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		timer_stop(e, &g->timer);
		rulegroup_free(g);
	}
	farewells_free(e);
	left_free(e);
	map_free(&e->active);
	map_free(&e->rulegroups);
	map_free(&e->queries);
}

void rulegroups_save_all(struct engine *e)
{
	struct rulegroup *g;

	for (size_t at = 0; (g = map_next(&e->rulegroups, &at));) {
		for (size_t i = 0; i < g->config->n_rules; i++)
			alerting_save_all(e, g, &g->rules[i]);
	}
}
