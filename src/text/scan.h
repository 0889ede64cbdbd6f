/* scan.h - strings and brackets of an expression, for languages of which no more is known.
 *
 * Limits: PROMQL_MAX_DEPTH brackets in each other.
 */
#pragma once
#include "text/promql.h"

struct scan {
	struct str text;
	size_t at;
	struct {
		char close;
		size_t at;
	} open[PROMQL_MAX_DEPTH];
	size_t depth;
	struct promql_error *err;
};

/* False, with the error and the place of that byte. */
bool scan_wrong(const struct scan *, size_t at, const char *fmt, ...) PRINTF(3, 4);
/* "..." and '...' with escapes; in `...` there are none. The scan stands at its begin. */
bool scan_string(struct scan *) MUST_USE;
bool scan_open(struct scan *) MUST_USE;	 /* at one of ([{ */
bool scan_close(struct scan *) MUST_USE; /* at one of )]} */
/* At the end: whether each bracket was closed. */
bool scan_is_closed(struct scan *) MUST_USE;
