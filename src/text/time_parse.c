#include "base/base.h"
#include "text/layout.h"
#include "text/time_format.h"

#include <stdio.h>
#include <strings.h>

/* What was read so far; -1: not given. */
struct reading {
	int year, month, day, yearday, hour, minute, second;
	int32_t ns;
	bool am, pm, is_utc, has_offset;
	int32_t offset;
	struct str zone_name;
	const char *out_of_range;
};

static bool is_digit(struct str s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* least to most digits */
static bool take_number(struct str *s, size_t least, size_t most, int *out)
{
	size_t n = 0;

	*out = 0;
	for (; n < most && is_digit(*s, n); n++)
		*out = *out * 10 + (s->p[n] - '0');
	if (n < least)
		return false;
	*s = str_from(*s, n);
	return true;
}

static bool take_ranged(struct reading *r, struct str *s, bool fixed, int *out, int low,
			int high, const char *what)
{
	if (!take_number(s, fixed ? 2 : 1, 2, out))
		return false;
	if (*out < low || *out > high)
		r->out_of_range = what;
	return true;
}

static bool take_name(struct str *s, const char *(*name)(int), int first, int last,
		      size_t cut, int *out)
{
	for (int i = first; i <= last; i++) {
		struct str n = str_of(name(i));

		n.n = MIN(n.n, cut);
		if (s->n >= n.n && strncasecmp(s->p, n.p, n.n) == 0) {
			*s = str_from(*s, n.n);
			*out = i;
			return true;
		}
	}
	return false;
}

/* A point or comma, then digits; nine of them count. */
static void take_fraction(struct reading *r, struct str *s, size_t digits)
{
	int32_t unit = 100000000;

	r->ns = 0;
	for (size_t i = 1; i <= digits; i++, unit /= 10)
		r->ns += unit * (s->p[i] - '0');
	*s = str_from(*s, 1 + digits);
}

static size_t fraction_digits(struct str s)
{
	size_t n = 0;

	if (s.n && (s.p[0] == '.' || s.p[0] == ','))
		while (is_digit(s, n + 1))
			n++;
	return n;
}

static bool take_fixed_fraction(struct reading *r, struct str *s, size_t digits)
{
	if (s->n < digits + 1 || fraction_digits(*s) < digits)
		return false;
	take_fraction(r, s, digits);
	return true;
}

static bool take_seconds(struct reading *r, struct str *s, const struct element *e)
{
	enum element_kind next;

	if (!take_ranged(r, s, e->kind == ELEMENT_ZERO_SECOND, &r->second, 0, 59, "second"))
		return false;
	if (r->out_of_range || !fraction_digits(*s))
		return true;
	next = layout_next(e->rest).kind;
	if (next != ELEMENT_FRACTION && next != ELEMENT_FRACTION_SHORT)
		take_fraction(r, s, fraction_digits(*s));
	return true;
}

static bool take_offset(struct reading *r, struct str *s, const struct element *e)
{
	int hours, minutes = 0, seconds = 0;
	struct str in = *s;
	char sign;

	if (e->is_iso && in.n && in.p[0] == 'Z') {
		r->is_utc = true;
		*s = str_from(in, 1);
		return true;
	}
	if (!in.n)
		return false;
	sign = in.p[0];
	in = str_from(in, 1);
	if (!take_number(&in, 2, 2, &hours))
		return false;
	for (int i = 1; i < e->parts; i++) {
		if (e->has_colon) {
			if (!in.n || in.p[0] != ':')
				return false;
			in = str_from(in, 1);
		}
		if (!take_number(&in, 2, 2, i == 1 ? &minutes : &seconds))
			return false;
	}
	if (sign != '+' && sign != '-')
		return false;
	if (hours > 24)
		r->out_of_range = "time zone offset hour";
	if (minutes > 60)
		r->out_of_range = "time zone offset minute";
	if (seconds > 60)
		r->out_of_range = "time zone offset second";
	r->has_offset = true;
	r->offset = ((hours * 60 + minutes) * 60 + seconds) * (sign == '-' ? -1 : 1);
	*s = in;
	return true;
}

static size_t signed_offset_length(struct str s)
{
	size_t n = 1;
	int v = 0;

	if (!s.n || (s.p[0] != '+' && s.p[0] != '-'))
		return 0;
	for (; is_digit(s, n); n++) {
		v = v * 10 + (s.p[n] - '0');
		if (v > 23)
			return 0;
	}
	return n > 1 ? n : 0;
}

/* How much of s looks like the abbreviation of a zone. */
static size_t zone_name_length(struct str s)
{
	size_t upper = 0;

	if (s.n < 3)
		return 0;
	if (str_starts(s, STR("ChST")) || str_starts(s, STR("MeST")))
		return 4;
	if (str_starts(s, STR("GMT")))
		return 3 + signed_offset_length(str_from(s, 3));
	if (s.p[0] == '+' || s.p[0] == '-')
		return signed_offset_length(s);
	while (upper < 6 && upper < s.n && s.p[upper] >= 'A' && s.p[upper] <= 'Z')
		upper++;
	if (upper == 5)
		return s.p[4] == 'T' ? 5 : 0;
	if (upper == 4)
		return s.p[3] == 'T' || str_starts(s, STR("WITA")) ? 4 : 0;
	return upper == 3 ? 3 : 0;
}

static bool take_zone_name(struct reading *r, struct str *s)
{
	size_t n;

	if (str_starts(*s, STR("UTC"))) {
		r->is_utc = true;
		*s = str_from(*s, 3);
		return true;
	}
	n = zone_name_length(*s);
	if (!n)
		return false;
	r->zone_name = str_slice(*s, 0, n);
	*s = str_from(*s, n);
	return true;
}

static bool take_half(struct reading *r, struct str *s, const char *am, const char *pm)
{
	struct str word = str_slice(*s, 0, 2);

	if (str_is(word, pm))
		r->pm = true;
	else if (str_is(word, am))
		r->am = true;
	else
		return false;
	*s = str_from(*s, 2);
	return true;
}

static void skip_blanks(struct str *s, size_t most)
{
	for (; most && s->n && s->p[0] == ' '; most--)
		*s = str_from(*s, 1);
}

static bool take_element(struct reading *r, struct str *s, const struct element *e)
{
	int ignored;

	switch (e->kind) {
	case ELEMENT_NONE:
		return true;
	case ELEMENT_YEAR:
		if (!take_number(s, 2, 2, &r->year))
			return false;
		r->year += r->year >= 69 ? 1900 : 2000;
		return true;
	case ELEMENT_LONG_YEAR:
		return take_number(s, 4, 4, &r->year);
	case ELEMENT_MONTH:
		return take_name(s, month_name, 1, 12, 3, &r->month);
	case ELEMENT_LONG_MONTH:
		return take_name(s, month_name, 1, 12, SIZE_MAX, &r->month);
	case ELEMENT_NUM_MONTH:
	case ELEMENT_ZERO_MONTH:
		return take_ranged(r, s, e->kind == ELEMENT_ZERO_MONTH, &r->month, 1, 12,
				   "month");
	case ELEMENT_WEEKDAY:
		return take_name(s, weekday_name, 0, 6, 3, &ignored);
	case ELEMENT_LONG_WEEKDAY:
		return take_name(s, weekday_name, 0, 6, SIZE_MAX, &ignored);
	case ELEMENT_UNDER_DAY:
		skip_blanks(s, 1);
		return take_number(s, 1, 2, &r->day);
	case ELEMENT_DAY:
		return take_number(s, 1, 2, &r->day);
	case ELEMENT_ZERO_DAY:
		return take_number(s, 2, 2, &r->day);
	case ELEMENT_UNDER_YEARDAY:
		skip_blanks(s, 2);
		return take_number(s, 1, 3, &r->yearday);
	case ELEMENT_ZERO_YEARDAY:
		return take_number(s, 3, 3, &r->yearday);
	case ELEMENT_HOUR:
		return take_ranged(r, s, false, &r->hour, 0, 23, "hour");
	case ELEMENT_HOUR12:
	case ELEMENT_ZERO_HOUR12:
		return take_ranged(r, s, e->kind == ELEMENT_ZERO_HOUR12, &r->hour, 0, 12,
				   "hour");
	case ELEMENT_MINUTE:
	case ELEMENT_ZERO_MINUTE:
		return take_ranged(r, s, e->kind == ELEMENT_ZERO_MINUTE, &r->minute, 0, 59,
				   "minute");
	case ELEMENT_SECOND:
	case ELEMENT_ZERO_SECOND:
		return take_seconds(r, s, e);
	case ELEMENT_PM:
		return take_half(r, s, "AM", "PM");
	case ELEMENT_SMALL_PM:
		return take_half(r, s, "am", "pm");
	case ELEMENT_ZONE_NAME:
		return take_zone_name(r, s);
	case ELEMENT_OFFSET:
		return take_offset(r, s, e);
	case ELEMENT_FRACTION:
		return take_fixed_fraction(r, s, e->text.n - 1);
	case ELEMENT_FRACTION_SHORT:
		if (fraction_digits(*s))
			take_fraction(r, s, fraction_digits(*s));
		return true;
	}
	return false;
}

/* Literal text of the layout; a blank in it stands for any number of blanks. */
static bool skip_text(struct str *s, struct str text)
{
	while (text.n) {
		if (text.p[0] == ' ') {
			if (s->n && s->p[0] != ' ')
				return false;
			skip_blanks(&text, SIZE_MAX);
			skip_blanks(s, SIZE_MAX);
			continue;
		}
		if (!s->n || s->p[0] != text.p[0])
			return false;
		text = str_from(text, 1);
		*s = str_from(*s, 1);
	}
	return true;
}

/* -- complaints ----------------------------------------------------------------------- */

static void add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < ' ' || c >= 0x80)
			buf_addf(b, "\\x%02x", c);
		else
			buf_add_char(b, (char)c);
	}
	buf_add_char(b, '"');
}

