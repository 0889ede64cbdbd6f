#include "base/base.h"
#include "api/metrics.h"

#include <string.h>

/* The router under Alertmanager's names (spec/routing.md 15.2 to 15.5). What it calls a
 * snapshot is a batch of ours, its garbage collection what maintenance forgets. What only
 * its way of working has - channels between its parts, contention, gossip - stays at 0.
 *
 * Labels: values from outside have an end: MOST_GROUP_KEYS here, engine/counters.c. */

#define MOST_GROUP_KEYS 10000 /* what comes after is counted together */

struct page {
	struct buf *b;
	struct request *r;
	struct engine *e;
	const struct engine_counters *c;
	struct engine_sizes sizes;
	struct step_times times;
	struct store_health disk;
	wall_ms now;
};

static void counter(struct page *p, const char *name, const char *help, uint64_t value)
{
	metric_one(p->b, name, "counter", help, (double)value);
}

static void gauge(struct page *p, const char *name, const char *help, double value)
{
	metric_one(p->b, name, "gauge", help, value);
}

static void summary(struct page *p, const char *name, const char *help, double sum,
		    uint64_t n)
{
	metric_head(p->b, name, "summary", help);
	buf_addf(p->b, "%s_sum %.15g\n%s_count %llu\n", name, sum, name,
		 (unsigned long long)n);
}

static void histogram(struct page *p, const char *name, const char *help,
		      const struct seconds *s)
{
	metric_head(p->b, name, "histogram", help);
	buf_add_histogram(p->b, name, "", s);
}

/* -- alerts by state --------------------------------------------------------------- */

static const char *const member_states[] = {"unprocessed", "active", "suppressed"};

struct key_states {
	const char *key;
	size_t n[COUNT_OF(member_states)];
};

/* Groups of routes that are alike share a key. */
static struct key_states *states_of(struct page *p, struct map *found, const char *key)
{
	struct key_states *s = map_find(found, str_of(key));

	if (!s && found->n >= MOST_GROUP_KEYS) {
		key = OTHER_NAMES;
		s = map_find(found, str_of(key));
	}
	if (!s) {
		s = ARENA_NEW(p->r->mem, struct key_states);
		s->key = key;
		map_put(found, str_of(s->key), s);
	}
	return s;
}

static void add_states_by_group(struct page *p)
{
	struct map found = {0};
	struct key_states *s;
	size_t n;
	struct group_view *v = view_groups(p->e, p->r->mem, &n);

	for (size_t i = 0; i < n; i++)
		view_group_states(p->e, p->now, v[i].id, states_of(p, &found, v[i].key)->n);
	for (size_t at = 0; (s = map_next(&found, &at));) {
		for (size_t i = 0; i < COUNT_OF(member_states); i++) {
			buf_add_text(p->b, "alertmanager_alerts{group_key=\"");
			metric_add_label_text(p->b, s->key);
			buf_addf(p->b, "\",state=\"%s\"} %zu\n", member_states[i], s->n[i]);
		}
	}
	map_free(&found);
}

static void add_states(struct page *p)
{
	metric_head(p->b, "alertmanager_alerts", "gauge", "How many alerts by state.");
	if (p->r->api->options.metrics.group_keys) {
		add_states_by_group(p);
		return;
	}
	for (size_t i = 0; i < COUNT_OF(member_states); i++)
		buf_addf(p->b, "alertmanager_alerts{state=\"%s\"} %zu\n", member_states[i],
			 p->sizes.alert_states[i]);
}

/* -- alerts and the dispatcher ----------------------------------------------------- */

static void add_limited(struct page *p)
{
	static const char name[] = "alertmanager_alerts_limited_total";
	struct limited_counter *l;

	metric_head(p->b, name, "counter",
		    "Total number of alerts that were dropped due to a limit.");
	for (size_t at = 0; (l = map_next(&p->c->limited, &at));) {
		buf_add_text(p->b, name);
		if (p->r->api->options.metrics.alert_names) {
			buf_add_text(p->b, "{alertname=\"");
			metric_add_label_text(p->b, l->alertname);
			buf_add_text(p->b, "\"}");
		}
		buf_addf(p->b, " %llu\n", (unsigned long long)l->n);
	}
}

