#include "base/base.h"
#include "config/parts.h"

#include <string.h>

/* Named time intervals as the file writes them: times, days, months, years, a place. */

static const char *const day_names[] = {"sunday",   "monday", "tuesday",  "wednesday",
					"thursday", "friday", "saturday", NULL};
static const char *const month_names[] = {
	"january", "february",	"march",   "april",    "may",	   "june", "july",
	"august",  "september", "october", "november", "december", NULL};

/* The index of a word whatever its case, or -1. */
static int index_of(struct str word, const char *const *names)
{
	for (int i = 0; names[i]; i++) {
		if (word.n == strlen(names[i]) && !strncasecmp(word.p, names[i], word.n))
			return i;
	}
	return -1;
}

static bool is_number(struct str s, int *out)
{
	int64_t num;

	if (!str_int(s, &num) || num < -1000000 || num > 1000000)
		return false;
	*out = (int)num;
	return true;
}

/* -- one element of each kind --------------------------------------------------------- */
typedef bool (*read_one)(struct str, struct pos, int *, struct err *);

static bool read_weekday(struct str s, struct pos at, int *out, struct err *err)
{
	*out = index_of(s, day_names);
	return *out >= 0 || err_set(err, at, "%.*s is not a valid weekday", FMT(s));
}

static bool read_month(struct str s, struct pos at, int *out, struct err *err)
{
	*out = index_of(s, month_names) + 1;
	return *out > 0 || is_number(s, out) ||
	       err_set(err, at, "%.*s is not a valid month", FMT(s));
}

static bool read_month_day(struct str s, struct pos at, int *out, struct err *err)
{
	if (!is_number(s, out))
		return err_set(err, at, "%.*s is not a valid day of the month", FMT(s));
	if (!*out || *out < -31 || *out > 31)
		return err_set(err, at, "%d is not a valid day of the month: out of range",
			       *out);
	return true;
}

static bool read_year(struct str s, struct pos at, int *out, struct err *err)
{
	return is_number(s, out) || err_set(err, at, "%.*s is not a valid year", FMT(s));
}

/*	range = one [ ":" one ]		*/
static bool read_range(struct str s, struct pos at, read_one one, struct range *out,
		       struct err *err)
{
	size_t colon = str_find_char(s, ':');
	struct str last = str_from(s, colon + 1);

	if (colon == STR_NONE) {
		if (!one(s, at, &out->first, err))
			return false;
		out->last = out->first;
		return true;
	}
	if (str_find_char(last, ':') != STR_NONE)
		return err_set(err, at, "couldn't parse range %.*s, invalid format",
			       FMT(s));
	return one(str_slice(s, 0, colon), at, &out->first, err) &&
	       one(last, at, &out->last, err);
}

static bool check_range(struct range r, struct pos at, read_one one, struct err *err)
{
	int first = r.first < 0 ? 28 + r.first : r.first;
	int last = r.last < 0 ? 28 + r.last : r.last;

	if (one == read_month_day) {
		if (r.first < 0 && r.last > 0)
			return err_set(err, at,
				       "end day must be negative if start day is "
				       "negative");
		if (first > last)
			return err_set(err, at, "end day %d is always before start day %d",
				       r.last, r.first);
	} else if (r.first > r.last) {
		if (one == read_weekday)
			return err_set(err, at, "start day cannot be before end day");
		return err_set(err, at, "end %s is before start %s",
			       one == read_month ? "month" : "year",
			       one == read_month ? "month" : "year");
	}
	return true;
}

static void decode_ranges(struct decode *d, const struct yaml *y, read_one one,
			  struct ranges *out)
{
	if (!is_list(d, y, "a list"))
		return;
	out->present = true;
	out->v = ARENA_ARRAY(d->mem, struct range, y->n);
	for (size_t i = 0; i < y->n; i++) {
		const struct yaml *kid = y->items[i];
		struct str text = str_of(decode_text(d, kid));
		struct range r;
		struct err err;

		if (kid->kind == YAML_LIST || kid->kind == YAML_MAP)
			continue;
		if (read_range(text, kid->at, one, &r, &err) &&
		    check_range(r, kid->at, one, &err))
			out->v[out->n++] = r;
		else
			errs_add(d->errs, &err);
	}
}

