#include "base/base.h"
#include "simulation/sim.h"
#include "receivers/attempt.h"

#include <stdlib.h>
#include <string.h>

#define PATIENCE 500 /* as tocsind/ledger.c: longer the disk is not waited for */

/* -- deliveries ----------------------------------------------------------------------- */

static struct message *message_of(struct world *w, const struct delivery_wish *wish)
{
	const struct notification *n = wish->notification;
	struct arena *mem = &w->mem;
	struct message *m = ARENA_NEW(mem, struct message);

	*m = (struct message){
		.id = arena_text(mem, n->id),
		.group_key = arena_text(mem, n->group_key),
		.receiver = arena_text(mem, n->receiver->name),
		.integration = arena_text(mem, n->integration->kind->name),
		.index = n->integration->index,
		.alerts = ARENA_ARRAY(mem, uint64_t, n->n_alerts),
		.send_resolved = n->integration->send_resolved,
		.is_fallback = n->receiver != n->route->receiver,
		.repeat_interval = n->repeat_interval,
		.flushed_at = w->now,
		.asked_at = w->now,
		.delivery = wish->id,
		.life = w->life,
		.attempt = wish->attempt,
	};
	for (size_t i = 0; i < n->n_alerts; i++) {
		if (!n->alerts[i].resolved)
			m->alerts[m->n_firing++] = n->alerts[i].labels->fingerprint;
	}
	m->n_alerts = m->n_firing;
	for (size_t i = 0; i < n->n_alerts; i++) {
		if (n->alerts[i].resolved)
			m->alerts[m->n_alerts++] = n->alerts[i].labels->fingerprint;
	}
	return m;
}

static struct sending *sending_find(struct world *w, uint64_t id)
{
	return map_find(&w->sendings, map_key_u64(&id));
}

static void let_go(struct world *w, struct sending *s)
{
	struct happening *h;

	s->held = false;
	h = world_plan(w, HAPPEN_ARRIVE, chance_span(&w->chance, 2, 40));
	h->message = s->message;
}

void process_leave(struct world *w, uint64_t delivery)
{
	struct sending *s = sending_find(w, delivery);

	if (s && s->held)
		let_go(w, s);
}

static void deliver(struct world *w, const struct delivery_wish *wish)
{
	struct sending *s = sending_find(w, wish->id);
	struct message *m = message_of(w, wish);

	w->tally->deliveries++;
	if (s) {
		m->flushed_at = s->message->flushed_at;
	} else {
		s = ARENA_NEW(&w->mem, struct sending);
		s->id = wish->id;
		map_put(&w->sendings, map_key_u64(&s->id), s);
		check_delivery(w, wish->notification);
	}
	s->message = m;
	if (wish->attempt > 1)
		let_go(w, s);
	else
		s->held = true;
}

/* Whether the other side still gets it, nobody knows. */
static void cancel(struct world *w, uint64_t id)
{
	struct sending *s = map_del(&w->sendings, map_key_u64(&id));

	if (!s)
		return;
	s->message->canceled = true;
	if (s->message->n_firing)
		vec_push(&w->doubts, s->message->group_key);
	s->message->withdrawn = s->held || chance_of(&w->chance, 2);
}

/* -- the disk ------------------------------------------------------------------------- */

static void plan_commit(struct world *w)
{
	span_ms lag = chance_span(&w->chance, 1, 60);

	if (w->commit_is_planned || w->disk_fails ||
	    disk_has(w->disk) == disk_queued(w->disk))
		return;
	if (w->disk_is_slow)
		lag = chance_span(&w->chance, 200, 2000);
	w->commit_is_planned = true;
	world_plan(w, HAPPEN_COMMIT, lag);
}

void process_committed(struct world *w)
{
	struct sending *s;

	for (size_t i = 0; i < w->hushes.n; i++) {
		struct hush *h = &w->hushes.v[i];

		if (h->change_acked || h->seq > disk_has(w->disk))
			continue;
		h->acked = h->change_acked = true;
	}
	for (size_t at = 0; (s = map_next(&w->sendings, &at));) {
		if (s->held && s->seq <= disk_has(w->disk))
			let_go(w, s);
	}
	plan_commit(w);
}

static void hold_messages(struct world *w)
{
	struct sending *s;

	for (size_t at = 0; (s = map_next(&w->sendings, &at));) {
		if (!s->held || s->seq)
			continue;
		s->seq = disk_queued(w->disk);
		if (w->disk_fails)
			let_go(w, s);
		else
			world_plan(w, HAPPEN_LEAVE, PATIENCE)->id = s->id;
	}
}

/* -- steps ---------------------------------------------------------------------------- */

static void keep_record(struct world *w, const struct record *r)
{
	if (!r->is_unchanged)
		check_record(w, r, disk_take_record(w->disk, r));
}

