/* check.h - whether a backend takes an expression: a question and its answer.
 *
 * Pure, as backend.h. A Prometheus is asked to format the expression, which reads it and
 * looks at no data; the others, and what stands in for a Prometheus without that request,
 * are asked the rule's own query, once.
 */
#pragma once
#include "engine/event.h"
#include "engine/wire.h"

enum check_way { CHECK_BY_FORMAT, CHECK_BY_QUERY };
enum check_verdict {
	CHECK_TAKEN,
	CHECK_REFUSED,	 /* *why: in the backend's words */
	CHECK_NO_WAY,	 /* it does not know this request: ask by the query */
	CHECK_UNKNOWN,	 /* it answered, but nothing about the expression */
	CHECK_NO_ANSWER, /* nobody there, or not for us: *why */
};
enum check_way check_way_of(const struct datasource *);
void check_compose(struct arena *, enum check_way, const struct query_wish *,
		   struct http_request *);
enum check_verdict check_judge(struct arena *, enum check_way, const struct datasource *,
			       const struct http_answer *, const char **why);
