/* api.h - the HTTP API: /api/v2 as Alertmanager's, the rules API as Prometheus's, metrics
 * and management.
 *
 * Owner:  one thread, the loop's.
 * Spec:   spec/api.md, spec/remote-write.md part B.
 */
#pragma once
#include "api/seconds.h"
#include "base/recent.h"
#include "config/web.h"
#include "engine/view.h"
#include "net/server.h"
#include "store/store.h"

struct api;

/* A rule file that could not be taken, as `tocsin rules` shows it. */
struct broken_file {
	const char *path, *text; /* text: the mistakes with their places */
	bool last_good_runs;
};

/* How long steps of the engine took, shared out among what they did: an upper bound. */
struct step_times {
	struct seconds alerts, told_queries, silence_queries, maintenance;
	struct seconds handovers; /* of alerts, by a rule to the router */
	struct recent last_handovers;
};

/* What the API asks of the daemon. */
struct api_host {
	void *ctx;
	struct engine *(*engine)(void *ctx);
	const struct config *(*config)(void *ctx);
	wall_ms (*now)(void *ctx);
	void (*feed)(void *ctx, const struct event *); /* a step with this event */
	/* Reads everything again; the reason it did not in text. */
	bool (*reload)(void *ctx, const char *from, const char *by, struct buf *text);
	bool (*is_ready)(void *ctx);
	size_t (*broken_files)(void *ctx, struct arena *, struct broken_file **);
	struct store *store; /* NULL: nothing is kept */
	/* The route's labels rendered for the group; NULL: answers do not have them. */
	const struct labels *(*route_labels)(void *ctx, const struct group_view *,
					     struct arena *);
	/* Own lines for /metrics. */
	void (*add_metrics)(void *ctx, struct buf *);
	/* Runs run elsewhere, then done here; false: too much is waiting. */
	bool (*elsewhere)(void *ctx, void (*run)(void *), void (*done)(void *), void *arg);
	/* The same on another thread still: reading the journal must not hold up logins. */
	bool (*reading)(void *ctx, void (*run)(void *), void (*done)(void *), void *arg);
	/* Has api_use_web called when the file changed; false: it is broken now. */
	bool (*refresh_web)(void *ctx);
	struct step_times (*times)(void *ctx); /* NULL: not measured */
	size_t (*call_bytes)(void *ctx); /* memory of requests under way; NULL: not known */
	/* Metrics of the rule that its backend does not know; NULL: nobody asks. */
	size_t (*unknown_names)(void *ctx, const struct rule_group *, const struct rule *,
				struct arena *, const char ***);
};
struct api_options {
	struct api_host host;
	const char *route_prefix; /* "" or "/x" */
	const char *external_url;
	const char *storage_path; /* of the journal; NULL: there is none */
	const char *peer_version; /* the Alertmanager whose clients we serve: "0.25.0" */
	wall_ms started_at;
	enum matcher_mode matchers;
	size_t get_concurrency;
	const struct regex *origins;	 /* of pages that may ask; NULL: none */
	const char *const *integrations; /* names for metrics; ends with NULL */
	/* Ceilings, for metrics; 0: none. */
	struct {
		size_t alerts, silences, connections;
	} most;
	struct {
		/* What --enable-feature has the metrics tell apart. */
		bool receiver_names, group_keys, alert_names, rules;
		size_t per_alertname; /* the limit; 0: none */
	} metrics;
};

struct api *api_new(const struct api_options *) MUST_USE;
void api_free(struct api *);
void api_handle(void *api, struct call *); /* for server_options.handle */
/* Users and headers from the web configuration; borrowed until the next one. NULL: none. */
void api_use_web(struct api *, const struct web_config *);
