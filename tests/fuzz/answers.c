/* Answers of backends: samples with distinct labels and within the ceiling, or an error
 * with a text. The first byte chooses the backend, the second the status and what was
 * asked for. */
#include "base/base.h"
#include "backend/backend.h"
#include "model/labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_SERIES 20

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
		for (size_t k = 0; k < i; k++) {
			if (labels_eq(got.samples.v[i].labels, got.samples.v[k].labels))
				BUG("two series with the same labels");
		}
	}
	arena_free(&mem);
	return 0;
}
