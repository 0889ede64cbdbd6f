/* outside.h - what the pure folders may not touch themselves: files, globs, time zones and
 * the environment, as the callbacks they ask for. */
#pragma once
#include "config/config.h"

#define FILE_MAX_BYTES ((size_t)16 * 1024 * 1024)

extern const struct files outside_files;

bool outside_read(void *ctx, struct arena *, const char *path, struct str *,
		  struct err *) MUST_USE;
bool outside_glob(void *ctx, struct arena *, const char *pattern, const char ***paths,
		  size_t *n, struct err *) MUST_USE;
/* Zones are read once and kept. NULL: there is none of that name. */
const struct zone *outside_zone(void *ctx, struct str name);
const char *outside_env(void *ctx, const char *name);
/* Whether the system lists it among its libraries, without loading it; true when there is
 * no such list. */
bool outside_has_library(const char *file);
