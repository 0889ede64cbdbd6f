/* Answers of backends: samples with distinct labels and within the ceiling, or an error
 * with a text; histograms that can be written, or not. The first byte chooses the backend,
 * the second the status and what was asked for. */
#include "base/base.h"
#include "backend/backend.h"
#include "backend/check.h"
#include "backend/remote_encode.h"
#include "model/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_SERIES 20

static void check_histogram(struct arena *mem, const struct sample *s)
{
	struct remote_sample r = {
		.labels = s->labels, .histogram = s->histogram, .is_histogram = true};
	const struct remote_sample *v[] = {&r};
	struct exponential made_of;
	const char *why;

	if (!histogram_exponential(mem, s->histogram, &made_of, &why))
		return;
	if (made_of.positive.n + made_of.negative.n > s->histogram->n)
		BUG("more buckets than there were");
	(void)remote_encode(mem, v, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum datasource_type types[] = {DATASOURCE_PROMETHEUS, DATASOURCE_LOKI,
						     DATASOURCE_VLOGS, DATASOURCE_GRAPHITE};
	const struct datasource from = {.name = "d",
					.type = types[size ? data[0] % COUNT_OF(types) : 0],
					.max_series = MOST_SERIES};
	struct http_answer a = {.status = size > 1 && data[1] % 2 ? 500 : 200};
	struct query_ended got = {0};
	struct arena mem = {0};

	if (size > 2)
		a.body = (struct str){(const char *)data + 2, size - 2};
	backend_judge(&mem, &from, size > 1 && data[1] & 2, &a, &got);
	if (!got.ok && (!got.error || !got.error[0]))
		BUG("refused without a reason");
	if (got.ok && (a.status != 200 || got.samples.n > MOST_SERIES))
		BUG("%zu samples of status %d", got.samples.n, a.status);
	for (size_t i = 0; got.ok && i < got.samples.n; i++) {
		if (got.samples.v[i].histogram)
			check_histogram(&mem, &got.samples.v[i]);
		for (size_t k = 0; k < i; k++) {
			if (labels_eq(got.samples.v[i].labels, got.samples.v[k].labels))
				BUG("two series with the same labels");
		}
	}
	for (int way = CHECK_BY_FORMAT; way <= CHECK_BY_QUERY; way++) {
		const char *why = "";

		if (check_judge(&mem, (enum check_way)way, &from, &a, &why) !=
			    CHECK_TAKEN &&
		    !(why && why[0]))
			BUG("not taken without a reason");
	}
	arena_free(&mem);
	return 0;
}
