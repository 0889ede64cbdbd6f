/* request.h - what the files of api/ share: one request on its way to its answer. */
#pragma once
#include "api/api.h"
#include "base/map.h"
#include "base/vec.h"
#include "text/json.h"

#define MOST_PARAMS 1000

struct request_counter {
	char *key; /* handler, method and code as labels */
	struct seconds took;
};
#define SIZE_BUCKETS 8 /* 100 bytes to 100 MB, ten times each; and the rest */
struct size_counter {
	char *key; /* handler and method as labels */
	uint64_t n, buckets[SIZE_BUCKETS];
	double sum;
};
struct api {
	struct api_options options;
	const struct web_config *web;
	struct map counters; /* of request_counter */
	struct map sizes;    /* of size_counter: of answers outside the API */
	struct seconds silence_queries;
	struct map logins; /* digests of name and password that were right */
	size_t gets, gets_refused;
	uint64_t posts_unrecorded;
	size_t readings; /* of the journal: no gets while they last */
	double tokens;	 /* of the rate limit */
	mono_ms filled_at;
};

struct param {
	struct str name, value;
};
struct request {
	struct api *api;
	struct call *call;
	struct arena *mem; /* the call's */
	const char *method;
	struct str path;     /* under the prefix */
	const char *handler; /* the pattern, for metrics */
	const char *id;	     /* of the path, or NULL */
	const char *user;    /* whose password was right; NULL: none was asked */
	VEC(struct param) params;
	bool is_v2;
};

/* -- parameters ----------------------------------------------------------------------- */
bool params_parse(struct request *); /* false: a broken escape or too many */
const struct param *param_last(const struct request *, const char *name); /* or NULL */
bool param_bool(const struct request *, const char *name, bool otherwise);
/* All `name` parameters as matchers; false after a 400 was answered. */
bool param_matchers(struct request *, const char *name, const char *prefix,
		    struct matchers *);

/* -- answers --------------------------------------------------------------------------
 * Each ends the request. */
void answer_json(struct request *, int status, const struct buf *);
void answer_json_stream(struct request *, const struct stream *); /* 200 */
void answer_stream(struct request *, const char *type, const struct stream *);
void answer_page(struct request *, int status, const struct buf *html);
void answer_typed(struct request *, const char *type, const struct buf *);
void answer_empty(struct request *, int status);
void answer_plain(struct request *, int status, const char *text);
/* A handler's error: a JSON string and a newline. */
void answer_error(struct request *, int status, const char *text);
/* The framework's error: {"code":..,"message":..}; codes from 600 on travel as 422. */
void answer_framework(struct request *, int code, const char *fmt, ...) PRINTF(3, 4);

/* -- other ways to write a path -------------------------------------------------------
 * True: the answer says where the right one is. */
bool redirect_by_path(struct request *);  /* before anything else is asked of the path */
bool redirect_to_known(struct request *); /* nothing is known under the path */
/* The paths that the i-th endpoint has for the method: false after the last; "" when it has
 * none. */
bool endpoint_path(size_t i, const char *method, struct str *);

/* -- pages of other origins ----------------------------------------------------------- */
void cors_add_header(struct request *);
bool cors_answer_preflight(struct request *); /* false: it is none */
bool cors_takes(struct request *);	      /* false after it was answered */

/* -- the endpoints -------------------------------------------------------------------- */
void get_alerts(struct request *);
void post_alerts(struct request *);
void get_groups(struct request *);
void get_silences(struct request *);
void post_silences(struct request *);
void get_silence(struct request *);
void delete_silence(struct request *);
void get_status(struct request *);
void get_receivers(struct request *);
void get_rules(struct request *);
void get_rule_alerts(struct request *);
void get_broken_rules(struct request *);
void get_why(struct request *);
void why_of_notification(struct request *, const char *id);
void why_of_silence(struct request *, const char *id);
void get_history(struct request *);
/* vmalert.c */
void vmalert_get_rules(struct request *);
void vmalert_get_alerts(struct request *);
void vmalert_get_rule(struct request *);
void vmalert_get_alert(struct request *);
void vmalert_get_group(struct request *);
void get_metrics(struct request *);

/* Goes on with request_go_on when the request is allowed, now or once the password was
 * compared; else answers 401. */
void request_ask_login(struct request *);
void request_go_on(struct request *);

/* -- JSON in: the lenient reading of spec/api.md 2.5 ---------------------------------- */
/* The body as JSON; NULL after an error was answered. what is "alerts" or "silence". */
json_t *body_json(struct request *, const char *what);
const json_t *member(const json_t *object, const char *name); /* any case; null is absent */
bool api_time_parse(struct str, struct instant *);	      /* 2.6 */
/* A map of strings as pairs; false when it is something else. */
bool read_map(struct arena *, const json_t *, const struct label **, size_t *n);

void buf_add_api_time(struct buf *,
		      struct instant); /* quoted, milliseconds, its own offset */
