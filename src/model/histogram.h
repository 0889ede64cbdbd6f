/* histogram.h - a native histogram as a query's answer shows it, and, where its buckets say
 * so, what it was made of.
 *
 * Memory: buckets lie behind the struct, in one block of an arena.
 * Limits: HISTOGRAM_MOST_BUCKETS.
 * Spec:   spec/rules.md 19.3, spec/remote-write.md A2.
 */
#pragma once
#include "base/arena.h"

#define HISTOGRAM_MOST_BUCKETS 20000

/* Which ends of a bucket belong to it, in the numbers of the answer. */
enum histogram_ends {
	ENDS_UPPER, /* (lower, upper] */
	ENDS_LOWER, /* [lower, upper) */
	ENDS_NONE,
	ENDS_BOTH,
};
struct histogram_bucket {
	enum histogram_ends ends;
	double lower, upper, count;
};
struct histogram {
	double count, sum;
	size_t n;
	struct histogram_bucket v[]; /* populated ones, ascending */
};

const struct histogram *histogram_copy(struct arena *, const struct histogram *) MUST_USE;
size_t histogram_memory(const struct histogram *);

/* False and *why when a count is below zero or not a number, as differences of histograms
 * may have it: no receiver takes such a one. */
bool histogram_has_counts(const struct histogram *, const char **why) MUST_USE;

/* Buckets of one sign: those with a count, ascending from zero. Bucket i ends at
 * 2^(i * 2^-schema). */
struct histogram_side {
	int32_t *index;
	double *count;
	size_t n;
};
struct exponential {
	int schema;
	double zero_threshold, zero_count;
	struct histogram_side positive, negative;
};
/* False and *why when the bounds are not those of exponential buckets. */
bool histogram_exponential(struct arena *, const struct histogram *,
			   struct exponential *out, const char **why) MUST_USE;
