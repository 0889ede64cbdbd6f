#include "base/base.h"
#include "text/func.h"
#include "base/time.h"
#include "text/escape.h"
#include "text/float.h"
#include "text/metricsql.h"
#include "text/rule_data.h"
#include "text/time_format.h"
#include "text/unicode.h"

#include <math.h>

/* vmalert's functions (spec/rule-templates.md 6): first those that Prometheus lacks, then
 * its own meanings of shared names. */

static bool made(struct call *c, void (*add)(struct buf *, struct str), struct value *out)
{
	struct buf *b = call_buf(c);

	add(b, c->args[0].s);
	return call_result(c, b, out);
}

static void add_json_inner(struct buf *b, struct str s)
{
	struct buf whole = BUF(BUF_NO_LIMIT);
	struct str inner;
	size_t at;

	buf_add_json(&whole, s);
	inner = str_slice(buf_str(&whole), 1, whole.n - 2);
	while ((at = str_find_char(inner, '\'')) != STR_NONE) {
		buf_add_str(b, str_slice(inner, 0, at));
		buf_add_text(b, "\\u0027");
		inner = str_from(inner, at + 1);
	}
	buf_add_str(b, inner);
	buf_free(&whole);
}

static void add_json_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	add_json_inner(b, s);
	buf_add_char(b, '"');
}

static void add_crlf(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_add_text(b, "\\n");
		else if (s.p[i] == '\r')
			buf_add_text(b, "\\r");
		else
			buf_add_char(b, s.p[i]);
	}
}

static void add_html(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&':
			buf_add_text(b, "&amp;");
			break;
		case '<':
			buf_add_text(b, "&lt;");
			break;
		case '>':
			buf_add_text(b, "&gt;");
			break;
		case '"':
			buf_add_text(b, "&quot;");
			break;
		case '\'':
			buf_add_text(b, "&#39;");
			break;
		default:
			buf_add_char(b, s.p[i]);
		}
	}
}

static bool fn_quotesEscape(struct call *c, struct value *out)
{
	return made(c, add_json_inner, out);
}

static bool fn_jsonEscape(struct call *c, struct value *out)
{
	return made(c, add_json_quoted, out);
}

static bool fn_crlfEscape(struct call *c, struct value *out)
{
	return made(c, add_crlf, out);
}

static bool fn_htmlEscape(struct call *c, struct value *out)
{
	return made(c, add_html, out);
}

static bool fn_pathEscape(struct call *c, struct value *out)
{
	return made(c, buf_add_path_segment, out);
}

static bool fn_queryEscape(struct call *c, struct value *out)
{
	return made(c, buf_add_query, out);
}

/* -- durations ------------------------------------------------------------------------ */

static bool seconds_of(struct call *c, double *out)
{
	struct str s = c->args[0].s;

	if (!s.n)
		return call_fail(c, "cannot parse empty duration");
	return metricsql_duration(s, out) ||
	       call_fail_str(c, "cannot parse duration \"", s, "\"");
}

static bool fn_parseDuration(struct call *c, struct value *out)
{
	double seconds;

	if (!seconds_of(c, &seconds))
		return false;
	*out = value_float(seconds);
	return true;
}

static bool fn_parseDurationTime(struct call *c, struct value *out)
{
	double seconds;

	if (!seconds_of(c, &seconds))
		return false;
	if (fabs(seconds) > 9e9)
		return call_fail(c, "duration out of range");
	*out = value_duration((int64_t)(seconds * 1e9));
	return true;
}

/* -- numbers and times ---------------------------------------------------------------- */

static bool plain_number(struct call *c, const struct value *v, double *out)
{
	if (v->type == &type_duration)
		return call_fail(c, "unexpected value type time.Duration");
	return call_number(c, v, out);
}

static bool instant_of(struct call *c, double v, struct moment *out)
{
	if (isnan(v) || isinf(v))
		return call_fail(c, "cannot convert %s to time.Time",
				 isnan(v) ? "NaN"
				 : v < 0  ? "-Inf"
					  : "+Inf");
	if (fabs(v) > 9e15)
		return call_fail(c, "cannot convert %g to time.Time", v);
	*out = (struct moment){instant_of_ms((int64_t)(v * 1000)), NULL};
	return true;
}

static bool fn_formatTime(struct call *c, struct value *out)
{
	struct moment m;
	struct buf *b;
	double v;

	if (!plain_number(c, &c->args[1], &v) || !instant_of(c, v, &m))
		return call_fail_again(c, "formatTime: ");
	b = call_buf(c);
	buf_add_time(b, &m, c->args[0].s);
	return call_result(c, b, out);
}

static bool fn_toTime(struct call *c, struct value *out)
{
	struct moment m;
	double v;

	if (!plain_number(c, &c->args[0], &v) || !instant_of(c, v, &m))
		return false;
	*out = value_time(c->mem, m.t, NULL);
	return true;
}

