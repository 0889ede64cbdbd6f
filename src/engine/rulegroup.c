#include "base/base.h"
#include "engine/core.h"
#include "base/utf8.h"
#include "base/xxhash.h"

#include <stdlib.h>
#include <string.h>

/* Rule groups on the timer heap (spec/rules.md 5, 6): each evaluates its rules one after
 * the other, or as many at a time as it says or as may be (batches.c), on a grid of slots
 * that depends only on its file, its name and its interval. */

#define QUERY_TIMEOUT (2 * MINUTE)

/* -- slots ---------------------------------------------------------------------------- */

static void add_packed(struct buf *b, struct str s)
{
	if (s.n < 255) {
		buf_add_char(b, (char)s.n);
	} else {
		buf_add_char(b, (char)0xff);
		for (int shift = 0; shift < 24; shift += 8)
			buf_add_char(b, (char)(s.n >> shift & 0xff));
	}
	buf_add_str(b, s);
}

/* As Prometheus with "string labels" (spec/rules.md 5.1). */
static uint64_t grid_hash(const char *file, const char *name)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	uint64_t hash;

	add_packed(&b, STR("file"));
	add_packed(&b, str_of(file));
	add_packed(&b, STR("name"));
	add_packed(&b, str_of(name));
	hash = xxhash64(buf_str(&b), 0);
	buf_free(&b);
	return hash;
}

static span_ms phase_of(const struct rulegroup *g)
{
	const struct rule_group *c = g->config;
	uint64_t interval_ns = (uint64_t)g->interval * 1000000;

	if (c->has_eval_offset)
		return ((c->eval_offset % g->interval) + g->interval) % g->interval;
	return (span_ms)(grid_hash(c->file, c->name) % interval_ns / 1000000);
}

/* The latest slot not after now. */
static wall_ms slot_before(const struct rulegroup *g, wall_ms now)
{
	span_ms phase = phase_of(g);

	return now - phase - ((now - phase) % g->interval + g->interval) % g->interval +
	       phase;
}

void rulegroup_start(struct engine *e, struct rulegroup *g)
{
	g->interval = g->config->interval ? g->config->interval
		      : e->config	  ? e->config->global.evaluation_interval
					  : 0;
	if (g->interval <= 0)
		g->interval = MINUTE;
	g->next_slot = slot_before(g, e->now) + g->interval;
	timer_set(e, &g->timer, g->next_slot);
}

/* -- evaluation ----------------------------------------------------------------------- */

static void next_rules(struct engine *e, struct rulegroup *g);

struct rule_state *run_rule(const struct run *run)
{
	return &run->group->rules[run->at];
}

static void begin(struct engine *e, struct rulegroup *g, wall_ms now)
{
	int64_t missed = 0;

	if (!g->slot) {
		g->slot = g->next_slot;
	} else {
		missed = (now - g->slot) / g->interval - 1;
		if (missed > 0) {
			g->past.missed += (uint64_t)missed;
			g->past.iterations += (uint64_t)missed;
		}
		g->slot += (missed + 1) * g->interval;
	}
	g->past.resets += missed < 0;
	g->is_late = missed > 0;
	g->past.iterations += !g->begins_anew; /* else it is counted */
	g->past.evaluation++;
	g->running = true;
	g->next_rule = 0;
	g->samples = 0;
	g->rules_duration = 0;
	g->started_at = g->past.last_started_at = now;
	next_rules(e, g);
}

void rulegroup_due(struct engine *e, struct timer *t, wall_ms now)
{
	struct rulegroup *g = CONTAINER_OF(t, struct rulegroup, timer);
	wall_ms next = slot_before(g, MAX(now, t->deadline.at)) + g->interval;

	timer_set(e, &g->timer, next);
	if (g->running)
		g->tick_pending = true;
	else
		begin(e, g, now);
	g->next_slot = next;
}

wall_ms rulegroup_offset(const struct engine *e, const struct rulegroup *g, wall_ms at)
{
	if (g->config->has_query_offset)
		return at - g->config->query_offset;
	return e->config ? at - e->config->global.query_offset : at;
}

wall_ms rulegroup_at(const struct engine *e, const struct rulegroup *g)
{
	wall_ms at = rulegroup_offset(e, g, g->slot);

	return g->config->is_aligned ? at - at % g->interval : at;
}