static void weekdays_decode(struct decode *d, const struct yaml *y, void *at)
{
	decode_ranges(d, y, read_weekday, at);
}

static void month_days_decode(struct decode *d, const struct yaml *y, void *at)
{
	decode_ranges(d, y, read_month_day, at);
}

static void months_decode(struct decode *d, const struct yaml *y, void *at)
{
	decode_ranges(d, y, read_month, at);
}

static void years_decode(struct decode *d, const struct yaml *y, void *at)
{
	decode_ranges(d, y, read_year, at);
}

/* -- times of the day ----------------------------------------------------------------- */
struct time_text {
	const char *start, *end;
};

/*	HH:MM, 00:00 to 23:59, or 24:00		*/
static bool read_time(const char *s, struct pos at, int *out, struct err *err)
{
	int h, m;

	if (strlen(s) != 5 || s[2] != ':' || strspn(s, "0123456789") != 2 ||
	    strspn(s + 3, "0123456789") != 2)
		return err_set(err, at, "couldn't parse timestamp %s, invalid format", s);
	h = (s[0] - '0') * 10 + s[1] - '0';
	m = (s[3] - '0') * 10 + s[4] - '0';
	if (m > 59 || h > 24 || (h == 24 && m))
		return err_set(err, at, "couldn't parse timestamp %s, invalid format", s);
	*out = h * 60 + m;
	return true;
}

static bool decode_time(struct decode *d, const struct yaml *y, struct range *out)
{
	static const struct field fields[] = {
		{"start_time", FIELD_TEXT, offsetof(struct time_text, start),
		 .help = "HH:MM."},
		{"end_time", FIELD_TEXT, offsetof(struct time_text, end),
		 .help = "HH:MM, not part of the range; 24:00 for midnight."},
		{0},
	};
	static const struct shape shape = {"time_range", fields, sizeof(struct time_text),
					   false, NULL};
	struct time_text text = {0};
	struct err err;

	decode_object(d, y, &shape, &text);
	if (!*text.start || !*text.end)
		err_set(&err, y->at, "both start and end times must be provided");
	else if (read_time(text.start, pos_of_value(y, "start_time"), &out->first, &err) &&
		 read_time(text.end, pos_of_value(y, "end_time"), &out->last, &err)) {
		if (out->first < out->last)
			return true;
		err_set(&err, y->at, "start time cannot be equal or greater than end time");
	}
	errs_add(d->errs, &err);
	return false;
}

static void times_decode(struct decode *d, const struct yaml *y, void *member)
{
	struct ranges *out = member;

	if (!is_list(d, y, "a list"))
		return;
	out->present = true;
	out->v = ARENA_ARRAY(d->mem, struct range, y->n);
	for (size_t i = 0; i < y->n; i++) {
		struct range r;

		if (decode_time(d, y->items[i], &r))
			out->v[out->n++] = r;
	}
}

/* -- printing ------------------------------------------------------------------------- */
static const struct yaml *ranges_print(struct arena *mem, const void *member,
				       const char *const *names)
{
	const struct ranges *all = member;
	struct yaml *list = yaml_new_list(mem);

	list->flow = true;
	for (size_t i = 0; i < all->n; i++) {
		struct range r = all->v[i];

		if (names && r.first == r.last)
			yaml_push(mem, list, yaml_new_text(mem, names[r.first]));
		else if (names)
			yaml_push(mem, list,
				  yaml_new_text(mem,
						arena_printf(mem, "%s:%s", names[r.first],
							     names[r.last])));
		else if (r.first == r.last)
			yaml_push(mem, list,
				  yaml_new_text(mem, arena_printf(mem, "%d", r.first)));
		else
			yaml_push(mem, list,
				  yaml_new_text(mem, arena_printf(mem, "%d:%d", r.first,
								  r.last)));
	}
	return all->present ? list : NULL;
}

