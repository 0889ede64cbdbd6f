#include "base/base.h"
#include "api/request.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* GET /metrics: the peers' names where they have one (spec/routing.md 15, spec/rules.md
 * 18), tocsin_* for what only we have. */

static void head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void one(struct buf *b, const char *name, const char *type, const char *help,
		double value)
{
	head(b, name, type, help);
	buf_addf(b, "%s %.15g\n", name, value);
}

static void add_label_text(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_add_text(b, "\\n");
		else if (*text == '"' || *text == '\\')
			buf_addf(b, "\\%c", *text);
		else
			buf_add_char(b, *text);
	}
}

/* -- the process ---------------------------------------------------------------------- */

static size_t count_open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n > 3 ? n - 3 : 0; /* ".", "..", and the folder itself */
}

static void add_process(struct buf *b, const struct request *r)
{
	FILE *f = fopen("/proc/self/statm", "re");
	struct rusage used;
	struct rlimit files;
	long size = 0, resident = 0, page = sysconf(_SC_PAGESIZE);

	if (f) {
		if (fscanf(f, "%ld %ld", &size, &resident) != 2)
			size = resident = 0;
		fclose(f);
	}
	getrusage(RUSAGE_SELF, &used);
	getrlimit(RLIMIT_NOFILE, &files);
	one(b, "process_cpu_seconds_total", "counter",
	    "Total user and system CPU time spent in seconds.",
	    (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	one(b, "process_open_fds", "gauge", "Number of open file descriptors.",
	    (double)count_open_files());
	one(b, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
	    (double)files.rlim_cur);
	one(b, "process_virtual_memory_bytes", "gauge", "Virtual memory size in bytes.",
	    (double)(size * page));
	one(b, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.",
	    (double)(resident * page));
	one(b, "process_start_time_seconds", "gauge",
	    "Start time of the process since unix epoch in seconds.",
	    (double)r->api->options.started_at / 1000);
}

/* -- requests ------------------------------------------------------------------------- */

static void add_requests(struct buf *b, const struct request *r)
{
	static const char *const bounds[] = {".005", ".01", ".025", ".05", ".1", ".25",
					     ".5",   "1",   "2.5",  "5",   "10", "+Inf"};
	struct request_counter *c;

	head(b, "alertmanager_http_request_duration_seconds", "histogram",
	     "Histogram of latencies for HTTP requests.");
	for (size_t at = 0; (c = map_next(&r->api->counters, &at));) {
		uint64_t sum = 0;

		for (size_t i = 0; i < COUNT_OF(bounds); i++) {
			sum += c->buckets[i];
			buf_addf(b,
				 "alertmanager_http_request_duration_seconds_bucket{%s,le="
				 "\"%s"
				 "%s\"} %llu\n",
				 c->key, bounds[i][0] == '.' ? "0" : "", bounds[i],
				 (unsigned long long)sum);
		}
		buf_addf(b, "alertmanager_http_request_duration_seconds_sum{%s} %.15g\n",
			 c->key, c->seconds);
		buf_addf(b, "alertmanager_http_request_duration_seconds_count{%s} %llu\n",
			 c->key, (unsigned long long)c->n);
	}
	head(b, "alertmanager_http_requests_in_flight", "gauge",
	     "Current number of HTTP requests being processed.");
	buf_addf(b, "alertmanager_http_requests_in_flight{method=\"get\"} %zu\n",
		 r->api->gets);
	head(b, "alertmanager_http_concurrency_limit_exceeded_total", "counter",
	     "Total number of times an HTTP request failed because the concurrency limit "
	     "was "
	     "reached.");
	buf_addf(b,
		 "alertmanager_http_concurrency_limit_exceeded_total{method=\"get\"} %zu\n",
		 r->api->gets_refused);
}

/* -- alerts and configuration --------------------------------------------------------- */

static void add_config(struct buf *b, const struct config *c)
{
	size_t receivers = 0, integrations = 0;

	for (size_t i = 0; i < c->n_receivers; i++) {
		if (!c->receivers[i].used)
			continue;
		receivers++;
		integrations += c->receivers[i].n_integrations;
	}
	one(b, "alertmanager_receivers", "gauge", "Number of configured receivers.",
	    (double)receivers);
	one(b, "alertmanager_integrations", "gauge", "Number of configured integrations.",
	    (double)integrations);
	one(b, "alertmanager_inhibition_rules", "gauge",
	    "Number of configured inhibition rules.", (double)c->n_inhibit_rules);
}

static void add_alerts(struct buf *b, const struct engine_counters *c,
		       const struct engine_sizes *s)
{
	static const char *const states[] = {"unprocessed", "active", "suppressed"};

	head(b, "alertmanager_alerts", "gauge", "How many alerts by state.");
	for (size_t i = 0; i < COUNT_OF(states); i++)
		buf_addf(b, "alertmanager_alerts{state=\"%s\"} %zu\n", states[i],
			 s->alert_states[i]);
	head(b, "alertmanager_alerts_received_total", "counter",
	     "The total number of received alerts.");
	buf_addf(b,
		 "alertmanager_alerts_received_total{status=\"firing\",version=\"v2\"} "
		 "%llu\n"
		 "alertmanager_alerts_received_total{status=\"resolved\",version=\"v2\"} "
		 "%llu\n",
		 (unsigned long long)c->alerts_firing,
		 (unsigned long long)c->alerts_resolved);
	head(b, "alertmanager_alerts_invalid_total", "counter",
	     "The total number of received alerts that were invalid.");
	buf_addf(b, "alertmanager_alerts_invalid_total{version=\"v2\"} %llu\n",
		 (unsigned long long)c->alerts_invalid);
	one(b, "alertmanager_alerts_limited_total", "counter",
	    "Total number of alerts that were dropped due to a limit.",
	    (double)c->alerts_limited);
	one(b, "alertmanager_dispatcher_aggregation_groups", "gauge",
	    "Number of active aggregation groups.", (double)s->groups);
}

static void add_silences(struct buf *b, const struct engine_sizes *s)
{
	head(b, "alertmanager_silences", "gauge", "How many silences by state.");
	for (size_t i = 0; i < 3; i++)
		buf_addf(b, "alertmanager_silences{state=\"%s\"} %zu\n",
			 silence_state_text((enum silence_state)i), s->silences[i]);
}

/* -- notifications -------------------------------------------------------------------- */

static const struct integration_counters *counters_for(const struct engine_counters *c,
						       const char *name)
{
	static const struct integration_counters none;

	for (size_t i = 0; i < c->n_integrations; i++) {
		if (!strcmp(c->integrations[i].name, name))
			return &c->integrations[i];
	}
	return &none;
}

static void add_counter(struct buf *b, const struct request *r,
			const struct engine_counters *c, const char *name, const char *help,
			size_t at)
{
	head(b, name, "counter", help);
	for (const char *const *i = r->api->options.integrations; *i; i++) {
		const char *from = (const char *)counters_for(c, *i);
		uint64_t v;

		memcpy(&v, from + at, sizeof(v));
		buf_addf(b, "%s{integration=\"%s\"} %llu\n", name, *i,
			 (unsigned long long)v);
	}
}

static void add_failures(struct buf *b, const struct request *r,
			 const struct engine_counters *c)
{
	head(b, "alertmanager_notifications_failed_total", "counter",
	     "The total number of failed notifications.");
	for (const char *const *i = r->api->options.integrations; *i; i++) {
		for (int f = 0; f < FAILURES; f++)
			buf_addf(b,
				 "alertmanager_notifications_failed_total{integration=\"%"
				 "s\","
				 "reason=\"%s\"} %llu\n",
				 *i, failure_text((enum failure)f),
				 (unsigned long long)counters_for(c, *i)->failed[f]);
	}
}

static void add_latencies(struct buf *b, const struct request *r,
			  const struct engine_counters *c)
{
	static const char *const bounds[] = {"1", "5", "10", "15", "20", "+Inf"};

	head(b, "alertmanager_notification_latency_seconds", "histogram",
	     "The latency of notifications in seconds.");
	for (const char *const *i = r->api->options.integrations; *i; i++) {
		const struct integration_counters *k = counters_for(c, *i);
		uint64_t sum = 0;

		for (size_t n = 0; n < COUNT_OF(bounds); n++) {
			sum += k->latency[n];
			buf_addf(b,
				 "alertmanager_notification_latency_seconds_bucket{"
				 "integration=\"%s\",le=\"%s\"} %llu\n",
				 *i, bounds[n], (unsigned long long)sum);
		}
		buf_addf(
			b,
			"alertmanager_notification_latency_seconds_sum{integration=\"%s\"} "
			"%.15g\nalertmanager_notification_latency_seconds_count{"
			"integration="
			"\"%s\"} %llu\n",
			*i, k->latency_sum, *i, (unsigned long long)sum);
	}
}

static void add_notifications(struct buf *b, const struct request *r,
			      const struct engine_counters *c)
{
	add_counter(b, r, c, "alertmanager_notifications_total",
		    "The total number of attempted notifications.",
		    offsetof(struct integration_counters, notifications));
	add_failures(b, r, c);
	add_counter(b, r, c, "alertmanager_notification_requests_total",
		    "The total number of attempted notification requests.",
		    offsetof(struct integration_counters, requests));
	add_counter(b, r, c, "alertmanager_notification_requests_failed_total",
		    "The total number of failed notification requests.",
		    offsetof(struct integration_counters, requests_failed));
	add_latencies(b, r, c);
	head(b, "alertmanager_notifications_suppressed_total", "counter",
	     "The total number of notifications suppressed for being silenced, inhibited, "
	     "outside of active time intervals or within muted time intervals.");
	buf_addf(b,
		 "alertmanager_notifications_suppressed_total{reason=\"inhibition\"} %llu\n"
		 "alertmanager_notifications_suppressed_total{reason=\"silence\"} %llu\n"
		 "alertmanager_notifications_suppressed_total{reason=\"mute_time_"
		 "interval\"} "
		 "%llu\n"
		 "alertmanager_notifications_suppressed_total{reason=\"active_time_"
		 "interval\"}"
		 " %llu\n",
		 (unsigned long long)c->suppressed_inhibition,
		 (unsigned long long)c->suppressed_silence,
		 (unsigned long long)c->suppressed_mute,
		 (unsigned long long)c->suppressed_inactive);
}

/* -- rules ---------------------------------------------------------------------------- */

enum group_metric {
	ITERATIONS,
	MISSED,
	EVALUATIONS,
	EVALUATION_FAILURES,
	INTERVAL,
	LAST_EVALUATION,
	LAST_DURATION,
	RULES,
	LAST_SAMPLES,
	NEVER_MATCHED,
	GROUP_METRICS,
};
static const struct {
	const char *name, *type, *help;
} group_metrics[GROUP_METRICS] = {
	[ITERATIONS] =
		{"prometheus_rule_group_iterations_total", "counter",
		 "The total number of scheduled rule group evaluations, whether executed "
		 "or missed."},
	[MISSED] =
		{"prometheus_rule_group_iterations_missed_total", "counter",
		 "The total number of rule group evaluations missed due to slow rule group "
		 "evaluation."},
	[EVALUATIONS] = {"prometheus_rule_evaluations_total", "counter",
			 "The total number of rule evaluations."},
	[EVALUATION_FAILURES] = {"prometheus_rule_evaluation_failures_total", "counter",
				 "The total number of rule evaluation failures."},
	[INTERVAL] = {"prometheus_rule_group_interval_seconds", "gauge",
		      "The interval of a rule group."},
	[LAST_EVALUATION] = {"prometheus_rule_group_last_evaluation_timestamp_seconds",
			     "gauge",
			     "The timestamp of the last rule group evaluation in seconds."},
	[LAST_DURATION] = {"prometheus_rule_group_last_duration_seconds", "gauge",
			   "The duration of the last rule group evaluation."},
	[RULES] = {"prometheus_rule_group_rules", "gauge", "The number of rules."},
	[LAST_SAMPLES] = {"prometheus_rule_group_last_evaluation_samples", "gauge",
			  "The number of samples returned during the last rule group "
			  "evaluation."},
	[NEVER_MATCHED] = {"tocsin_rule_group_rules_never_matched", "gauge",
			   "Rules that were evaluated and never had a series."},
};

static double group_value(const struct rulegroup_view *g, enum group_metric m)
{
	double sum = 0;

	switch (m) {
	case ITERATIONS:
		return (double)g->iterations;
	case MISSED:
		return (double)g->missed;
	case INTERVAL:
		return (double)g->interval / 1000;
	case LAST_EVALUATION:
		return (double)g->evaluated_at / 1000;
	case LAST_DURATION:
		return (double)g->last_duration / 1000;
	case RULES:
		return (double)g->n_rules;
	case LAST_SAMPLES:
		return (double)g->last_samples;
	case NEVER_MATCHED:
		for (size_t i = 0; i < g->n_rules; i++)
			sum += !g->rules[i].ever_had_series &&
			       g->rules[i].health == HEALTH_OK;
		return sum;
	case EVALUATIONS:
	case EVALUATION_FAILURES:
		for (size_t i = 0; i < g->n_rules; i++)
			sum += (double)(m == EVALUATIONS ? g->rules[i].evaluations
							 : g->rules[i].failures);
		return sum;
	case GROUP_METRICS:
		break;
	}
	return 0;
}

static void add_rules(struct buf *b, struct request *r, struct engine *e)
{
	size_t n;
	struct rulegroup_view *v = view_rules(e, r->mem, &n);

	for (int m = 0; m < GROUP_METRICS; m++) {
		head(b, group_metrics[m].name, group_metrics[m].type,
		     group_metrics[m].help);
		for (size_t i = 0; i < n; i++) {
			buf_addf(b, "%s{rule_group=\"", group_metrics[m].name);
			add_label_text(b, v[i].config->file);
			buf_add_char(b, ';');
			add_label_text(b, v[i].config->name);
			buf_addf(b, "\"} %.15g\n",
				 group_value(&v[i], (enum group_metric)m));
		}
	}
}

/* -- all together --------------------------------------------------------------------- */

static void add_store(struct buf *b, struct store *store)
{
	struct store_health h;

	if (!store)
		return;
	h = store_health(store);
	one(b, "tocsin_store_batches_total", "counter",
	    "Transactions that reached the disk.", (double)h.batches);
	one(b, "tocsin_store_writes_total", "counter", "Rows written.", (double)h.writes);
	one(b, "tocsin_store_failures_total", "counter",
	    "Transactions that failed and were, or will be, tried again.",
	    (double)h.failures);
	one(b, "tocsin_store_queue_length", "gauge", "Rows waiting to be written.",
	    (double)h.queued);
	one(b, "tocsin_store_dropped_records_total", "counter",
	    "Journal records dropped because too many were waiting.",
	    (double)h.dropped_records);
}

void get_metrics(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct engine *e = host->engine(host->ctx);
	const struct engine_counters *c = view_counters(e);
	struct engine_sizes sizes = view_sizes(e, host->now(host->ctx));
	struct buf b = BUF(BUF_NO_LIMIT);

	head(&b, "alertmanager_build_info", "gauge",
	     "A metric with a constant '1' value labeled by version.");
	buf_addf(&b,
		 "alertmanager_build_info{version=\"%s\",revision=\"\",branch=\"\","
		 "goversion=\"\",goos=\"linux\",goarch=\"\",tags=\"\"} 1\n",
		 r->api->options.peer_version);
	head(&b, "tocsin_build_info", "gauge", "Which version runs.");
	buf_addf(&b, "tocsin_build_info{version=\"%s\"} 1\n", VERSION);
	one(&b, "alertmanager_cluster_enabled", "gauge",
	    "Indicates whether the clustering is enabled or not.", 0);
	add_config(&b, host->config(host->ctx));
	add_alerts(&b, c, &sizes);
	add_silences(&b, &sizes);
	add_notifications(&b, r, c);
	add_requests(&b, r);
	add_rules(&b, r, e);
	one(&b, "prometheus_template_text_expansions_total", "counter",
	    "The total number of template text expansions.",
	    (double)c->template_expansions);
	one(&b, "prometheus_template_text_expansion_failures_total", "counter",
	    "The total number of template text expansion failures.",
	    (double)c->template_failures);
	one(&b, "tocsin_regex_gave_up_total", "counter",
	    "Matches of regular expressions ended by their limit of steps.",
	    (double)regex_gave_up());
	add_store(&b, host->store);
	host->add_metrics(host->ctx, &b);
	add_process(&b, r);
	answer_typed(r, "text/plain; version=0.0.4; charset=utf-8", &b);
	buf_free(&b);
}