static void add_received(struct page *p)
{
	metric_head(p->b, "alertmanager_alerts_received_total", "counter",
		    "The total number of received alerts.");
	buf_addf(p->b,
		 "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} "
		 "%llu\n"
		 "alertmanager_alerts_received_total{status=\"resolved\",version=\"v2\"} "
		 "%llu\n",
		 (unsigned long long)p->c->alerts_firing,
		 (unsigned long long)p->c->alerts_resolved);
	metric_head(p->b, "alertmanager_alerts_invalid_total", "counter",
		    "The total number of received alerts that were invalid.");
	buf_addf(p->b, "alertmanager_alerts_invalid_total{version=\"v2\"} %llu\n",
		 (unsigned long long)p->c->alerts_invalid);
	metric_one(p->b, "tocsin_alerts_too_large_total", "counter",
		   "Posted alerts that were refused for their size.",
		   (double)p->c->alerts_too_large);
}

static void add_alerts(struct page *p)
{
	static const char writes[] = "alertmanager_alerts_subscriber_channel_writes_total";

	add_states(p);
	add_received(p);
	gauge(p, "alertmanager_alerts_per_alert_limit",
	      "Current limit on number of alerts per alert name.",
	      (double)p->r->api->options.metrics.per_alertname);
	add_limited(p);
	metric_head(p->b, writes, "counter",
		    "Number of times alerts were handed to the dispatcher and the "
		    "inhibitor.");
	buf_addf(p->b,
		 "%s{subscriber=\"dispatcher\"} %llu\n%s{subscriber=\"inhibitor\"} "
		 "%llu\n",
		 writes, (unsigned long long)p->c->alerts_stored, writes,
		 (unsigned long long)p->c->alerts_stored);
}

static void add_dispatcher(struct page *p)
{
	gauge(p, "alertmanager_dispatcher_aggregation_groups",
	      "Number of active aggregation groups.", (double)p->sizes.groups);
	summary(p, "alertmanager_dispatcher_alert_processing_duration_seconds",
		"Time for the processing of alerts.", p->times.alerts.sum,
		p->times.alerts.n);
	counter(p, "alertmanager_dispatcher_aggregation_group_limit_reached_total",
		"Number of times when dispatcher failed to create new aggregation group "
		"due to limit.",
		0);
	counter(p, "alertmanager_dispatcher_aggregation_group_creation_retries_total",
		"Times that the creation of a group was tried again: never here.", 0);
	counter(p, "alertmanager_dispatcher_aggregation_group_creation_given_up_total",
		"Times that the creation of a group was given up: never here.", 0);
}

/* -- notifications ----------------------------------------------------------------- */

/* An integration of one receiver, or of all. */
struct teller {
	const char *labels;
	const struct integration_counters *c;
};

static const char *labels_of(struct page *p, const struct integration_counters *c)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *labels;

	buf_addf(&b, "integration=\"%s\",receiver_name=\"", c->name);
	metric_add_label_text(&b, c->receiver);
	buf_add_char(&b, '"');
	labels = arena_copy(p->r->mem, buf_str(&b));
	buf_free(&b);
	return labels;
}

static struct teller *tellers(struct page *p, size_t *n)
{
	static const struct integration_counters none;
	const struct api_options *o = &p->r->api->options;
	const struct map *all = &p->c->integrations;
	struct integration_counters *c;
	struct teller *v;

	*n = 0;
	if (o->metrics.receiver_names) {
		v = ARENA_ARRAY(p->r->mem, struct teller, all->n);
		for (size_t at = 0; (c = map_next(all, &at));)
			v[(*n)++] = (struct teller){labels_of(p, c), c};
		return v;
	}
	while (o->integrations[*n])
		(*n)++;
	v = ARENA_ARRAY(p->r->mem, struct teller, *n);
	for (size_t i = 0; i < *n; i++) {
		const char *name = o->integrations[i];

		c = map_find(all, str_of(name));
		v[i] = (struct teller){arena_printf(p->r->mem, "integration=\"%s\"", name),
				       c ? c : &none};
	}
	return v;
}

