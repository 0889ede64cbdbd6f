#include "base/base.h"
#include "api/metrics.h"
#include "base/utf8.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* GET /metrics: the peers' names where they have one (spec/routing.md 15, spec/rules.md
 * 18), tocsin_* for what only we have. */

void metric_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metric_one(struct buf *b, const char *name, const char *type, const char *help,
		double value)
{
	metric_head(b, name, type, help);
	buf_addf(b, "%s %.15g\n", name, value);
}

void metric_add_label_text(struct buf *b, const char *text)
{
	struct str rest = str_of(text);
	uint32_t rune;

	while (rest.n) {
		size_t n = utf8_decode(rest, &rune);

		if (rune == UTF8_BAD)
			buf_add_text(b, "\xef\xbf\xbd"); /* U+FFFD */
		else if (rune == '\n')
			buf_add_text(b, "\\n");
		else if (rune == '"' || rune == '\\')
			buf_addf(b, "\\%c", (char)rune);
		else
			buf_add(b, rest.p, n);
		rest = str_from(rest, n);
	}
}

/* -- the process ------------------------------------------------------------------- */

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
	metric_one(b, "process_cpu_seconds_total", "counter",
		   "Total user and system CPU time spent in seconds.",
		   (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	metric_one(b, "process_open_fds", "gauge", "Number of open file descriptors.",
		   (double)count_open_files());
	metric_one(b, "process_max_fds", "gauge",
		   "Maximum number of open file descriptors.", (double)files.rlim_cur);
	metric_one(b, "process_virtual_memory_bytes", "gauge",
		   "Virtual memory size in bytes.", (double)(size * page));
	metric_one(b, "process_resident_memory_bytes", "gauge",
		   "Resident memory size in bytes.", (double)(resident * page));
	metric_one(b, "process_start_time_seconds", "gauge",
		   "Start time of the process since unix epoch in seconds.",
		   (double)r->api->options.started_at / 1000);
}

/* -- requests ---------------------------------------------------------------------- */

static void add_sizes(struct buf *b, const struct request *r)
{
	static const char name[] = "alertmanager_http_response_size_bytes";
	struct size_counter *c;

	metric_head(b, name, "histogram", "Histogram of response size for HTTP requests.");
	for (size_t at = 0; (c = map_next(&r->api->sizes, &at));) {
		uint64_t sum = 0;
		double most = 100;

		for (size_t i = 0; i < SIZE_BUCKETS - 1; i++, most *= 10) {
			sum += c->buckets[i];
			buf_addf(b, "%s_bucket{%s,le=\"%.15g\"} %llu\n", name, c->key, most,
				 (unsigned long long)sum);
		}
		buf_addf(b,
			 "%s_bucket{%s,le=\"+Inf\"} %llu\n%s_sum{%s} %.15g\n"
			 "%s_count{%s} %llu\n",
			 name, c->key, (unsigned long long)c->n, name, c->key, c->sum, name,
			 c->key, (unsigned long long)c->n);
	}
}

static void add_requests(struct buf *b, const struct request *r)
{
	static const char name[] = "alertmanager_http_request_duration_seconds";
	struct request_counter *c;

	metric_head(b, name, "histogram", "Histogram of latencies for HTTP requests.");
	for (size_t at = 0; (c = map_next(&r->api->counters, &at));)
		buf_add_histogram(b, name, c->key, &c->took);
	add_sizes(b, r);
	metric_head(b, "alertmanager_http_requests_in_flight", "gauge",
		    "Current number of HTTP requests being processed.");
	buf_addf(b, "alertmanager_http_requests_in_flight{method=\"get\"} %zu\n",
		 r->api->gets + r->api->readings);
	metric_head(b, "alertmanager_http_concurrency_limit_exceeded_total", "counter",
		    "Total number of times an HTTP request failed because the concurrency "
		    "limit "
		    "was "
		    "reached.");
	buf_addf(b,
		 "alertmanager_http_concurrency_limit_exceeded_total{method=\"get\"} %zu\n",
		 r->api->gets_refused);
}

/* -- configuration ----------------------------------------------------------------- */

static void add_config(struct buf *b, const struct config *c)
{
	size_t receivers = 0, integrations = 0;

	for (size_t i = 0; i < c->n_receivers; i++) {
		if (!c->receivers[i].used)
			continue;
		receivers++;
		integrations += c->receivers[i].n_integrations;
	}
	metric_one(b, "alertmanager_receivers", "gauge", "Number of configured receivers.",
		   (double)receivers);
	metric_one(b, "alertmanager_integrations", "gauge",
		   "Number of configured integrations.", (double)integrations);
	metric_one(b, "alertmanager_inhibition_rules", "gauge",
		   "Number of configured inhibition rules.", (double)c->n_inhibit_rules);
}

/* -- rules ------------------------------------------------------------------------- */

enum group_metric {
	ITERATIONS,
	MISSED,
	EVALUATIONS,
	EVALUATION_FAILURES,
	INTERVAL,
	LAST_EVALUATION,
	LAST_DURATION,
	LAST_RULES_DURATION,
	LAST_RESTORE,
	RULES,
	LAST_SAMPLES,
	NEVER_MATCHED,
	SLOW,
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
	[LAST_RULES_DURATION] =
		{"prometheus_rule_group_last_rule_duration_sum_seconds", "gauge",
		 "The sum of the durations of the rules of the last evaluation."},
	[LAST_RESTORE] = {"prometheus_rule_group_last_restore_duration_seconds", "gauge",
			  "The duration of asking for ALERTS_FOR_STATE; 0: it was not."},
	[RULES] = {"prometheus_rule_group_rules", "gauge", "The number of rules."},
	[LAST_SAMPLES] = {"prometheus_rule_group_last_evaluation_samples", "gauge",
			  "The number of samples returned during the last rule group "
			  "evaluation."},
	[NEVER_MATCHED] = {"tocsin_rule_group_rules_never_matched", "gauge",
			   "Rules that were evaluated and never had a series."},
	[SLOW] = {"tocsin_rule_group_slow", "gauge",
		  "Whether an iteration takes longer than the group's interval."},
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
	case LAST_RULES_DURATION:
		return (double)g->rules_duration / 1000;
	case LAST_RESTORE:
		return (double)g->restore_duration / 1000;
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
	case SLOW:
		return g->is_slow;
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
		metric_head(b, group_metrics[m].name, group_metrics[m].type,
			    group_metrics[m].help);
		for (size_t i = 0; i < n; i++) {
			buf_addf(b, "%s{rule_group=\"", group_metrics[m].name);
			metric_add_label_text(b, v[i].config->file);
			buf_add_char(b, ';');
			metric_add_label_text(b, v[i].config->name);
			buf_addf(b, "\"} %.15g\n",
				 group_value(&v[i], (enum group_metric)m));
		}
	}
	metrics_add_vmalert_groups(b, v, n);
}

