#include "base/base.h"
#include "api/metrics.h"

#include <string.h>

/* vmalert's metrics of rules and groups (spec/rules.md 21.9), and those of Prometheus about
 * the way from rules to the router. A series for each rule only where that is asked for:
 * --enable-feature=rules-in-metrics, and then in pieces. */

#define MOST_RULES 10000

/* -- durations ------------------------------------------------------------------------ */

static void add_histogram(struct buf *b, const char *name, const char *help,
			  const struct durations *d)
{
	static const char *const bounds[DURATION_BUCKETS] = {"0.01", "0.1", "1", "10"};
	uint64_t sum = 0;

	metric_head(b, name, "histogram", help);
	for (size_t i = 0; i < DURATION_BUCKETS; i++) {
		sum += d->buckets[i];
		buf_addf(b, "%s_bucket{le=\"%s\"} %llu\n", name, bounds[i],
			 (unsigned long long)sum);
	}
	buf_addf(b, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.15g\n%s_count %llu\n", name,
		 (unsigned long long)d->n, name, (double)d->sum / 1000, name,
		 (unsigned long long)d->n);
}

static void add_histograms(struct buf *b, const struct engine_counters *c)
{
	add_histogram(b, "prometheus_rule_evaluation_duration_histogram_seconds",
		      "The duration for a rule to execute.", &c->rules);
	add_histogram(b, "prometheus_rule_group_duration_histogram_seconds",
		      "The duration of rule group evaluations.", &c->iterations);
}

struct summary {
	const struct recent *last;
	double sum;
	uint64_t n;
};

/* Without quantiles while nothing was measured. */
static void add_summary(struct buf *b, const char *name, const char *labels,
			const struct summary *s, const double *quantiles, size_t n)
{
	double v[8];

	ASSERT(n <= COUNT_OF(v));
	if (recent_quantiles(s->last, quantiles, n, v)) {
		for (size_t i = 0; i < n; i++)
			buf_addf(b, "%s{%s,quantile=\"%g\"} %.6g\n", name, labels,
				 quantiles[i], v[i]);
	}
	buf_addf(b, "%s_sum{%s} %.15g\n%s_count{%s} %llu\n", name, labels, s->sum, name,
		 labels, (unsigned long long)s->n);
}

/* -- totals --------------------------------------------------------------------------- */

static void add_count(struct buf *b, const char *name, const char *label, const char *help,
		      uint64_t value)
{
	metric_head(b, name, "counter", help);
	buf_add_text(b, name);
	if (label)
		buf_addf(b, "{%s=\"tocsind\"}", label);
	buf_addf(b, " %llu\n", (unsigned long long)value);
}

/* The step of the engine in which a rule's answer became alerts of the router, shared out
 * among the rules whose it was. */
static void add_handovers(struct buf *b, const struct step_times *t)
{
	static const double prometheus[] = {0.5, 0.9, 0.99};
	static const double vmalert[] = {0.5, 0.9, 0.97, 0.99, 1};
	static const char by_alertmanager[] = "alertmanager=\"tocsind\"",
			  by_address[] = "addr=\"tocsind\"";
	const struct recent *last = &t->last_handovers;
	const struct summary s = {last, t->handovers.sum, t->handovers.n};

	metric_head(b, "prometheus_notifications_latency_seconds", "summary",
		    "At most so long took giving a rule's alerts to the router; quantiles "
		    "are of the last 128.");
	add_summary(b, "prometheus_notifications_latency_seconds", by_alertmanager, &s,
		    prometheus, COUNT_OF(prometheus));
	metric_head(b, "prometheus_notifications_latency_histogram_seconds", "histogram",
		    "At most so long took giving a rule's alerts to the router.");
	buf_add_histogram(b, "prometheus_notifications_latency_histogram_seconds",
			  by_alertmanager, &t->handovers);
	metric_head(b, "vmalert_alerts_send_duration_seconds", "summary",
		    "At most so long took giving a rule's alerts to the router; quantiles "
		    "are of the last 128.");
	add_summary(b, "vmalert_alerts_send_duration_seconds", by_address, &s, vmalert,
		    COUNT_OF(vmalert));
}

