/* view.h - reading the engine between steps: what the API, the metrics and the command
 * line show. Nothing here changes anything.
 *
 * Memory: answers are in the arena given, borrowing from the engine's tables: valid until
 *         the next step.
 */
#pragma once
#include "base/map.h"
#include "base/recent.h"
#include "engine/engine.h"

enum member_state { MEMBER_UNPROCESSED, MEMBER_ACTIVE, MEMBER_SUPPRESSED };

struct alert_view {
	struct alert alert;
	uint64_t fingerprint;
	enum member_state state;  /* never UNPROCESSED in answers */
	const char **silenced_by; /* ids */
	size_t n_silenced_by;
	uint64_t inhibited_by[1];
	size_t n_inhibited_by;
	const char **muted_by;
	size_t n_muted_by;
	const struct receiver **receivers; /* in order of the routes */
	size_t n_receivers;
};
/* The fingerprints, ascending, of the alerts that are not resolved and whose labels the
 * matchers accept. */
uint64_t *view_fingerprints(struct engine *, wall_ms now, const struct matchers *,
			    struct arena *, size_t *n);
/* One alert; false when it is not stored. */
bool view_alert(struct engine *, wall_ms now, struct arena *, uint64_t fingerprint,
		struct alert_view *) MUST_USE;

struct group_view {
	struct str id; /* the same from step to step */
	const struct labels *labels;
	const struct receiver *receiver;
	const struct route *route;
	const char *key;
	const char **muted_by;
	size_t n_muted_by;
	wall_ms next_flush_at;
};
/* Live groups, in order of creation. */
struct group_view *view_groups(struct engine *, struct arena *, size_t *n);
/* False when there is none any more. */
bool view_group(struct engine *, struct str id, struct group_view *) MUST_USE;
/* The fingerprints of its alerts that are not resolved and whose labels the matchers
 * accept, in alert order. */
uint64_t *view_group_alerts(struct engine *, wall_ms now, struct str id,
			    const struct matchers *, struct arena *, size_t *n);

/* Adds its alerts that are not resolved to their states, by enum member_state. */
void view_group_states(struct engine *, wall_ms now, struct str id, size_t states[3]);

const struct silence **view_silences(struct engine *, struct arena *, size_t *n);
const struct silence *view_silence(struct engine *, const char *id);

enum rule_health { HEALTH_UNKNOWN, HEALTH_OK, HEALTH_ERR };
const char *rule_health_text(enum rule_health);

struct active_view {
	const struct labels *labels, *annotations;
	enum alert_state state;
	wall_ms active_at, fired_at, keep_firing_since;
	double value;
	bool restored; /* waits since then by another program's ALERTS_FOR_STATE */
};
struct rule_view {
	const struct rule *rule;
	enum rule_health health;
	const char *last_error;	  /* "" when none */
	const char *last_warning; /* of the backend; "" when none */
	wall_ms evaluated_at;	  /* 0: never */
	span_ms duration;
	enum alert_state state;	    /* of an alerting rule: the highest */
	struct active_view *active; /* pending and firing */
	size_t n_active;
	struct samples results; /* of a recording rule */
	bool ever_had_series;
	uint64_t evaluations, failures;
	const char *generator_url;
};
/* One evaluation of a rule, and what it came to. */
struct rule_update {
	wall_ms began_at, at; /* at: the time it looked at */
	span_ms duration;
	size_t samples;
	int64_t series_fetched; /* below 0: the backend did not say */
	const char *error;	/* NULL: none */
};
/* The rule's last ones, newest first. */
struct rule_update *view_updates(struct engine *, const char *group_key, size_t rule,
				 struct arena *, size_t *n);
