#include "base/base.h"
#include "backend/prometheus.h"
#include "backend/form.h"
#include "base/map.h"
#include "base/vec.h"
#include "text/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* -- the request ---------------------------------------------------------------------- */

/* A tenant has its own path in a VictoriaMetrics cluster. */
static const char *path_of(struct arena *mem, const struct query_wish *q)
{
	if (!q->datasource->is_victoria || !q->group->tenant)
		return "/api/v1/query";
	return arena_printf(mem, "/select/%s/prometheus/api/v1/query", q->group->tenant);
}

void prometheus_compose(struct arena *mem, const struct query_wish *q,
			struct http_request *out)
{
	struct buf form = BUF(BUF_NO_LIMIT);

	form_add(&form, "query", q->expr);
	form_add(&form, "time",
		 arena_printf(mem, "%lld.%03d", (long long)(q->at / 1000),
			      (int)(q->at % 1000)));
	form_add(&form, "timeout", arena_printf(mem, "%lldms", (long long)q->timeout));
	if (q->datasource->is_thanos) {
		form_add_default(&form, q, "dedup", "true");
		form_add_default(&form, q, "partial_response", "false");
	}
	form_add_params(&form, q);
	form_post(mem, q, path_of(mem, q), &form, out);
	buf_free(&form);
}

/* -- the answer ----------------------------------------------------------------------- */

#define QUOTED_BYTES 160 /* of a body that is no JSON */

static bool is_word(struct str s, const char *word)
{
	return s.n == strlen(word) && !strncasecmp(s.p, word, s.n);
}

/* "1.5", "NaN", "+Inf", "inf"; a bare JSON number, too. */
static bool read_value(const json_t *v, double *out)
{
	struct str s = {json_string_value(v), json_string_length(v)}, bare;

	if (json_is_number(v)) {
		*out = json_number_value(v);
		return true;
	}
	if (!json_is_string(v))
		return false;
	bare = s.n && (s.p[0] == '+' || s.p[0] == '-') ? str_from(s, 1) : s;
	if (is_word(bare, "inf") || is_word(bare, "infinity"))
		*out = s.p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
	else if (is_word(bare, "nan"))
		*out = nan("");
	else
		return str_double(s, out);
	return true;
}

const struct labels *series_labels(struct arena *mem, const json_t *metric, struct err *err)
{
	json_t *v = (json_t *)(uintptr_t)metric;
	struct label *pairs = ARENA_ARRAY(mem, struct label, json_object_size(metric));
	const char *name;
	size_t n = 0;
	json_t *text;

	if (!json_is_object(metric)) {
		err_set(err, NOWHERE, "a series without labels");
		return NULL;
	}
	json_object_foreach(v, name, text)
	{
		if (!json_is_string(text)) {
			err_set(err, NOWHERE, "the value of label \"%s\" is no string",
				name);
			return NULL;
		}
		pairs[n++] = (struct label){name, json_string_value(text)};
	}
	return labels_new(mem, pairs, n, err);
}

/* [time, "value"]; the time is not ours to use. */
static bool read_pair(const json_t *pair, double *value, struct err *err)
{
	if (!json_is_array(pair) || json_array_size(pair) != 2 ||
	    !json_is_number(json_array_get(pair, 0)))
		return err_set(err, NOWHERE, "a sample is no pair of time and value");
	if (!read_value(json_array_get(pair, 1), value))
		return err_set(err, NOWHERE, "a sample's value is no number: \"%s\"",
			       json_is_string(json_array_get(pair, 1))
				       ? json_string_value(json_array_get(pair, 1))
				       : "?");
	return true;
}

#define LATEST_SECOND 1e12

/* The last of a range of raw samples, with its time. */
static bool read_last(const json_t *series, struct sample *out, struct err *err)
{
	const json_t *values = json_object_get(series, "values");
	const json_t *last;
	double at;

	if (!json_is_array(values) || !json_array_size(values))
		return err_set(err, NOWHERE, "a series without values");
	last = json_array_get(values, json_array_size(values) - 1);
	if (!read_pair(last, &out->value, err))
		return false;
	at = json_number_value(json_array_get(last, 0));
	if (!(fabs(at) < LATEST_SECOND))
		return err_set(err, NOWHERE, "a sample of an impossible time: %g", at);
	out->at = (wall_ms)llround(at * 1000);
	return true;
}

static bool read_series(struct arena *mem, const json_t *series, bool raw,
			struct sample *out, struct err *err)
{
	const json_t *pair = json_object_get(series, "value");

	out->labels = series_labels(mem, json_object_get(series, "metric"), err);
	if (!out->labels)
		return false;
	if (raw)
		return read_last(series, out, err);
	if (!pair && json_object_get(series, "histogram")) {
		out->is_histogram = true;
		return true;
	}
	return read_pair(pair, &out->value, err);
}

