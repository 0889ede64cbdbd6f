#include "base/base.h"
#include "text/time_methods.h"
#include "text/time_format.h"

#define NS_PER_S INT64_C(1000000000)

static const struct value *behind(const struct value *v)
{
	return v->type->kind == VALUE_POINTER ? v->to : v;
}

static struct str text_of(struct arena *mem,
			  void (*add)(struct buf *, const struct value *),
			  const struct value *v)
{
	struct buf b = BUF(256);
	struct str s;

	add(&b, behind(v));
	s = buf_keep(&b, mem);
	buf_free(&b);
	return s;
}

static void add_time(struct buf *b, const struct value *v)
{
	buf_add_time_text(b, v->time);
}

static void add_duration(struct buf *b, const struct value *v)
{
	buf_add_go_duration(b, v->i);
}

static void add_month(struct buf *b, const struct value *v)
{
	if (v->i >= 1 && v->i <= 12)
		buf_add_text(b, month_name((int)v->i));
	else
		buf_addf(b, "%%!Month(%llu)", (unsigned long long)v->u);
}

static void add_weekday(struct buf *b, const struct value *v)
{
	if (v->i >= 0 && v->i <= 6)
		buf_add_text(b, weekday_name((int)v->i));
	else
		buf_addf(b, "%%!Weekday(%llu)", (unsigned long long)v->u);
}

struct str time_text(struct arena *mem, const struct value *v)
{
	return text_of(mem, add_time, v);
}

struct str duration_text(struct arena *mem, const struct value *v)
{
	return text_of(mem, add_duration, v);
}

struct str month_text(struct arena *mem, const struct value *v)
{
	return text_of(mem, add_month, v);
}

struct str weekday_text(struct arena *mem, const struct value *v)
{
	return text_of(mem, add_weekday, v);
}

/* -- time.Time ------------------------------------------------------------------------ */

static const struct moment *self(const struct call *c)
{
	return c->args[0].time;
}

static struct civil civil(const struct call *c)
{
	return civil_of(self(c)->t.s, self(c)->t.off);
}

/* Another instant in the same zone. */
static struct value moved(struct call *c, struct instant t)
{
	t.off = self(c)->t.off;
	return value_time(c->mem, t, self(c)->zone);
}

static bool time_String(struct call *c, struct value *out)
{
	*out = value_str(time_text(c->mem, &c->args[0]));
	return true;
}

static bool time_GoString(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_go_time(b, self(c));
	return call_result(c, b, out);
}

static bool time_Format(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_time(b, self(c), c->args[1].s);
	return call_result(c, b, out);
}

static bool bytes_of(struct call *c, const struct buf *b, struct value *out)
{
	struct value *v = ARENA_ARRAY(c->mem, struct value, b->n);

	for (size_t i = 0; i < b->n; i++)
		v[i] = (struct value){.type = &type_uint8, .u = (unsigned char)b->p[i]};
	*out = value_list(&type_bytes, v, b->n);
	return true;
}

static bool time_MarshalText(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_time_rfc3339(b, self(c));
	return bytes_of(c, b, out);
}

static bool time_MarshalJSON(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_char(b, '"');
	buf_add_time_rfc3339(b, self(c));
	buf_add_char(b, '"');
	return bytes_of(c, b, out);
}

static bool time_Unix(struct call *c, struct value *out)
{
	*out = value_int64(self(c)->t.s);
	return true;
}

/* Seconds times a unit, wrapping round as Go's arithmetic does. */
static int64_t unix_in(const struct moment *m, int64_t per_second)
{
	return (int64_t)((uint64_t)m->t.s * (uint64_t)per_second) +
	       m->t.ns / (NS_PER_S / per_second);
}

static bool time_UnixMilli(struct call *c, struct value *out)
{
	*out = value_int64(unix_in(self(c), 1000));
	return true;
}

static bool time_UnixMicro(struct call *c, struct value *out)
{
	*out = value_int64(unix_in(self(c), 1000000));
	return true;
}