static void perform(struct world *w, const struct action *a)
{
	w->tally->actions++;
	switch (a->kind) {
	case ACTION_DELIVER:
		deliver(w, &a->delivery);
		break;
	case ACTION_DELIVERY_CANCEL:
		cancel(w, a->id);
		break;
	case ACTION_QUERY:
		backend_asked(w, &a->query);
		break;
	case ACTION_QUERY_CANCEL:
		for (size_t i = 0; i < RULE_FILES; i++) {
			if (w->rules[i].query_id == a->id)
				w->rules[i].query_id = 0;
		}
		break;
	case ACTION_RECORD:
		keep_record(w, a->record);
		break;
	case ACTION_SAVE_RULE_ALERT:
		check_rule_row(w, a->rule_alert);
		disk_take(w->disk, a);
		break;
	case ACTION_SAVE_SILENCE:
	case ACTION_FORGET_SILENCE:
	case ACTION_SAVE_TOLD:
	case ACTION_FORGET_TOLD:
	case ACTION_SAVE_ALERT:
	case ACTION_FORGET_ALERT:
	case ACTION_FORGET_RULE_ALERT:
	case ACTION_SAVE_OPEN:
	case ACTION_FORGET_OPEN:
		disk_take(w->disk, a);
		break;
	case ACTION_WRITE:
	case ACTION_WRITE_FLUSH:
	case ACTION_NOTE:
		break;
	}
}

/* False when the process was killed on the way. */
static bool perform_all(struct world *w, const struct actions *todo)
{
	for (size_t i = 0; i < todo->n; i++) {
		if (w->kill_after >= 0 && !w->kill_after--) {
			process_kill(w);
			return false;
		}
		perform(w, &todo->v[i]);
	}
	return true;
}

void process_feed(struct world *w, const struct event *ev)
{
	struct actions todo = {0};
	struct arena mem = {0};

	if (!w->up)
		return;
	w->tally->events++;
	w->next = engine_step(w->engine, world_wall(w), ev, ev ? 1 : 0, &mem, &todo);
	if (perform_all(w, &todo)) {
		hold_messages(w);
		plan_commit(w);
		check_step(w);
	}
	w->answered = NULL;
	free(todo.v);
	arena_free(&mem);
}

/* -- configuration -------------------------------------------------------------------- */

bool process_load_config(struct world *w, unsigned variant)
{
	struct files files = {0};
	struct config_options options = {.files = &files, .kinds = integration_kinds};
	struct errs errs = {.mem = &w->config_mem};
	const char *text = history_config(&w->mem, variant);

	w->variant = variant;
	w->config = config_parse(&w->config_mem, "c.yml", str_of(text), &options, &errs,
				 NULL);
	if (!w->config)
		BUG("%s", err_text(&w->mem, errs.v[0]));
	return true;
}

void process_set_config(struct world *w)
{
	struct event ev = {.kind = EVENT_CONFIG, .config = w->config};

	w->tally->reloads++;
	paths_find(w);
	process_feed(w, &ev);
}

/* -- the end and the beginning -------------------------------------------------------- */

/* The disk may have got any part of what was on its way. */
static void lose_writes(struct world *w)
{
	uint64_t has = disk_has(w->disk), waiting = disk_queued(w->disk) - has;
	uint64_t k = 0;

	if (!w->disk_fails && waiting)
		k = (uint64_t)chance_span(&w->chance, 0, (span_ms)waiting);
	disk_commit(w->disk, has + k);
}

void process_kill(struct world *w)
{
	trace(w, "killed, with %llu writes on their way",
	      (unsigned long long)(disk_queued(w->disk) - disk_has(w->disk)));
	w->tally->kills++;
	w->up = false;
	w->kill_after = -1;
	lose_writes(w);
	process_committed(w); /* acknowledged at the last moment, perhaps */
	check_restart(w);
	disk_kill(w->disk);
	engine_free(w->engine);
	w->engine = NULL;
	map_free(&w->sendings);
	world_plan(w, HAPPEN_RESTART, w->down_for);
}

static void restore(struct world *w, struct event ev)
{
	process_feed(w, &ev);
}

static void see_silence(void *w, const struct silence *s)
{
	restore(w, (struct event){.kind = EVENT_RESTORE_SILENCE, .silence = s});
}

static void see_told(void *w, const struct told *t)
{
	restore(w, (struct event){.kind = EVENT_RESTORE_TOLD, .told = t});
}

static void see_alert(void *w, const struct alert *a)
{
	restore(w, (struct event){.kind = EVENT_RESTORE_ALERT, .alert = a});
}

/* What is expected of the rule goes on where the row says. */
static void see_rule_alert(void *arg, const struct rule_alert *a)
{
	struct world *w = arg;
	unsigned file = (unsigned)atoi(a->rule + 2),
		 n = (unsigned)atoi(labels_get(a->labels, "n"));

	ASSERT(file < RULE_FILES && n < MOST_SERIES);
	if (a->state != ALERT_INACTIVE && !w->rules[file].loaded) {
		w->rules[file].left_at[n] = a->active_at;
	} else if (a->state != ALERT_INACTIVE) {
		w->rules[file].active_at[n] = a->active_at;
		w->rules[file].fires[n] = a->state == ALERT_FIRING;
	}
	restore(w, (struct event){.kind = EVENT_RESTORE_RULE_ALERT, .rule_alert = a});
}

