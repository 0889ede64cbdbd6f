#include "base/base.h"
#include "simulation/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- trace and complaints ------------------------------------------------------------- */

static void add_line_of_trace(struct world *w, const char *fmt, va_list ap)
{
	char *line = w->trace[w->n_trace++ % MOST_LINES];
	int n = snprintf(line, sizeof(w->trace[0]), "%10.3f ", (double)w->now / 1000);

	vsnprintf(line + n, sizeof(w->trace[0]) - (size_t)n, fmt, ap);
	if (w->verbose)
		printf("%s\n", line);
}

void trace(struct world *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_line_of_trace(w, fmt, ap);
	va_end(ap);
}

void complain(struct world *w, const char *invariant, const char *fmt, ...)
{
	va_list ap;

	if (w->failed)
		return; /* the first one counts */
	w->failed = true;
	w->broken = invariant;
	va_start(ap, fmt);
	w->complaint = arena_vprintf(&w->mem, fmt, ap);
	va_end(ap);
}

/* -- what happens when ---------------------------------------------------------------- */

wall_ms world_wall(const struct world *w)
{
	return START + w->now + w->offset;
}

struct happening *world_plan(struct world *w, enum happening_kind kind, span_ms in)
{
	struct happening *h = ARENA_NEW(&w->mem, struct happening);

	h->kind = kind;
	heap_set(&w->happenings, &h->deadline, w->now + in);
	return h;
}

static void commit(struct world *w)
{
	w->commit_is_planned = false;
	if (!w->up || w->disk_fails)
		return;
	w->tally->commits++;
	disk_commit(w->disk, disk_queued(w->disk));
	process_committed(w);
}

static void reload_same(struct world *w)
{
	if (w->up)
		process_set_config(w);
}

static void start_again(struct world *w)
{
	trace(w, "starts again");
	process_start(w);
	clients_after(w, false);
}

static void disk_works(struct world *w)
{
	w->disk_fails = w->disk_is_slow = false;
	commit(w);
}

static void happen(struct world *w, struct happening *h)
{
	switch (h->kind) {
	case HAPPEN_POST:
		client_posts(w, h);
		break;
	case HAPPEN_LEAVE:
		process_leave(w, h->id);
		break;
	case HAPPEN_ARRIVE:
		sink_hears(w, h);
		break;
	case HAPPEN_ANSWER:
		sink_answers(w, h);
		break;
	case HAPPEN_QUERY:
		backend_answers(w, h);
		break;
	case HAPPEN_COMMIT:
		commit(w);
		break;
	case HAPPEN_RESTART:
		start_again(w);
		break;
	case HAPPEN_RELOAD:
		reload_same(w);
		break;
	case HAPPEN_DISK_WORKS:
		disk_works(w);
		break;
	}
}

/* -- moves ---------------------------------------------------------------------------- */

static void set_clock(struct world *w, span_ms jump)
{
	struct event ev = {.kind = EVENT_CLOCK_SET, .jump = jump};

	if (!w->up)
		return;
	w->tally->clock_steps++;
	w->offset += jump;
	w->epoch++;
	w->disturbed_at = w->now;
	for (size_t i = 0; i < RULE_FILES; i++) {
		for (size_t n = 0; n < MOST_SERIES; n++) {
			if (w->rules[i].active_at[n])
				w->rules[i].active_at[n] += jump;
			if (w->rules[i].left_at[n])
				w->rules[i].left_at[n] += jump;
		}
	}
	w->clock_was_set = true;
	w->clock_seq = UINT64_MAX;
	process_feed(w, &ev);
	if (w->up)
		w->clock_seq = disk_queued(w->disk);
	clients_after(w, true);
}

static void storm(struct world *w, unsigned n, span_ms apart)
{
	for (unsigned i = 0; i < n; i++)
		world_plan(w, HAPPEN_RELOAD, apart * i);
}

static void set_disk(struct world *w, span_ms length, bool slow)
{
	w->disk_fails = !slow;
	w->disk_is_slow = slow;
	world_plan(w, HAPPEN_DISK_WORKS, length);
}

static void break_config(struct world *w)
{
	struct record r = {
		.kind = RECORD_CONFIG, .at = world_wall(w), .error = "a mistake"};

	if (w->up) /* the shell refuses it: the engine never hears of it */
		disk_take_record(w->disk, &r);
}

static void move(struct world *w, const struct move *m)
{
	struct subject *client = &w->subjects.v[m->a % w->n_clients];
	struct sink *sink = w->sinks.v[m->a % w->sinks.n];

	trace(w, "-- %s %u %u %u", move_kind_text(m->kind), m->a, m->b, m->c);
	switch (m->kind) {
	case MOVE_FIRE:
		client_fires(w, client, m->b);
		break;
	case MOVE_END:
		client_ends(w, client);
		break;
	case MOVE_VANISH:
		client_vanishes(w, client);
		break;
	case MOVE_SILENCE:
		silence_new(w, m->a % (unsigned)w->subjects.n, m->b, m->c);
		break;
	case MOVE_EXTEND:
	case MOVE_EXPIRE:
		if (w->hushes.n)
			silence_change(w, &w->hushes.v[m->a % w->hushes.n],
				       m->kind == MOVE_EXPIRE, m->b);
		break;
	case MOVE_SINK:
		sink_set(w, sink, m->b < SINK_MODES ? (enum sink_mode)m->b : SINK_OK);
		break;
	case MOVE_BACKEND:
		w->rules[m->a].mode = m->b < BACKEND_MODES ? (enum backend_mode)m->b
							   : BACKEND_OK;
		w->rules[m->a].series = m->c;
		break;
	case MOVE_RULES:
		rules_set(w, m->a, m->b);
		break;
	case MOVE_NO_RULES:
		rules_gone(w, m->a);
		break;
	case MOVE_RELOAD:
		process_load_config(w, m->a);
		reload_same(w);
		break;
	case MOVE_BROKEN:
		break_config(w);
		break;
	case MOVE_STORM:
		client_fires(w, client, true);
		storm(w, m->b, m->c);
		break;
	case MOVE_CLOCK:
		set_clock(w, ((span_ms)m->b - 4000) * SECOND);
		break;
	case MOVE_KILL:
		w->kill_after = (int)m->a;
		w->down_for = m->b;
		break;
	case MOVE_DISK:
		set_disk(w, m->a, m->b);
		break;
	case MOVES:
		break;
	}
}

