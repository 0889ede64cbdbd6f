/* recent.h - quantiles of what was measured last: exact for the last RECENT_KEPT values, as
 * exact as a float is; what was before them has no weight. {0} is empty. */
#pragma once
#include "base/base.h"

#define RECENT_KEPT 128

struct recent {
	uint64_t n; /* of all times */
	float last[RECENT_KEPT];
};
void recent_add(struct recent *, double);
/* For each of the quantiles, from 0 to 1, what so large a part of them did not exceed.
 * False, and nothing in out, when nothing was measured yet. */
bool recent_quantiles(const struct recent *, const double *quantiles, size_t n,
		      double *out);
