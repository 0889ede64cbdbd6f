#include "base/base.h"
#include "base/zone.h"

#include <string.h>

struct local_type {
	int32_t off;
	const char *abbreviation;
};
struct change { /* "M10.5.0/3", "J60", "59" of a POSIX rule */
	enum { BY_WEEK, BY_JULIAN, BY_YEARDAY } kind;
	int month, week, day;
	int32_t at; /* seconds after midnight, local time before the change */
};
struct rule {
	bool present, has_summer;
	struct local_type normal, summer;
	struct change start, end;
};
struct zone {
	const char *name;
	size_t n_times, n_types;
	const int64_t *times;	      /* rising */
	const unsigned char *type_at; /* n_times of them: index into types */
	const struct local_type *types;
	struct rule after;
};

static const struct local_type utc_type = {0, "UTC"};
const struct zone zone_utc = {.name = "UTC", .n_types = 1, .types = &utc_type};

static uint64_t big_endian(struct str s, size_t at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (unsigned char)s.p[at + i];
	return v;
}

struct counts {
	size_t isut, isstd, leap, times, types, chars;
};

#define HEADER 44

static bool read_counts(struct str s, struct counts *c)
{
	if (s.n < HEADER || !str_starts(s, STR("TZif")))
		return false;
	c->isut = big_endian(s, 20, 4);
	c->isstd = big_endian(s, 24, 4);
	c->leap = big_endian(s, 28, 4);
	c->times = big_endian(s, 32, 4);
	c->types = big_endian(s, 36, 4);
	c->chars = big_endian(s, 40, 4);
	return c->times < 100000 && c->types > 0 && c->types < 256 && c->chars < 100000 &&
	       c->leap < 10000 && c->isut < 256 && c->isstd < 256;
}

static size_t body_size(const struct counts *c, size_t time_size)
{
	return c->times * (time_size + 1) + c->types * 6 + c->chars +
	       c->leap * (time_size + 4) + c->isstd + c->isut;
}

static bool read_body(struct arena *mem, struct zone *z, struct str s,
		      const struct counts *c)
{
	int64_t *times = ARENA_ARRAY(mem, int64_t, c->times);
	struct local_type *types = ARENA_ARRAY(mem, struct local_type, c->types);
	size_t at = c->times * 8, names = at + c->times + c->types * 6;

	for (size_t i = 0; i < c->times; i++)
		times[i] = (int64_t)big_endian(s, i * 8, 8);
	z->type_at = (const unsigned char *)arena_str(mem, str_slice(s, at, c->times)).p;
	for (size_t i = 0; i < c->times; i++) {
		if (z->type_at[i] >= c->types)
			return false;
	}
	at += c->times;
	for (size_t i = 0; i < c->types; i++, at += 6) {
		size_t name = (size_t)big_endian(s, at + 5, 1);
		struct str rest;

		if (name >= c->chars)
			return false;
		rest = str_slice(s, names + name, c->chars - name);
		types[i].off = (int32_t)(uint32_t)big_endian(s, at, 4);
		types[i].abbreviation = arena_copy(
			mem, str_slice(rest, 0, strnlen(rest.p, rest.n)));
	}
	z->n_times = c->times;
	z->n_types = c->types;
	z->times = times;
	z->types = types;
	return true;
}

/*	rule   = name offset [ name [ offset ] "," change "," change ]
 *	name   = letters | "<" anything ">"
 *	offset = [+-] hh [ ":" mm [ ":" ss ] ]		west of Greenwich is positive
 *	change = ( "M" m "." w "." d | "J" n | n ) [ "/" offset ]			*/

static bool is_digit(struct str s)
{
	return s.n && s.p[0] >= '0' && s.p[0] <= '9';
}

static bool scan_name(struct arena *mem, struct str *s, const char **name)
{
	size_t n = 0;

	if (s->n && s->p[0] == '<') {
		n = str_find_char(*s, '>');
		if (n == STR_NONE)
			return false;
		*name = arena_copy(mem, str_slice(*s, 1, n - 1));
		*s = str_from(*s, n + 1);
		return true;
	}
	while (n < s->n &&
	       ((s->p[n] >= 'A' && s->p[n] <= 'Z') || (s->p[n] >= 'a' && s->p[n] <= 'z')))
		n++;
	*name = arena_copy(mem, str_slice(*s, 0, n));
	*s = str_from(*s, n);
	return n >= 3;
}

static bool scan_number(struct str *s, int *out)
{
	if (!is_digit(*s))
		return false;
	for (*out = 0; is_digit(*s) && *out < 10000; *s = str_from(*s, 1))
		*out = *out * 10 + (s->p[0] - '0');
	return true;
}

static bool scan_clock(struct str *s, int32_t *seconds)
{
	int sign = 1, part, unit = 3600;

	if (s->n && (s->p[0] == '-' || s->p[0] == '+')) {
		sign = s->p[0] == '-' ? -1 : 1;
		*s = str_from(*s, 1);
	}
	*seconds = 0;
	do {
		if (!scan_number(s, &part))
			return false;
		*seconds += part * unit;
		unit /= 60;
	} while (unit && s->n && s->p[0] == ':' && (*s = str_from(*s, 1), true));
	*seconds *= sign;
	return true;
}

