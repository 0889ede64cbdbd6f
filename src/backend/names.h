/* names.h - which of some metrics a backend knows: a question and its answer.
 *
 * Pure, as backend.h. Only for backends that speak Prometheus's API.
 */
#pragma once
#include "base/map.h"
#include "engine/wire.h"
#include "config/config.h"

/* Names that can be asked for; others would need quoting that not all backends know. */
bool name_is_plain(const char *name);
/* Whether they had a sample from..to; the names are plain, and together not longer than a
 * URL may be. */
void names_compose(struct arena *, const struct datasource *, const char *const *names,
		   size_t n, wall_ms from, wall_ms to, struct http_request *);
/* Those that had one; in the arena. */
bool names_judge(struct arena *, const struct http_answer *, const char ***names, size_t *n,
		 struct err *) MUST_USE;
