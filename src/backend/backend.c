#include "base/base.h"
#include "backend/backend.h"
#include "backend/prometheus.h"

bool backend_compose(struct arena *mem, const struct query_wish *q,
		     struct http_request *out, struct err *err)
{
	switch (q->datasource->type) {
	case DATASOURCE_PROMETHEUS:
		prometheus_compose(mem, q, out);
		return true;
	case DATASOURCE_LOKI:
	case DATASOURCE_VLOGS:
	case DATASOURCE_GRAPHITE:
		break;
	}
	return err_set(
		err, q->datasource->at,
		"datasource '%s': rules can be evaluated against type prometheus only",
		q->datasource->name);
}

void backend_judge(struct arena *mem, const struct datasource *from, bool raw,
		   const struct http_answer *answer, struct query_ended *out)
{
	struct err err = {.at = NOWHERE};

	out->ok = prometheus_judge(mem, from, raw, answer, &out->samples, &out->warning,
				   &err);
	out->error = out->ok ? NULL : arena_text(mem, err.text);
}
