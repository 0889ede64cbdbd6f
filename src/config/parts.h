/* parts.h - the sections of alertmanager.yml as the file writes them, between the reading
 * of the tables and the structs of config.h. Inside config/ only.
 */
#pragma once
#include "config/config.h"
#include "config/field.h"
#include "config/global.h"

/* -- time intervals ------------------------------------------------------------------- */
struct interval_text {
	struct pos at;
	const char *name;
	struct object_list specs; /* struct interval_spec */
};
extern const struct shape interval_shape;

/* -- matchers ------------------------------------------------------------------------- */
/* One side of an inhibition rule, or a route: the three forms, ANDed. */
struct matcher_text {
	struct pair_list match, match_re;
	struct matchers list; /* of the matcher strings alone, in file order */
	struct matchers all;  /* of all three, sorted */
};
extern const struct field_codec match_codec, match_re_codec, matchers_codec;
void matcher_text_combine(struct decode *, struct matcher_text *);

/* -- routes --------------------------------------------------------------------------- */
struct route_text {
	struct pos at;
	const struct yaml *source;
	const char *receiver;
	const char *fallback;
	struct text_list group_by, mute, active;
	struct matcher_text matchers;
	bool goes_on;
	struct given_span group_wait, group_interval, repeat_interval;
	struct pair_list labels;
	struct object_list kids; /* struct route_text */
};
extern const struct shape route_shape;

/* The tree with everything inherited; fills root, routes. */
void routes_build(struct decode *, const struct route_text *, struct config *);

/* -- inhibition rules ----------------------------------------------------------------- */
struct inhibit_text {
	struct pos at;
	const char *name;
	struct matcher_text source, target;
	struct text_list equal;
};
extern const struct shape inhibit_shape;
void inhibit_build(struct decode *, const struct object_list *, struct config *);

/* -- receivers ------------------------------------------------------------------------ */
/* Reads the list; fills receivers. The kinds come from the caller. */
void receivers_decode(struct decode *, const struct yaml *,
		      const struct integration_kind *const *, struct config *);
/* Takes over from global what is unset and checks what must be there. */
void receivers_inherit(struct decode *, struct config *);
const struct yaml *receivers_print(struct arena *, const struct config *);

/* -- the rest ------------------------------------------------------------------------- */
extern const struct shape global_shape;	      /* struct global_text */
extern const struct shape tracing_shape;      /* struct tracing_text */
extern const struct shape recorder_shape;     /* struct recorder_text */
extern const struct shape datasource_shape;   /* struct datasource_text */
extern const struct shape remote_write_shape; /* struct remote_write_text */
extern const struct shape alerting_shape;     /* struct alerting_text */
void datasources_build(struct decode *, const struct object_list *, struct config *);
void remote_writes_build(struct decode *, const struct object_list *, struct config *);

/* A section of the file, NULL when absent. */
struct global_text {
	struct global engine;
	struct global_receivers receivers;
	struct pair_list external_labels;
	const char *name_scheme;
};

struct datasource_text {
	struct pos at;
	const char *name, *type, *url, *http_method;
	struct http_config http;
	span_ms timeout;
	int64_t max_response_bytes, max_series;
	struct pair_list params;
};

struct remote_write_text {
	struct remote_write engine;
	struct http_config http;
	bool send_exemplars, round_robin_dns;
	const char *message;
	const struct yaml *source, *metadata, *sigv4;
};

struct alerting_text {
	struct object_list relabels; /* struct relabel */
	const struct yaml *alertmanagers;
};

struct tracing_text {
	struct pos at;
	const char *client_type, *endpoint, *compression;
	double sampling_fraction;
	bool insecure;
	struct tls_config tls;
	struct header_list headers;
	span_ms timeout;
};

struct recorder_text {
	struct pos at;
	struct object_list files, webhooks, kafkas, stdouts;
};

/* The whole file. */
struct config_text {
	struct global_text *global;
	struct route_text *route;
	struct object_list inhibit_rules, mute_time_intervals, time_intervals;
	const struct yaml *receivers;
	struct text_list templates, rule_files;
	struct tracing_text *tracing;
	struct recorder_text *recorder;
	struct object_list datasources, remote_writes;
	struct alerting_text *alerting;
};
