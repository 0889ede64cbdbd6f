/* metricsql.h - of MetricsQL, what can be said without knowing all of it.
 *
 * Only a VictoriaMetrics knows which functions it has; what no version of it takes is
 * refused here: an open string or bracket, one that closes what is not open, characters
 * that no token has, an operator with nothing behind it, nothing at all.
 *
 * Limits: METRICSQL_MAX_BYTES of text, METRICSQL_MAX_DEPTH brackets in each other. Time is
 *         linear in the length.
 */
#pragma once
#include "text/promql.h"

#define METRICSQL_MAX_BYTES PROMQL_MAX_BYTES
#define METRICSQL_MAX_DEPTH PROMQL_MAX_DEPTH

bool metricsql_check(struct str expr, struct promql_error *) MUST_USE;

/* Its durations, in seconds: "1h30m", also in any order and with signs between the parts,
 * "1.5h", and "90". "i", the step of a query, counts as nothing. */
bool metricsql_duration(struct str, double *seconds) MUST_USE;