static bool fn_humanizeTimestamp(struct call *c, struct value *out)
{
	struct moment m;
	struct buf *b;
	double v;

	if (!plain_number(c, &c->args[0], &v))
		return false;
	b = call_buf(c);
	if (isnan(v) || isinf(v)) {
		buf_add_float(b, v, 'g', 4);
	} else {
		if (!instant_of(c, v, &m))
			return false;
		buf_add_time_text(b, &m);
	}
	return call_result(c, b, out);
}

static bool fn_humanizeDuration(struct call *c, struct value *out)
{
	double v;

	return plain_number(c, &c->args[0], &v) && call_humanize_duration(c, v, out);
}

static bool fn_now(struct call *c, struct value *out)
{
	*out = value_float((double)c->run->now.s);
	return true;
}

static bool fn_title(struct call *c, struct value *out)
{
	*out = value_str(unicode_title_simple(c->mem, c->args[0].s));
	return true;
}

/* -- samples: metrics with a time, handed on by value --------------------------------- */

static const struct type_field metric_fields[] = {
	{"Labels", &type_string_map, NULL},
	{"Value", &type_float64, NULL},
	{"Timestamp", &type_int64, NULL},
};
static const struct type type_metric = {
	.kind = VALUE_STRUCT,
	.name = "templates.metric",
	.is_named = true,
	.fields = metric_fields,
	.n_fields = COUNT_OF(metric_fields),
};
static const struct type type_metrics = {
	.kind = VALUE_LIST,
	.name = "[]templates.metric",
	.elem = &type_metric,
};

static bool fn_query(struct call *c, struct value *out)
{
	const struct func *shared = functions_rule; /* its first row is query */
	struct value samples, *v;

	if (!shared->call(c, &samples))
		return false;
	v = ARENA_ARRAY(c->mem, struct value, samples.list.n);
	for (size_t i = 0; i < samples.list.n; i++)
		v[i] = (struct value){.type = &type_metric,
				      .fields = samples.list.v[i].to->fields};
	*out = value_list(&type_metrics, v, samples.list.n);
	return true;
}

static bool fn_first(struct call *c, struct value *out)
{
	if (!c->args[0].list.n)
		return call_fail(c, "first() called on vector with no elements");
	*out = value_item(&c->args[0], 0);
	return true;
}

static bool fn_label(struct call *c, struct value *out)
{
	*out = value_str(value_kv_get(&c->args[1].fields[0], c->args[0].s));
	return true;
}

static bool fn_value(struct call *c, struct value *out)
{
	*out = c->args[0].fields[1];
	return true;
}

static bool fn_strvalue(struct call *c, struct value *out)
{
	*out = value_str(value_kv_get(&c->args[0].fields[0], STR("__name__")));
	return true;
}

const struct func functions_vmalert[] = {
	FUNC("formatTime", fn_formatTime, &type_string, 2, &type_string, &type_any),
	FUNC("parseDurationTime", fn_parseDurationTime, &type_duration, 1, &type_string),
	FUNC("quotesEscape", fn_quotesEscape, &type_string, 1, &type_string),
	FUNC("jsonEscape", fn_jsonEscape, &type_string, 1, &type_string),
	FUNC("crlfEscape", fn_crlfEscape, &type_string, 1, &type_string),
	FUNC("htmlEscape", fn_htmlEscape, &type_string, 1, &type_string),
	FUNC("pathEscape", fn_pathEscape, &type_string, 1, &type_string),
	FUNC("queryEscape", fn_queryEscape, &type_string, 1, &type_string),
	FUNC_END,
};

const struct func functions_vmalert_own[] = {
	FUNC("query", fn_query, &type_metrics, 1, &type_string),
	FUNC("first", fn_first, &type_metric, 1, &type_metrics),
	FUNC("label", fn_label, &type_string, 2, &type_string, &type_metric),
	FUNC("value", fn_value, &type_float64, 1, &type_metric),
	FUNC("strvalue", fn_strvalue, &type_string, 1, &type_metric),
	FUNC("sortByLabel", call_sort_by_label, &type_metrics, 2, &type_string,
	     &type_metrics),
	FUNC("title", fn_title, &type_string, 1, &type_string),
	FUNC("now", fn_now, &type_float64, 0, NULL),
	FUNC("toTime", fn_toTime, &type_time, 1, &type_any),
	FUNC("humanizeTimestamp", fn_humanizeTimestamp, &type_string, 1, &type_any),
	FUNC("humanizeDuration", fn_humanizeDuration, &type_string, 1, &type_any),
	FUNC("parseDuration", fn_parseDuration, &type_float64, 1, &type_string),
	FUNC_END,
};
