/* metricsql.h - whether a VictoriaMetrics would take an expression.
 *
 * What vmalert 1.79 accepts or the newest release accepts is accepted; what both refuse at
 * load is refused. As with theirs, that is a matter of grammar, of strings, numbers and
 * regular expressions, and of WITH templates that are used: that they are there and get as
 * many arguments as they take. Which functions there are, and what they take, is known to
 * the backend alone.
 *
 * Place:  as in text/promql.h.
 * Limits: METRICSQL_MAX_BYTES of text, METRICSQL_MAX_DEPTH levels, 256 templates in sight,
 *         32 WITH in each other. Time is linear in the length (times those WITH).
 */
#pragma once
#include "text/promql.h"

#define METRICSQL_MAX_BYTES PROMQL_MAX_BYTES
#define METRICSQL_MAX_DEPTH PROMQL_MAX_DEPTH

bool metricsql_check(struct str expr, struct promql_error *) MUST_USE;

/* Its durations, in seconds: "1h30m", also in any order and with signs between the parts,
 * "1.5h", and "90". "i", the step of a query, counts as nothing. */
bool metricsql_duration(struct str, double *seconds) MUST_USE;
