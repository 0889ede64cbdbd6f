/* seconds.h - how long something takes: a histogram in Prometheus's default buckets, which
 * is a summary when only its sum and count are shown. {0} is an empty one. */
#pragma once
#include "base/buf.h"

#define SECONDS_BUCKETS 12 /* .005 to 10, and the rest */

struct seconds {
	uint64_t n, buckets[SECONDS_BUCKETS];
	double sum;
};
/* n things that took so long together. */
void seconds_add(struct seconds *, double together, uint64_t n);
void seconds_merge(struct seconds *, const struct seconds *);
/* The sample lines; labels without braces, "" when there are none. */
void buf_add_histogram(struct buf *, const char *name, const char *labels,
		       const struct seconds *);