static const struct yaml *days_print(struct arena *mem, const void *member)
{
	return ranges_print(mem, member, day_names);
}

static const struct yaml *numbers_print(struct arena *mem, const void *member)
{
	return ranges_print(mem, member, NULL);
}

static const struct yaml *times_print(struct arena *mem, const void *member)
{
	const struct ranges *all = member;
	struct yaml *list = yaml_new_list(mem);

	for (size_t i = 0; i < all->n; i++) {
		struct yaml *one = yaml_new_map(mem);
		int first = all->v[i].first, last = all->v[i].last;

		yaml_put(mem, one, "start_time",
			 yaml_new_text(mem, arena_printf(mem, "%02d:%02d", first / 60,
							 first % 60)));
		yaml_put(mem, one, "end_time",
			 yaml_new_text(mem, arena_printf(mem, "%02d:%02d", last / 60,
							 last % 60)));
		yaml_push(mem, list, one);
	}
	return all->present ? list : NULL;
}

/* -- the tables ----------------------------------------------------------------------- */
static const struct field_codec times_codec = {times_decode, times_print};
static const struct field_codec weekdays_codec = {weekdays_decode, days_print};
static const struct field_codec month_days_codec = {month_days_decode, numbers_print};
static const struct field_codec months_codec = {months_decode, numbers_print};
static const struct field_codec years_codec = {years_decode, numbers_print};

#define AT(m) offsetof(struct interval_spec, m)
static const struct field spec_fields[] = {
	{"times", FIELD_CUSTOM, AT(times), .codec = &times_codec,
	 .help = "Ranges {start_time: HH:MM, end_time: HH:MM}."},
	{"weekdays", FIELD_CUSTOM, AT(weekdays), .codec = &weekdays_codec,
	 .help = "Names of days or ranges such as monday:friday."},
	{"days_of_month", FIELD_CUSTOM, AT(days_of_month), .codec = &month_days_codec,
	 .help = "Days or ranges; -1 is the last day."},
	{"months", FIELD_CUSTOM, AT(months), .codec = &months_codec,
	 .help = "Names, numbers or ranges of months."},
	{"years", FIELD_CUSTOM, AT(years), .codec = &years_codec,
	 .help = "Years or ranges."},
	{"location", FIELD_TEXT, AT(location), .help = "Time zone; UTC when absent."},
	{0},
};
#undef AT

static void spec_check(struct decode *d, const struct yaml *y, void *object)
{
	struct interval_spec *s = object;
	struct pos at = pos_of_value(y, "location");
	struct str tzif;
	struct err err;

	s->zone = &zone_utc;
	if (!*s->location || !strcmp(s->location, "UTC"))
		return;
	if (!d->files->zone(d->files->ctx, d->mem, s->location, &tzif, &err)) {
		mistake(d, at, "unknown time zone %s", s->location);
		return;
	}
	s->zone = zone_parse(d->mem, s->location, tzif, &err);
	if (s->zone)
		return;
	s->zone = &zone_utc;
	mistake(d, at, "time zone %s: %s", s->location, err.text);
}

static const struct shape spec_shape = {"time interval", spec_fields,
					sizeof(struct interval_spec), false, spec_check};

#define AT(m) offsetof(struct interval_text, m)
static const struct field interval_fields[] = {
	{"name", FIELD_TEXT, AT(name), .help = "What routes call it."},
	{"time_intervals", FIELD_LIST, AT(specs), .of = &spec_shape, .nulls = NULL_EMPTY,
	 .always = true, .help = "An instant is inside when one of these holds it."},
	{0},
};
#undef AT

const struct shape interval_shape = {"time_interval", interval_fields,
				     sizeof(struct interval_text), true, NULL};
