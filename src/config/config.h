/* config.h - alertmanager.yml / tocsin.yml as checked, typed structures.
 *
 * Memory:  everything lies in the arena given to config_load and dies with it; the daemon
 *          keeps the arena until nothing in flight refers to it.
 * Places:  whatever was configured keeps its struct pos.
 * Order:   lists stay in file order.
 * Failure: all mistakes of a file are collected in struct errs, in file order.
 * Spec:    spec/config.md.
 */
#pragma once
#include "config/http.h"
#include "config/integration.h"
#include "config/interval.h"
#include "config/relabel.h"
#include "model/matcher.h"

#define CONFIG_MAX_BYTES  (16 * 1024 * 1024)
#define CONFIG_MAX_ROUTES 100000

/* What the outside gives: nothing in here opens a file. All memory in the arena. */
struct files {
	void *ctx;
	bool (*read)(void *ctx, struct arena *, const char *path, struct str *,
		     struct err *);
	/* NULL err text: no match. Paths sorted. */
	bool (*glob)(void *ctx, struct arena *, const char *pattern, const char ***paths,
		     size_t *n, struct err *);
	/* TZif bytes of "Europe/Berlin" or "Local". */
	bool (*zone)(void *ctx, struct arena *, const char *name, struct str *,
		     struct err *);
	/* An environment variable, for external_labels; NULL: not set. May be NULL. */
	const char *(*env)(void *ctx, const char *name);
};

struct integration_config {
	const struct integration_kind *kind;
	size_t index; /* in its own list: part of the notification-log key */
	struct pos at;
	bool send_resolved;
	const struct http_config *http; /* inherited where unset; NULL for e-mail */
	bool own_http;			/* its own, not the global one */
	const struct yaml *source;	/* for the places of its keys */
	void *settings;			/* kind->size bytes, decoded by kind->fields */
};

struct receiver {
	struct pos at;
	const char *name;
	const struct labels *labels;		 /* with name=<name> */
	struct integration_config *integrations; /* kind by kind, as 1.2 lists them */
	size_t n_integrations;
	bool used; /* some route names it */
};

/* A route with everything inherited already (spec/config.md 6). */
struct route {
	struct pos at;
	const struct route *parent; /* NULL: the root */
	struct route **kids;
	size_t n_kids;
	size_t index;  /* among its siblings */
	size_t number; /* in depth-first order; the root is 0 */
	const struct receiver *receiver;
	const struct receiver *fallback; /* told when receiver gave up; NULL: none */
	struct matchers matchers;	 /* sorted */
	bool goes_on;			 /* continue */
	bool group_by_all;
	const char **group_by; /* sorted */
	size_t n_group_by;
	span_ms group_wait, group_interval, repeat_interval;
	const struct time_interval **mute, **active;
	size_t n_mute, n_active;
	const struct text_pair *labels; /* merged with the parent's, sorted by name */
	size_t n_labels;
	const char *key; /* {}/{a="b"}: first part of group keys (spec/routing.md 4.3) */
	const char *id;	 /* with sibling indexes: key of the muted marker */
	const struct route_text *text; /* what the file said, for printing it again */
};

struct inhibit_rule {
	struct pos at;
	const char *name; /* "" when it has none */
	struct matchers source, target;
	const char **equal; /* sorted */
	size_t n_equal;
};

enum datasource_type {
	DATASOURCE_PROMETHEUS, /* and what speaks its API: VictoriaMetrics, Thanos, Mimir */
	DATASOURCE_LOKI,
	DATASOURCE_VLOGS,
	DATASOURCE_GRAPHITE,
};
struct datasource {
	struct pos at;
	const char *name;
	enum datasource_type type;
	bool is_victoria; /* whose language is larger than PromQL */
	bool is_thanos;	  /* which is told to fail rather than to answer in part */
	bool uses_get;	  /* with the query in the URL, not in a body */
	bool has_tenants; /* that are told apart by X-Scope-OrgID: Mimir, Cortex, Loki */
	const char *url;  /* without a slash at the end; the API path is added */
	const struct http_config *http;
	span_ms timeout;		/* of one query; 30s */
	size_t max_response_bytes;	/* 64 MiB */
	size_t max_series;		/* 100000 */
	const struct text_pair *params; /* added to each query's URL */
	size_t n_params;
};

struct queue_config {
	int64_t capacity;		  /* samples; 100000 */
	int64_t max_samples_per_send;	  /* 2000 */
	span_ms batch_send_deadline;	  /* 5s */
	span_ms min_backoff, max_backoff; /* 30ms, 5s */
	span_ms sample_age_limit;	  /* 0: none */
	bool retry_on_http_429;		  /* true */
	int64_t min_shards, max_shards;	  /* accepted; one queue keeps the order */
};
struct remote_write {
	struct pos at;
	const char *name, *url;
	const struct http_config *http;
	span_ms timeout;	     /* of one request; 30s */
	struct pair_list headers;    /* added to each request */
	struct object_list relabels; /* struct relabel, for each series */
	bool sends_histograms;	     /* native ones; false */
	struct queue_config queue;
};

struct global {
	struct pos at;
	span_ms resolve_timeout;
	const struct http_config *http;
	span_ms evaluation_interval, query_offset;
	const struct labels *external_labels;
	enum name_scheme names; /* metric_name_validation_scheme */
	const struct global_receivers
		*receivers; /* defaults of receivers (config/global.h) */
};

struct config {
	const char *path;
	struct str text; /* exactly as read: its hash is a metric */
	struct global global;
	struct route *root;
	struct route **routes; /* all, by number */
	size_t n_routes;
	struct receiver *receivers;
	size_t n_receivers;
	struct inhibit_rule *inhibit_rules;
	size_t n_inhibit_rules;
	struct time_interval *intervals; /* of both lists */
	size_t n_intervals;
	const char **templates; /* globs, resolved against the file's folder */
	size_t n_templates;
	struct datasource *datasources;
	size_t n_datasources;
	const char **rule_files; /* globs, resolved */
	size_t n_rule_files;
	/* struct relabel, for alerts of rules on their way to the router */
	struct object_list alert_relabels;
	struct remote_write *remote_writes;
	size_t n_remote_writes;
	const struct config_text *source; /* what the file said, for printing it again */
};

struct config_options {
	const struct files *files;
	const struct integration_kind *const *kinds; /* ends with NULL, order of 1.2 */
	enum matcher_mode matchers;
	bool router_optional; /* no route needed: a daemon that only evaluates rules */
	/* Gets what was read of a refused file, for finding further mistakes in it and for
	 * nothing else: it need not be whole. NULL when that is nothing; may be NULL. */
	const struct config **refused;
};

/* NULL when errs is not empty. warnings (matchers only the classic parser reads, ...) may
 * be NULL. */
const struct config *config_load(struct arena *, const char *path,
				 const struct config_options *, struct errs *errs,
				 struct errs *warnings) MUST_USE;

/* The same for a text at hand; path is its name for errors and relative paths. */
const struct config *config_parse(struct arena *, const char *path, struct str text,
				  const struct config_options *, struct errs *errs,
				  struct errs *warnings) MUST_USE;

const struct receiver *config_find_receiver(const struct config *, const char *name);
const struct datasource *config_find_datasource(const struct config *, const char *name);

/* The effective configuration as YAML, secrets hidden (spec/config.md 15). */
void buf_add_config(struct buf *, const struct config *);
/* Without what is not Alertmanager's: its clients refuse keys that they do not know. */
void buf_add_alertmanager_config(struct buf *, const struct config *);