void metrics_add_notified(struct buf *b, const struct engine_counters *c,
			  const struct step_times *t)
{
	static const char prometheus[] = "alertmanager", vmalert[] = "addr";

	metric_one(b, "prometheus_notifications_alertmanagers_discovered", "gauge",
		   "Where alerts of rules go: always 1, the router in this process.", 1);
	add_count(b, "prometheus_notifications_sent_total", prometheus,
		  "Alerts that rules gave to the router.", c->rule_alerts);
	add_count(b, "prometheus_notifications_errors_total", prometheus,
		  "Alerts of rules that the router did not take.", c->rule_alerts_refused);
	add_count(b, "prometheus_notifications_dropped_total", prometheus,
		  "The same: none is tried again before its rule's next turn.",
		  c->rule_alerts_refused);
	metric_one(b, "prometheus_notifications_queue_length", "gauge",
		   "Always 0: no queue lies between rules and router.", 0);
	metric_one(b, "prometheus_notifications_queue_capacity", "gauge",
		   "Always 10000, as Prometheus's by default, for those who compare the "
		   "queue's length with it: there is none that could be full.",
		   10000);
	add_histograms(b, c);
	add_handovers(b, t);
	add_count(b, "vmalert_alerts_sent_total", vmalert,
		  "Alerts that rules gave to the router.", c->rule_alerts);
	add_count(b, "vmalert_alerts_send_errors_total", vmalert,
		  "Alerts of rules that the router did not take.", c->rule_alerts_refused);
	add_count(b, "vmalert_alerts_fired_total", NULL, "Alerts of rules that fired.",
		  c->rule_alerts_fired);
	add_count(b, "vmalert_execution_total", NULL, "Evaluations of rules.", c->rules.n);
	add_count(b, "vmalert_execution_errors_total", NULL,
		  "Evaluations of rules that failed.", c->rule_failures);
	metric_head(b, "thanos_rule_evaluation_with_warnings_total", "counter",
		    "Evaluations of rules with a warning of the backend, by the group's "
		    "partial_response_strategy.");
	for (int i = 0; i < 2; i++)
		buf_addf(b,
			 "thanos_rule_evaluation_with_warnings_total{strategy=\"%s\"} "
			 "%llu\n",
			 i ? "warn" : "abort", (unsigned long long)c->rule_warnings[i]);
}

/* -- groups --------------------------------------------------------------------------- */

enum group_metric { ITERATIONS, MISSED, RESETS, INTERVAL, LIMIT, GROUP_METRICS };
static const struct {
	const char *name, *type, *help;
} group_metrics[GROUP_METRICS] = {
	[ITERATIONS] = {"vmalert_iteration_total", "counter",
			"Iterations of the group that took place."},
	[MISSED] = {"vmalert_iteration_missed_total", "counter",
		    "Iterations of the group that were missed."},
	[RESETS] = {"vmalert_iteration_reset_total", "counter",
		    "Iterations of the group that began anew because the clock was put "
		    "back."},
	[INTERVAL] = {"vmalert_iteration_interval_seconds", "gauge",
		      "The interval of the group."},
	[LIMIT] = {"vmalert_group_rule_results_limit", "gauge",
		   "The limit of results of each of its rules; 0: none."},
};

static double group_value(const struct rulegroup_view *g, enum group_metric m)
{
	switch (m) {
	case ITERATIONS:
		return (double)(g->iterations - g->missed);
	case MISSED:
		return (double)g->missed;
	case RESETS:
		return (double)g->resets;
	case INTERVAL:
		return (double)g->interval / 1000;
	case LIMIT:
		return (double)MAX(g->config->limit, 0);
	case GROUP_METRICS:
		break;
	}
	return 0;
}

static void add_labels(struct buf *b, const struct rule_group *g)
{
	buf_add_text(b, "group=\"");
	metric_add_label_text(b, g->name);
	buf_add_text(b, "\",file=\"");
	metric_add_label_text(b, g->file);
	buf_add_char(b, '"');
}

static void add_loaded(struct buf *b, const struct rulegroup_view *v, size_t n)
{
	static const char name[] = "thanos_rule_loaded_rules";

	metric_head(b, name, "gauge", "Rules of the group.");
	for (size_t i = 0; i < n; i++) {
		buf_addf(b, "%s{", name);
		add_labels(b, v[i].config);
		buf_addf(b, ",strategy=\"%s\"} %zu\n",
			 v[i].config->takes_partial ? "warn" : "abort", v[i].n_rules);
	}
}

static void add_iterations(struct buf *b, const struct rulegroup_view *v, size_t n)
{
	static const char name[] = "vmalert_iteration_duration_seconds";
	static const double quantiles[] = {0.5, 0.9, 0.97, 0.99, 1};
	struct buf labels = BUF(BUF_NO_LIMIT);

	metric_head(
		b, name, "summary",
		"How long iterations of the group took; quantiles are of the last 128.");
	for (size_t i = 0; i < n; i++) {
		const struct summary s = {v[i].durations, (double)v[i].durations_sum / 1000,
					  v[i].durations->n};

		buf_reset(&labels);
		add_labels(&labels, v[i].config);
		add_summary(b, name, buf_text(&labels), &s, quantiles, COUNT_OF(quantiles));
	}
	buf_free(&labels);
}

void metrics_add_vmalert_groups(struct buf *b, const struct rulegroup_view *v, size_t n)
{
	for (int m = 0; m < GROUP_METRICS; m++) {
		metric_head(b, group_metrics[m].name, group_metrics[m].type,
			    group_metrics[m].help);
		for (size_t i = 0; i < n; i++) {
			buf_addf(b, "%s{", group_metrics[m].name);
			add_labels(b, v[i].config);
			buf_addf(b, "} %.15g\n", group_value(&v[i], (enum group_metric)m));
		}
	}
	add_loaded(b, v, n);
	add_iterations(b, v, n);
}

/* -- rules ---------------------------------------------------------------------------- */

