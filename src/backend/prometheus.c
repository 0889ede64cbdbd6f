#include "base/base.h"
#include "backend/prometheus.h"
#include "backend/form.h"
#include "base/map.h"
#include "base/vec.h"
#include "text/json_reader.h"

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
	form_add_default(&form, q, "timeout",
			 arena_printf(mem, "%lldms", (long long)q->timeout));
	if (q->datasource->is_thanos) {
		form_add_default(&form, q, "dedup", "true");
		form_add_default(&form, q, "partial_response", "false");
	}
	form_add_params(&form, q);
	form_post(mem, q, path_of(mem, q), &form, out);
	buf_free(&form);
}

void prometheus_compose_format(struct arena *mem, const struct query_wish *q,
			       struct http_request *out)
{
	struct buf form = BUF(BUF_NO_LIMIT);

	form_add(&form, "query", q->expr);
	form_post(mem, q, "/api/v1/format_query", &form, out);
	buf_free(&form);
}

/* -- the answer ----------------------------------------------------------------------- */

#define QUOTED_BYTES 160 /* of a body that is no JSON */

static bool is_word(struct str s, const char *word)
{
	return s.n == strlen(word) && !strncasecmp(s.p, word, s.n);
}

/* "1.5", "NaN", "+Inf", "inf" */
static bool read_text_value(struct str s, double *out)
{
	struct str bare = s.n && (s.p[0] == '+' || s.p[0] == '-') ? str_from(s, 1) : s;

	if (is_word(bare, "inf") || is_word(bare, "infinity"))
		*out = s.p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
	else if (is_word(bare, "nan"))
		*out = nan("");
	else
		return str_double(s, out);
	return true;
}

/* A text, or a bare JSON number. */
static bool read_value(struct json_reader *r, double *out, struct err *err)
{
	struct str text = STR("?");

	if (json_kind(r) != JSON_TEXT) {
		if (json_number(r, out))
			return true;
	} else {
		text = json_read_text(r);
		if (read_text_value(text, out))
			return true;
	}
	return err_set(err, NOWHERE, "a sample's value is no number: \"%.*s\"", FMT(text));
}

static const struct labels *read_labels(struct json_reader *r, struct err *err)
{
	VEC(struct label) pairs = {0};
	const struct labels *set = NULL;
	struct str name = STR("");
	bool ok = true;

	if (json_kind(r) != JSON_MAP) {
		json_skip(r);
		err_set(err, NOWHERE, "a series without labels");
		return NULL;
	}
	json_enter(r);
	while (ok && json_member(r, &name)) {
		ok = json_kind(r) == JSON_TEXT;
		if (ok)
			vec_push(&pairs, (struct label){name.p, json_read_text(r).p});
	}
	if (!ok)
		err_set(err, NOWHERE, "the value of label \"%.*s\" is no string",
			FMT(name));
	else
		set = labels_borrow(r->mem, pairs.v, pairs.n, err);
	vec_free(&pairs);
	return set;
}

static bool no_pair(struct err *err)
{
	return err_set(err, NOWHERE, "a sample is no pair of time and value");
}

/* [time, "value"] */
static bool read_pair(struct json_reader *r, double *at, double *value, struct err *err)
{
	if (json_kind(r) != JSON_LIST)
		return no_pair(err);
	json_enter(r);
	if (!json_item(r) || !json_number(r, at) || !json_item(r))
		return no_pair(err);
	if (!read_value(r, value, err))
		return false;
	return !json_item(r) || no_pair(err);
}

