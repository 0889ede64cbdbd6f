#include "base/base.h"
#include "engine/why.h"
#include "engine/why_asking.h"
#include "engine/why_words.h"

#include <stdlib.h>
#include <string.h>

static const char *state_of(const struct why *w)
{
	const struct story *s = w->story;

	if (story_has_come(s) && !s->ended_at)
		return "firing";
	if (s->pending_at && !s->firing_at && !s->dropped_at && !s->resolved_at)
		return "pending";
	if (s->came_at || s->resolved_at || s->ended_at)
		return "resolved";
	if (s->dropped_at)
		return "inactive";
	return s->refused_at ? "dropped" : "unknown";
}

/* -- what comes next --------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct why_next *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

static void add_deliveries(struct asking *a)
{
	for (size_t i = 0; i < a->story->deliveries.n; i++) {
		const struct story_delivery *d = &a->story->deliveries.v[i];

		if (d->outcome == DELIVERY_RETRY && d->next_at >= a->why->options.now)
			why_add_next(a, d->next_at,
				     arena_printf(a->mem, "the next attempt at %s/%s[%zu]",
						  d->receiver, d->integration, d->index));
	}
}

static void add_repeats(struct asking *a, const struct why_group *g)
{
	for (size_t i = 0; i < g->n_targets; i++) {
		const struct why_target *t = &g->targets[i];

		if (t->repeat_at)
			why_add_next(
				a, t->repeat_at,
				arena_printf(a->mem,
					     "%s/%s[%zu] is told again at the first flush "
					     "after this, if nothing changes before",
					     t->receiver, t->integration, t->index));
	}
}

static void add_future(struct asking *a)
{
	struct why *w = a->why;
	const struct story *s = a->story;

	if (!strcmp(w->state, "pending"))
		why_add_next(
			a, s->pending_at + s->hold,
			"it fires at the first evaluation from then on, if its condition "
			"lasts");
	if (s->kept_since)
		why_add_next(a, s->kept_since + s->keep_firing,
			     "its keep_firing_for is over: it ends at the first evaluation "
			     "from then on");
	if (w->is_stored && !s->ended_at)
		why_add_next(
			a, w->ends_at,
			s->rule ? "it ends, unless its rule says before that it still fires"
				: "it ends, unless it is posted again before");
	for (size_t i = 0; i < w->groups.n; i++) {
		const struct why_group *g = &w->groups.v[i];

		if (g->exists)
			why_add_next(a, g->next_at,
				     arena_printf(a->mem, "the group for %s flushes",
						  g->receiver));
		add_repeats(a, g);
	}
	add_deliveries(a);
	if (w->next.n)
		qsort(w->next.v, w->next.n, sizeof(*w->next.v), by_time);
}

/* -- the whole --------------------------------------------------------------------- */

static void find_words(struct asking *a)
{
	for (size_t i = 0; i < a->why->groups.n; i++) {
		struct why_group *g = &a->why->groups.v[i];

		for (size_t k = 0; k < g->n_targets; k++) {
			struct why_target *t = &g->targets[k];

			t->words = words_verdict(a->mem, a->why, g, t);
			t->end_words = words_end(a->mem, a->why, g, t);
		}
	}
	a->why->headline = words_headline(a->mem, a->why);
}

/* The silences that flushes named, when the journal has lost their beginning. */
static void add_silences(struct asking *a)
{
	for (size_t i = 0; i < a->story->groups.n; i++) {
		const struct story_group *g = &a->story->groups.v[i];
		const struct story_mute *both[] = {&g->muted, &g->end_muted};

		for (size_t k = 0; k < COUNT_OF(both); k++) {
			const struct silence *s = both[k]->reason == MUTED_BY_SILENCE
							  ? view_silence(a->e, both[k]->by)
							  : NULL;

			if (s)
				story_know_silence(a->story, s);
		}
	}
}

/* What an alert is does not change: only of when it was so the story alone can tell. */
static void add_labels(struct asking *a)
{
	if (!a->story->labels && a->story->seen_at)
		a->story->labels = why_labels(a->e, a->story->fingerprint, a->mem);
}

struct why *why_alert(struct engine *e, struct story *story, const struct why_options *o,
		      struct arena *mem)
{
	struct why *w = ARENA_NEW(mem, struct why);
	struct asking a = {.e = e, .mem = mem, .story = story, .why = w};

	w->fingerprint = story->fingerprint;
	w->story = story;
	w->options = *o;
	w->is_past = o->at < o->now;
	if (!w->is_past) {
		a.stored = alert_find(e, story->fingerprint);
		why_add_rule_facts(&a);
		why_add_router_facts(&a);
	}
	add_silences(&a);
	add_labels(&a);
	w->labels = story->labels;
	if (!w->labels)
		w->labels_now = why_labels(e, story->fingerprint, mem);
	w->state = state_of(w);
	w->cause = story_rule_cause(story);
	if (w->labels)
		why_add_groups(&a);
	if (w->labels && !w->is_past)
		add_future(&a);
	find_words(&a);
	return w;
}
