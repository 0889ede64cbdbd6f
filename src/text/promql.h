/* promql.h - whether Prometheus would take an expression.
 *
 * What any release from 2.42 on accepts is accepted, its experimental functions and
 * modifiers included; what all of them refuse is refused, in the words of the newest.
 *
 * Place:  at is an offset into the expression; line and column (in bytes) are counted as
 *         Prometheus counts them.
 * Limits: PROMQL_MAX_BYTES of text, PROMQL_MAX_DEPTH levels of parentheses, calls, signs
 *         and right operands. Time is linear in the length.
 */
#pragma once
#include "base/str.h"

#define PROMQL_MAX_BYTES ((size_t)256 * 1024)
#define PROMQL_MAX_DEPTH 500

struct promql_error {
	size_t at;
	int line, col; /* from 1 */
	char text[400];
};

bool promql_check(struct str expr, struct promql_error *) MUST_USE;

struct arena;
/* The expression as Prometheus prints it, in one of the many ways to write it: "sum by (a)
 * (b)", quotes, blanks, 60s as 1m. NULL when it is not PromQL, or newer than that. */
const char *promql_normal(struct arena *, struct str expr);