/* [ends, "lower", "upper", "count"] */
static bool read_bucket(struct json_reader *r, struct histogram_bucket *b, struct err *err)
{
	double *const numbers[] = {&b->lower, &b->upper, &b->count};
	double ends;

	if (json_kind(r) != JSON_LIST)
		return err_set(err, NOWHERE, "a bucket of a histogram is no list");
	json_enter(r);
	if (!json_item(r) || !json_number(r, &ends) ||
	    !(ends == ENDS_UPPER || ends == ENDS_LOWER || ends == ENDS_NONE ||
	      ends == ENDS_BOTH))
		return err_set(err, NOWHERE, "a bucket of a histogram without its rule");
	b->ends = (enum histogram_ends)(int)ends;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		if (!json_item(r))
			return err_set(err, NOWHERE,
				       "a bucket of a histogram is too short");
		if (!read_value(r, numbers[i], err))
			return false;
	}
	if (json_item(r))
		return err_set(err, NOWHERE, "a bucket of a histogram is too long");
	return b->lower <= b->upper ||
	       err_set(err, NOWHERE, "a bucket of a histogram ends before it begins");
}

/* How many items the list has that comes; the reader is a copy. */
static size_t count_items(struct json_reader r)
{
	size_t n = 0;

	json_enter(&r);
	for (; json_item(&r); n++)
		json_skip(&r);
	return n;
}

static bool read_buckets(struct json_reader *r, struct histogram **out, struct err *err)
{
	size_t n, i = 0;

	if (json_kind(r) != JSON_LIST)
		return err_set(err, NOWHERE, "the buckets of a histogram are no list");
	n = count_items(*r);
	if (n > HISTOGRAM_MOST_BUCKETS)
		return err_set(err, NOWHERE,
			       "a histogram of %zu buckets, at most %d are taken", n,
			       HISTOGRAM_MOST_BUCKETS);
	*out = arena_alloc(r->mem, sizeof(**out) + n * sizeof((*out)->v[0]));
	(*out)->n = n;
	json_enter(r);
	while (json_item(r)) {
		struct histogram_bucket *b = &(*out)->v[i];

		if (!read_bucket(r, b, err))
			return false;
		if (i && b->lower < b[-1].lower) /* that of zero may cover others */
			return err_set(err, NOWHERE,
				       "the buckets of a histogram do not ascend");
		i++;
	}
	return true;
}

/* {"count":"10","sum":"5.5","buckets":[..]}; buckets that hold nothing are not there. */
static bool read_histogram_map(struct json_reader *r, const struct histogram **out,
			       struct err *err)
{
	struct histogram *h = NULL;
	bool has_count = false, has_sum = false;
	double count = 0, sum = 0;
	struct str name;

	if (json_kind(r) != JSON_MAP)
		return err_set(err, NOWHERE, "a histogram is no object");
	json_enter(r);
	while (json_member(r, &name)) {
		bool ok = true;

		if (str_is(name, "count"))
			ok = has_count = read_value(r, &count, err);
		else if (str_is(name, "sum"))
			ok = has_sum = read_value(r, &sum, err);
		else if (str_is(name, "buckets"))
			ok = read_buckets(r, &h, err);
		else
			json_skip(r);
		if (!ok)
			return false;
	}
	if (!has_count || !has_sum)
		return err_set(err, NOWHERE, "a histogram without count or sum");
	if (!h)
		h = ARENA_NEW(r->mem, struct histogram);
	h->count = count;
	h->sum = sum;
	*out = h;
	return true;
}

/* [time, {..}] */
static bool read_histogram(struct json_reader *r, const struct histogram **out,
			   struct err *err)
{
	double at;

	if (json_kind(r) != JSON_LIST)
		return no_pair(err);
	json_enter(r);
	if (!json_item(r) || !json_number(r, &at) || !json_item(r))
		return no_pair(err);
	if (!read_histogram_map(r, out, err))
		return false;
	return !json_item(r) || no_pair(err);
}

#define LATEST_SECOND 1e12

/* The last of a range of raw samples, with its time. */
static bool read_last(struct json_reader *r, struct sample *out, struct err *err)
{
	bool any = false;
	double at = 0;

	if (json_kind(r) == JSON_LIST) {
		json_enter(r);
		while (json_item(r)) {
			any = true;
			if (!read_pair(r, &at, &out->value, err))
				return false;
		}
	}
	if (!any)
		return err_set(err, NOWHERE, "a series without values");
	if (!(fabs(at) < LATEST_SECOND))
		return err_set(err, NOWHERE, "a sample of an impossible time: %g", at);
	out->at = (wall_ms)llround(at * 1000);
	return true;
}

