#include "base/base.h"
#include "config/interval.h"

static bool is_in(const struct ranges *all, int value)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].first <= value && value <= all->v[i].last)
			return true;
	}
	return !all->present;
}

static bool is_in_times(const struct ranges *all, int minute)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->v[i].first <= minute && minute < all->v[i].last)
			return true;
	}
	return !all->present;
}

static int clamp(int value, int most)
{
	return value > most ? most : value < -most ? -most : value;
}

/* Negative days count from the month's end; a range that begins after it is skipped. */
static bool is_in_month_days(const struct ranges *all, int day, int month_days)
{
	for (size_t i = 0; i < all->n; i++) {
		int first = all->v[i].first, last = all->v[i].last;

		first = first < 0 ? month_days + first + 1 : first;
		last = last < 0 ? month_days + last + 1 : last;
		if (first <= month_days && clamp(first, month_days) <= day &&
		    day <= clamp(last, month_days))
			return true;
	}
	return !all->present;
}

bool interval_spec_contains(const struct interval_spec *s, wall_ms at)
{
	int64_t unix_s = instant_of_ms(at).s;
	struct civil c = civil_of(unix_s, zone_offset(s->zone, unix_s, NULL));

	return is_in_times(&s->times, c.hour * 60 + c.minute) &&
	       is_in_month_days(&s->days_of_month, c.day,
				civil_month_days(c.year, c.month)) &&
	       is_in(&s->months, c.month) && is_in(&s->weekdays, c.weekday) &&
	       is_in(&s->years, (int)c.year);
}

bool time_interval_contains(const struct time_interval *t, wall_ms at)
{
	for (size_t i = 0; i < t->n_specs; i++) {
		if (interval_spec_contains(&t->specs[i], at))
			return true;
	}
	return false;
}
