/* zone.h - a time zone from TZif bytes (RFC 8536), without reading any file.
 *
 * Memory: in the arena given; names too. Immutable.
 * Times after the last transition follow the footer's POSIX rule, as zoneinfo files from
 * 2020 on need it.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "base/time.h"

struct zone;
extern const struct zone zone_utc;

/* NULL and err when the bytes are not a zone file. name is what people call it. */
const struct zone *zone_parse(struct arena *, const char *name, struct str tzif,
			      struct err *) MUST_USE;
/* A zone that is always off seconds east of UTC; name may be empty. */
const struct zone *zone_fixed(struct arena *, const char *name, int32_t off) MUST_USE;
const char *zone_name(const struct zone *); /* "Europe/Berlin", "UTC" */
/* Seconds east of UTC at the instant, and what the zone calls itself then ("CEST"). */
int32_t zone_offset(const struct zone *, int64_t unix_s, const char **abbreviation);
