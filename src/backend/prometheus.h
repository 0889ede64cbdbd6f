/* prometheus.h - the instant query of Prometheus and all that speaks its API:
 * VictoriaMetrics, Thanos, Mimir, Cortex (spec/rules.md 19.1 to 19.3). */
#pragma once
#include "backend/backend.h"

void prometheus_compose(struct arena *, const struct query_wish *, struct http_request *);
/* Only to read the expression. */
void prometheus_compose_format(struct arena *, const struct query_wish *,
			       struct http_request *);
/* Also of the others whose answers have its shape. */
bool prometheus_judge(struct arena *, const struct datasource *, bool raw,
		      const struct http_answer *, struct query_ended *,
		      struct err *) MUST_USE;

/* What the decoders share; each fails with a text. */
bool series_fit(const struct datasource *, size_t n, struct err *) MUST_USE;
bool series_are_distinct(const struct sample *, size_t n, struct err *) MUST_USE;
bool answer_is_no_json(const struct http_answer *, const struct err *why, struct err *);
