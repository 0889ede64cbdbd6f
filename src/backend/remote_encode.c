#include "base/base.h"
#include "backend/remote_encode.h"
#include "base/library.h"
#include "backend/remote_write.pb-c.h"

#include <math.h>
#include <snappy-c.h>
#include <string.h>

#define NAN_BITS   UINT64_C(0x7ff8000000000001)
#define STALE_BITS UINT64_C(0x7ff0000000000002)

size_t remote_sample_size(const struct remote_sample *s)
{
	size_t n = 32; /* the sample, and the lengths of what holds it */

	for (size_t i = 0; i < s->labels->n; i++)
		n += strlen(s->labels->v[i].name) + strlen(s->labels->v[i].value) + 16;
	if (s->is_histogram)
		n += 96 + s->histogram->n * 24;
	return n;
}

/* Of a histogram the sum, which is the stale marker of one without buckets, as with
 * Prometheus. By its bytes alone: arithmetic on a signaling NaN may make it quiet. */
static void set_value(double *to, const struct remote_sample *s)
{
	double value = s->is_histogram ? s->histogram->sum : s->value;
	uint64_t bits = s->is_stale ? STALE_BITS : NAN_BITS;

	if (s->is_stale || isnan(value))
		memcpy(to, &bits, sizeof(bits));
	else
		*to = value;
}

static void add_labels(struct arena *mem, Remote__TimeSeries *series,
		       const struct labels *labels)
{
	Remote__Label *v = ARENA_ARRAY(mem, Remote__Label, labels->n);

	series->labels = ARENA_ARRAY(mem, Remote__Label *, labels->n);
	series->n_labels = labels->n;
	for (size_t i = 0; i < labels->n; i++) {
		remote__label__init(&v[i]);
		v[i].name = (char *)(uintptr_t)labels->v[i].name;
		v[i].value = (char *)(uintptr_t)labels->v[i].value;
		series->labels[i] = &v[i];
	}
}

/* -- histograms ----------------------------------------------------------------------- */

static size_t count_spans(const struct histogram_side *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += !i || s->index[i] != s->index[i - 1] + 1;
	return n;
}

/* Neighbours in one span; a span begins so far behind the one before. */
static Remote__BucketSpan **spans_of(struct arena *mem, const struct histogram_side *s,
				     size_t *n_spans)
{
	size_t n = count_spans(s), at = 0;
	Remote__BucketSpan **list = ARENA_ARRAY(mem, Remote__BucketSpan *, n);
	Remote__BucketSpan *v = ARENA_ARRAY(mem, Remote__BucketSpan, n);

	for (size_t i = 0; i < s->n; i++) {
		if (i && s->index[i] == s->index[i - 1] + 1) {
			v[at - 1].length++;
			continue;
		}
		remote__bucket_span__init(&v[at]);
		v[at].offset = i ? s->index[i] - s->index[i - 1] - 1 : s->index[i];
		v[at].length = 1;
		list[at] = &v[at];
		at++;
	}
	*n_spans = n;
	return list;
}

static Remote__Histogram *histogram_of(struct arena *mem, const struct remote_sample *s)
{
	Remote__Histogram *h = ARENA_NEW(mem, Remote__Histogram);
	struct exponential made_of;
	const char *why;

	if (!histogram_exponential(mem, s->histogram, &made_of, &why))
		BUG("a histogram to be written: %s", why);
	remote__histogram__init(h);
	h->count_float = s->histogram->count;
	set_value(&h->sum, s);
	h->schema = made_of.schema;
	h->zero_threshold = made_of.zero_threshold;
	h->zero_count_float = made_of.zero_count;
	h->negative_spans = spans_of(mem, &made_of.negative, &h->n_negative_spans);
	h->negative_counts = made_of.negative.count;
	h->n_negative_counts = made_of.negative.n;
	h->positive_spans = spans_of(mem, &made_of.positive, &h->n_positive_spans);
	h->positive_counts = made_of.positive.count;
	h->n_positive_counts = made_of.positive.n;
	h->timestamp = s->at;
	return h;
}

static void add_histogram(struct arena *mem, Remote__TimeSeries *series,
			  const struct remote_sample *s)
{
	series->histograms = ARENA_NEW(mem, Remote__Histogram *);
	series->histograms[0] = histogram_of(mem, s);
	series->n_histograms = 1;
}

static void add_sample(struct arena *mem, Remote__TimeSeries *series,
		       const struct remote_sample *s)
{
	Remote__Sample *sample = ARENA_NEW(mem, Remote__Sample);

	remote__sample__init(sample);
	set_value(&sample->value, s);
	sample->timestamp = s->at;
	series->samples = ARENA_NEW(mem, Remote__Sample *);
	series->samples[0] = sample;
	series->n_samples = 1;
}

static Remote__TimeSeries *series_of(struct arena *mem, const struct remote_sample *s)
{
	Remote__TimeSeries *series = ARENA_NEW(mem, Remote__TimeSeries);

	remote__time_series__init(series);
	(s->is_histogram ? add_histogram : add_sample)(mem, series, s);
	add_labels(mem, series, s->labels);
	return series;
}

/* -- snappy, which brings the runtime of C++ along ------------------------------------ */

#define FUNCTIONS(_)                                                                       \
	_(size_t, snappy_max_compressed_length, (size_t n), (n))                           \
	_(snappy_status, snappy_compress,                                                  \
	  (const char *p, size_t n, char *to, size_t *n_to), (p, n, to, n_to))

static struct {
	FUNCTIONS(LIBRARY_POINTER)
} called;

static const struct library_function functions[] = {FUNCTIONS(LIBRARY_ENTRY)};

static struct library library = {
	.file = "libsnappy.so.1",
	.functions = functions,
	.n = COUNT_OF(functions),
};

FUNCTIONS(LIBRARY_FORWARD)

bool remote_encode_load(struct err *err)
{
	return library_load(&library, err);
}

/* -- the body ------------------------------------------------------------------------- */

static struct str compress(struct arena *mem, struct str in)
{
	size_t n = snappy_max_compressed_length(in.n);
	char *out = arena_alloc(mem, n);

	if (snappy_compress(in.p, in.n, out, &n) != SNAPPY_OK)
		BUG("snappy does not take %zu bytes", in.n);
	return (struct str){out, n};
}

struct str remote_encode(struct arena *mem, const struct remote_sample *const *v, size_t n)
{
	Remote__WriteRequest request = REMOTE__WRITE_REQUEST__INIT;
	struct arena scratch = {0};
	struct str body;
	uint8_t *bytes;

	request.timeseries = ARENA_ARRAY(&scratch, Remote__TimeSeries *, n);
	request.n_timeseries = n;
	for (size_t i = 0; i < n; i++)
		request.timeseries[i] = series_of(&scratch, v[i]);
	bytes = arena_alloc(&scratch, remote__write_request__get_packed_size(&request));
	body.n = remote__write_request__pack(&request, bytes);
	body.p = (const char *)bytes;
	body = compress(mem, body);
	arena_free(&scratch);
	return body;
}