static bool time_UnixNano(struct call *c, struct value *out)
{
	*out = value_int64(
		(int64_t)((uint64_t)self(c)->t.s * NS_PER_S + (uint64_t)self(c)->t.ns));
	return true;
}

static bool time_UTC(struct call *c, struct value *out)
{
	struct instant t = self(c)->t;

	t.off = 0;
	*out = value_time(c->mem, t, NULL);
	return true;
}

static bool time_Local(struct call *c, struct value *out)
{
	struct instant t = self(c)->t;

	t.off = 0;
	*out = value_time(c->mem, t, c->run->local);
	return true;
}

static bool time_Add(struct call *c, struct value *out)
{
	*out = moved(c, instant_add_ns(self(c)->t, c->args[1].i));
	return true;
}

/* a - b in nanoseconds, stopping at the ends of what a duration holds. */
static int64_t difference(struct instant a, struct instant b)
{
	__extension__ __int128 ns = (__int128)(a.s - b.s) * NS_PER_S + (a.ns - b.ns);

	if (ns > INT64_MAX)
		return INT64_MAX;
	return ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

static bool time_Sub(struct call *c, struct value *out)
{
	*out = value_duration(difference(self(c)->t, c->args[1].time->t));
	return true;
}

/* A civil time back to an instant of the same zone. */
static struct instant instant_of_civil(const struct call *c, const struct civil *civil)
{
	struct instant t = self(c)->t;
	int64_t local = civil_seconds(civil);
	int32_t off = t.off;

	if (self(c)->zone) { /* the offset may be another one there */
		off = zone_offset(self(c)->zone, local - off, NULL);
		off = zone_offset(self(c)->zone, local - off, NULL);
	}
	t.s = local - off;
	return t;
}

static bool time_AddDate(struct call *c, struct value *out)
{
	struct civil t = civil(c);

	for (int i = 1; i <= 3; i++) {
		if (c->args[i].i > 1000000 || c->args[i].i < -1000000)
			return call_fail(c, "date out of range");
	}
	t.year += c->args[1].i;
	t.month += (int)c->args[2].i;
	t.day += (int)c->args[3].i;
	*out = moved(c, instant_of_civil(c, &t));
	return true;
}

/* Nanoseconds since the year 1 and what is left of them over a multiple of unit. */
static int64_t remainder_of(struct instant t, int64_t unit)
{
	__extension__ __int128 ns = (__int128)(t.s - INSTANT_ZERO.s) * NS_PER_S + t.ns;
	int64_t rest = (int64_t)(ns % unit);

	return rest < 0 ? rest + unit : rest;
}

static bool time_Truncate(struct call *c, struct value *out)
{
	int64_t unit = c->args[1].i;

	*out = c->args[0];
	if (unit > 0)
		*out = moved(c,
			     instant_add_ns(self(c)->t, -remainder_of(self(c)->t, unit)));
	return true;
}

static bool time_Round(struct call *c, struct value *out)
{
	int64_t unit = c->args[1].i, rest;

	*out = c->args[0];
	if (unit <= 0)
		return true;
	rest = remainder_of(self(c)->t, unit);
	*out = moved(c,
		     instant_add_ns(self(c)->t, rest < unit - rest ? -rest : unit - rest));
	return true;
}

static bool time_After(struct call *c, struct value *out)
{
	*out = value_bool(instant_cmp(self(c)->t, c->args[1].time->t) > 0);
	return true;
}

static bool time_Before(struct call *c, struct value *out)
{
	*out = value_bool(instant_cmp(self(c)->t, c->args[1].time->t) < 0);
	return true;
}

static bool time_Equal(struct call *c, struct value *out)
{
	*out = value_bool(instant_cmp(self(c)->t, c->args[1].time->t) == 0);
	return true;
}

static bool time_Compare(struct call *c, struct value *out)
{
	*out = value_int(instant_cmp(self(c)->t, c->args[1].time->t));
	return true;
}

static bool time_IsZero(struct call *c, struct value *out)
{
	*out = value_bool(instant_is_zero(self(c)->t));
	return true;
}

static bool time_Year(struct call *c, struct value *out)
{
	*out = value_int(civil(c).year);
	return true;
}

static bool time_Month(struct call *c, struct value *out)
{
	*out = (struct value){.type = &type_month, .i = civil(c).month};
	return true;
}

static bool time_Day(struct call *c, struct value *out)
{
	*out = value_int(civil(c).day);
	return true;
}

static bool time_Hour(struct call *c, struct value *out)
{
	*out = value_int(civil(c).hour);
	return true;
}

static bool time_Minute(struct call *c, struct value *out)
{
	*out = value_int(civil(c).minute);
	return true;
}

static bool time_Second(struct call *c, struct value *out)
{
	*out = value_int(civil(c).second);
	return true;
}

static bool time_Nanosecond(struct call *c, struct value *out)
{
	*out = value_int(self(c)->t.ns);
	return true;
}

static bool time_Weekday(struct call *c, struct value *out)
{
	*out = (struct value){.type = &type_weekday, .i = civil(c).weekday};
	return true;
}

static bool time_YearDay(struct call *c, struct value *out)
{
	*out = value_int(civil(c).yearday);
	return true;
}

static struct str location_text(struct arena *mem, const struct value *v)
{
	(void)mem;
	return behind(v)->s;
}

static bool location_String(struct call *c, struct value *out)
{
	*out = c->args[0];
	return true;
}

static const struct func location_methods[];
static const struct type type_location_name = {
	.kind = VALUE_STRING, .name = "time.Location", .methods = location_methods};
static const struct type type_location = {
	.kind = VALUE_POINTER,
	.name = "*time.Location",
	.elem = &type_location_name,
	.text = location_text,
};

static bool time_Location(struct call *c, struct value *out)
{
	const struct moment *m = self(c);
	const char *name = m->zone ? zone_name(m->zone) : m->t.off ? "" : "UTC";

	*out = value_pointer(
		c->mem, &type_location,
		(struct value){.type = &type_location_name, .s = str_of(name)});
	return true;
}

#define METHOD(name, prefix, result)	  FUNC(#name, prefix##_##name, &result, 0, NULL)
#define METHOD1(name, prefix, result, in) FUNC(#name, prefix##_##name, &result, 1, &in)
#define UNFIT(go_name, text)                                                               \
	{                                                                                  \
		.name = go_name, .unfit = text                                             \
	}

static const struct func location_methods[] = {METHOD(String, location, type_string),
					       FUNC_END};

const struct func time_methods[] = {
	METHOD(String, time, type_string),
	METHOD(GoString, time, type_string),
	METHOD1(Format, time, type_string, type_string),
	METHOD(MarshalText, time, type_bytes),
	METHOD(MarshalJSON, time, type_bytes),
	METHOD(Unix, time, type_int64),
	METHOD(UnixMilli, time, type_int64),
	METHOD(UnixMicro, time, type_int64),
	METHOD(UnixNano, time, type_int64),
	METHOD(UTC, time, type_time),
	METHOD(Local, time, type_time),
	METHOD1(Add, time, type_time, type_duration),
	METHOD1(Sub, time, type_duration, type_time),
	FUNC("AddDate", time_AddDate, &type_time, 3, &type_int, &type_int, &type_int),
	METHOD1(Truncate, time, type_time, type_duration),
	METHOD1(Round, time, type_time, type_duration),
	METHOD1(After, time, type_bool, type_time),
	METHOD1(Before, time, type_bool, type_time),
	METHOD1(Equal, time, type_bool, type_time),
	METHOD1(Compare, time, type_int, type_time),
	METHOD(IsZero, time, type_bool),
	METHOD(Year, time, type_int),
	METHOD(Month, time, type_month),
	METHOD(Day, time, type_int),
	METHOD(Hour, time, type_int),
	METHOD(Minute, time, type_int),
	METHOD(Second, time, type_int),
	METHOD(Nanosecond, time, type_int),
	METHOD(Weekday, time, type_weekday),
	METHOD(Location, time, type_location),
	METHOD(YearDay, time, type_int),
	UNFIT("Date", "function Date has 3 return values; should be 1 or 2"),
	UNFIT("Clock", "function Clock has 3 return values; should be 1 or 2"),
	UNFIT("Zone", "invalid function signature for Zone: second return value should be "
		      "error; is "
		      "int"),
	UNFIT("ISOWeek", "invalid function signature for ISOWeek: second return value "
			 "should be error; "
			 "is int"),
	UNFIT("ZoneBounds",
	      "invalid function signature for ZoneBounds: second return value should be "
	      "error; is time.Time"),
	FUNC_END,
};

/* -- time.Duration and its kin -------------------------------------------------------- */

static int64_t ns_of(const struct call *c)
{
	return c->args[0].i;
}

static bool duration_String(struct call *c, struct value *out)
{
	*out = value_str(duration_text(c->mem, &c->args[0]));
	return true;
}

/* As Go computes it: whole units and the rest apart, which rounds once. */
static double in_units(int64_t ns, int64_t unit)
{
	return (double)(ns / unit) + (double)(ns % unit) / (double)unit;
}

static bool duration_Hours(struct call *c, struct value *out)
{
	*out = value_float(in_units(ns_of(c), 3600 * NS_PER_S));
	return true;
}

static bool duration_Minutes(struct call *c, struct value *out)
{
	*out = value_float(in_units(ns_of(c), 60 * NS_PER_S));
	return true;
}

static bool duration_Seconds(struct call *c, struct value *out)
{
	*out = value_float(in_units(ns_of(c), NS_PER_S));
	return true;
}

static bool duration_Milliseconds(struct call *c, struct value *out)
{
	*out = value_int64(ns_of(c) / 1000000);
	return true;
}

static bool duration_Microseconds(struct call *c, struct value *out)
{
	*out = value_int64(ns_of(c) / 1000);
	return true;
}

static bool duration_Nanoseconds(struct call *c, struct value *out)
{
	*out = value_int64(ns_of(c));
	return true;
}

static bool duration_Abs(struct call *c, struct value *out)
{
	int64_t ns = ns_of(c);

	*out = value_duration(ns >= 0 ? ns : ns == INT64_MIN ? INT64_MAX : -ns);
	return true;
}

static bool duration_Truncate(struct call *c, struct value *out)
{
	int64_t unit = c->args[1].i;

	*out = value_duration(unit <= 0 ? ns_of(c) : ns_of(c) - ns_of(c) % unit);
	return true;
}

/* Halves go away from zero; what leaves the range stays at its end. */
static bool duration_Round(struct call *c, struct value *out)
{
	int64_t ns = ns_of(c), unit = c->args[1].i, rest, rounded;
	bool up;

	*out = value_duration(ns);
	if (unit <= 0)
		return true;
	rest = ns % unit;
	if (ns < 0) {
		up = -rest >= unit - -rest;
		if (__builtin_sub_overflow(ns - rest, up ? unit : 0, &rounded))
			rounded = INT64_MIN;
	} else {
		up = rest >= unit - rest;
		if (__builtin_add_overflow(ns - rest, up ? unit : 0, &rounded))
			rounded = INT64_MAX;
	}
	*out = value_duration(rounded);
	return true;
}

const struct func duration_methods[] = {
	METHOD(String, duration, type_string),
	METHOD(Hours, duration, type_float64),
	METHOD(Minutes, duration, type_float64),
	METHOD(Seconds, duration, type_float64),
	METHOD(Milliseconds, duration, type_int64),
	METHOD(Microseconds, duration, type_int64),
	METHOD(Nanoseconds, duration, type_int64),
	METHOD(Abs, duration, type_duration),
	METHOD1(Truncate, duration, type_duration, type_duration),
	METHOD1(Round, duration, type_duration, type_duration),
	FUNC_END,
};

static bool month_String(struct call *c, struct value *out)
{
	*out = value_str(month_text(c->mem, &c->args[0]));
	return true;
}

static bool weekday_String(struct call *c, struct value *out)
{
	*out = value_str(weekday_text(c->mem, &c->args[0]));
	return true;
}

const struct func month_methods[] = {METHOD(String, month, type_string), FUNC_END};
const struct func weekday_methods[] = {METHOD(String, weekday, type_string), FUNC_END};
