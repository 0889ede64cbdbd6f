/* graphite.h - Graphite's render API (spec/rules.md 19.7): each target's last point that
 * is there is a sample, its tags are the labels. */
#pragma once
#include "backend/backend.h"

void graphite_compose(struct arena *, const struct query_wish *, struct http_request *);
bool graphite_judge(struct arena *, const struct datasource *, const struct http_answer *,
		    struct samples *, struct err *) MUST_USE;