static const char *keep(struct arena *mem, struct buf *b)
{
	const char *text = arena_text(mem, buf_text(b));

	buf_free(b);
	return text;
}

static const char *wrong(struct arena *mem, struct str whole, const char *what)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_add_text(&b, "parsing time ");
	add_quoted(&b, whole);
	buf_addf(&b, ": %s", what);
	return keep(mem, &b);
}

static const char *cannot_parse(struct arena *mem, struct str whole, struct str layout,
				struct str value, struct str element)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_add_text(&b, "parsing time ");
	add_quoted(&b, whole);
	buf_add_text(&b, " as ");
	add_quoted(&b, layout);
	buf_add_text(&b, ": cannot parse ");
	add_quoted(&b, value);
	buf_add_text(&b, " as ");
	add_quoted(&b, element);
	return keep(mem, &b);
}

static const char *extra_text(struct arena *mem, struct str whole, struct str extra)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_add_text(&b, "extra text: ");
	add_quoted(&b, extra);
	return wrong(mem, whole, keep(mem, &b));
}

/* -- the whole ------------------------------------------------------------------------ */

static const char *settle_date(struct reading *r)
{
	bool leap = civil_month_days(r->year, 2) == 29;
	int month = 1, day = r->yearday;

	if (r->yearday >= 0) {
		if (r->yearday < 1 || r->yearday > 365 + leap)
			return "day-of-year out of range";
		while (day > civil_month_days(r->year, month))
			day -= civil_month_days(r->year, month++);
		if (r->month >= 0 && r->month != month)
			return "day-of-year does not match month";
		if (r->day >= 0 && r->day != day)
			return "day-of-year does not match day";
		r->month = month;
		r->day = day;
	}
	r->month = r->month < 0 ? 1 : r->month;
	r->day = r->day < 0 ? 1 : r->day;
	if (r->day < 1 || r->day > civil_month_days(r->year, r->month))
		return "day out of range";
	return NULL;
}