static void finish(struct engine *e, struct rulegroup *g)
{
	written_end_iteration(e, g);
	g->running = g->begins_anew = false;
	g->past.last_samples = g->samples;
	g->past.last_duration = e->now - g->started_at;
	g->past.last_rules_duration = g->rules_duration;
	durations_add(&e->counters.iterations, g->past.last_duration);
	recent_add(&g->past.durations, (double)MAX(g->past.last_duration, 0) / 1000);
	g->past.durations_sum += MAX(g->past.last_duration, 0);
	if (g->new_grid) {
		g->new_grid = g->tick_pending = false;
		g->slot = 0;
	}
	if (g->tick_pending) {
		g->tick_pending = false;
		begin(e, g, e->now);
	}
}

static const struct datasource *datasource_of(const struct engine *e,
					      const struct rulegroup *g)
{
	return e->config ? rule_group_datasource(g->config, e->config->datasources,
						 e->config->n_datasources)
			 : NULL;
}

bool rulegroup_is_prometheus(const struct engine *e, const struct rulegroup *g)
{
	const struct datasource *from = datasource_of(e, g);

	return from && from->type == DATASOURCE_PROMETHEUS;
}

const char *rulegroup_type(const struct engine *e, const struct rulegroup *g)
{
	return rule_group_type_text(g->config, datasource_of(e, g));
}

void rulegroup_ask(struct engine *e, struct run *run, const char *expr, wall_ms at,
		   bool raw)
{
	struct rulegroup *g = run->group;
	const struct datasource *from = datasource_of(e, g);
	struct action *a;

	ASSERT(from);
	run->query_id = ++e->next_id;
	map_put(&e->queries, map_key_u64(&run->query_id), run);
	a = act(e, ACTION_QUERY);
	a->query = (struct query_wish){
		.id = run->query_id,
		.datasource = from,
		.group = g->config,
		.expr = expr,
		.at = at,
		.raw = raw,
		.timeout = from->timeout ? from->timeout : QUERY_TIMEOUT,
		.interval = g->interval,
	};
}

static void remember(struct engine *e, const struct run *run)
{
	struct rule_state *r = run_rule(run);
	struct rule_update update = {
		.began_at = run->rule_started_at,
		.at = rulegroup_at(e, run->group),
		.duration = r->duration,
		.samples = run->answer.n,
		.series_fetched = run->series_fetched,
		.error = r->health == HEALTH_ERR ? r->last_error : NULL,
	};

	updates_add(&r->updates, r->rule->update_entries_limit, &update);
}

/* "debug: true": each evaluation, for the log. */
static void tell(struct engine *e, const struct run *run)
{
	const struct rulegroup *g = run->group;
	const struct rule_state *r = run_rule(run);

	act_note(e, false, "rules", "evaluated",
		 arena_printf(
			 e->mem, "%s:%d: %s: %zu samples, %zu kept, %lld ms, as of %lld",
			 g->config->file, r->rule->at.line,
			 r->rule->alert ? r->rule->alert : r->rule->record, run->answer.n,
			 r->samples, (long long)r->duration, (long long)rulegroup_at(e, g)),
		 r->health == HEALTH_ERR ? r->last_error : NULL);
}

static void run_clear(struct run *run)
{
	struct rulegroup *g = run->group;
	struct arena mem = run->eval_mem;

	arena_free(&mem); /* thousands of groups are idle most of the time */
	*run = (struct run){.group = g, .eval_mem = mem, .series_fetched = -1};
}

/* What backends warned of while the rule was evaluated; once for the log, and kept until
 * an evaluation goes without. */
static void keep_warning(struct engine *e, const struct run *run)
{
	const struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);
	bool is_news = run->warning &&
		       (!r->last_warning || strcmp(r->last_warning, run->warning) != 0);

	if (run->warning)
		e->counters.rule_warnings[g->config->takes_partial]++;
	if (is_news)
		act_note(e, true, "rules", "the backend warned",
			 arena_printf(e->mem, "%s:%d: %s", g->config->file,
				      r->rule->at.line,
				      r->rule->alert ? r->rule->alert : r->rule->record),
			 arena_text(e->mem, run->warning));
	if (!is_news && run->warning)
		return;
	if (r->last_warning)
		bury(e, free, r->last_warning);
	r->last_warning = run->warning ? mem_text(run->warning) : NULL;
}

