#include "base/base.h"
#include "engine/core.h"
#include "base/plant.h"

#include <stdlib.h>
#include <string.h>

/* One notification to one integration: attempts with growing pauses, until it was sent,
 * refused for good, or the flush's time is used up (spec/routing.md 10). */

#define FIRST_PAUSE   500
#define LONGEST_PAUSE MINUTE

static struct integration_counters *counters_for(struct engine *e, const struct delivery *d)
{
	return counters_of(e, d->told.integration, d->told.receiver);
}

static void due(struct engine *e, struct timer *t, wall_ms now);

struct delivery *delivery_new(struct engine *e, struct flush *f)
{
	struct delivery *d = mem_new(sizeof(*d));

	d->id = ++e->next_id;
	d->flush = f;
	d->deadline = f->deadline;
	d->backoff = FIRST_PAUSE;
	d->timer.due = due;
	f->n_open++;
	map_put(&e->deliveries, map_key_u64(&d->id), d);
	return d;
}

/* -- Retry-After ---------------------------------------------------------------------- */

static struct hold *hold_of(struct engine *e, const struct delivery *d, const char **key)
{
	*key = arena_printf(e->mem, "%s/%s/%zu", d->told.receiver, d->told.integration,
			    d->told.index);
	return map_find(&e->holds, str_of(*key));
}

static void hold_back(struct engine *e, const struct delivery *d, wall_ms until)
{
	const char *key;
	struct hold *h = hold_of(e, d, &key);

	if (!h) {
		h = mem_new(sizeof(*h));
		h->key = mem_text(key);
		map_put(&e->holds, str_of(h->key), h);
	}
	h->until = until;
}

static void hold_free(struct engine *e, struct hold *h)
{
	map_del(&e->holds, str_of(h->key));
	free(h->key);
	free(h);
}

/* True when the attempt has to wait; the timer then tells when. */
static bool is_held(struct engine *e, struct delivery *d, wall_ms now)
{
	const char *key;
	struct hold *h = hold_of(e, d, &key);

	if (!h)
		return false;
	if (h->until <= now) {
		hold_free(e, h);
		return false;
	}
	if (!d->last_error)
		d->last_error = "its server asked to wait longer (Retry-After)";
	timer_set(e, &d->timer, MIN(h->until, d->deadline));
	return true;
}

void holds_move(struct engine *e, span_ms jump)
{
	struct hold *h;

	for (size_t at = 0; (h = map_next(&e->holds, &at));)
		h->until += jump;
}

void holds_free(struct engine *e)
{
	struct hold *h;

	for (size_t at = 0; (h = map_next(&e->holds, &at));)
		hold_free(e, h);
	map_free(&e->holds);
}

/* -- attempts ------------------------------------------------------------------------- */

static void attempt(struct engine *e, struct delivery *d, wall_ms now)
{
	struct action *a;

	if (is_held(e, d, now))
		return;
	a = act(e, ACTION_DELIVER);
	d->attempt++;
	d->in_flight = true;
	d->attempt_at = now;
	a->delivery = (struct delivery_wish){d->id, &d->notification, d->attempt};
	timer_set(e, &d->timer, d->deadline);
}

/* -- the ledger ----------------------------------------------------------------------- */

static struct record *note(struct engine *e, const struct delivery *d,
			   enum record_kind kind, enum reason reason)
{
	struct record *r = act_record(e, kind, reason);

	if (!e->out)
		return r;
	r->group_key = arena_text(e->mem, d->told.group_key);
	r->receiver = arena_text(e->mem, d->told.receiver);
	r->integration = arena_text(e->mem, d->told.integration);
	r->index = d->told.index;
	r->delivery = arena_text(e->mem, d->notification.id);
	for (size_t i = 0; i < d->notification.n_alerts; i++) {
		r->told_firing += !d->notification.alerts[i].resolved;
		r->told_resolved += d->notification.alerts[i].resolved;
	}
	r->without_ended = !d->notification.integration->send_resolved;
	return r;
}

static const uint64_t *copy_of(struct engine *e, const uint64_t *v, size_t n)
{
	uint64_t *copy = ARENA_ARRAY(e->mem, uint64_t, n);

	if (n)
		memcpy(copy, v, n * sizeof(*v));
	return copy;
}

