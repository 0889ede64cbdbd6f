/* time.h - instants, lengths of time, and their text forms. Reads no clock.
 *
 * Units: wall_ms and span_ms are milliseconds. struct instant keeps what people post and
 *        read back: nanoseconds and the UTC offset they wrote.
 * Specs: spec/config.md 3.1 (durations), Go's time.Duration text, RFC 3339.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef int64_t wall_ms; /* an instant on the calendar: ms since 1970-01-01 UTC */
typedef int64_t mono_ms; /* an instant on the steady clock: only for net/ timers */
typedef int64_t span_ms; /* a length of time */
#define NEVER INT64_MAX

#define SECOND ((span_ms)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* An instant as Go's time.Time keeps it. */
struct instant {
	int64_t s;   /* seconds since 1970-01-01 UTC */
	int32_t ns;  /* 0 .. 999999999 */
	int32_t off; /* the zone it is shown in: seconds east of UTC */
};
/* Go's zero time, 0001-01-01T00:00:00Z: "no time". */
#define INSTANT_ZERO ((struct instant){INT64_C(-62135596800), 0, 0})

static inline bool instant_is_zero(struct instant t)
{
	return t.s == INSTANT_ZERO.s && t.ns == 0;
}
/* The offset does not count. */
static inline int instant_cmp(struct instant a, struct instant b)
{
	if (a.s != b.s)
		return a.s < b.s ? -1 : 1;
	return (a.ns > b.ns) - (a.ns < b.ns);
}
struct instant instant_of_ms(wall_ms); /* UTC */
wall_ms instant_ms(struct instant);    /* rounded down */
struct instant instant_add_ns(struct instant, int64_t ns);
struct instant instant_add_ms(struct instant, span_ms);

/* RFC 3339 with optional fraction (at most 9 digits kept). */
bool instant_parse(struct str, struct instant *) MUST_USE;
void buf_add_instant(struct buf *,
		     struct instant); /* RFC3339Nano: trailing zeros dropped */
void buf_add_instant_ms(struct buf *, struct instant); /* always .000, in its own offset */

/* The calendar, proleptic Gregorian, in the offset given. */
struct civil {
	int64_t year;
	int month, day; /* from 1 */
	int hour, minute, second;
	int weekday, yearday; /* weekday 0 is Sunday; yearday from 1 */
};
struct civil civil_of(int64_t unix_s, int32_t off);
int64_t civil_seconds(const struct civil *); /* as UTC; out of range fields roll over */
int civil_month_days(int64_t year, int month);

/* Prometheus durations, "1h30m", also "0" (spec/config.md 3.1). The message lacks a place
 * of its own: at is used as it is. */
bool span_parse(struct str, struct pos at, span_ms *, struct err *) MUST_USE;
void buf_add_span(struct buf *, span_ms);

/* Go durations, "1.5h", "-300ms", in nanoseconds (flags, some receivers). */
bool go_duration_parse(struct str, int64_t *ns) MUST_USE;
void buf_add_go_duration(struct buf *, int64_t ns);