void run_give_slot(struct engine *e, struct run *run)
{
	if (run->has_slot)
		e->slots_taken--;
	run->has_slot = false;
}

static void end_rule(struct engine *e, struct run *run)
{
	struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);

	r->evaluated_at = run->rule_started_at;
	r->duration = e->now - run->rule_started_at;
	r->evaluations++;
	r->last_samples = run->answer.n;
	r->last_series_fetched = run->series_fetched;
	g->rules_duration += r->duration;
	durations_add(&e->counters.rules, r->duration);
	if (r->health == HEALTH_OK)
		g->samples += r->samples;
	remember(e, run);
	keep_warning(e, run);
	if (r->rule->debug)
		tell(e, run);
	run_give_slot(e, run);
	run_clear(run);
}

static void rule_failed(struct engine *e, struct run *run, const char *error)
{
	const struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);
	const char *name = r->rule->alert ? r->rule->alert : r->rule->record;

	if (!r->last_error || strcmp(r->last_error, error)) {
		rule_record(e, g, r, RULE_FAILS)->error = arena_text(e->mem, error);
		act_note(e, true, "rules", "evaluation failed",
			 arena_printf(e->mem, "%s:%d: %s", g->config->file,
				      r->rule->at.line, name),
			 error);
	}
	if (r->last_error)
		bury(e, free, r->last_error);
	else
		r->failing_since = run->rule_started_at;
	r->last_error = mem_text(error);
	r->health = HEALTH_ERR;
	r->failures++;
	e->counters.rule_failures++;
	end_rule(e, run);
}

static void rule_succeeded(struct engine *e, struct run *run)
{
	struct rule_state *r = run_rule(run);

	if (r->last_error) {
		rule_record(e, run->group, r, RULE_WORKS);
		bury(e, free, r->last_error);
	}
	r->last_error = NULL;
	r->failing_since = 0;
	r->health = HEALTH_OK;
	end_rule(e, run);
}

static const char *no_datasource(const struct rule_group *g)
{
	return g->datasource ? "the group's datasource is not configured"
	       : g->has_type ? "no datasource of the group's type is configured"
			     : "no datasource is configured";
}

static void start_rule(struct engine *e, struct run *run)
{
	struct rulegroup *g = run->group;

	run->at = g->batches.n ? g->batches.rule[g->next_rule] : g->next_rule;
	g->next_rule++;
	run->rule_started_at = e->now;
	if (!datasource_of(e, g)) {
		rule_failed(e, run, no_datasource(g->config));
		return;
	}
	run->is_busy = true;
	rulegroup_ask(e, run, run_rule(run)->rule->expr, rulegroup_at(e, g), false);
}

static bool is_any_busy(const struct rulegroup *g)
{
	for (size_t i = 0; i < g->n_runs; i++) {
		if (g->runs[i].is_busy)
			return true;
	}
	return false;
}

/* A batch ends before the next one begins. */
static bool may_begin(const struct rulegroup *g)
{
	const uint32_t *batch = g->batches.batch;
	size_t next = g->next_rule;

	if (next == g->config->n_rules)
		return false;
	return !g->batches.n || !next || batch[next] == batch[next - 1] || !is_any_busy(g);
}

/* A group has its first run to itself; the others, where the group did not ask for so
 * many, are few for all groups, and nobody waits for one. */
static bool take_slot(struct engine *e, struct run *run)
{
	if (run == run->group->runs || !run->group->batches.n)
		return true;
	if (e->slots_taken >= e->options.concurrent_evals)
		return false;
	e->slots_taken++;
	run->has_slot = true;
	return true;
}

/* As many rules as may be under way are; without one the iteration is over. */
static void next_rules(struct engine *e, struct rulegroup *g)
{
	for (size_t i = 0; i < g->n_runs; i++) {
		struct run *run = &g->runs[i];

		while (!run->is_busy && may_begin(g) && take_slot(e, run))
			start_rule(e, run);
	}
	if (!is_any_busy(g))
		finish(e, g);
}

/* -- answers -------------------------------------------------------------------------- */

