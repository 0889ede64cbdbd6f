/* loki.h - Loki's instant query, LogQL (spec/rules.md 19.6). Its answer has the shape of
 * Prometheus's. */
#pragma once
#include "backend/backend.h"

void loki_compose(struct arena *, const struct query_wish *, struct http_request *);