struct rulegroup_view {
	const struct rule_group *config;
	span_ms interval, last_duration;
	wall_ms evaluated_at, next_at; /* 0: never */
	uint64_t iterations, missed;
	uint64_t resets; /* iterations that began anew because the clock was put back */
	span_ms rules_duration;	  /* of the last iteration's rules, together */
	span_ms restore_duration; /* of asking another program's past; 0: was not */
	bool is_slow;		  /* an iteration takes longer than its interval */
	size_t last_samples;
	const struct recent *durations; /* of iterations in this life, in seconds */
	span_ms durations_sum;
	struct rule_view *rules;
	size_t n_rules;
};
struct rulegroup_view *view_rules(struct engine *, struct arena *, size_t *n);
/* A rule in numbers: what its metrics show. */
struct rule_numbers {
	const struct rule *rule;
	size_t pending, firing, last_samples;
	int64_t last_series_fetched; /* below 0: the backend did not say */
	uint64_t failures;
};
/* Of the group's rules; NULL when there is no such group any more. */
const struct rule_group *view_rule_numbers(struct engine *, const char *group_key,
					   struct arena *, struct rule_numbers **,
					   size_t *n);
struct rulegroup_name { /* copies: they stay when the group goes */
	const char *key, *file, *name;
};
struct rulegroup_name *view_rulegroup_names(struct engine *, struct arena *, size_t *n);
/* False when there is none any more. */
bool view_rulegroup(struct engine *, const char *key, struct arena *,
		    struct rulegroup_view *) MUST_USE;

/* -- counters: what /metrics shows ---------------------------------------------------- */

#define LATENCY_BUCKETS 5 /* 1, 5, 10, 15, 20 seconds */
struct integration_counters {
	char *key, *name;
	char *receiver; /* "" unless engine_options.count_receivers */
	uint64_t notifications, failed[FAILURES], requests, requests_failed;
	uint64_t latency[LATENCY_BUCKETS + 1];
	double latency_sum; /* seconds */
};
struct limited_counter {
	char *alertname; /* "" unless engine_options.count_alertnames */
	uint64_t n;
};
/* How long things took. */
#define DURATIONS_KEPT	 1000
#define DURATION_BUCKETS 4 /* up to 10 ms, 100 ms, 1 s, 10 s, each without those before */
struct durations {
	uint64_t n, buckets[DURATION_BUCKETS];
	span_ms sum,
		last[DURATIONS_KEPT]; /* of the last ones, those before are overwritten */
};
/* For each of the quantiles, from 0 to 1, what so large a part of the last ones did not
 * exceed; nothing when there are none. */
void durations_quantiles(const struct durations *, const double *quantiles, size_t n,
			 span_ms *out);
#define OTHER_NAMES "(others)" /* where a ceiling on names is reached */
struct engine_counters {
	uint64_t alerts_firing, alerts_resolved, alerts_invalid;
	uint64_t alerts_too_large; /* of those that are invalid */
	uint64_t alerts_stored;	   /* and given to the inhibitor and to the routes */
	uint64_t suppressed_inhibition, suppressed_silence, suppressed_mute,
		suppressed_inactive;
	uint64_t flushes, maintenances;
	uint64_t told_queries, told_misses;
	uint64_t silence_queries, silences_scanned, silences_skipped;
	uint64_t silences_unreadable; /* of those in the store */
	uint64_t template_expansions, template_failures;
	/* given to the router by rules; of those, what it did not take; how often some were
	 */
	uint64_t rule_alerts, rule_alerts_refused, rule_handovers;
	uint64_t rule_alerts_fired, rule_failures;
	uint64_t
		rule_warnings[2]; /* evaluations with one; [1]: partial answers are taken */
	struct durations rules, iterations;
	struct map integrations; /* of integration_counters, by key */
	struct map limited;	 /* of limited_counter, by alertname */
};
const struct engine_counters *view_counters(const struct engine *);

struct engine_sizes {
	size_t alerts, groups, deliveries, told, rule_groups;
	size_t silences[3];	/* by enum silence_state */
	size_t alert_states[3]; /* of unresolved alerts in groups, by enum member_state */
};
struct engine_sizes view_sizes(struct engine *, wall_ms now);

/* Bytes by what they are for; rules without what was read from their files. */
struct engine_memory {
	size_t alerts, groups, silences, told, rules;
};
struct engine_memory view_memory(const struct engine *);
