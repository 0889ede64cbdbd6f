#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"

#include <malloc.h>
#include <string.h>

#define STEP_CLOCK    (2 * SECOND) /* a wall clock that moves more has been set */
#define LONGEST_SLEEP HOUR
#define LARGE_STEP    (256 * 1024)
#define TRIM_MS	      SECOND

/* -- time -------------------------------------------------------------------------- */

wall_ms daemon_now(void *daemon)
{
	(void)daemon;
	return clock_wall();
}

void timer_in(struct event *ev, span_ms ms)
{
	span_ms wait = MAX(ms, 0);
	struct timeval tv = {wait / 1000, wait % 1000 * 1000};

	evtimer_add(ev, &tv);
}

/* Somebody set the wall clock: deadlines move along, so that none fires early or late. */
static span_ms clock_jump(struct daemon *d)
{
	int64_t offset = clock_wall() - clock_mono();
	span_ms jump = offset - d->clock_offset;

	d->clock_offset = offset;
	return jump > STEP_CLOCK || jump < -STEP_CLOCK ? jump : 0;
}

/* -- how long steps take ----------------------------------------------------------- */

/* What of the engine's work is timed. */
struct work {
	uint64_t alerts, told_queries, silence_queries, maintenances, handovers;
};

static struct work work_so_far(const struct daemon *d)
{
	const struct engine_counters *c = view_counters(d->engine);

	return (struct work){c->alerts_stored, c->told_queries, c->silence_queries,
			     c->maintenances, c->rule_handovers};
}

/* The engine knows no clock: what a step did shares the step's time. */
static void note_times(struct step_times *t, const struct work *before,
		       const struct work *after, double took)
{
	uint64_t handovers = after->handovers - before->handovers;

	seconds_add(&t->alerts, took, after->alerts - before->alerts);
	seconds_add(&t->told_queries, took, after->told_queries - before->told_queries);
	seconds_add(&t->silence_queries, took,
		    after->silence_queries - before->silence_queries);
	seconds_add(&t->maintenance, took, after->maintenances - before->maintenances);
	seconds_add(&t->handovers, took, handovers);
	if (handovers)
		recent_add(&t->last_handovers, took / (double)handovers);
}

static wall_ms timed_step(struct daemon *d, wall_ms now, const struct event *in, size_t n)
{
	struct work before = work_so_far(d), after;
	double began = clock_seconds();
	wall_ms next = engine_step(d->engine, now, in, n, &d->step, &d->todo);

	after = work_so_far(d);
	note_times(&d->times, &before, &after, clock_seconds() - began);
	return next;
}

/* -- memory ------------------------------------------------------------------------ */

/* What large input took for a moment lies between what stays of it: once it is over, that
 * goes back to the system, or the largest file and the longest request there ever was would
 * be the size of the process. */
static void give_memory_back(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	malloc_trim(0);
}

void daemon_wants_less_memory(struct daemon *d)
{
	timer_in(d->trim, TRIM_MS);
}

/* -- steps ------------------------------------------------------------------------- */

static void step(struct daemon *d, const struct event *in, size_t n)
{
	/* the wall clock as clock_jump saw it: it may have been set again since */
	wall_ms now = clock_mono() + d->clock_offset, next;

	arena_reset(&d->step);
	d->todo.n = 0;
	next = timed_step(d, now, in, n);
	d->in_step = true;
	for (size_t i = 0; i < d->todo.n; i++)
		perform(d, &d->todo.v[i]);
	ledger_step_ended(d);
	sender_step_ended(d);
	d->in_step = false;
	if (arena_size(&d->step) > LARGE_STEP)
		daemon_wants_less_memory(d);
	evtimer_del(d->tick);
	if (next != NEVER)
		timer_in(d->tick, MIN(next - now, LONGEST_SLEEP));
}

/* What ended while actions were carried out comes in with a step of its own. */
static bool step_with_ended(struct daemon *d)
{
	struct arena mem = d->ended_mem;
	VEC(struct event) events = {0};
	size_t n_deliveries = d->ended_deliveries.n;
	struct delivery_ended *deliveries = d->ended_deliveries.v;

	if (!n_deliveries)
		return false;
	d->ended_mem = (struct arena){0};
	memset(&d->ended_deliveries, 0, sizeof(d->ended_deliveries));
	for (size_t i = 0; i < n_deliveries; i++)
		vec_push(&events, (struct event){.kind = EVENT_DELIVERY_ENDED,
						 .delivery = &deliveries[i]});
	step(d, events.v, events.n);
	vec_free(&events);
	free(deliveries);
	arena_free(&mem);
	return true;
}

void daemon_feed(void *daemon, const struct event *event)
{
	struct daemon *d = daemon;
	struct event events[2];
	size_t n = 0;
	span_ms jump;

	if (d->in_step)
		return; /* what ended while actions are carried out: step_with_ended */
	jump = clock_jump(d);
	if (jump) {
		log_warn("clock", "the wall clock was set; deadlines move along",
			 L_INT("by_ms", jump));
		events[n++] = (struct event){.kind = EVENT_CLOCK_SET, .jump = jump};
	}
	if (event)
		events[n++] = *event;
	if (n || !d->ended_deliveries.n)
		step(d, events, n);
	while (step_with_ended(d))
		;
	daemon_end_if_drained(d);
}

void daemon_restore(struct daemon *d, const struct event *ev)
{
	arena_reset(&d->step);
	d->todo.n = 0;
	engine_step(d->engine, daemon_now(d), ev, 1, &d->step, &d->todo);
	for (size_t i = 0; i < d->todo.n; i++)
		perform(d, &d->todo.v[i]);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	daemon_feed(arg, NULL);
}

void steps_begin(struct daemon *d)
{
	d->tick = evtimer_new(d->base, on_tick, d);
	d->trim = evtimer_new(d->base, give_memory_back, d);
}
