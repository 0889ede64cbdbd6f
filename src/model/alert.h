/* alert.h - an alert as it was posted or as a rule raised it.
 *
 * It has no state of its own: it is resolved at t when ends_at is not after t.
 * Times: nanoseconds are kept, because people read back what they posted.
 * Spec:  spec/routing.md 1.1, 2.1.
 */
#pragma once
#include "base/time.h"
#include "model/labels.h"

struct alert {
	const struct labels *labels; /* the identity: never empty, no empty values */
	const struct labels *annotations;
	const char *generator_url;
	struct instant starts_at, ends_at, updated_at;
	bool timeout;	 /* ends_at was derived from resolve_timeout */
	wall_ms came_at; /* since when it is here as it is, firing or over; 0: not known */
};

bool alert_is_resolved(const struct alert *, struct instant now);

/* What a new post of the same alert makes of the stored one; borrows from both. */
struct alert alert_merge(const struct alert *stored, const struct alert *posted,
			 struct instant now);

/* Alert order (spec/routing.md 1.3): job, instance, then label-set order. */
int alert_cmp(const struct labels *, const struct labels *);
