/* backend.h - metrics backends: a query becomes request bytes, an answer becomes samples.
 *
 * Pure: nothing here speaks to a network.
 * Memory: in the arena given.
 * Failure: a truncated or malformed answer is an error, never fewer samples, because "no
 *          samples" resolves alerts; a partial one says that it is.
 * Spec:   spec/rules.md 19.
 */
#pragma once
#include "engine/event.h"
#include "engine/wire.h"

void backend_compose(struct arena *, const struct query_wish *, struct http_request *);
/* Fills the samples or the error. warning is the backend's first one, or NULL. raw as in
 * the wish; only Prometheus is asked so. */
void backend_judge(struct arena *, const struct datasource *, bool raw,
		   const struct http_answer *, struct query_ended *out);
