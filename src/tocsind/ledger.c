#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "base/xxhash.h"

#include <stdlib.h>

/* The delivery ledger: that a notification is about to leave is on the disk before it
 * does, so that a restart knows what may have been sent. A disk that fails or is slow is
 * not waited for longer than LONGEST_HOLD: a page late is worse than a page unrecorded. */

#define LONGEST_HOLD 500

struct hold {
	struct daemon *daemon;
	struct event *patience;
	uint64_t *sendings;
	size_t n;
	bool gone; /* they went without the disk's answer */
};

static void let_go(struct hold *h)
{
	for (size_t i = 0; i < h->n; i++)
		sender_go(h->daemon, h->sendings[i]);
	h->gone = true;
}

static void go_unrecorded(struct hold *h, const char *why)
{
	h->daemon->sent_unrecorded += h->n;
	if (!h->daemon->leaves_unrecorded)
		log_warn("notify", "notifications leave before the disk has them",
			 L_INT("notifications", (int64_t)h->n), L_STR("because", why));
	h->daemon->leaves_unrecorded = true;
	let_go(h);
}

/* The hold lives until the store reported, whichever comes first. */
static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	go_unrecorded(arg, "it takes too long");
}

static void on_disk(void *arg, bool ok)
{
	struct hold *h = arg;

	if (!h->gone && !h->daemon->is_ending) {
		if (!ok) {
			go_unrecorded(h, "it fails");
		} else {
			h->daemon->leaves_unrecorded = false;
			let_go(h);
		}
	}
	event_free(h->patience);
	free(h->sendings);
	free(h);
}

void ledger_hold(struct daemon *d, uint64_t sending)
{
	vec_push(&d->held, sending);
}

/* One transaction for all that leaves in a step. */
void ledger_step_ended(struct daemon *d)
{
	struct hold *h;

	if (!d->held.n)
		return;
	h = mem_new(sizeof(*h));
	h->daemon = d;
	h->sendings = d->held.v;
	h->n = d->held.n;
	h->patience = evtimer_new(d->base, on_patience, h);
	ASSERT(h->patience);
	d->held.v = NULL;
	d->held.n = d->held.cap = 0;
	if (d->store_fails)
		go_unrecorded(h, "it fails");
	else
		timer_in(h->patience, LONGEST_HOLD);
	store_sync_ledger(d->store, on_disk, h);
}

/* -- records -------------------------------------------------------------------------- */

void ledger_record(struct daemon *d, struct record *r)
{
	store_record(d->store, r);
}

void ledger_found_open(struct daemon *d, const struct open_delivery *o)
{
	struct record r = {.kind = RECORD_ATTEMPT,
			   .reason = DELIVERY_UNKNOWN,
			   .at = daemon_now(d),
			   .group_key = o->group_key,
			   .receiver = o->receiver,
			   .integration = o->integration,
			   .index = o->index,
			   .delivery = o->id,
			   .firing = o->firing,
			   .n_firing = o->n_firing,
			   .resolved = o->resolved,
			   .n_resolved = o->n_resolved};

	log_warn("notify",
		 "was being sent when the daemon ended; sent again with the same id if it "
		 "is still due",
		 L_STR("receiver", o->receiver), L_STR("integration", o->integration),
		 L_STR("group", o->group_key), L_STR("id", o->id));
	ledger_record(d, &r);
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_OPEN, .open = o});
	store_forget_open(d->store, o->id);
}

void ledger_reloaded(struct daemon *d, const char *mistakes)
{
	struct arena mem = {0};
	struct record r = {.kind = RECORD_CONFIG,
			   .at = daemon_now(d),
			   .file = d->flags.config_file,
			   .error = mistakes,
			   .from = d->reload_from,
			   .by = d->reload_by};

	if (!mistakes)
		r.hash = arena_printf(
			&mem, "%016llx",
			(unsigned long long)xxhash64(d->now_runs->config->text, 0));
	ledger_record(d, &r);
	arena_free(&mem);
}
