/* alertmanager.h - the silences that an Alertmanager left in its data directory, so that a
 * daemon begun in the same place keeps them (spec/routing.md appendix A.2).
 *
 * Memory:  each silence lives until its visit ends.
 * Failure: what is not whole, or has what a silence of ours cannot have (several sets of
 *          matchers), is told to broken and left out; the rest goes on.
 */
#pragma once
#include "model/silence.h"

struct alertmanager_visitor {
	void *ctx;
	void (*silence)(void *ctx, const struct silence *);
	void (*broken)(void *ctx, const char *id, const char *why);
};
void alertmanager_silences_read(struct str snapshot, const struct alertmanager_visitor *);
