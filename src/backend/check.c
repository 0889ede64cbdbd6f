#include "base/base.h"
#include "backend/check.h"
#include "backend/backend.h"
#include "backend/prometheus.h"
#include "text/json.h"

#include <string.h>

enum check_way check_way_of(const struct datasource *from)
{
	/* VictoriaMetrics has it under other names from version to version. */
	return from->type == DATASOURCE_PROMETHEUS && !from->is_victoria ? CHECK_BY_FORMAT
									 : CHECK_BY_QUERY;
}

void check_compose(struct arena *mem, enum check_way way, const struct query_wish *q,
		   struct http_request *out)
{
	if (way == CHECK_BY_FORMAT)
		prometheus_compose_format(mem, q, out);
	else
		backend_compose(mem, q, out);
}

static enum check_verdict judge_status(int status)
{
	switch (status) {
	case 400: /* also of a proxy, which then speaks for the backend */
	case 422:
		return CHECK_REFUSED;
	case 401:
	case 403:
	case 404:
	case 407:
		return CHECK_NO_ANSWER;
	default:
		return CHECK_UNKNOWN;
	}
}

/* {"status":"error","error":"invalid parameter \"query\": 1:5: parse error: .."} */
static enum check_verdict judge_format(struct arena *mem, const struct http_answer *a,
				       const char **why)
{
	json_t *top = json_read(a->body, NULL);
	const char *status = json_string_value(json_object_get(top, "status")),
		   *error = json_string_value(json_object_get(top, "error"));
	enum check_verdict verdict = CHECK_NO_WAY;

	if (a->status == 200 && status && !strcmp(status, "success"))
		verdict = CHECK_TAKEN;
	else if (a->status == 400 && error)
		verdict = CHECK_REFUSED;
	else if (a->status == 401 || a->status == 403)
		verdict = CHECK_NO_ANSWER;
	*why = error ? arena_text(mem, error) : arena_printf(mem, "status %d", a->status);
	json_decref(top);
	return verdict;
}

static enum check_verdict judge_query(struct arena *mem, const struct datasource *from,
				      const struct http_answer *a, const char **why)
{
	struct query_ended end = {0};

	backend_judge(mem, from, false, a, &end);
	*why = end.error;
	if (end.ok)
		return CHECK_TAKEN;
	if (a->status >= 200 && a->status < 300)
		return end.is_unfit ? CHECK_REFUSED : CHECK_UNKNOWN;
	return judge_status(a->status);
}

enum check_verdict check_judge(struct arena *mem, enum check_way way,
			       const struct datasource *from, const struct http_answer *a,
			       const char **why)
{
	if (a->error) {
		*why = arena_text(mem, a->error);
		return a->timed_out ? CHECK_UNKNOWN : CHECK_NO_ANSWER;
	}
	return way == CHECK_BY_FORMAT ? judge_format(mem, a, why)
				      : judge_query(mem, from, a, why);
}