bool series_are_distinct(const struct sample *v, size_t n, struct err *err)
{
	struct map seen = {0};
	bool found = false;

	for (size_t i = 0; i < n && !found; i++) {
		struct str key = map_key_u64(&v[i].labels->fingerprint);

		found = map_find(&seen, key) != NULL;
		map_put(&seen, key, (void *)(uintptr_t)&v[i]);
	}
	map_free(&seen);
	return !found ||
	       err_set(err, NOWHERE, "two series of the answer have the same labels");
}

bool series_fit(const struct datasource *from, size_t n, struct err *err)
{
	return !from->max_series || n <= from->max_series ||
	       err_set(err, NOWHERE, "%zu series, at most %zu are taken (max_series)", n,
		       from->max_series);
}

static bool read_vector(struct arena *mem, const struct datasource *from, bool raw,
			const json_t *result, struct samples *out, struct err *err)
{
	size_t n = json_array_size(result);
	struct sample *v;

	if (!json_is_array(result))
		return err_set(err, NOWHERE, "the result is no list");
	if (!series_fit(from, n, err))
		return false;
	v = ARENA_ARRAY(mem, struct sample, n);
	for (size_t i = 0; i < n; i++) {
		if (!read_series(mem, json_array_get(result, i), raw, &v[i], err))
			return false;
	}
	*out = (struct samples){v, n};
	return series_are_distinct(v, n, err);
}

static bool read_scalar(struct arena *mem, const json_t *result, struct samples *out,
			struct err *err)
{
	struct sample *v = ARENA_NEW(mem, struct sample);

	v->labels = &labels_none;
	*out = (struct samples){v, 1};
	return read_pair(result, &v->value, err);
}

static bool read_data(struct arena *mem, const struct datasource *from, bool raw,
		      const json_t *data, struct samples *out, struct err *err)
{
	const char *type = json_string_value(json_object_get(data, "resultType"));
	const json_t *result = json_object_get(data, "result");

	if (!type || !result)
		return err_set(err, NOWHERE, "the answer has no result");
	if (raw && strcmp(type, "matrix") != 0)
		return err_set(err, NOWHERE, "the result is no matrix but a %s", type);
	if (raw || !strcmp(type, "vector"))
		return read_vector(mem, from, raw, result, out, err);
	if (!strcmp(type, "scalar"))
		return read_scalar(mem, result, out, err);
	return err_set(err, NOWHERE, "rule result is not a vector or scalar (it is a %s)",
		       type);
}

bool answer_is_no_json(const struct http_answer *a, const struct err *why, struct err *err)
{
	struct str start = str_slice(str_trim(a->body), 0, QUOTED_BYTES);

	if (a->status < 200 || a->status > 299)
		return err_set(err, NOWHERE, "status %d: %.*s", a->status, FMT(start));
	return err_set(err, NOWHERE, "the answer is not valid JSON (line %d: %s): %.*s",
		       why->at.line, why->text, FMT(start));
}

static const char *first_warning(struct arena *mem, const json_t *top)
{
	const json_t *list = json_object_get(top, "warnings");

	return arena_text(mem, json_string_value(json_array_get(list, 0)));
}

/* What VictoriaMetrics tells of its work, as a text. */
static int64_t series_fetched(const json_t *top)
{
	const json_t *n = json_object_get(json_object_get(top, "stats"), "seriesFetched");
	int64_t value;

	if (!json_is_string(n) || !str_int(str_of(json_string_value(n)), &value))
		return -1;
	return value;
}

static bool read_envelope(struct arena *mem, const struct datasource *from, bool raw,
			  const struct http_answer *a, const json_t *top,
			  struct query_ended *out, struct err *err)
{
	const char *status = json_string_value(json_object_get(top, "status"));
	const char *error = json_string_value(json_object_get(top, "error"));
	const char *type = json_string_value(json_object_get(top, "errorType"));

	if (error && (!status || strcmp(status, "success") != 0))
		return err_set(err, NOWHERE, "%s: %s", type ? type : "error", error);
	if (a->status < 200 || a->status > 299)
		return err_set(err, NOWHERE, "status %d", a->status);
	if (!status || strcmp(status, "success") != 0)
		return err_set(err, NOWHERE, "the answer does not say \"success\"");
	if (json_is_true(json_object_get(top, "isPartial")))
		return err_set(err, NOWHERE, "the answer is partial");
	out->warning = first_warning(mem, top);
	out->series_fetched = series_fetched(top);
	return read_data(mem, from, raw, json_object_get(top, "data"), &out->samples, err);
}

bool prometheus_judge(struct arena *mem, const struct datasource *from, bool raw,
		      const struct http_answer *a, struct query_ended *out, struct err *err)
{
	struct err why;
	json_t *top;
	bool ok;

	if (a->error)
		return err_set(err, NOWHERE, "%s", a->error);
	top = json_read(a->body, &why);
	if (!json_is_object(top)) {
		if (top)
			err_set(&why, (struct pos){NULL, 1, 1}, "not an object");
		json_decref(top);
		return answer_is_no_json(a, &why, err);
	}
	ok = read_envelope(mem, from, raw, a, top, out, err);
	json_decref(top);
	return ok;
}
