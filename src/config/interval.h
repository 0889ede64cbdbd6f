/* interval.h - named time intervals: when routes are muted or active.
 *
 * Spec: spec/config.md 10, spec/routing.md 8.
 */
#pragma once
#include "base/err.h"
#include "base/time.h"
#include "base/zone.h"

struct range {
	int first, last;
};
struct ranges {
	bool present; /* absent matches always; present but empty never */
	struct range *v;
	size_t n;
};
struct interval_spec {
	struct ranges times; /* minutes of the day, last exclusive */
	struct ranges weekdays, days_of_month, months, years; /* last inclusive */
	const struct zone *zone;
	const char *location; /* as written; "" for UTC */
};
struct time_interval {
	struct pos at;
	const char *name;
	struct interval_spec *specs;
	size_t n_specs;
	bool deprecated; /* stood under mute_time_intervals */
};

bool interval_spec_contains(const struct interval_spec *, wall_ms);
bool time_interval_contains(const struct time_interval *, wall_ms);