enum rule_metric {
	PENDING,
	FIRING,
	ALERTING_ERRORS,
	ALERTING_SAMPLES,
	ALERTING_FETCHED,
	RECORDING_ERRORS,
	RECORDING_SAMPLES,
	RULE_METRICS,
};
static const struct {
	const char *name, *type, *help;
	bool is_recording;
} rule_metrics[RULE_METRICS] = {
	[PENDING] = {"vmalert_alerts_pending", "gauge", "Alerts of the rule that wait.",
		     false},
	[FIRING] = {"vmalert_alerts_firing", "gauge", "Alerts of the rule that fire.",
		    false},
	[ALERTING_ERRORS] = {"vmalert_alerting_rules_errors_total", "counter",
			     "Evaluations of the rule that failed.", false},
	[ALERTING_SAMPLES] = {"vmalert_alerting_rules_last_evaluation_samples", "gauge",
			      "Samples that the last evaluation got.", false},
	[ALERTING_FETCHED] =
		{"vmalert_alerting_rules_last_evaluation_series_fetched", "gauge",
		 "Series that the backend looked at for it; -1: it does not say.", false},
	[RECORDING_ERRORS] = {"vmalert_recording_rules_errors_total", "counter",
			      "Evaluations of the rule that failed.", true},
	[RECORDING_SAMPLES] = {"vmalert_recording_rules_last_evaluation_samples", "gauge",
			       "Samples that the last evaluation got.", true},
};

static double rule_value(const struct rule_numbers *r, enum rule_metric m)
{
	switch (m) {
	case PENDING:
		return (double)r->pending;
	case FIRING:
		return (double)r->firing;
	case ALERTING_ERRORS:
	case RECORDING_ERRORS:
		return (double)r->failures;
	case ALERTING_SAMPLES:
	case RECORDING_SAMPLES:
		return (double)r->last_samples;
	case ALERTING_FETCHED:
		return (double)r->last_series_fetched;
	case RULE_METRICS:
		break;
	}
	return 0;
}

/* On its way: one metric after the other, a group or more a piece; a group that goes
 * meanwhile is left out from then on. */
struct rule_page {
	struct request *r;
	struct str begin; /* what stands before */
	bool begun;
	struct rulegroup_name *groups;
	size_t n, at, shown; /* shown: rules of this metric so far */
	int metric;
	struct arena piece;
};

static void add_rule(struct rule_page *p, struct buf *b, const struct rule_group *g,
		     const struct rule_numbers *r)
{
	const struct rule *rule = r->rule;

	buf_addf(b, "%s{%s=\"", rule_metrics[p->metric].name,
		 rule->alert ? "alertname" : "recording");
	metric_add_label_text(b, rule->alert ? rule->alert : rule->record);
	buf_add_text(b, "\",group=\"");
	metric_add_label_text(b, g->name);
	buf_add_text(b, "\",file=\"");
	metric_add_label_text(b, g->file);
	buf_addf(b, "\",id=\"%llu\"} %.15g\n", (unsigned long long)rule->id,
		 rule_value(r, (enum rule_metric)p->metric));
}

/* Of rules that have one id, as copies have, the first is shown: a series stands once. */
static void add_group(struct rule_page *p, struct buf *b)
{
	const struct api_host *host = &p->r->api->options.host;
	const struct rule_group *g;
	struct map seen = {0};
	struct rule_numbers *v;
	size_t n;

	arena_reset(&p->piece);
	g = view_rule_numbers(host->engine(host->ctx), p->groups[p->at++].key, &p->piece,
			      &v, &n);
	for (size_t i = 0; g && i < n && p->shown < MOST_RULES; i++) {
		if (!v[i].rule->record != !rule_metrics[p->metric].is_recording ||
		    map_find(&seen, map_key_u64(&v[i].rule->id)))
			continue;
		map_put(&seen, map_key_u64(&v[i].rule->id), &v[i]);
		add_rule(p, b, g, &v[i]);
		p->shown++;
	}
	map_free(&seen);
}

static bool more_rules(void *arg, struct buf *b)
{
	struct rule_page *p = arg;

	if (!p->begun)
		buf_add_str(b, p->begin);
	p->begun = true;
	while (p->metric < RULE_METRICS && b->n < STREAM_PIECE) {
		if (!p->at) {
			p->shown = 0;
			metric_head(b, rule_metrics[p->metric].name,
				    rule_metrics[p->metric].type,
				    rule_metrics[p->metric].help);
		}
		if (p->at < p->n)
			add_group(p, b);
		if (p->at == p->n) {
			p->metric++;
			p->at = 0;
		}
	}
	return p->metric < RULE_METRICS;
}

static void rules_ended(void *arg)
{
	arena_free(&((struct rule_page *)arg)->piece);
}

void answer_metrics_with_rules(struct request *r, const char *type, const struct buf *begin)
{
	const struct api_host *host = &r->api->options.host;
	struct rule_page *p = ARENA_NEW(r->mem, struct rule_page);

	p->r = r;
	p->begin = arena_str(r->mem, buf_str(begin));
	p->groups = view_rulegroup_names(host->engine(host->ctx), r->mem, &p->n);
	answer_stream(r, type, &(struct stream){p, more_rules, rules_ended});
}