/* Members come in any order; what an answer of this kind has no use for is passed over. */
static bool read_series(struct json_reader *r, bool raw, struct sample *out,
			struct err *err)
{
	bool has_value = false, has_labels = false;
	struct str name;
	double at;

	if (json_kind(r) == JSON_MAP)
		json_enter(r);
	else
		return err_set(err, NOWHERE, "a series without labels");
	while (json_member(r, &name)) {
		if (str_is(name, "metric")) {
			has_labels = true;
			out->labels = read_labels(r, err);
			if (!out->labels)
				return false;
		} else if (str_is(name, raw ? "values" : "value")) {
			has_value = true;
			if (raw ? !read_last(r, out, err)
				: !read_pair(r, &at, &out->value, err))
				return false;
		} else if (!raw && str_is(name, "histogram")) {
			if (!read_histogram(r, &out->histogram, err))
				return false;
		} else {
			json_skip(r);
		}
	}
	if (!has_labels)
		return err_set(err, NOWHERE, "a series without labels");
	if (!has_value && raw)
		return err_set(err, NOWHERE, "a series without values");
	if (has_value && out->histogram)
		return err_set(err, NOWHERE, "a sample is both a number and a histogram");
	return has_value || out->histogram || no_pair(err);
}

bool series_are_distinct(const struct sample *v, size_t n, struct err *err)
{
	struct arena mem = {0};
	struct map seen = {0};
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++)
		ok = labels_index(&mem, &seen, v[i].labels);
	map_free(&seen);
	arena_free(&mem);
	return ok || err_set(err, NOWHERE, "two series of the answer have the same labels");
}

bool series_fit(const struct datasource *from, size_t n, struct err *err)
{
	return !from->max_series || n <= from->max_series ||
	       err_set(err, NOWHERE, "%zu series, at most %zu are taken (max_series)", n,
		       from->max_series);
}

static bool read_vector(struct json_reader *r, const struct datasource *from, bool raw,
			struct samples *out, struct err *err)
{
	struct sample *v;
	size_t n, i = 0;

	if (json_kind(r) != JSON_LIST)
		return err_set(err, NOWHERE, "the result is no list");
	n = count_items(*r);
	if (!series_fit(from, n, err))
		return false;
	v = ARENA_ARRAY(r->mem, struct sample, n);
	json_enter(r);
	while (json_item(r)) {
		if (!read_series(r, raw, &v[i++], err))
			return false;
	}
	*out = (struct samples){v, n};
	return series_are_distinct(v, n, err);
}

static bool read_scalar(struct json_reader *r, struct samples *out, struct err *err)
{
	struct sample *v = ARENA_NEW(r->mem, struct sample);
	double at;

	v->labels = &labels_none;
	*out = (struct samples){v, 1};
	return read_pair(r, &at, &v->value, err);
}