static const uint64_t *keep_numbers(struct arena *mem, const uint64_t *from, size_t n)
{
	uint64_t *v = ARENA_ARRAY(mem, uint64_t, n);

	if (n)
		memcpy(v, from, n * sizeof(*v));
	return v;
}

/* Gathered: the disk is being read. */
static void see_open(void *arg, const struct open_delivery *o)
{
	struct world *w = arg;
	struct open_delivery copy = *o;

	copy.id = arena_text(&w->mem, o->id);
	copy.group_key = arena_text(&w->mem, o->group_key);
	copy.receiver = arena_text(&w->mem, o->receiver);
	copy.integration = arena_text(&w->mem, o->integration);
	copy.firing = keep_numbers(&w->mem, o->firing, o->n_firing);
	copy.resolved = keep_numbers(&w->mem, o->resolved, o->n_resolved);
	vec_push(&w->left_open, copy);
}

/* As tocsind/ledger.c says it. */
static void tell_open(struct world *w)
{
	for (size_t i = 0; i < w->left_open.n; i++) {
		const struct open_delivery *o = &w->left_open.v[i];
		struct record r = {.kind = RECORD_ATTEMPT,
				   .reason = DELIVERY_UNKNOWN,
				   .at = world_wall(w),
				   .group_key = o->group_key,
				   .receiver = o->receiver,
				   .integration = o->integration,
				   .index = o->index,
				   .delivery = o->id,
				   .firing = o->firing,
				   .n_firing = o->n_firing,
				   .resolved = o->resolved,
				   .n_resolved = o->n_resolved};

		if (o->n_firing)
			vec_push(&w->doubts, o->group_key);
		keep_record(w, &r);
		restore(w, (struct event){.kind = EVENT_RESTORE_OPEN, .open = o});
		disk_forget_open(w->disk, o->id);
	}
	w->left_open.n = 0;
}

static void see_file(void *w, const char *path, const char *text)
{
	(void)w, (void)path, (void)text;
}

static void see_broken(void *w, const char *table, const char *key, const char *why)
{
	complain(w, "the disk can be read", "%s %s: %s", table, key, why);
}

static void add_to_stories(void *arg, const struct record *r)
{
	struct world *w = arg;

	for (size_t i = 0; i < w->subjects.n; i++)
		story_add(&w->subjects.v[i].story, r);
}

static void tell_stories_again(struct world *w)
{
	for (size_t i = 0; i < w->subjects.n; i++)
		w->subjects.v[i].story = story_of(&w->mem,
						  w->subjects.v[i].labels->fingerprint);
	disk_journal(w->disk, add_to_stories, w);
}

static void forget_rule_alerts(struct world *w)
{
	for (size_t i = 0; i < RULE_FILES; i++) {
		memset(w->rules[i].active_at, 0, sizeof(w->rules[i].active_at));
		memset(w->rules[i].fires, 0, sizeof(w->rules[i].fires));
		if (w->rules[i].left_seq > disk_has(w->disk))
			memset(w->rules[i].left_at, 0, sizeof(w->rules[i].left_at));
	}
}

static void load_rules(struct world *w)
{
	for (size_t i = 0; i < RULE_FILES; i++) {
		struct event ev = {.kind = EVENT_RULES, .rules = w->rules[i].file};

		if (w->rules[i].loaded)
			process_feed(w, &ev);
	}
}

static void tell_gone(struct world *w)
{
	for (size_t i = 0; i < RULE_FILES; i++) {
		struct event ev = {.kind = EVENT_RULES_GONE,
				   .path = arena_printf(&w->mem, "r%zu.yml", i)};

		if (!w->rules[i].loaded && w->rules[i].file)
			process_feed(w, &ev);
		if (w->up && !w->rules[i].loaded)
			w->rules[i].left_seq = disk_queued(w->disk);
	}
}

/* Clients speak again before anything is expected of a new life. */
static void expect_anew(struct world *w)
{
	struct line *l;

	for (size_t at = 0; (l = map_next(&w->lines, &at));)
		l->fires_since = l->over_since = NOT_YET;
}

void process_start(struct world *w)
{
	struct store_visitor visitor = {.ctx = w,
					.silence = see_silence,
					.told = see_told,
					.alert = see_alert,
					.rule_alert = see_rule_alert,
					.rule_file = see_file,
					.open = see_open,
					.broken = see_broken};
	struct engine_options options = {
		.seed = chance_next(&w->chance),
		.started_at = world_wall(w),
		.alert_gc = 5 * MINUTE,
		.maintenance = 5 * MINUTE,
		.retention = RETENTION,
	};

	w->life++;
	w->epoch++;
	w->up = true;
	w->up_since = w->disturbed_at = w->now;
	w->kill_after = -1;
	w->engine = engine_new(&options);
	forget_rule_alerts(w);
	expect_anew(w);
	disk_load(w->disk, &visitor, world_wall(w));
	tell_stories_again(w);
	tell_open(w);
	process_set_config(w);
	load_rules(w);
	tell_gone(w);
}