static void save_open(struct engine *e, const struct delivery *d)
{
	struct open_delivery *o = ARENA_NEW(e->mem, struct open_delivery);

	*o = (struct open_delivery){
		.id = arena_text(e->mem, d->notification.id),
		.group_key = arena_text(e->mem, d->told.group_key),
		.receiver = arena_text(e->mem, d->told.receiver),
		.integration = arena_text(e->mem, d->told.integration),
		.index = d->told.index,
		.at = e->now,
		.firing = copy_of(e, d->told.firing, d->told.n_firing),
		.n_firing = d->told.n_firing,
		.resolved = copy_of(e, d->told.resolved, d->told.n_resolved),
		.n_resolved = d->told.n_resolved,
	};
	act(e, ACTION_SAVE_OPEN)->open = o;
}

/* On the disk before the first attempt leaves. */
static void open_entry(struct engine *e, const struct delivery *d)
{
	struct record *r = note(e, d, RECORD_SENDING, d->notification.reason);

	if (d->is_fallback) {
		r->firing = copy_of(e, d->told.firing, d->told.n_firing);
		r->n_firing = d->told.n_firing;
		r->resolved = copy_of(e, d->told.resolved, d->told.n_resolved);
		r->n_resolved = d->told.n_resolved;
	}
	save_open(e, d);
}

/* Nobody waits for its answer any more, or an attempt had none: it may have arrived. */
static bool is_in_doubt(const struct delivery *d)
{
	return d->in_flight || d->in_doubt;
}

static void leave_in_doubt(struct engine *e, const struct delivery *d)
{
	if (is_in_doubt(d))
		told_doubt(e, d->told_key, &d->told, d->notification.repeat_interval);
}

static void close_entry(struct engine *e, const struct delivery *d)
{
	if (e->out && !PLANT(ledger_leaks))
		act(e, ACTION_FORGET_OPEN)->key = arena_text(e->mem, d->notification.id);
}

void delivery_start(struct engine *e, struct delivery *d, wall_ms now)
{
	counters_for(e, d)->notifications++;
	open_entry(e, d);
	if (PLANT(told_before_answer))
		told_set(e, d->told_key, &d->told, d->notification.repeat_interval);
	attempt(e, d, now);
}

static struct record *note_outcome(struct engine *e, const struct delivery *d,
				   enum reason reason, const struct delivery_ended *in,
				   const char *error)
{
	struct record *r = note(e, d, RECORD_ATTEMPT, reason);

	if (!e->out)
		return r;
	r->error = arena_text(e->mem, error);
	r->attempt = d->attempt;
	r->status = in ? in->status : 0;
	r->took = d->attempt ? e->now - d->attempt_at : 0;
	r->in_doubt = reason != DELIVERY_SENT && is_in_doubt(d);
	return r;
}

static const char *name_of(struct engine *e, const struct delivery *d)
{
	return arena_printf(e->mem, "%s/%s[%zu]", d->told.receiver, d->told.integration,
			    d->told.index);
}

static void end(struct engine *e, struct delivery *d, bool ok)
{
	struct flush *f = d->flush;

	timer_stop(e, &d->timer);
	map_del(&e->deliveries, map_key_u64(&d->id));
	flush_branch_ended(e, f, ok);
	free(d);
}

static void fail(struct engine *e, struct delivery *d, enum reason reason,
		 enum failure failure, const struct delivery_ended *in, const char *error)
{
	leave_in_doubt(e, d);
	counters_for(e, d)->failed[failure]++;
	note_outcome(e, d, reason, in, error);
	close_entry(e, d);
	act_note(e, true, "notify",
		 arena_printf(e->mem, "notification given up after %u attempts: %s",
			      d->attempt, reason_text(reason)),
		 name_of(e, d), error);
	if (!d->is_fallback)
		flush_fall_back(e, d, error);
	end(e, d, false);
}

static void due(struct engine *e, struct timer *t, wall_ms now)
{
	struct delivery *d = CONTAINER_OF(t, struct delivery, timer);

	if (now < d->deadline) {
		attempt(e, d, now);
		return;
	}
	if (d->in_flight)
		act(e, ACTION_DELIVERY_CANCEL)->id = d->id;
	fail(e, d, DELIVERY_TIMEOUT, FAILURE_DEADLINE, NULL,
	     d->last_error ? d->last_error : "no answer in time");
}

