/* engine.h - the pure core: events and the time in, actions out.
 *
 * It reads no clock, file, socket, environment or random source. The same events in the
 * same order with the same times and seed give the same actions, byte for byte.
 *
 * Owner:   one thread. Views (view.h) may be read between steps.
 * Time:    wall_ms; a step's now may repeat or go back: nothing fires twice or is lost.
 * Limits:  the ceilings of struct engine_options.
 * Spec:    spec/routing.md, spec/rules.md 5 to 17.
 */
#pragma once
#include "engine/event.h"

struct engine;
struct engine_options {
	uint64_t seed; /* for back-off and silence ids */
	wall_ms started_at;
	span_ms retention;	  /* --data.retention; 120h */
	span_ms alert_gc;	  /* --alerts.gc-interval; 30m */
	span_ms maintenance;	  /* --data.maintenance-interval; 15m */
	span_ms start_delay;	  /* --dispatch.start-delay; 0 */
	span_ms resend_delay;	  /* --rules.alert.resend-delay; 1m */
	span_ms outage_tolerance; /* --rules.alert.for-outage-tolerance; 0: none */
	span_ms grace_period;	  /* --rules.alert.for-grace-period */
	/* --rules.max-concurrent-evals: so many rules, of all groups together, beside one
	 * of each group, where they need nothing of each other; 0: none. */
	size_t concurrent_evals;
	const char *external_url; /* no slash at its end */
	enum matcher_mode matchers;
	/* As Alertmanager 0.25: any old alert that joins a group before its first flush
	 * makes it flush at once, not only the one that creates it (spec/routing.md 4.2).
	 */
	bool any_old_alert_hurries;
	/* --no-rules.resolve-removed: what a removed rule announced is left to end by
	 * itself, as Prometheus does, instead of being announced resolved. */
	bool leaves_removed;
	size_t max_alerts;	  /* stored; 0: 1000000 */
	size_t max_labels;	  /* and annotations, of a posted alert; 0: no limit */
	size_t max_alert_bytes;	  /* of both, names and values; 0: no limit */
	size_t max_silences;	  /* 0: no limit, as the peers */
	size_t max_silence_bytes; /* 0: no limit */
	size_t per_alertname;	  /* 0: no limit */
	/* What the counters tell apart: by receiver and integration instead of by
	 * integration; dropped alerts by their name. */
	bool count_receivers, count_alertnames;
	/* Zones for templates; may be NULL (UTC only). */
	const struct zone *(*zone_find)(void *arg, struct str name);
	void *zone_arg;
};

struct engine *engine_new(const struct engine_options *) MUST_USE;
void engine_free(struct engine *);

/* Takes in events, then does what is due; returns when to be called again even if nothing
 * happens (NEVER: only on the next event; now: more is due than one step does). Actions are
 * appended; mem is the step's. */
wall_ms engine_step(struct engine *, wall_ms now, const struct event *in, size_t n,
		    struct arena *mem, struct actions *out);
