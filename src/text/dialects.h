/* dialects.h - of the languages of other backends, what can be said without knowing all of
 * them: what no version of the backend takes.
 *
 * Limits: PROMQL_MAX_BYTES of text, PROMQL_MAX_DEPTH brackets in each other. Time is linear
 *         in the length.
 */
#pragma once
#include "text/promql.h"

/* Its grammar: paths, functions and their arguments. What Graphite itself takes passes, as
 * does what a VictoriaMetrics takes; the names of functions are theirs. */
bool graphite_check(struct str expr, struct promql_error *) MUST_USE;
/* Strings and brackets that do not end. And a rule needs numbers, so a pipe that makes
 * them, and none that has one for each time: "... | stats by (host) count()". */
bool logsql_check(struct str expr, struct promql_error *) MUST_USE;