/* -- the loop ------------------------------------------------------------------------- */

#define LOOK_EVERY   SECOND
#define ASK_EVERY    (15 * SECOND)
#define MOST_AT_ONCE 20000

static span_ms engine_due(const struct world *w)
{
	if (!w->up || w->next == NEVER)
		return NEVER;
	return MAX(w->next - START - w->offset, w->now);
}

static void look(struct world *w)
{
	w->next_look += LOOK_EVERY;
	if (!w->up)
		return;
	check_now(w);
	check_silences(w);
	if (w->now >= w->next_ask) {
		w->next_ask = w->now + ASK_EVERY;
		check_verdicts(w);
	}
}

/* False when nothing happens until then. */
static bool do_next(struct world *w, span_ms until)
{
	struct deadline *first = heap_first(&w->happenings);
	span_ms engine = engine_due(w), other = first ? first->at : NEVER;
	span_ms at = MIN(MIN(engine, other), w->next_look);

	if (at > until)
		return false;
	if (at > w->now)
		w->at_once = 0;
	else if (++w->at_once > MOST_AT_ONCE)
		complain(w, "time passes", "the engine never rests");
	w->now = at;
	if (at == engine)
		process_feed(w, NULL);
	else if (at == other)
		happen(w, CONTAINER_OF(heap_take_due(&w->happenings, at), struct happening,
				       deadline));
	else
		look(w);
	return true;
}

static void run_until(struct world *w, span_ms until)
{
	while (!w->failed && do_next(w, until))
		;
	if (!w->failed)
		w->now = until;
}

static void play_moves(struct world *w)
{
	const struct history *h = w->history;

	for (size_t i = 0; i < h->n && !w->failed; i++) {
		if (h->v[i].dropped)
			continue;
		run_until(w, h->v[i].at);
		if (w->failed)
			return;
		move(w, &h->v[i]);
		if (w->up)
			check_now(w);
	}
	run_until(w, h->ends_at);
}

/* -- the ending ----------------------------------------------------------------------- */

/* Nothing is broken any more and nobody is silenced: all that fires must be told. */
static void make_all_well(struct world *w)
{
	trace(w, "-- all is well again");
	w->quiet = true;
	w->kill_after = -1;
	disk_works(w);
	run_until(w, w->now + 5 * SECOND); /* it may have been down */
	for (size_t i = 0; i < w->sinks.n; i++)
		sink_set(w, w->sinks.v[i], SINK_OK);
	for (size_t i = 0; i < RULE_FILES; i++) {
		w->rules[i].mode = BACKEND_OK;
		if (!w->rules[i].loaded)
			rules_set(w, (unsigned)i, 0);
	}
	for (size_t i = 0; i < w->hushes.n; i++)
		silence_change(w, &w->hushes.v[i], true, 0);
}

static void end_all(struct world *w)
{
	trace(w, "-- all alerts end");
	for (size_t i = 0; i < w->n_clients; i++)
		client_ends(w, &w->subjects.v[i]);
	for (size_t i = 0; i < RULE_FILES; i++)
		w->rules[i].series = 0;
}

static void play_ending(struct world *w)
{
	make_all_well(w);
	run_until(w, w->now + 6 * MINUTE);
	end_all(w);
	run_until(w, w->now + 10 * MINUTE);
	check_verdicts(w);
	check_past_verdicts(w);
	w->next_look = NEVER;
	run_until(w, w->now + RETENTION + 3 * HOUR); /* the clock may have been set */
	if (!w->failed)
		check_end(w);
}

void world_play(struct world *w, const struct history *h, struct tally *tally)
{
	w->history = h;
	w->tally = tally;
	w->chance.state = h->seed * 31 + 7;
	w->kill_after = -1;
	w->next_look = LOOK_EVERY;
	w->disk = disk_new(h->on_real_disk ? w->folder : NULL);
	outside_new(w);
	process_load_config(w, h->config);
	process_start(w);
	for (unsigned i = 0; i < RULE_FILES; i++)
		rules_set(w, i, i + 1);
	play_moves(w);
	if (!w->failed && !w->stops)
		play_ending(w);
	tally->simulated += w->now;
}

void world_free(struct world *w)
{
	engine_free(w->engine);
	disk_free(w->disk);
	map_free(&w->sendings);
	map_free(&w->lines);
	heap_free(&w->happenings);
	for (size_t i = 0; i < w->subjects.n; i++)
		vec_free(&w->subjects.v[i].paths);
	for (size_t i = 0; i < w->sinks.n; i++)
		vec_free(&w->sinks.v[i]->heard);
	vec_free(&w->subjects);
	vec_free(&w->sinks);
	vec_free(&w->hushes);
	vec_free(&w->memory);
	vec_free(&w->left_open);
	vec_free(&w->doubts);
	arena_free(&w->config_mem);
	arena_free(&w->mem);
}
