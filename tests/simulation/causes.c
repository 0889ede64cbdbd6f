#include "base/base.h"
#include "simulation/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Explanations are true: where why says that somebody was not told, and names the cause,
 * the same history is played again without that cause. Another cause may show then; at last
 * the notification must come. */

#define MOST_CAUSES 20

/* Asks after the moves, before all is made well. */
static bool ask(const struct history *h, struct tally *t, struct untold *u)
{
	struct world *w = mem_new(sizeof(*w));
	bool found;

	w->stops = true;
	world_play(w, h, t);
	found = !w->failed && w->up && find_untold(w, u);
	world_free(w);
	free(w);
	return found;
}

static void drop(struct history *h, unsigned kinds)
{
	for (size_t i = 0; i < h->n; i++) {
		if (kinds >> h->v[i].kind & 1)
			h->v[i].dropped = true;
	}
}

static void drop_sources(struct history *h)
{
	for (size_t i = 0; i < h->n; i++) {
		struct move *m = &h->v[i];

		if ((m->kind == MOVE_FIRE || m->kind == MOVE_STORM) && is_source(m->a))
			m->dropped = true;
	}
}

/* False for a cause that nobody can take away. */
static bool remove_cause(struct history *h, enum reason cause)
{
	switch ((int)cause) {
	case MUTED_BY_SILENCE:
		drop(h, 1u << MOVE_SILENCE);
		return true;
	case MUTED_BY_INHIBITION:
		drop_sources(h);
		return true;
	case DELIVERY_RETRY:
	case DELIVERY_GAVE_UP:
	case DELIVERY_TIMEOUT:
	case UNTOLD_UNDER_WAY:
	case UNTOLD_FLUSH_OPEN:
		drop(h, 1u << MOVE_SINK | 1u << MOVE_DISK);
		h->ends_at += 10 * SECOND;
		return true;
	case DELIVERY_CANCELED:
	case DELIVERY_UNKNOWN:
		drop(h, 1u << MOVE_KILL | 1u << MOVE_STORM);
		h->ends_at += 20 * SECOND;
		return true;
	case MUTED_BY_TIME:
	case MUTED_BY_INACTIVE: /* until it does not */
	case HELD_NOTHING_NEW:	/* until repeat_interval is over */
		h->ends_at += 160 * SECOND;
		return true;
	case UNTOLD_RESOLVED: /* it fires again since */
	case UNTOLD_GROUP_WAIT:
	case UNTOLD_GROUP_INTERVAL:
		h->ends_at += 15 * SECOND;
		return true;
	default:
		return false;
	}
}

bool causes_are_true(const struct history *from, struct tally *t, bool explains)
{
	struct history h = *from;
	struct untold u = {0};

	h.on_real_disk = false;
	for (size_t i = 0; i < MOST_CAUSES; i++) {
		if (!ask(&h, t, &u))
			return true;
		t->causes_removed++;
		if (!remove_cause(&h, u.cause))
			break;
	}
	if (explains)
		printf("seed %llu: why %s is not told of %016llx: %s, and taking that away "
		       "does not help\n",
		       (unsigned long long)h.seed, u.target,
		       (unsigned long long)u.fingerprint, reason_name(u.cause));
	return false;
}
