#include "base/base.h"
#include "engine/engine.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>

/* What is due beyond that waits for the next step, which is wanted at once: what a step
 * makes takes memory until all its actions are carried out. */
#define MOST_DUE 500

static const struct engine_options defaults = {
	.retention = 120 * HOUR,
	.alert_gc = 30 * MINUTE,
	.maintenance = 15 * MINUTE,
	.resend_delay = MINUTE,
	.external_url = "",
	.max_alerts = 1000000,
};

static void fill_defaults(struct engine_options *o)
{
	if (!o->retention)
		o->retention = defaults.retention;
	if (!o->alert_gc)
		o->alert_gc = defaults.alert_gc;
	if (!o->maintenance)
		o->maintenance = defaults.maintenance;
	if (!o->resend_delay)
		o->resend_delay = defaults.resend_delay;
	if (!o->external_url)
		o->external_url = defaults.external_url;
	if (!o->max_alerts)
		o->max_alerts = defaults.max_alerts;
}

static void maintain(struct engine *e, struct timer *t, wall_ms now)
{
	if (now - e->options.started_at >= HOUR)
		left_forget(e);
	e->counters.maintenances++;
	silences_collect(e, now);
	told_collect(e, now);
	inhibitor_collect(e, instant_of_ms(now));
	timer_set(e, t, now + e->options.maintenance);
}

struct engine *engine_new(const struct engine_options *options)
{
	struct engine *e = mem_new(sizeof(*e));

	e->options = *options;
	fill_defaults(&e->options);
	e->random = options->seed;
	e->alert_gc.due = alerts_collect;
	e->maintenance.due = maintain;
	timer_set(e, &e->alert_gc, options->started_at + e->options.alert_gc);
	timer_set(e, &e->maintenance, options->started_at + e->options.maintenance);
	return e;
}

void bury(struct engine *e, void (*fn)(void *), void *p)
{
	vec_push(&e->graves, (struct grave){fn, p});
}

static void empty_graves(struct engine *e)
{
	for (size_t i = 0; i < e->graves.n; i++)
		e->graves.v[i].fn(e->graves.v[i].p);
	e->graves.n = 0;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	deliveries_cancel(e);
	vec_free(&e->changes);
	vec_free(&e->rule_changes);
	holds_free(e);
	groups_free(e);
	rulegroups_free(e);
	inhibitor_free(e);
	silences_free(e);
	alerts_free(e);
	shared_free(e);
	told_free(e);
	heap_free(&e->timers);
	empty_graves(e);
	vec_free(&e->graves);
	counters_free(e);
	free(e);
}