static void conclude(struct engine *e, struct run *run, bool ok, const char *error)
{
	struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);

	if (ok && r->rule->alert)
		alerting_send(e, g, r);
	if (r->rule->alert)
		alerting_save(e, g, r);
	if (ok)
		written_take(e, g, r);
	if (ok && !run->template_error) {
		rule_succeeded(e, run);
	} else if (ok) { /* its alerts count */
		rule_failed(e, run, run->template_error);
	} else {
		rule_failed(e, run, error);
	}
	next_rules(e, g);
}

static void take_answer(struct engine *e, struct run *run)
{
	const struct rulegroup *g = run->group;
	struct rule_state *r = run_rule(run);
	const char *error = NULL, *wanted = NULL;
	bool ok;

	r->ever_had_series = r->ever_had_series || run->answer.n;
	if (r->rule->record)
		ok = recording_take(e, run, &error);
	else
		ok = alerting_take(e, run, &run->answer, &error, &wanted);
	if (wanted && !datasource_of(e, g)) { /* a reload took it away meanwhile */
		wanted = NULL;
		error = "no datasource is configured for a template's query";
	}
	if (wanted) {
		struct query_text *q = ARENA_NEW(&run->eval_mem, struct query_text);

		q->expr = wanted;
		run->waiting_for = q;
		rulegroup_ask(e, run, wanted, g->slot, false);
		return;
	}
	if (ok && r->rule->alert && readback_start(e, run))
		return;
	conclude(e, run, ok, error);
}

static struct samples keep_samples(struct arena *mem, const struct samples *in)
{
	struct sample *v = ARENA_ARRAY(mem, struct sample, in->n);

	for (size_t i = 0; i < in->n; i++) {
		v[i] = in->v[i];
		v[i].labels = labels_copy(mem, in->v[i].labels);
		if (v[i].histogram)
			v[i].histogram = histogram_copy(mem, v[i].histogram);
	}
	return (struct samples){v, in->n};
}

static void keep_template_answer(struct run *run, const struct query_ended *in)
{
	struct query_text *q = run->waiting_for;
	struct arena *mem = &run->eval_mem;

	run->waiting_for = NULL;
	q->answered = true;
	q->failed = !in->ok;
	q->error = arena_text(mem, in->error);
	q->n = in->ok ? in->samples.n : 0;
	q->samples = ARENA_ARRAY(mem, struct rule_sample, q->n);
	for (size_t i = 0; i < q->n; i++)
		q->samples[i] = (struct rule_sample){
			.labels = labels_copy(mem, in->samples.v[i].labels),
			.value = sample_value(mem, &in->samples.v[i]),
		};
	q->next = run->queries;
	run->queries = q;
}

#define LONGEST_WARNING 500 /* characters */

/* Notes what the answer warns of. */
static void take_warning(struct run *run, const struct query_ended *in)
{
	struct arena *mem = &run->eval_mem;
	const char *text = in->warning	    ? in->warning
			   : in->is_partial ? "the answer is partial"
					    : NULL;
	struct str s = text ? utf8_first(str_of(text), LONGEST_WARNING) : STR("");

	run->is_partial = run->is_partial || in->is_partial;
	if (!text || run->warning)
		return;
	run->warning = in->n_warnings > 1 ? arena_printf(mem, "%.*s (and %zu more)", FMT(s),
							 in->n_warnings - 1)
					  : arena_copy(mem, s);
}

void rulegroup_answered(struct engine *e, const struct query_ended *answer)
{
	struct run *run = map_del(&e->queries, map_key_u64(&answer->id));
	struct query_ended failed = {.id = answer->id, .error = "the answer is partial"};
	const struct query_ended *in = answer;

	if (!run)
		return; /* canceled while the answer was on its way */
	run->query_id = 0;
	if (in->ok && in->is_partial && !run->group->config->takes_partial)
		in = &failed;
	if (in->ok)
		take_warning(run, in);
	if (run->reading) {
		if (readback_answered(e, run, in))
			conclude(e, run, true, NULL);
	} else if (run->waiting_for) {
		keep_template_answer(run, in);
		take_answer(e, run);
	} else if (in->ok) {
		run->answer = keep_samples(&run->eval_mem, &in->samples);
		run->series_fetched = in->series_fetched;
		take_answer(e, run);
	} else {
		rule_failed(e, run, in->error);
		next_rules(e, run->group);
	}
}