static void settle(struct arena *mem, struct reading *r, struct moment *out)
{
	struct civil c = {.year = r->year,
			  .month = r->month,
			  .day = r->day,
			  .hour = r->hour,
			  .minute = r->minute,
			  .second = r->second};
	int32_t off = 0;

	if (r->pm && r->hour < 12)
		c.hour += 12;
	else if (r->am && r->hour == 12)
		c.hour = 0;
	*out = (struct moment){{civil_seconds(&c), r->ns, 0}, NULL};
	if (r->is_utc)
		return;
	if (r->has_offset) {
		off = r->offset;
		if (off && r->zone_name.n)
			out->zone = zone_fixed(mem, arena_copy(mem, r->zone_name), off);
	} else if (r->zone_name.n) {
		if (str_starts(r->zone_name, STR("GMT")) && r->zone_name.n > 3) {
			int64_t hours = 0;

			if (str_int(str_from(r->zone_name, 3), &hours))
				off = (int32_t)hours * 3600;
		}
		out->zone = zone_fixed(mem, arena_copy(mem, r->zone_name), off);
	}
	out->t.s -= off;
	out->t.off = off;
}

const char *time_parse(struct arena *mem, struct str layout, struct str text,
		       struct moment *out)
{
	struct reading r = {.month = -1, .day = -1, .yearday = -1};
	struct str whole = text, rest = layout, hold;
	struct element e;
	const char *what;

	for (;;) {
		e = layout_next(rest);
		if (!skip_text(&text, e.before))
			return cannot_parse(mem, whole, layout, text, e.before);
		if (e.kind == ELEMENT_NONE)
			break;
		rest = e.rest;
		hold = text;
		if (!take_element(&r, &text, &e))
			return cannot_parse(mem, whole, layout, hold, e.text);
		if (r.out_of_range)
			return wrong(mem, whole,
				     arena_printf(mem, "%s out of range", r.out_of_range));
	}
	if (text.n)
		return extra_text(mem, whole, text);
	what = settle_date(&r);
	if (what)
		return wrong(mem, whole, what);
	settle(mem, &r, out);
	return NULL;
}