/* splitmix64 */
uint64_t random_next(struct engine *e)
{
	uint64_t z = e->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void timer_set(struct engine *e, struct timer *t, wall_ms at)
{
	heap_set(&e->timers, &t->deadline, at);
}

void timer_stop(struct engine *e, struct timer *t)
{
	heap_drop(&e->timers, &t->deadline);
}

struct action *act(struct engine *e, enum action_kind kind)
{
	static struct action nobody_listens;

	if (!e->out) { /* engine_free */
		nobody_listens = (struct action){.kind = kind};
		return &nobody_listens;
	}
	vec_push(e->out, (struct action){.kind = kind});
	return &e->out->v[e->out->n - 1];
}

void act_note(struct engine *e, bool is_warning, const char *part, const char *text,
	      const char *what, const char *error)
{
	act(e, ACTION_NOTE)->note = (struct note){is_warning, part, text,
						  arena_text(e->mem, what),
						  arena_text(e->mem, error)};
}

struct record *act_record(struct engine *e, enum record_kind kind, enum reason reason)
{
	static struct record nobody_listens;
	struct record *r = e->out ? ARENA_NEW(e->mem, struct record) : &nobody_listens;

	*r = (struct record){.kind = kind, .reason = reason, .at = e->now};
	act(e, ACTION_RECORD)->record = r;
	return r;
}

/* The new configuration takes over: what the old one had under way is canceled, the
 * inhibitor knows all sources before the first flush can ask (spec/routing.md 12.3). */
static void take_config(struct engine *e, const struct config *config)
{
	deliveries_cancel(e);
	groups_free(e);
	e->config = config;
	e->generation++;
	counters_config(e);
	inhibitor_load(e);
	left_config(e);
	e->regroups = true;
	alerts_reroute(e);
	e->regroups = false;
	rulegroups_config(e);
	act_record(e, RECORD_CONFIG, REASON_NONE)->file = config->path;
}

/* Everything that waits keeps waiting as long as it had to, by the steady clock. What
 * people posted keeps its times, but for an end that is ours. */
static void move_deadlines(struct engine *e, span_ms jump)
{
	struct delivery *d;

	for (size_t i = 0; i < e->timers.list.n && !PLANT(clock_stops_timers); i++)
		e->timers.list.v[i]->at += jump; /* the order stays */
	for (size_t at = 0; (d = map_next(&e->deliveries, &at));) {
		d->attempt_at += jump;
		d->deadline += jump;
	}
	e->options.started_at += jump;
	alerts_move(e, jump);
	told_move(e, jump);
	holds_move(e, jump);
	rulegroups_move(e, jump);
}

static void save_all(struct engine *e)
{
	silences_save_all(e);
	told_save_all(e);
	alerts_save_all(e);
	rulegroups_save_all(e);
	left_save_all(e);
	deliveries_save_all(e);
}

static void take_event(struct engine *e, const struct event *ev)
{
	e->from = ev->from;
	e->by = ev->by;
	switch (ev->kind) {
	case EVENT_TICK:
		break;
	case EVENT_CLOCK_SET:
		act_record(e, RECORD_CLOCK, REASON_NONE)->jump = ev->jump;
		move_deadlines(e, ev->jump);
		break;
	case EVENT_CONFIG:
		take_config(e, ev->config);
		break;
	case EVENT_RULES:
		rulegroups_load(e, ev->rules);
		break;
	case EVENT_RULES_GONE:
		rulegroups_drop(e, ev->path);
		break;
	case EVENT_ALERTS:
		alerts_post(e, ev->alerts.v, ev->alerts.n, ev->answer);
		break;
	case EVENT_SILENCE_SET:
		silence_set(e, ev->silence, ev->answer);
		break;
	case EVENT_SILENCE_EXPIRE:
		silence_expire(e, ev->id, ev->answer);
		break;
	case EVENT_QUERY_ENDED:
		rulegroup_answered(e, ev->query);
		break;
	case EVENT_DELIVERY_ENDED:
		delivery_ended(e, ev->delivery);
		break;
	case EVENT_RESTORE_SILENCE:
		silence_restore(e, ev->silence);
		break;
	case EVENT_RESTORE_TOLD:
		told_restore(e, ev->told);
		break;
	case EVENT_RESTORE_OPEN:
		told_doubt_open(e, ev->open);
		break;
	case EVENT_RESTORE_ALERT:
		alerts_restore(e, ev->alert);
		break;
	case EVENT_RESTORE_RULE_ALERT:
		left_restore(e, ev->rule_alert);
		break;
	case EVENT_SAVE_ALL:
		save_all(e);
		break;
	case EVENT_READ_BACK:
		e->reads_back = ev->on;
		break;
	}
}

wall_ms engine_step(struct engine *e, wall_ms now, const struct event *in, size_t n,
		    struct arena *mem, struct actions *out)
{
	struct deadline *d;

	empty_graves(e);
	e->now = now;
	e->mem = mem;
	e->out = out;
	for (size_t i = 0; i < n; i++) {
		take_event(e, &in[i]);
		changes_record(e);
	}
	e->from = e->by = NULL;
	for (size_t i = 0; i < MOST_DUE && (d = heap_take_due(&e->timers, now)); i++) {
		struct timer *t = CONTAINER_OF(d, struct timer, deadline);

		t->due(e, t, now);
		changes_record(e);
	}
	d = heap_first(&e->timers);
	e->mem = NULL;
	e->out = NULL;
	return d ? d->at : NEVER;
}

const char *alert_state_text(enum alert_state state)
{
	static const char *const words[] = {"inactive", "pending", "firing"};

	return words[state];
}
