/* notification.h - what one flush tells one integration: all that a receiver needs to
 * compose its request.
 *
 * Memory: lives from the decision to the verdict, in one arena that the flush's deliveries
 *         share; labels and texts of alerts are the engine's, which keeps them as long.
 *         config structures are borrowed.
 * Order:  alerts in alert order (spec/routing.md 1.3).
 * Spec:   spec/receivers.md 1.1.
 */
#pragma once
#include "config/config.h"
#include "engine/reason.h"
#include "model/alert.h"

struct notification_alert {
	const struct labels *labels, *annotations;
	struct instant starts_at, ends_at; /* ends_at is zero while it fires */
	const char *generator_url;
	bool resolved;
};

struct notification {
	const struct receiver *receiver;
	const struct integration_config *integration;
	const struct route *route; /* its labels are templates over this notification */
	const char *group_key;
	/* Names it, 32 hex digits: the same when a crash has it sent again, another for
	 * any other notification. NULL: it has none. */
	const char *id;
	const struct labels *group_labels;
	enum reason reason;
	const struct notification_alert *alerts;
	size_t n_alerts;
	bool firing; /* at least one alert fires */
	span_ms repeat_interval;
	wall_ms at;	  /* when the flush began */
	wall_ms deadline; /* after this nobody waits for the outcome */
	/* What this integration asked to remember last time (a Slack message id). */
	const struct text_pair *memory;
	size_t n_memory;
};

/* How an attempt ended, as the receiver judges it. */
enum verdict { VERDICT_SENT, VERDICT_RETRY, VERDICT_GIVE_UP };
/* Why it failed: the metric label of spec/routing.md 10.3. */
enum failure {
	FAILURE_OTHER,
	FAILURE_CLIENT,
	FAILURE_AUTH,
	FAILURE_RATE,
	FAILURE_SERVER,
	FAILURE_CANCELED,
	FAILURE_DEADLINE,
	FAILURES,
};
const char *failure_text(enum failure); /* clientError, ... */
enum failure failure_of_status(int http_status);

/* Its id, from who is told (the key of its entry in the notification log), which alerts in
 * which state since when, and when the one before was sent (0: there was none). Nothing in
 * it changes over a crash between sending and hearing the answer; and an alert that comes
 * back has another start, so that a notification of it has another id. */
const char *notification_id(struct arena *, const char *to, const struct notification *,
			    wall_ms last_at) MUST_USE;
