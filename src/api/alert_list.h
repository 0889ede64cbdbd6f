/* alert_list.h - what the answers with alerts share: how one is written, which are wanted.
 *
 * Spec: spec/api.md 2.7 to 2.11, 3.3, 3.5.
 */
#pragma once
#include "api/request.h"

/* The alert as JSON, with the receivers' names given. */
void buf_add_alert(struct buf *, const struct alert_view *, const char *const *names,
		   size_t n_names);

struct filter {
	struct matchers labels, receiver_labels;
	const struct regex *receiver;
	bool active, silenced, inhibited, muted;
};
/* False after a 400 was answered. */
bool filter_parse(struct request *, struct filter *) MUST_USE;
bool filter_takes_receiver(const struct filter *, const struct receiver *);
/* view_alert, its question about silences counted and timed. */
bool look_at_alert(struct request *, struct arena *, uint64_t fingerprint,
		   struct alert_view *) MUST_USE;
/* By its status; whether its labels hold is asked before there is a view. */
bool filter_takes_alert(const struct filter *, const struct alert_view *);