static bool read_result(struct json_reader *r, const struct datasource *from, bool raw,
			const char *type, struct query_ended *out, struct err *err)
{
	if (raw && strcmp(type, "matrix") != 0)
		return err_set(err, NOWHERE, "the result is no matrix but a %s", type);
	if (raw || !strcmp(type, "vector"))
		return read_vector(r, from, raw, &out->samples, err);
	if (!strcmp(type, "scalar"))
		return read_scalar(r, &out->samples, err);
	out->is_unfit = true;
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

/* -- what stands around the result ----------------------------------------------------
 * The whole is passed over once, so that half an answer is none, whatever its first half
 * says; the result is read when all else is known. */

struct envelope {
	const char *status, *error, *error_type, *type, *warning; /* NULL: not there */
	size_t n_warnings;
	bool is_partial, has_result;
	struct json_reader result; /* at its begin */
	int64_t series_fetched;	   /* -1: not told */
};

static const char *text_or_null(struct json_reader *r)
{
	if (json_kind(r) == JSON_TEXT)
		return json_read_text(r).p;
	json_skip(r);
	return NULL;
}

/* The first text of a list, and how many items it has. */
static const char *first_text(struct json_reader *r, size_t *n)
{
	const char *first = NULL;

	*n = 0;
	if (json_kind(r) != JSON_LIST) {
		json_skip(r);
		return NULL;
	}
	json_enter(r);
	for (; json_item(r); (*n)++) {
		if (!*n)
			first = text_or_null(r);
		else
			json_skip(r);
	}
	return first;
}

/* Enters a map; anything else is passed over. */
static bool enter_map(struct json_reader *r)
{
	bool is_map = json_kind(r) == JSON_MAP;

	if (is_map)
		json_enter(r);
	else
		json_skip(r);
	return is_map;
}

/* What VictoriaMetrics tells of its work, as a text. */
static void read_stats(struct json_reader *r, struct envelope *v)
{
	struct str name;

	if (!enter_map(r))
		return;
	while (json_member(r, &name)) {
		bool is_it = str_is(name, "seriesFetched");
		const char *text = text_or_null(r);

		if (is_it && (!text || !str_int(str_of(text), &v->series_fetched)))
			v->series_fetched = -1;
	}
}

static void read_data(struct json_reader *r, struct envelope *v)
{
	struct str name;

	if (!enter_map(r))
		return;
	while (json_member(r, &name)) {
		if (str_is(name, "resultType")) {
			v->type = text_or_null(r);
			continue;
		}
		if (str_is(name, "result")) {
			v->has_result = json_kind(r) != JSON_NULL_VALUE;
			v->result = *r;
			v->result.room_left = 0; /* the rest of it is the reader's */
		}
		json_skip(r);
	}
}

static void read_envelope(struct json_reader *r, struct envelope *v)
{
	struct str name;

	json_enter(r);
	while (json_member(r, &name)) {
		if (str_is(name, "status"))
			v->status = text_or_null(r);
		else if (str_is(name, "error"))
			v->error = text_or_null(r);
		else if (str_is(name, "errorType"))
			v->error_type = text_or_null(r);
		else if (str_is(name, "isPartial"))
			v->is_partial = json_truth(r);
		else if (str_is(name, "warnings"))
			v->warning = first_text(r, &v->n_warnings);
		else if (str_is(name, "stats"))
			read_stats(r, v);
		else if (str_is(name, "data"))
			read_data(r, v);
		else
			json_skip(r);
	}
	json_end(r);
}

static bool judge_envelope(const struct http_answer *a, const struct envelope *v,
			   struct err *err)
{
	bool is_success = v->status && !strcmp(v->status, "success");

	if (v->error && !is_success)
		return err_set(err, NOWHERE, "%s: %s",
			       v->error_type ? v->error_type : "error", v->error);
	if (a->status < 200 || a->status > 299)
		return err_set(err, NOWHERE, "status %d", a->status);
	if (!is_success)
		return err_set(err, NOWHERE, "the answer does not say \"success\"");
	return (v->type && v->has_result) ||
	       err_set(err, NOWHERE, "the answer has no result");
}

bool prometheus_judge(struct arena *mem, const struct datasource *from, bool raw,
		      const struct http_answer *a, struct query_ended *out, struct err *err)
{
	/* strict: a damaged answer is none, as what is missing in it would resolve alerts
	 */
	struct json_reader r = json_reader_strict(mem, a->body);
	struct envelope v = {.series_fetched = -1};
	struct err why;

	if (a->error)
		return err_set(err, NOWHERE, "%s", a->error);
	if (json_kind(&r) == JSON_MAP)
		read_envelope(&r, &v);
	else
		err_set(&why, (struct pos){NULL, 1, 1}, "not an object");
	if (!r.at || !json_is_good(&r, &why))
		return answer_is_no_json(a, &why, err);
	if (!judge_envelope(a, &v, err))
		return false;
	out->warning = v.warning;
	out->n_warnings = v.n_warnings;
	out->is_partial = v.is_partial;
	out->series_fetched = v.series_fetched;
	return read_result(&v.result, from, raw, v.type, out, err);
}
