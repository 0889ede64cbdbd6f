/* compose.h - what integrations share: rendering fields, building requests, judging
 * answers. Inside receivers/ only.
 */
#pragma once
#include "config/global.h"
#include "receivers/attempt.h"
#include "receivers/json.h"
#include "text/notice.h"
#include "text/url.h"

/* -- rendering (spec/receivers.md 1.2) ------------------------------------------------ */
struct render {
	struct attempt *a;
	struct notice notice;
	struct value data;
	const struct labels *route_labels; /* rendered */
	size_t n_alerts;		   /* of the notification, that the data shows */
	bool failed;			   /* since then every field renders as "" */
	const char *error;
	/* by render_less: alerts left out, characters of each annotation */
	size_t n_left_out, annotations;
};
/* The data of the notification; max_alerts 0: all of them. */
void render_start(struct render *, struct attempt *, size_t max_alerts);
/* After a failure what was written before it is kept and every later field is empty, or
 * the field is mended (attempt_env.mend_templates): a message and a line then name the
 * alerts plainly, another field is empty. */
struct str render_message(struct render *, const char *field); /* what people read */
struct str render_line(struct render *, const char *field);    /* a title, a subject */
struct str render_html(struct render *, const char *field);    /* a message */
struct str render_text(struct render *, const char *field);    /* a colour, a link, ... */

/* How long a text may be for its service. */
struct room {
	size_t n;
	bool bytes;   /* of UTF-8; else characters */
	bool is_data; /* text for programs: nothing may be added to it */
};
/* A message that is over the room shows fewer alerts, then less of the annotations, and
 * says so (attempt_env.leave_out_alerts). If that does not do, HTML becomes a plain line,
 * and other text is for cut_to. */
struct str render_within(struct render *, const char *field, const struct room *,
			 bool html);
struct str cut_to(struct arena *, struct str, const struct room *); /* as the peers cut */
/* Shows fewer alerts, then less of the annotations, until fits(); it was asked last with
 * what is shown from then on. False: nothing does, and all is shown. */
#define ALL SIZE_MAX
bool render_less(struct render *, bool (*fits)(struct render *, void *arg), void *arg);
void render_all(struct render *);		    /* shows all again */
const char *render_left_out(const struct render *); /* "… 3 of 20 alerts shown" */
/* One line of HTML that names the group, without any template. */
struct str render_plain(struct render *);

/* For addresses and keys: a failure is never mended. */
struct str render_exactly(struct render *, const char *field);
/* Ends the attempt when a field failed: not sent, not retried. False then. */
bool render_ok(struct render *);

/* The structured values of 1.9, as JSON. False when something cannot be encoded. */
bool render_value(struct render *, struct json *, const struct yaml *);
struct member {
	const char *name;
	const struct yaml *value;
};

/* -- texts ---------------------------------------------------------------------------- */
/* At most n characters, the last one an ellipsis when something was cut off. */
struct str cut_chars(struct arena *, struct str, size_t n);
struct str cut_bytes(struct arena *, struct str, size_t n);    /* whole characters */
const char *group_hash(struct arena *, const char *group_key); /* SHA-256, hex */
const char *hex_of(struct arena *, const uint8_t *, size_t n);
bool has_memory(const struct notification *, const char *name, const char **text);

/* A secret or the trimmed content of its file. False ends the attempt. */
bool secret_get(struct attempt *, struct secret, const char *file, const char **out);
bool secret_get_raw(struct attempt *, struct secret, const char *file, const char **out);

/* -- requests ------------------------------------------------------------------------- */
/* Asks for a request; config is the integration's http_config. */
void want_http(struct attempt *, const char *method, const char *url, const char *type,
	       struct str body);
void want_json(struct attempt *, const char *url, struct json *body); /* POST; ends body */
void add_header(struct attempt *, const char *name, const char *value);
/* An Authorization of the integration's own replaces what http_config has. */
void authorize(struct attempt *, const char *value);
void no_user_agent(struct attempt *); /* the client's own stays */
void set_timeout(struct attempt *, int64_t ns);

/* -- ends ----------------------------------------------------------------------------- */
void sent(struct attempt *);
void retry(struct attempt *, enum failure, const char *fmt, ...) PRINTF(3, 4);
void give_up(struct attempt *, enum failure, const char *fmt, ...) PRINTF(3, 4);
void remember(struct attempt *, const char *name, const char *text);

/* 2xx is sent; 5xx, a lost connection and the extra status (0: none) are tried again;
 * everything else is given up (1.5). detail replaces the answer's body in the error when
 * not NULL; before stands in front of it. */
struct judging {
	const char *before;
	int also_retried;
	const char *detail;
	const char *timeout_of; /* "webhook": names the timeout in the error */
	int64_t timeout_ns;
	bool lost_is_final; /* a lost connection is not tried again */
};
void judge_status(struct attempt *, const struct http_answer *, const struct judging *);
void judge_plain(struct attempt *, const struct http_answer *);

/* -- for the tables ------------------------------------------------------------------- */
#define TPL(name) "{{ template \"" name "\" . }}"

/* -- checks --------------------------------------------------------------------------- */
struct pos at_key(const struct integration_config *, const char *key);
/* "at most one of x & x_file must be configured" */
void check_pair(struct decode *, const struct integration_config *, const char *name,
		struct secret, const char *file);
/* the same, and "one of x or x_file must be configured" */
void check_one(struct decode *, const struct integration_config *, const char *name,
	       struct secret, const char *file);
/* A URL with a slash at the end of its path. */
const char *with_slash(struct arena *, const char *url);
