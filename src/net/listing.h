/* listing.h - the paths that a pattern names. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

/* Sorted; none is no mistake, nor is a folder that is not there. False when a folder cannot
 * be read: it may have some. */
bool list_paths(struct arena *, const char *pattern, const char ***paths, size_t *n,
		struct err *) MUST_USE;
