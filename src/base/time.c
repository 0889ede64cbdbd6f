#include "base/base.h"
#include "base/time.h"

#include <stdio.h>
#include <string.h>

#define NS_PER_S  1000000000
#define NS_PER_MS 1000000

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

struct instant instant_of_ms(wall_ms ms)
{
	int64_t s = floor_div(ms, 1000);

	return (struct instant){s, (int32_t)(ms - s * 1000) * NS_PER_MS, 0};
}

wall_ms instant_ms(struct instant t)
{
	wall_ms ms;

	if (__builtin_mul_overflow(t.s, 1000, &ms))
		return t.s < 0 ? INT64_MIN : NEVER;
	return ms + t.ns / NS_PER_MS;
}

struct instant instant_add_ns(struct instant t, int64_t ns)
{
	int64_t s = floor_div(ns, NS_PER_S);

	t.s += s;
	t.ns += (int32_t)(ns - s * NS_PER_S);
	if (t.ns >= NS_PER_S) {
		t.ns -= NS_PER_S;
		t.s++;
	}
	return t;
}

struct instant instant_add_ms(struct instant t, span_ms ms)
{
	int64_t s = floor_div(ms, 1000);

	t.s += s;
	return instant_add_ns(t, (ms - s * 1000) * NS_PER_MS);
}

/* Days since 1970-01-01 of a civil date, and back: years counted from March, so that the
 * leap day is the last of its year. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2), era = floor_div(y, 400), in_era = y - era * 400;
	int64_t yearday = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + yearday - 719468;
}

struct civil civil_of(int64_t unix_s, int32_t off)
{
	int64_t t = unix_s + off, days = floor_div(t, 86400), rest = t - days * 86400;
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct civil c = {
		.month = (int)(mp < 10 ? mp + 3 : mp - 9),
		.day = (int)(doy - (153 * mp + 2) / 5 + 1),
		.hour = (int)(rest / 3600),
		.minute = (int)(rest / 60 % 60),
		.second = (int)(rest % 60),
		.weekday = (int)(((days + 4) % 7 + 7) % 7),
	};

	c.year = yoe + era * 400 + (c.month <= 2);
	c.yearday = (int)(days - days_of(c.year, 1, 1)) + 1;
	return c;
}

int64_t civil_seconds(const struct civil *c)
{
	int64_t months = c->year * 12 + c->month - 1, year = floor_div(months, 12);
	int64_t days = days_of(year, (int)(months - year * 12) + 1, 1) + c->day - 1;

	return days * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
}

int civil_month_days(int64_t year, int month)
{
	return (int)(days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1,
			     1) -
		     days_of(year, month, 1));
}

/* Takes exactly n digits, or leaves the str alone. */
static bool take_digits(struct str *s, size_t n, int *out)
{
	int v = 0;

	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	*s = str_from(*s, n);
	*out = v;
	return true;
}

static bool take_char(struct str *s, const char *any)
{
	if (!s->n || !strchr(any, s->p[0]))
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool take_fraction(struct str *s, int32_t *ns)
{
	int32_t unit = NS_PER_S / 10;
	size_t digits = 0;

	*ns = 0;
	if (!take_char(s, ".,"))
		return true;
	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; digits++, unit /= 10) {
		*ns += unit * (s->p[0] - '0');
		*s = str_from(*s, 1);
	}
	return digits > 0;
}

static bool take_offset(struct str *s, int32_t *off)
{
	bool west = s->n && s->p[0] == '-';
	int hours, minutes;

	*off = 0;
	if (take_char(s, "Zz"))
		return true;
	if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
	    !take_digits(s, 2, &minutes) || hours > 24 || minutes > 59)
		return false;
	*off = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return true;
}

bool instant_parse(struct str s, struct instant *out)
{
	struct civil c = {0};
	int year;

	if (!take_digits(&s, 4, &year) || !take_char(&s, "-") ||
	    !take_digits(&s, 2, &c.month) || !take_char(&s, "-") ||
	    !take_digits(&s, 2, &c.day) || !take_char(&s, "Tt") ||
	    !take_digits(&s, 2, &c.hour) || !take_char(&s, ":") ||
	    !take_digits(&s, 2, &c.minute) || !take_char(&s, ":") ||
	    !take_digits(&s, 2, &c.second) || !take_fraction(&s, &out->ns) ||
	    !take_offset(&s, &out->off) || s.n)
		return false;
	c.year = year;
	if (c.month < 1 || c.month > 12 || c.day < 1 ||
	    c.day > civil_month_days(c.year, c.month) || c.hour > 23 || c.minute > 59 ||
	    c.second > 59)
		return false;
	out->s = civil_seconds(&c) - out->off;
	return true;
}

