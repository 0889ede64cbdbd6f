#include "base/base.h"
#include "text/func.h"
#include "base/quote.h"
#include "text/escape.h"
#include "text/exec.h"
#include "text/float.h"
#include "text/hostport.h"
#include "text/rule_data.h"
#include "text/time_format.h"
#include "text/unicode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Prometheus' functions (spec/rule-templates.md 5). */

#define NIL_DEREFERENCE "runtime error: invalid memory address or nil pointer dereference"

static bool fn_title(struct call *c, struct value *out)
{
	*out = value_str(unicode_title(c->mem, c->args[0].s, false));
	return true;
}

/* -- queries -------------------------------------------------------------------------- */

static bool fn_query(struct call *c, struct value *out)
{
	const char *why = "no data source";

	if (!c->run->query)
		return call_fail(c, "%s", why);
	switch (c->run->query(c->run->arg, c->args[0].s, c->mem, out, &why)) {
	case QUERY_ANSWERED:
		return true;
	case QUERY_WANTED:
		return call_wants(c, c->args[0].s);
	case QUERY_FAILED:
		break;
	}
	return call_fail(c, "%s", why);
}

static bool fn_first(struct call *c, struct value *out)
{
	if (!c->args[0].list.n)
		return call_fail(c, "first() called on vector with no elements");
	*out = value_item(&c->args[0], 0);
	return true;
}

/* The fields of a *sample; NULL and a failure when it is nil. */
static const struct value *sample_fields(struct call *c, size_t i)
{
	if (!c->args[i].to) {
		call_fail(c, NIL_DEREFERENCE);
		return NULL;
	}
	return c->args[i].to->fields;
}

static bool fn_label(struct call *c, struct value *out)
{
	const struct value *f = sample_fields(c, 1);

	if (f)
		*out = value_str(value_kv_get(&f[0], c->args[0].s));
	return f;
}

static bool fn_value(struct call *c, struct value *out)
{
	const struct value *f = sample_fields(c, 0);

	if (f)
		*out = f[1];
	return f;
}

static bool fn_strvalue(struct call *c, struct value *out)
{
	const struct value *f = sample_fields(c, 0);

	if (f)
		*out = value_str(value_kv_get(&f[0], STR("__value__")));
	return f;
}

struct sort_row {
	struct str key;
	size_t at; /* keeps the sort stable */
	struct value sample;
};

