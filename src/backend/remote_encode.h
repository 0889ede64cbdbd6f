/* remote_encode.h - samples become the body of a remote write request: protobuf, then a
 * snappy block.
 *
 * Order:   one message a sample, in the order given; labels as the set has them, by name.
 * Values:  a histogram is written as a float histogram; whether it was a gauge, and which
 *          zero bucket it had while that is empty, an answer does not say.
 *          A stale marker and an ordinary NaN have bits of their own, which are written as
 *          such; a NaN of any other form becomes the ordinary one.
 * Spec:    spec/remote-write.md A2 to A4.
 */
#pragma once
#include "base/err.h"
#include "base/time.h"
#include "model/histogram.h"
#include "model/labels.h"

struct remote_sample {
	const struct labels *labels; /* __name__ and the external ones, too */
	union {
		double value;
		const struct histogram *histogram; /* its buckets are exponential */
	};
	wall_ms at;
	bool is_stale, is_histogram;
};

/* What it adds to a body before compression, a little overestimated. */
size_t remote_sample_size(const struct remote_sample *);
/* Whether snappy is there, which is loaded by the first call (base/library.h). */
bool remote_encode_load(struct err *) MUST_USE;
struct str remote_encode(struct arena *, const struct remote_sample *const *v, size_t n);
