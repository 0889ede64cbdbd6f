#include "base/base.h"
#include "backend/backend.h"
#include "backend/graphite.h"
#include "backend/loki.h"
#include "backend/prometheus.h"
#include "backend/victorialogs.h"

void backend_compose(struct arena *mem, const struct query_wish *q,
		     struct http_request *out)
{
	switch (q->datasource->type) {
	case DATASOURCE_PROMETHEUS:
		prometheus_compose(mem, q, out);
		break;
	case DATASOURCE_LOKI:
		loki_compose(mem, q, out);
		break;
	case DATASOURCE_VLOGS:
		victorialogs_compose(mem, q, out);
		break;
	case DATASOURCE_GRAPHITE:
		graphite_compose(mem, q, out);
		break;
	}
}

static bool judge(struct arena *mem, const struct datasource *from, bool raw,
		  const struct http_answer *answer, struct query_ended *out,
		  struct err *err)
{
	switch (from->type) {
	case DATASOURCE_PROMETHEUS:
	case DATASOURCE_LOKI:
		return prometheus_judge(mem, from, raw, answer, out, err);
	case DATASOURCE_VLOGS:
		return victorialogs_judge(mem, from, answer, out, err);
	case DATASOURCE_GRAPHITE:
		return graphite_judge(mem, from, answer, &out->samples, err);
	}
	BUG("a datasource of no type");
}

void backend_judge(struct arena *mem, const struct datasource *from, bool raw,
		   const struct http_answer *answer, struct query_ended *out)
{
	struct err err = {.at = NOWHERE};

	out->series_fetched = -1;
	out->ok = judge(mem, from, raw, answer, out, &err);
	out->error = out->ok ? NULL : arena_text(mem, err.text);
}
