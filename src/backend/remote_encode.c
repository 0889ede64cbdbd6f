#include "base/base.h"
#include "backend/remote_encode.h"
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
	return n;
}

/* By its bytes alone: arithmetic on a signaling NaN may make it quiet. */
static void set_value(double *to, const struct remote_sample *s)
{
	uint64_t bits = s->is_stale ? STALE_BITS : NAN_BITS;

	if (s->is_stale || isnan(s->value))
		memcpy(to, &bits, sizeof(bits));
	else
		*to = s->value;
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

static Remote__TimeSeries *series_of(struct arena *mem, const struct remote_sample *s)
{
	Remote__TimeSeries *series = ARENA_NEW(mem, Remote__TimeSeries);
	Remote__Sample *sample = ARENA_NEW(mem, Remote__Sample);

	remote__time_series__init(series);
	remote__sample__init(sample);
	set_value(&sample->value, s);
	sample->timestamp = s->at;
	series->samples = ARENA_NEW(mem, Remote__Sample *);
	series->samples[0] = sample;
	series->n_samples = 1;
	add_labels(mem, series, s->labels);
	return series;
}

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
