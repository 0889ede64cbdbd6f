#include "base/base.h"
#include "text/time_format.h"
#include "text/layout.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const months[] = {"January",	  "February", "March",	  "April",
				     "May",	  "June",     "July",	  "August",
				     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
				       "Thursday", "Friday", "Saturday"};

const char *month_name(int month)
{
	return months[month - 1];
}

const char *weekday_name(int weekday)
{
	return weekdays[weekday];
}

static void add_offset(struct buf *b, int32_t off, const struct element *e)
{
	int32_t minutes = off / 60;

	if (e->is_iso && off == 0) {
		buf_add_char(b, 'Z');
		return;
	}
	buf_add_char(b, minutes < 0 ? '-' : '+');
	minutes = abs(minutes);
	buf_addf(b, "%02d", minutes / 60);
	if (e->parts > 1)
		buf_addf(b, "%s%02d", e->has_colon ? ":" : "", minutes % 60);
	if (e->parts > 2)
		buf_addf(b, "%s%02d", e->has_colon ? ":" : "", abs(off) % 60);
}

static void add_zone_name(struct buf *b, const struct moment *m)
{
	static const struct element offset = {.parts = 2};
	const char *name = m->t.off ? "" : "UTC";

	if (m->zone)
		zone_offset(m->zone, m->t.s, &name);
	if (name && *name)
		buf_add_text(b, name);
	else
		add_offset(b, m->t.off, &offset);
}

static void add_fraction(struct buf *b, int32_t ns, const struct element *e)
{
	char digits[16];
	size_t n = MIN(e->text.n - 1, 9);

	snprintf(digits, sizeof(digits), "%09d", ns);
	if (e->kind == ELEMENT_FRACTION_SHORT) {
		while (n && digits[n - 1] == '0')
			n--;
		if (!n)
			return;
	}
	buf_add_char(b, e->text.p[0]);
	buf_add(b, digits, n);
}

static int hour12(int hour)
{
	return hour % 12 ? hour % 12 : 12;
}

static void add_year(struct buf *b, int64_t year)
{
	buf_addf(b, year < 0 ? "-%04lld" : "%04lld", llabs((long long)year));
}

static void add_element(struct buf *b, const struct element *e, const struct moment *m,
			const struct civil *c)
{
	switch (e->kind) {
	case ELEMENT_NONE:
		break;
	case ELEMENT_LONG_MONTH:
		buf_add_text(b, month_name(c->month));
		break;
	case ELEMENT_MONTH:
		buf_add(b, month_name(c->month), 3);
		break;
	case ELEMENT_NUM_MONTH:
		buf_add_int(b, c->month);
		break;
	case ELEMENT_ZERO_MONTH:
		buf_addf(b, "%02d", c->month);
		break;
	case ELEMENT_LONG_WEEKDAY:
		buf_add_text(b, weekday_name(c->weekday));
		break;
	case ELEMENT_WEEKDAY:
		buf_add(b, weekday_name(c->weekday), 3);
		break;
	case ELEMENT_DAY:
		buf_add_int(b, c->day);
		break;
	case ELEMENT_UNDER_DAY:
		buf_addf(b, "%2d", c->day);
		break;
	case ELEMENT_ZERO_DAY:
		buf_addf(b, "%02d", c->day);
		break;
	case ELEMENT_UNDER_YEARDAY:
		buf_addf(b, "%3d", c->yearday);
		break;
	case ELEMENT_ZERO_YEARDAY:
		buf_addf(b, "%03d", c->yearday);
		break;
	case ELEMENT_HOUR:
		buf_addf(b, "%02d", c->hour);
		break;
	case ELEMENT_HOUR12:
		buf_add_int(b, hour12(c->hour));
		break;
	case ELEMENT_ZERO_HOUR12:
		buf_addf(b, "%02d", hour12(c->hour));
		break;
	case ELEMENT_MINUTE:
		buf_add_int(b, c->minute);
		break;
	case ELEMENT_ZERO_MINUTE:
		buf_addf(b, "%02d", c->minute);
		break;
	case ELEMENT_SECOND:
		buf_add_int(b, c->second);
		break;
	case ELEMENT_ZERO_SECOND:
		buf_addf(b, "%02d", c->second);
		break;
	case ELEMENT_LONG_YEAR:
		add_year(b, c->year);
		break;
	case ELEMENT_YEAR:
		buf_addf(b, "%02d", (int)(c->year < 0 ? 0 : c->year % 100));
		break;
	case ELEMENT_PM:
		buf_add_text(b, c->hour >= 12 ? "PM" : "AM");
		break;
	case ELEMENT_SMALL_PM:
		buf_add_text(b, c->hour >= 12 ? "pm" : "am");
		break;
	case ELEMENT_ZONE_NAME:
		add_zone_name(b, m);
		break;
	case ELEMENT_OFFSET:
		add_offset(b, m->t.off, e);
		break;
	case ELEMENT_FRACTION:
	case ELEMENT_FRACTION_SHORT:
		add_fraction(b, m->t.ns, e);
		break;
	}
}

void buf_add_time(struct buf *b, const struct moment *m, struct str layout)
{
	struct civil c = civil_of(m->t.s, m->t.off);
	struct element e;

	while (layout.n && !b->full) {
		e = layout_next(layout);
		buf_add_str(b, e.before);
		add_element(b, &e, m, &c);
		layout = e.kind == ELEMENT_NONE ? STR("") : e.rest;
	}
}

void buf_add_time_text(struct buf *b, const struct moment *m)
{
	buf_add_time(b, m, STR("2006-01-02 15:04:05.999999999 -0700 MST"));
}

void buf_add_time_rfc3339(struct buf *b, const struct moment *m)
{
	buf_add_instant(b, m->t);
}

void buf_add_go_time(struct buf *b, const struct moment *m)
{
	struct civil c = civil_of(m->t.s, m->t.off);

	buf_addf(b, "time.Date(%lld, time.%s, %d, %d, %d, %d, %d, ", (long long)c.year,
		 month_name(c.month), c.day, c.hour, c.minute, c.second, m->t.ns);
	if (!m->zone && m->t.off)
		buf_add_text(b, "time.Location(\"\")");
	else if (!m->zone || m->zone == &zone_utc)
		buf_add_text(b, "time.UTC");
	else
		buf_addf(b, "time.Location(\"%s\")", zone_name(m->zone));
	buf_add_char(b, ')');
}
