/* dialects.h - of the languages of other backends, what can be said without knowing all of
 * them, as of MetricsQL (text/metricsql.h): what no version of the backend takes.
 *
 * Limits: PROMQL_MAX_DEPTH brackets in each other. Time is linear in the length.
 */
#pragma once
#include "text/promql.h"

/* Strings and brackets that do not end, and those that end what did not begin. */
bool graphite_check(struct str expr, struct promql_error *) MUST_USE;
/* A rule needs numbers, so a pipe that makes them, and none that has one for each time:
 * "... | stats by (host) count()". */
bool logsql_check(struct str expr, struct promql_error *) MUST_USE;