/* Without quantiles while nothing was measured. */
static void add_durations(struct buf *b, const char *name, const char *help,
			  const struct durations *d, const double *quantiles, size_t n)
{
	span_ms v[8];

	ASSERT(n <= COUNT_OF(v));
	metric_head(b, name, "summary", help);
	durations_quantiles(d, quantiles, n, v);
	for (size_t i = 0; d->n && i < n; i++)
		buf_addf(b, "%s{quantile=\"%g\"} %.15g\n", name, quantiles[i],
			 (double)v[i] / 1000);
	buf_addf(b, "%s_sum %.15g\n%s_count %llu\n", name, (double)d->sum / 1000, name,
		 (unsigned long long)d->n);
}

static void add_rule_totals(struct buf *b, const struct engine_counters *c,
			    const struct step_times *t)
{
	static const double of_rules[] = {0.5, 0.9, 0.99};
	static const double of_groups[] = {0.01, 0.05, 0.5, 0.9, 0.99};

	add_durations(b, "prometheus_rule_evaluation_duration_seconds",
		      "The duration for a rule to execute; quantiles are of the last 1000.",
		      &c->rules, of_rules, COUNT_OF(of_rules));
	add_durations(
		b, "prometheus_rule_group_duration_seconds",
		"The duration of rule group evaluations; quantiles are of the last 1000.",
		&c->iterations, of_groups, COUNT_OF(of_groups));
	metric_one(b, "prometheus_template_text_expansions_total", "counter",
		   "The total number of template text expansions.",
		   (double)c->template_expansions);
	metric_one(b, "prometheus_template_text_expansion_failures_total", "counter",
		   "The total number of template text expansion failures.",
		   (double)c->template_failures);
	metrics_add_notified(b, c, t);
}

/* -- all together ------------------------------------------------------------------ */