/* Half to one and a half times the pause that is due, from the attempt's start on. */
static span_ms next_pause(struct engine *e, struct delivery *d)
{
	uint64_t spread = (uint64_t)d->backoff;
	span_ms pause = d->backoff / 2 + (span_ms)(random_next(e) % (spread + 1));

	d->backoff = MIN(d->backoff + d->backoff / 2, LONGEST_PAUSE);
	return pause;
}

static void try_later(struct engine *e, struct delivery *d, const struct delivery_ended *in)
{
	span_ms pause = next_pause(e, d); /* not inside MAX, which would draw two */
	wall_ms at = MAX(d->attempt_at + pause, e->now);
	const char *error = in->error ? in->error : "no reason given";
	bool is_new = !d->last_error || strcmp(d->last_error, error) != 0;

	if (in->retry_after && !PLANT(retry_after_ignored)) {
		hold_back(e, d, e->now + in->retry_after);
		at = MAX(at, e->now + in->retry_after);
	}
	note_outcome(e, d, PLANT(journal_lies) ? DELIVERY_SENT : DELIVERY_RETRY, in, error)
		->next_at = MIN(at, d->deadline);
	if (is_new) {
		d->last_error = arena_text(&d->flush->mem, error);
		act_note(e, true, "notify", "attempt failed, will try again", name_of(e, d),
			 error);
	}
	timer_set(e, &d->timer, MIN(at, d->deadline));
}

static void sent(struct engine *e, struct delivery *d, const struct delivery_ended *in)
{
	if (in->memory) {
		d->told.memory = in->memory;
		d->told.n_memory = in->n_memory;
	}
	told_set(e, d->told_key, &d->told, d->notification.repeat_interval);
	note_outcome(e, d, DELIVERY_SENT, in, NULL);
	close_entry(e, d);
	if (d->attempt > 1)
		act_note(e, false, "notify",
			 arena_printf(e->mem, "delivered at attempt %u", d->attempt),
			 name_of(e, d), NULL);
	end(e, d, true);
}

static void count_attempt(struct engine *e, struct delivery *d, bool failed)
{
	static const span_ms bounds[LATENCY_BUCKETS] = {1000, 5000, 10000, 15000, 20000};
	struct integration_counters *c = counters_for(e, d);
	span_ms took = e->now - d->attempt_at;
	size_t i = 0;

	while (i < LATENCY_BUCKETS && took > bounds[i])
		i++;
	c->latency[i]++;
	c->latency_sum += (double)took / 1000;
	c->requests++;
	c->requests_failed += failed;
}

void delivery_ended(struct engine *e, const struct delivery_ended *in)
{
	struct delivery *d = map_find(&e->deliveries, map_key_u64(&in->id));

	if (!d || !d->in_flight)
		return; /* canceled while the answer was on its way */
	d->in_flight = false;
	d->in_doubt = d->in_doubt || in->in_doubt;
	count_attempt(e, d, in->verdict != VERDICT_SENT);
	switch (in->verdict) {
	case VERDICT_SENT:
		sent(e, d, in);
		break;
	case VERDICT_RETRY:
		try_later(e, d, in);
		break;
	case VERDICT_GIVE_UP:
		fail(e, d, DELIVERY_GAVE_UP, in->failure, in, in->error);
		break;
	}
}

/* Reload or end: nobody waits for them any more. Groups are about to go as well. */
void deliveries_cancel(struct engine *e)
{
	struct delivery *d;

	for (size_t at = 0; (d = map_next(&e->deliveries, &at));) {
		if (d->flush->group) {
			d->flush->group->flush = NULL;
			d->flush->group = NULL;
		}
		if (d->in_flight)
			act(e, ACTION_DELIVERY_CANCEL)->id = d->id;
		if (e->out) {
			if (PLANT(canceled_counts_as_told))
				told_set(e, d->told_key, &d->told,
					 d->notification.repeat_interval);
			leave_in_doubt(e, d);
			counters_for(e, d)->failed[FAILURE_CANCELED]++;
			note_outcome(e, d, DELIVERY_CANCELED, NULL, NULL);
			close_entry(e, d);
		}
		end(e, d, false);
	}
	map_free(&e->deliveries);
}

void deliveries_save_all(struct engine *e)
{
	const struct delivery *d;

	for (size_t at = 0; (d = map_next(&e->deliveries, &at));)
		save_open(e, d);
}