static bool scan_literal(struct str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = str_from(*s, 1);
	return true;
}

static bool scan_change(struct str *s, struct change *c)
{
	*c = (struct change){.kind = BY_YEARDAY, .at = 2 * 3600};
	if (scan_literal(s, 'M')) {
		c->kind = BY_WEEK;
		if (!scan_number(s, &c->month) || !scan_literal(s, '.') ||
		    !scan_number(s, &c->week) || !scan_literal(s, '.') ||
		    !scan_number(s, &c->day) || c->month < 1 || c->month > 12 ||
		    c->week < 1 || c->week > 5 || c->day > 6)
			return false;
	} else {
		if (scan_literal(s, 'J'))
			c->kind = BY_JULIAN;
		if (!scan_number(s, &c->day))
			return false;
	}
	return !scan_literal(s, '/') || scan_clock(s, &c->at);
}

static bool read_rule(struct arena *mem, struct str s, struct rule *r)
{
	if (!scan_name(mem, &s, &r->normal.abbreviation) || !scan_clock(&s, &r->normal.off))
		return false;
	r->normal.off = -r->normal.off;
	r->present = true;
	if (!s.n)
		return true;
	if (!scan_name(mem, &s, &r->summer.abbreviation))
		return false;
	r->summer.off = r->normal.off + 3600;
	if (s.n && s.p[0] != ',') {
		if (!scan_clock(&s, &r->summer.off))
			return false;
		r->summer.off = -r->summer.off;
	}
	r->has_summer = true;
	return scan_literal(&s, ',') && scan_change(&s, &r->start) &&
	       scan_literal(&s, ',') && scan_change(&s, &r->end) && !s.n;
}

const struct zone *zone_parse(struct arena *mem, const char *name, struct str s,
			      struct err *err)
{
	struct zone *z = ARENA_NEW(mem, struct zone);
	struct counts c;
	size_t skip;

	z->name = arena_text(mem, name);
	if (!read_counts(s, &c))
		goto bad;
	skip = HEADER + body_size(&c, 4); /* the block of 32-bit times */
	s = str_from(s, skip);
	if (!read_counts(s, &c))
		goto bad;
	s = str_from(s, HEADER);
	if (s.n < body_size(&c, 8) || !read_body(mem, z, s, &c))
		goto bad;
	s = str_trim(str_from(s, body_size(&c, 8)));
	if (s.n && !read_rule(mem, s, &z->after))
		goto bad;
	return z;
bad:
	err_set(err, NOWHERE, "the data of time zone %s is damaged", name);
	return NULL;
}

const struct zone *zone_fixed(struct arena *mem, const char *name, int32_t off)
{
	struct local_type *type = ARENA_NEW(mem, struct local_type);
	struct zone *z = ARENA_NEW(mem, struct zone);

	*type = (struct local_type){off, arena_text(mem, name)};
	*z = (struct zone){.name = type->abbreviation, .n_types = 1, .types = type};
	return z;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

/* Local seconds since the epoch at which the change happens in that year. */
static int64_t change_in(const struct change *c, int64_t year)
{
	struct civil day = {.year = year, .month = 1, .day = c->day + 1};
	struct civil first;
	bool leap = civil_month_days(year, 2) == 29;

	if (c->kind == BY_JULIAN)
		day.day = c->day + (leap && c->day >= 60);
	if (c->kind == BY_WEEK) {
		day = (struct civil){.year = year, .month = c->month, .day = 1};
		first = civil_of(civil_seconds(&day), 0);
		day.day += (c->day - first.weekday + 7) % 7 + (c->week - 1) * 7;
		while (day.day > civil_month_days(year, c->month))
			day.day -= 7;
	}
	return civil_seconds(&day) + c->at;
}

static const struct local_type *type_by_rule(const struct rule *r, int64_t t)
{
	int64_t year, start, end;

	if (!r->has_summer)
		return &r->normal;
	year = civil_of(t, r->normal.off).year;
	start = change_in(&r->start, year) - r->normal.off;
	end = change_in(&r->end, year) - r->summer.off;
	if (start < end)
		return t >= start && t < end ? &r->summer : &r->normal;
	return t >= end && t < start ? &r->normal : &r->summer;
}

static const struct local_type *type_at(const struct zone *z, int64_t t)
{
	size_t low = 0, high = z->n_times;

	if (z->after.present && (!z->n_times || t >= z->times[z->n_times - 1]))
		return type_by_rule(&z->after, t);
	while (low < high) { /* the number of transitions at or before t */
		size_t mid = low + (high - low) / 2;

		if (z->times[mid] <= t)
			low = mid + 1;
		else
			high = mid;
	}
	return &z->types[low ? z->type_at[low - 1] : 0];
}

int32_t zone_offset(const struct zone *z, int64_t t, const char **abbreviation)
{
	const struct local_type *type = type_at(z, t);

	if (abbreviation)
		*abbreviation = type->abbreviation;
	return type->off;
}