static void add_store(struct buf *b, const struct api *api)
{
	struct store *store = api->options.host.store;
	struct store_health h;

	if (!store)
		return;
	h = store_health(store);
	metric_one(b, "tocsin_store_batches_total", "counter",
		   "Transactions that reached the disk.", (double)h.batches);
	metric_one(b, "tocsin_store_writes_total", "counter", "Rows written.",
		   (double)h.writes);
	metric_one(b, "tocsin_store_failures_total", "counter",
		   "Transactions that failed and were, or will be, tried again.",
		   (double)h.failures);
	metric_one(
		b, "tocsin_posts_unrecorded_total", "counter",
		"Posts of alerts that were answered although the disk did not take them.",
		(double)api->posts_unrecorded);
	metric_one(b, "tocsin_store_renewals_total", "counter",
		   "Times a new database was begun for one that was damaged or gone.",
		   (double)h.renewals);
	metric_one(b, "tocsin_store_queue_length", "gauge", "Rows waiting to be written.",
		   (double)h.queued);
	metric_one(b, "tocsin_store_dropped_records_total", "counter",
		   "Journal records dropped because too many were waiting.",
		   (double)h.dropped_records);
	metric_one(b, "tocsin_journal_rows", "gauge", "Rows of the journal.",
		   (double)h.journal.rows);
	metric_one(b, "tocsin_journal_bytes", "gauge", "Bytes of the journal's rows.",
		   (double)h.journal.bytes);
	metric_one(b, "tocsin_journal_oldest_timestamp_seconds", "gauge",
		   "Time of the oldest row of the journal; 0: it has none.",
		   (double)h.journal.oldest_at / 1000);
}

static void add_by(struct buf *b, const char *name, const char *label, const char *value,
		   size_t n)
{
	buf_addf(b, "%s{%s=\"%s\"} %zu\n", name, label, value, n);
}

static void add_memory(struct buf *b, const struct api_host *host, struct engine *e)
{
	static const char name[] = "tocsin_memory_bytes";
	const struct engine_memory m = view_memory(e);
	const struct store_health h = host->store ? store_health(host->store)
						  : (struct store_health){0};

	metric_head(b, name, "gauge", "Memory by what it is for.");
	add_by(b, name, "owner", "alerts", m.alerts);
	add_by(b, name, "owner", "groups", m.groups);
	add_by(b, name, "owner", "silences", m.silences);
	add_by(b, name, "owner", "notification_log", m.told);
	add_by(b, name, "owner", "rules", m.rules);
	add_by(b, name, "owner", "store_queue", h.queued_bytes);
	add_by(b, name, "owner", "database_cache", h.cache_bytes);
	if (host->call_bytes)
		add_by(b, name, "owner", "requests", host->call_bytes(host->ctx));
}

/* Those that are not set are left out. */
static void add_ceilings(struct buf *b, const struct api_options *o)
{
	static const char name[] = "tocsin_limit";

	metric_head(b, name, "gauge", "The most that there may be.");
	if (o->most.alerts)
		add_by(b, name, "of", "alerts", o->most.alerts);
	if (o->most.silences)
		add_by(b, name, "of", "silences", o->most.silences);
	if (o->most.connections)
		add_by(b, name, "of", "connections", o->most.connections);
	add_by(b, name, "of", "store_queue_rows", STORE_MAX_QUEUE);
	add_by(b, name, "of", "store_queue_record_bytes", STORE_MAX_RECORDS);
}

void get_metrics(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct engine *e = host->engine(host->ctx);
	const struct engine_counters *c = view_counters(e);
	static const char page[] = "text/plain; version=0.0.4; charset=utf-8";
	struct buf b = BUF(BUF_NO_LIMIT);
	struct step_times times = {0};

	if (host->times)
		times = host->times(host->ctx);
	metric_head(&b, "alertmanager_build_info", "gauge",
		    "A metric with a constant '1' value labeled by version.");
	buf_addf(&b,
		 "alertmanager_build_info{version=\"%s\",revision=\"\",branch=\"\","
		 "goversion=\"\",goos=\"linux\",goarch=\"\",tags=\"\"} 1\n",
		 r->api->options.peer_version);
	metric_head(&b, "tocsin_build_info", "gauge", "Which version runs.");
	buf_addf(&b, "tocsin_build_info{version=\"%s\"} 1\n", VERSION);
	metric_one(&b, "alertmanager_cluster_enabled", "gauge",
		   "Indicates whether the clustering is enabled or not.", 0);
	add_config(&b, host->config(host->ctx));
	metrics_add_router(&b, r);
	add_requests(&b, r);
	add_rules(&b, r, e);
	add_rule_totals(&b, c, &times);
	metric_one(&b, "tocsin_regex_gave_up_total", "counter",
		   "Matches of regular expressions ended by their limit of steps.",
		   (double)regex_gave_up());
	add_store(&b, r->api);
	add_memory(&b, host, e);
	add_ceilings(&b, &r->api->options);
	host->add_metrics(host->ctx, &b);
	add_process(&b, r);
	if (r->api->options.metrics.rules)
		answer_metrics_with_rules(r, page, &b);
	else
		answer_typed(r, page, &b);
	buf_free(&b);
}
