/* victorialogs.h - VictoriaLogs' statistics query, LogsQL (spec/rules.md 19.8). Its answer
 * has the shape of Prometheus's. */
#pragma once
#include "backend/backend.h"

void victorialogs_compose(struct arena *, const struct query_wish *, struct http_request *);
/* What the statistics function was called becomes the label stats_result. */
bool victorialogs_judge(struct arena *, const struct datasource *,
			const struct http_answer *, struct query_ended *,
			struct err *) MUST_USE;
