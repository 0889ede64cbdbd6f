/* rules_filter.h - which rules and groups GET /api/v1/rules is asked for, and which page of
 * them (spec/remote-write.md B2).
 *
 * Failure: an answer of 400 was given, or 500 for want of libcrypto, which pages need.
 */
#pragma once
#include "api/request.h"

struct rules_filter {
	bool alerting, recording, with_alerts;
	struct matchers *matches; /* any of them; n 0: no such question */
	size_t n_matches;
	size_t limit;	  /* groups on a page; 0: all */
	struct str token; /* of the first group; empty: the first there is */
};

void bad_data(struct request *, const char *text); /* answers 400 in Prometheus's form */
bool rules_filter_parse(struct request *, struct rules_filter *) MUST_USE;
/* The same but for the page, and without an answer: what is wrong, or NULL. */
const char *rules_filter_read(struct request *, struct rules_filter *) MUST_USE;
bool rules_filter_takes(const struct request *, const struct rules_filter *,
			const struct rule_view *);
bool rules_filter_takes_group(const struct request *, const char *file, const char *name);
/* What the page that begins with this group is called; only for a filter with a limit. */
const char *rules_token(struct arena *, const char *file, const char *name);
