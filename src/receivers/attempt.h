/* attempt.h - one attempt to deliver one notification: requests out, answers in, a verdict.
 *
 * An integration composes a request; somebody else sends it and brings the answer, which
 * the integration judges: it either asks for a further request (Jira searches before it
 * creates) or says how the attempt ended. Nothing in here speaks to a network, reads a
 * clock or a file: all that comes with struct attempt_env.
 *
 *	attempt_start(&a);
 *	while (a.wants != WANTS_NOTHING)
 *		a.wants == WANTS_HTTP ? attempt_http(&a, send(&a.http))
 *				      : attempt_mail(&a, send_mail(&a.mail));
 *	... a.verdict, a.failure, a.error
 *
 * States:  WANTS_HTTP or WANTS_MAIL: the request is ready and its answer is awaited.
 *          WANTS_NOTHING: it is over, the verdict stands.
 * Memory:  everything composed lies in a->mem, the delivery's arena, until the verdict.
 * Spec:    spec/receivers.md 1.
 */
#pragma once
#include "engine/notification.h"
#include "engine/wire.h"
#include "receivers/parsed.h"
#include "text/template.h"

struct template_set;

/* What an integration keeps between notifications, whatever their group: an access token,
 * credentials that end.
 * Owned by the shell, one for each integration_config; {0} at first. */
#define ATTEMPT_CACHE_TEXT 8192
struct attempt_cache {
	char text[ATTEMPT_CACHE_TEXT];
	wall_ms at;
};

struct attempt_env {
	const struct template_set *templates; /* receiver_templates_load */
	struct parsed_texts *parsed;	      /* field texts of that set; or NULL */
	const char *external_url;	      /* without a slash at its end */
	const char *user_agent;		      /* "Alertmanager/..." */
	const char *hostname;		      /* for Message-Id */
	struct instant now;
	const struct zone *local; /* NULL: UTC */
	const struct zone *(*zone_find)(void *ctx, struct str name);
	/* A secret's file, not trimmed. */
	bool (*read)(void *ctx, struct arena *, const char *path, struct str *,
		     struct err *);
	/* AWS credentials and region when the configuration has none; may be NULL. */
	const char *(*env)(void *ctx, const char *name);
	void *ctx;
	uint64_t random; /* a new one for each attempt */

	bool as_0_25; /* the shapes of Alertmanager 0.25 (spec/receivers.md 19) */
	/* Better than the peers, and the daemon's default: a 429 is tried again whoever
	 * said it, a template that fails costs its field only, not the page, and what is
	 * too long loses whole alerts before its text is cut. */
	bool retry_rate_limited, mend_templates, leave_out_alerts;
};

enum attempt_wants { WANTS_NOTHING, WANTS_HTTP, WANTS_MAIL };
struct attempt {
	/* given */
	struct arena *mem;
	const struct notification *n;
	const struct attempt_env *env;
	struct attempt_cache *cache; /* or NULL */

	/* what to do now */
	enum attempt_wants wants;
	struct http_request http;
	struct mail_request mail;

	/* how it ended */
	enum verdict verdict;
	enum failure failure;
	const char *error;     /* NULL: none */
	const char *mended;    /* a template that failed in a message sent all the same */
	const char *shortened; /* what was left out because it was too long; or NULL */
	span_ms retry_after;   /* the server asked to wait so long; 0: it did not */
	bool remembers;	       /* memory replaces what the notification log had */
	const struct text_pair *memory;
	size_t n_memory;

	/* the integration's own */
	int step;
	void *state;
};

void attempt_start(struct attempt *);
void attempt_http(struct attempt *, const struct http_answer *);
void attempt_mail(struct attempt *, const struct mail_answer *);

/* What must be there when a configuration is taken over (spec/config.md 1.3, receivers.md
 * 1.8), besides the TLS material of its http_config. */
struct integration_needs {
	const struct tls_config *mail_tls; /* NULL: none */
	struct {
		const char *path; /* NULL: none */
		struct pos at;
	} files[2];
};

/* An integration: its row for the configuration, and what it does. */
struct integration {
	struct integration_kind kind;
	void (*compose)(struct attempt *);
	void (*judge)(struct attempt *, const struct http_answer *);
	void (*judge_mail)(struct attempt *, const struct mail_answer *);
	void (*needs)(const struct integration_config *, struct integration_needs *);
};

struct integration_needs integration_needs(const struct integration_config *);

/* All there are, in the order of spec/config.md 1.2; NULL ends. */
extern const struct integration *const integrations[];
/* The same for config_load. */
extern const struct integration_kind *const integration_kinds[];

/* The labels of the notification's route, rendered for it. */
const struct labels *route_labels_render(struct arena *, const struct attempt_env *,
					 const struct notification *) MUST_USE;

/* The built-in templates and then those of the configuration; NULL when errs grew. */
const struct template_set *receiver_templates_load(struct arena *, const struct config *,
						   const struct files *,
						   struct errs *) MUST_USE;

/* Templates in the settings of receivers and in the labels of routes that cannot work:
 * broken syntax, fields that the data does not have, unknown templates. The peers notice
 * when a page should go out. */
void receiver_templates_check(const struct config *, const struct template_set *,
			      struct errs *);
