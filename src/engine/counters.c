#include "base/base.h"
#include "engine/core.h"

#include <stdlib.h>
#include <string.h>

/* What the engine counts by name. Names come from outside, so each table has an end. */

#define MOST_LIMITED 1000 /* alertnames; what comes after is counted together */

void durations_add(struct durations *d, span_ms took)
{
	span_ms bound = 10;

	took = MAX(took, 0); /* the clock may have been set */
	for (size_t i = 0; i < DURATION_BUCKETS; i++, bound *= 10) {
		if (took > bound)
			continue;
		d->buckets[i]++;
		break;
	}
	d->last[d->n++ % DURATIONS_KEPT] = took;
	d->sum += took;
}

static int by_length(const void *a, const void *b)
{
	const span_ms *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void durations_quantiles(const struct durations *d, const double *quantiles, size_t n,
			 span_ms *out)
{
	size_t kept = (size_t)MIN(d->n, DURATIONS_KEPT);
	span_ms sorted[DURATIONS_KEPT];

	if (!kept)
		return;
	memcpy(sorted, d->last, kept * sizeof(*sorted));
	qsort(sorted, kept, sizeof(*sorted), by_length);
	for (size_t i = 0; i < n; i++)
		out[i] = sorted[(size_t)(quantiles[i] * (double)(kept - 1))];
}

static const char *key_of(struct engine *e, const char *integration, const char *receiver)
{
	if (!e->options.count_receivers)
		return integration;
	return arena_printf(e->mem, "%s\n%s", integration, receiver);
}

struct integration_counters *counters_of(struct engine *e, const char *integration,
					 const char *receiver)
{
	const char *key = key_of(e, integration, receiver);
	struct integration_counters *c = map_find(&e->counters.integrations, str_of(key));

	if (c)
		return c;
	c = mem_new(sizeof(*c));
	c->key = mem_text(key);
	c->name = mem_text(integration);
	c->receiver = mem_text(e->options.count_receivers ? receiver : "");
	map_put(&e->counters.integrations, str_of(c->key), c);
	return c;
}

static void drop_integrations(struct engine *e)
{
	struct integration_counters *c;

	for (size_t at = 0; (c = map_next(&e->counters.integrations, &at));) {
		free(c->key);
		free(c->name);
		free(c->receiver);
		free(c);
	}
	map_free(&e->counters.integrations);
}

/* With receivers told apart, those of the configuration and no others are counted, from
 * its load on (spec/routing.md 15.3). */
void counters_config(struct engine *e)
{
	if (!e->options.count_receivers)
		return;
	drop_integrations(e);
	for (size_t i = 0; i < e->config->n_receivers; i++) {
		const struct receiver *r = &e->config->receivers[i];

		for (size_t k = 0; k < r->n_integrations; k++)
			counters_of(e, r->integrations[k].kind->name, r->name);
	}
}

void counters_limited(struct engine *e, const char *alertname)
{
	struct map *table = &e->counters.limited;
	struct limited_counter *c;

	if (!e->options.count_alertnames)
		alertname = "";
	c = map_find(table, str_of(alertname));
	if (!c && table->n >= MOST_LIMITED) {
		alertname = OTHER_NAMES;
		c = map_find(table, str_of(alertname));
	}
	if (!c) {
		c = mem_new(sizeof(*c));
		c->alertname = mem_text(alertname);
		map_put(table, str_of(c->alertname), c);
	}
	c->n++;
}

void counters_free(struct engine *e)
{
	struct limited_counter *c;

	drop_integrations(e);
	for (size_t at = 0; (c = map_next(&e->counters.limited, &at));) {
		free(c->alertname);
		free(c);
	}
	map_free(&e->counters.limited);
}