static void add_count(struct page *p, const struct teller *v, size_t n, const char *name,
		      const char *help, size_t at)
{
	metric_head(p->b, name, "counter", help);
	for (size_t i = 0; i < n; i++) {
		uint64_t value;

		memcpy(&value, (const char *)v[i].c + at, sizeof(value));
		buf_addf(p->b, "%s{%s} %llu\n", name, v[i].labels,
			 (unsigned long long)value);
	}
}

static void add_failures(struct page *p, const struct teller *v, size_t n)
{
	metric_head(p->b, "alertmanager_notifications_failed_total", "counter",
		    "The total number of failed notifications.");
	for (size_t i = 0; i < n; i++) {
		for (int f = 0; f < FAILURES; f++)
			buf_addf(p->b,
				 "alertmanager_notifications_failed_total{%s,reason=\"%s\"}"
				 " %llu\n",
				 v[i].labels, failure_text((enum failure)f),
				 (unsigned long long)v[i].c->failed[f]);
	}
}

static void add_latencies(struct page *p, const struct teller *v, size_t n)
{
	static const char *const bounds[] = {"1", "5", "10", "15", "20", "+Inf"};
	static const char name[] = "alertmanager_notification_latency_seconds";

	metric_head(p->b, name, "histogram", "The latency of notifications in seconds.");
	for (size_t i = 0; i < n; i++) {
		const struct integration_counters *c = v[i].c;
		uint64_t sum = 0;

		for (size_t k = 0; k < COUNT_OF(bounds); k++) {
			sum += c->latency[k];
			buf_addf(p->b, "%s_bucket{%s,le=\"%s\"} %llu\n", name, v[i].labels,
				 bounds[k], (unsigned long long)sum);
		}
		buf_addf(p->b, "%s_sum{%s} %.15g\n%s_count{%s} %llu\n", name, v[i].labels,
			 c->latency_sum, name, v[i].labels, (unsigned long long)sum);
	}
}

static void add_suppressed(struct page *p)
{
	static const char name[] = "alertmanager_notifications_suppressed_total";
	const struct {
		const char *reason;
		uint64_t n;
	} rows[] = {
		{"inhibition", p->c->suppressed_inhibition},
		{"silence", p->c->suppressed_silence},
		{"mute_time_interval", p->c->suppressed_mute},
		{"active_time_interval", p->c->suppressed_inactive},
	};

	metric_head(p->b, name, "counter",
		    "The total number of notifications suppressed for being silenced, "
		    "inhibited, outside of active time intervals or within muted time "
		    "intervals.");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (rows[i].n)
			buf_addf(p->b, "%s{reason=\"%s\"} %llu\n", name, rows[i].reason,
				 (unsigned long long)rows[i].n);
	}
}

static void add_notifications(struct page *p)
{
	size_t n;
	struct teller *v = tellers(p, &n);

	add_count(p, v, n, "alertmanager_notifications_total",
		  "The total number of attempted notifications.",
		  offsetof(struct integration_counters, notifications));
	add_failures(p, v, n);
	add_count(p, v, n, "alertmanager_notification_requests_total",
		  "The total number of attempted notification requests.",
		  offsetof(struct integration_counters, requests));
	add_count(p, v, n, "alertmanager_notification_requests_failed_total",
		  "The total number of failed notification requests.",
		  offsetof(struct integration_counters, requests_failed));
	add_latencies(p, v, n);
	add_suppressed(p);
}

/* -- what is kept ------------------------------------------------------------------ */

static void add_log(struct page *p)
{
	summary(p, "alertmanager_nflog_gc_duration_seconds",
		"Time of the maintenance that forgot expired entries.",
		p->times.maintenance.sum, p->times.maintenance.n);
	summary(p, "alertmanager_nflog_snapshot_duration_seconds",
		"Time for writing batches of changes to disk.", p->disk.seconds,
		p->disk.batches);
	gauge(p, "alertmanager_nflog_snapshot_size_bytes",
	      "Size of the database file, which holds the notification log.",
	      (double)p->disk.bytes);
	counter(p, "alertmanager_nflog_maintenance_total",
		"How many maintenances were executed for the notification log.",
		p->c->maintenances);
	counter(p, "alertmanager_nflog_maintenance_errors_total",
		"How many batches of changes could not be written to disk.",
		p->disk.failures);
	counter(p, "alertmanager_nflog_queries_total",
		"Number of notification log queries.", p->c->told_queries);
	counter(p, "alertmanager_nflog_query_errors_total",
		"Number of notification log queries that found nothing.",
		p->c->told_misses);
	histogram(p, "alertmanager_nflog_query_duration_seconds",
		  "At most so long took queries of the notification log.",
		  &p->times.told_queries);
	counter(p, "alertmanager_nflog_gossip_messages_propagated_total",
		"Number of received gossip messages propagated: there is no cluster.", 0);
}

