/* prometheus.h - the instant query of Prometheus and all that speaks its API:
 * VictoriaMetrics, Thanos, Mimir, Cortex (spec/rules.md 19.1 to 19.3). */
#pragma once
#include "backend/backend.h"

void prometheus_compose(struct arena *, const struct query_wish *, struct http_request *);
bool prometheus_judge(struct arena *, const struct datasource *, bool raw,
		      const struct http_answer *, struct samples *, const char **warning,
		      struct err *) MUST_USE;