static char *put_digits(char *p, int width, int64_t v)
{
	for (int i = width; i-- > 0; v /= 10)
		p[i] = (char)('0' + v % 10);
	return p + width;
}

static char *put_part(char *p, char before, int v)
{
	*p++ = before;
	return put_digits(p, 2, v);
}

static void add_date_time(struct buf *b, struct instant t)
{
	struct civil c = civil_of(t.s, t.off);
	char text[32], *p = text;

	if (c.year < 0 || c.year > 9999) {
		buf_addf(b, "%04lld", (long long)c.year);
	} else {
		p = put_digits(p, 4, c.year);
	}
	p = put_part(p, '-', c.month);
	p = put_part(p, '-', c.day);
	p = put_part(p, 'T', c.hour);
	p = put_part(p, ':', c.minute);
	p = put_part(p, ':', c.second);
	buf_add(b, text, (size_t)(p - text));
}

static void add_offset(struct buf *b, int32_t off)
{
	int32_t minutes = (off < 0 ? -off : off) / 60;

	if (off == 0)
		buf_add_char(b, 'Z');
	else
		buf_addf(b, "%c%02d:%02d", off < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

void buf_add_instant(struct buf *b, struct instant t)
{
	char fraction[12];
	int n;

	add_date_time(b, t);
	if (t.ns) {
		n = snprintf(fraction, sizeof(fraction), ".%09d", t.ns);
		while (fraction[n - 1] == '0')
			n--;
		buf_add(b, fraction, (size_t)n);
	}
	add_offset(b, t.off);
}

void buf_add_instant_ms(struct buf *b, struct instant t)
{
	char fraction[4] = ".";

	add_date_time(b, t);
	put_digits(fraction + 1, 3, t.ns / NS_PER_MS);
	buf_add(b, fraction, sizeof(fraction));
	add_offset(b, t.off);
}

struct unit {
	const char *name;
	int64_t size;
};

static const struct unit span_units[] = {
	{"y", 365 * DAY}, {"w", 7 * DAY}, {"d", DAY}, {"h", HOUR},
	{"m", MINUTE},	  {"s", SECOND},  {"ms", 1},
};

/* The row of the unit that s starts with: its letters up to the next digit. */
static size_t take_unit(struct str *s, const struct unit *units, size_t n, struct str *word)
{
	size_t len = 0;

	while (len < s->n && !(s->p[len] >= '0' && s->p[len] <= '9') && s->p[len] != '.')
		len++;
	*word = str_slice(*s, 0, len);
	*s = str_from(*s, len);
	for (size_t i = 0; i < n; i++) {
		if (str_is(*word, units[i].name))
			return i;
	}
	return n;
}

#define SPAN_MAX (INT64_MAX / NS_PER_MS) /* what Go's nanoseconds can hold: 292 years */

bool span_parse(struct str whole, struct pos at, span_ms *out, struct err *err)
{
	struct str s = whole, word;
	size_t row, least = 0;
	int64_t count, part, sum = 0;

	if (!s.n)
		return err_set(err, at, "empty duration string");
	if (str_is(s, "0")) {
		*out = 0;
		return true;
	}
	while (s.n) {
		size_t digits = 0;

		while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
			digits++;
		if (!digits)
			return err_set(err, at, "not a valid duration string: \"%.*s\"",
				       FMT(whole));
		if (!str_int(str_slice(s, 0, digits), &count))
			return err_set(err, at, "duration out of range");
		s = str_from(s, digits);
		row = take_unit(&s, span_units, COUNT_OF(span_units), &word);
		if (!word.n)
			return err_set(err, at,
				       "not a valid duration string: \"%.*s\" (a unit is "
				       "missing: y, w, d, h, m, s or ms)",
				       FMT(whole));
		if (row == COUNT_OF(span_units))
			return err_set(err, at,
				       "unknown unit \"%.*s\" in duration \"%.*s\"",
				       FMT(word), FMT(whole));
		if (row < least)
			return err_set(err, at,
				       "not a valid duration string: \"%.*s\" (units must "
				       "fall: y, w, d, h, m, s, ms)",
				       FMT(whole));
		least = row + 1;
		if (__builtin_mul_overflow(count, span_units[row].size, &part) ||
		    __builtin_add_overflow(sum, part, &sum) || sum > SPAN_MAX)
			return err_set(err, at, "duration out of range");
	}
	*out = sum;
	return true;
}

void buf_add_span(struct buf *b, span_ms ms)
{
	if (ms == 0) {
		buf_add_text(b, "0s");
		return;
	}
	if (ms < 0) {
		buf_add_char(b, '-');
		ms = -ms;
	}
	for (size_t i = 0; i < COUNT_OF(span_units); i++) {
		int64_t size = span_units[i].size;
		bool only_exact = i < 2; /* years and weeks */

		if (ms < size || (only_exact && ms % size))
			continue;
		buf_add_int(b, ms / size);
		buf_add_text(b, span_units[i].name);
		ms %= size;
	}
}

static const struct unit go_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"\xC2\xB5s", 1000}, /* micro sign */
	{"\xCE\xBCs", 1000}, /* Greek mu */
	{"ms", NS_PER_MS},
	{"s", NS_PER_S},
	{"m", INT64_C(60) * NS_PER_S},
	{"h", INT64_C(3600) * NS_PER_S},
};