static int row_cmp(const void *a, const void *b)
{
	const struct sort_row *x = a, *y = b;
	int order = str_cmp(x->key, y->key);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

#define SORT_STEPS 8 /* of one sample among many */

/* Of *sample or, in vmalert's lists, of the structs themselves. */
bool call_sort_by_label(struct call *c, struct value *out)
{
	const struct value *list = &c->args[1];
	struct sort_row *rows = ARENA_ARRAY(c->mem, struct sort_row, list->list.n);
	struct value *v = ARENA_ARRAY(c->mem, struct value, list->list.n);

	if (!exec_work(c->exec, list->list.n * SORT_STEPS))
		return false;
	for (size_t i = 0; i < list->list.n; i++) {
		const struct value *sample = &list->list.v[i];

		rows[i] = (struct sort_row){.at = i, .sample = *sample};
		if (sample->type->kind == VALUE_POINTER)
			sample = sample->to;
		if (!sample)
			return call_fail(c, NIL_DEREFERENCE);
		rows[i].key = value_kv_get(&sample->fields[0], c->args[0].s);
	}
	if (list->list.n)
		qsort(rows, list->list.n, sizeof(*rows), row_cmp);
	for (size_t i = 0; i < list->list.n; i++)
		v[i] = rows[i].sample;
	*out = value_list(c->func->out, v, list->list.n);
	return true;
}

static bool fn_args(struct call *c, struct value *out)
{
	struct entry *v = ARENA_ARRAY(c->mem, struct entry, c->n);

	for (size_t i = 0; i < c->n; i++) {
		v[i].key = str_of(arena_printf(c->mem, "arg%zu", i));
		v[i].value = c->args[i];
	}
	*out = value_dict(&type_any_map, v, c->n);
	return true;
}

static bool fn_tmpl(struct call *c, struct value *out)
{
	struct str text;

	if (!call_template(c, c->args[0].s, c->args[1], &text))
		return false;
	*out = value_typed(&type_html, text);
	return true;
}

/* -- hosts and links ------------------------------------------------------------------ */

static bool fn_stripPort(struct call *c, struct value *out)
{
	struct str host, port;

	*out = c->args[0];
	if (hostport_split(c->args[0].s, &host, &port))
		*out = value_str(host);
	return true;
}

static bool fn_stripDomain(struct call *c, struct value *out)
{
	struct str host = c->args[0].s, port = {NULL, 0};
	struct buf *b;

	*out = c->args[0];
	if (!hostport_split(c->args[0].s, &host, &port))
		host = c->args[0].s;
	if (is_ip_address(host))
		return true;
	host = str_slice(host, 0, MIN(str_find_char(host, '.'), host.n));
	b = call_buf(c);
	if (port.n && str_find_char(host, ':') != STR_NONE)
		buf_addf(b, "[%.*s]", FMT(host));
	else
		buf_add_str(b, host);
	if (port.n) {
		buf_add_char(b, ':');
		buf_add_str(b, port);
	}
	return call_result(c, b, out);
}

static bool link_to(struct call *c, const char *tab, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_text(b, "/graph?g0.expr=");
	buf_add_query(b, c->args[0].s);
	buf_add_text(b, tab);
	return call_result(c, b, out);
}

static bool fn_graphLink(struct call *c, struct value *out)
{
	return link_to(c, "&g0.tab=0", out);
}

static bool fn_tableLink(struct call *c, struct value *out)
{
	return link_to(c, "&g0.tab=1", out);
}

static bool fn_urlQueryEscape(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_query(b, c->args[0].s);
	return call_result(c, b, out);
}

static bool fn_externalURL(struct call *c, struct value *out)
{
	if (!c->run->external_url)
		return call_fail(c, NIL_DEREFERENCE);
	*out = value_text(c->run->external_url);
	return true;
}

static bool fn_pathPrefix(struct call *c, struct value *out)
{
	struct str url = str_of(c->run->external_url);
	size_t at;

	if (!c->run->external_url)
		return call_fail(c, NIL_DEREFERENCE);
	at = str_find(url, STR("://"));
	url = at == STR_NONE ? url : str_from(url, at + 3);
	url = str_from(url, str_find_char(url, '/'));
	url = str_slice(url, 0, str_find_char(url, '#'));
	*out = value_str(str_slice(url, 0, str_find_char(url, '?')));
	return true;
}

/* -- numbers -------------------------------------------------------------------------- */

static bool number_text(struct call *c, double v, const char *suffix, struct value *out)
{
	struct buf *b = call_buf(c);

	buf_add_float(b, v, 'g', 4);
	buf_add_text(b, suffix);
	return call_result(c, b, out);
}

/* Divides by step through the prefixes while the number is that large. */
static const char *scale_down(double *v, double step, const char *const *prefixes)
{
	const char *prefix = "";

	for (; *prefixes && fabs(*v) >= step; prefixes++) {
		prefix = *prefixes;
		*v /= step;
	}
	return prefix;
}

static bool fn_humanize(struct call *c, struct value *out)
{
	static const char *const large[] = {"k", "M", "G", "T", "P", "E", "Z", "Y", NULL};
	static const char *const small[] = {"m", "u", "n", "p", "f", "a", "z", "y", NULL};
	const char *prefix = "";
	double v;

	if (!call_number(c, &c->args[0], &v))
		return false;
	if (v == 0 || isnan(v) || isinf(v))
		return number_text(c, v, "", out);
	if (fabs(v) >= 1)
		prefix = scale_down(&v, 1000, large);
	for (const char *const *p = small; *p && fabs(v) < 1; p++) {
		prefix = *p;
		v *= 1000;
	}
	return number_text(c, v, prefix, out);
}

static bool fn_humanize1024(struct call *c, struct value *out)
{
	static const char *const prefixes[] = {"ki", "Mi", "Gi", "Ti", "Pi",
					       "Ei", "Zi", "Yi", NULL};
	const char *prefix = "";
	double v;

	if (!call_number(c, &c->args[0], &v))
		return false;
	if (fabs(v) > 1 && !isinf(v))
		prefix = scale_down(&v, 1024, prefixes);
	return number_text(c, v, prefix, out);
}

static bool fn_humanizePercentage(struct call *c, struct value *out)
{
	double v;

	return call_number(c, &c->args[0], &v) && number_text(c, v * 100, "%", out);
}

/* Seconds to an instant, cut to milliseconds towards zero, by way of nanoseconds in a
 * double: what is lost there is lost in Prometheus too. */
static bool instant_of(struct call *c, double v, struct moment *out)
{
	double ns = v * 1e9;
	struct buf text = BUF(64);

	if (isnan(v) || isinf(v))
		return call_fail(c, "value is NaN or Inf");
	if (ns > 9223372036854775807.0 || ns < -9223372036854775808.0) {
		buf_add_float_value(&text, v);
		call_fail(c,
			  "%s cannot be represented as a nanoseconds timestamp since it "
			  "overflows int64",
			  buf_text(&text));
		buf_free(&text);
		return false;
	}
	*out = (struct moment){instant_of_ms(ns >= 9223372036854775807.0
						     ? INT64_MAX / 1000000
						     : (int64_t)ns / 1000000),
			       NULL};
	return true;
}

static bool fn_humanizeTimestamp(struct call *c, struct value *out)
{
	struct moment m;
	struct buf *b;
	double v;

	if (!call_number(c, &c->args[0], &v))
		return false;
	if (isnan(v) || isinf(v))
		return number_text(c, v, "", out);
	if (!instant_of(c, v, &m))
		return false;
	b = call_buf(c);
	buf_add_time_text(b, &m);
	return call_result(c, b, out);
}

static bool fn_toTime(struct call *c, struct value *out)
{
	struct moment m;
	double v;

	if (!call_number(c, &c->args[0], &v) || !instant_of(c, v, &m))
		return false;
	*out = value_pointer(c->mem, &type_time_pointer, value_time(c->mem, m.t, NULL));
	return true;
}

static bool fn_toDuration(struct call *c, struct value *out)
{
	double v, ns;
	int64_t whole = INT64_MIN; /* what the processor makes of too large a number */

	if (!call_number(c, &c->args[0], &v))
		return false;
	ns = v * 1e9;
	if (ns > -9223372036854775808.0 && ns < 9223372036854775808.0)
		whole = (int64_t)ns;
	*out = value_pointer(c->mem, &type_duration_pointer, value_duration(whole));
	return true;
}

static bool fn_now(struct call *c, struct value *out)
{
	wall_ms ms = instant_ms(c->run->now);

	*out = value_float((double)ms / 1000);
	return true;
}

static bool fn_parseDuration(struct call *c, struct value *out)
{
	struct str s = c->args[0].s;
	bool negative = s.n > 1 && s.p[0] == '-';
	struct buf b = BUF(BUF_NO_LIMIT);
	struct err err;
	span_ms ms;

	if (span_parse(negative ? str_from(s, 1) : s, NOWHERE, &ms, &err)) {
		*out = value_float((double)(negative ? -ms : ms) / 1000);
		return true;
	}
	if (str_starts(str_of(err.text), STR("empty")) ||
	    str_starts(str_of(err.text), STR("duration out")))
		return call_fail(c, "%s", err.text);
	buf_add_text(&b, "not a valid duration string: ");
	buf_add_quoted(&b, s);
	call_fail(c, "%s", buf_text(&b));
	buf_free(&b);
	return false;
}

const struct func functions_rule[] = {
	FUNC("query", fn_query, &type_samples, 1, &type_string),
	FUNC("first", fn_first, &type_sample_pointer, 1, &type_samples),
	FUNC("label", fn_label, &type_string, 2, &type_string, &type_sample_pointer),
	FUNC("value", fn_value, NULL, 1, &type_sample_pointer),
	FUNC("strvalue", fn_strvalue, &type_string, 1, &type_sample_pointer),
	FUNC("sortByLabel", call_sort_by_label, &type_samples, 2, &type_string,
	     &type_samples),
	FUNC_MANY("args", fn_args, &type_any_map, 1, &type_any),
	FUNC("title", fn_title, &type_string, 1, &type_string),
	FUNC("stripPort", fn_stripPort, &type_string, 1, &type_string),
	FUNC("stripDomain", fn_stripDomain, &type_string, 1, &type_string),
	FUNC("graphLink", fn_graphLink, &type_string, 1, &type_string),
	FUNC("tableLink", fn_tableLink, &type_string, 1, &type_string),
	FUNC("urlQueryEscape", fn_urlQueryEscape, &type_string, 1, &type_string),
	FUNC("externalURL", fn_externalURL, &type_string, 0, NULL),
	FUNC("pathPrefix", fn_pathPrefix, &type_string, 0, NULL),
	FUNC("humanize", fn_humanize, &type_string, 1, &type_any),
	FUNC("humanize1024", fn_humanize1024, &type_string, 1, &type_any),
	FUNC("humanizePercentage", fn_humanizePercentage, &type_string, 1, &type_any),
	FUNC("humanizeTimestamp", fn_humanizeTimestamp, &type_string, 1, &type_any),
	FUNC("toTime", fn_toTime, &type_time_pointer, 1, &type_any),
	FUNC("toDuration", fn_toDuration, &type_duration_pointer, 1, &type_any),
	FUNC("now", fn_now, &type_float64, 0, NULL),
	FUNC("parseDuration", fn_parseDuration, &type_float64, 1, &type_string),
	FUNC_END,
};

const struct func functions_console[] = {
	FUNC("tmpl", fn_tmpl, &type_html, 2, &type_string, &type_any),
	FUNC_END,
};