static void add_silence_upkeep(struct page *p)
{
	static const char errors[] = "alertmanager_silences_matcher_compile_errors_total";

	summary(p, "alertmanager_silences_gc_duration_seconds",
		"Time of the maintenance that forgot expired silences.",
		p->times.maintenance.sum, p->times.maintenance.n);
	counter(p, "alertmanager_silences_gc_errors_total",
		"How many errors forgetting silences met: it cannot fail.", 0);
	summary(p, "alertmanager_silences_snapshot_duration_seconds",
		"Time for writing batches of changes to disk.", p->disk.seconds,
		p->disk.batches);
	gauge(p, "alertmanager_silences_snapshot_size_bytes",
	      "Size of the database file, which holds the silences.",
	      (double)p->disk.bytes);
	counter(p, "alertmanager_silences_maintenance_total",
		"How many maintenances were executed for silences.", p->c->maintenances);
	counter(p, "alertmanager_silences_maintenance_errors_total",
		"How many batches of changes could not be written to disk.",
		p->disk.failures);
	metric_head(p->b, errors, "counter",
		    "How many silences could not be read because of their matchers.");
	buf_addf(p->b, "%s{stage=\"index\"} 0\n%s{stage=\"load_snapshot\"} %llu\n", errors,
		 errors, (unsigned long long)p->c->silences_unreadable);
}

static void add_silence_queries(struct page *p)
{
	struct seconds asked = p->times.silence_queries;

	seconds_merge(&asked, &p->r->api->silence_queries);
	counter(p, "alertmanager_silences_queries_total",
		"How many silence queries were received.", asked.n);
	counter(p, "alertmanager_silences_query_errors_total",
		"How many silence queries did not succeed: they cannot fail.", 0);
	histogram(p, "alertmanager_silences_query_duration_seconds",
		  "At most so long took queries of silences.", &asked);
	counter(p, "alertmanager_silences_query_silences_scanned_total",
		"How many silences were looked at by queries.", p->c->silences_scanned);
	counter(p, "alertmanager_silences_query_silences_skipped_total",
		"How many silences queries need not look at.", p->c->silences_skipped);
	counter(p, "alertmanager_silences_gossip_messages_propagated_total",
		"Number of received gossip messages propagated: there is no cluster.", 0);
}

static void add_silences(struct page *p)
{
	double stored = 0;

	metric_head(p->b, "alertmanager_silences", "gauge", "How many silences by state.");
	for (size_t i = 0; i < COUNT_OF(p->sizes.silences); i++) {
		buf_addf(p->b, "alertmanager_silences{state=\"%s\"} %zu\n",
			 silence_state_text((enum silence_state)i), p->sizes.silences[i]);
		stored += (double)p->sizes.silences[i];
	}
	add_silence_upkeep(p);
	add_silence_queries(p);
	gauge(p, "alertmanager_silences_state_size", "Number of silences kept.", stored);
	gauge(p, "alertmanager_silences_matcher_index_size",
	      "Number of silences that can be found by their matchers.", stored);
	gauge(p, "alertmanager_silences_version_index_size",
	      "Number of silences that can be found by their age.", stored);
}

void metrics_add_router(struct buf *b, struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct page p = {.b = b, .r = r};

	p.e = host->engine(host->ctx);
	p.now = host->now(host->ctx);
	p.c = view_counters(p.e);
	p.sizes = view_sizes(p.e, p.now);
	if (host->times)
		p.times = host->times(host->ctx);
	if (host->store)
		p.disk = store_health(host->store);
	add_alerts(&p);
	add_dispatcher(&p);
	add_notifications(&p);
	add_log(&p);
	add_silences(&p);
}