bool go_duration_parse(struct str s, int64_t *out)
{
	bool negative = s.n && s.p[0] == '-';
	uint64_t sum = 0, whole, part;
	struct str word;

	take_char(&s, "+-");
	if (str_is(s, "0")) {
		*out = 0;
		return true;
	}
	if (!s.n)
		return false;
	while (s.n) {
		double fraction = 0, scale = 1;
		size_t digits = 0;
		size_t row;

		for (whole = 0; s.n && s.p[0] >= '0' && s.p[0] <= '9'; digits++) {
			if (__builtin_mul_overflow(whole, 10u, &whole) ||
			    __builtin_add_overflow(whole, (uint64_t)(s.p[0] - '0'), &whole))
				return false;
			s = str_from(s, 1);
		}
		if (take_char(&s, ".")) {
			for (; s.n && s.p[0] >= '0' && s.p[0] <= '9'; digits++) {
				fraction = fraction * 10 + (s.p[0] - '0');
				scale *= 10;
				s = str_from(s, 1);
			}
		}
		row = take_unit(&s, go_units, COUNT_OF(go_units), &word);
		if (!digits || row == COUNT_OF(go_units))
			return false;
		if (__builtin_mul_overflow(whole, (uint64_t)go_units[row].size, &part) ||
		    __builtin_add_overflow(
			    part,
			    (uint64_t)(fraction * ((double)go_units[row].size / scale)),
			    &part) ||
		    __builtin_add_overflow(sum, part, &sum) ||
		    sum > (uint64_t)INT64_MAX + negative)
			return false;
	}
	*out = negative ? (int64_t)-sum : (int64_t)sum;
	return true;
}

/* digits of v / unit with its fraction, trailing zeros dropped */
static void add_fraction(struct buf *b, uint64_t v, uint64_t unit)
{
	char digits[24];
	int width = 0, n;

	buf_addf(b, "%llu", (unsigned long long)(v / unit));
	v %= unit;
	if (!v)
		return;
	for (uint64_t u = unit; u > 1; u /= 10)
		width++;
	n = snprintf(digits, sizeof(digits), ".%0*llu", width, (unsigned long long)v);
	while (digits[n - 1] == '0')
		n--;
	buf_add(b, digits, (size_t)n);
}

void buf_add_go_duration(struct buf *b, int64_t ns)
{
	uint64_t u = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, minutes;

	if (!u) {
		buf_add_text(b, "0s");
		return;
	}
	if (ns < 0)
		buf_add_char(b, '-');
	if (u < 1000) {
		buf_addf(b, "%lluns", (unsigned long long)u);
	} else if (u < NS_PER_MS) {
		add_fraction(b, u, 1000);
		buf_add_text(b, "\xC2\xB5s");
	} else if (u < NS_PER_S) {
		add_fraction(b, u, NS_PER_MS);
		buf_add_text(b, "ms");
	} else {
		minutes = u / NS_PER_S / 60;
		if (minutes >= 60)
			buf_addf(b, "%lluh", (unsigned long long)(minutes / 60));
		if (minutes)
			buf_addf(b, "%llum", (unsigned long long)(minutes % 60));
		add_fraction(b, u - minutes * 60 * NS_PER_S, NS_PER_S);
		buf_add_char(b, 's');
	}
}
