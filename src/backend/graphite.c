#include "base/base.h"
#include "backend/graphite.h"
#include "backend/form.h"
#include "backend/prometheus.h"
#include "text/json.h"

void graphite_compose(struct arena *mem, const struct query_wish *q,
		      struct http_request *out)
{
	struct buf form = BUF(BUF_NO_LIMIT);

	form_add(&form, "target", q->expr);
	form_add(&form, "format", "json");
	form_add_default(&form, q, "from", "-5min");
	form_add_default(&form, q, "until", "now");
	form_add_params(&form, q);
	form_post(mem, q, "/render", &form, out);
	buf_free(&form);
}

/* [value or null, time] */
static bool read_point(const json_t *point, double *value, bool *is_there, struct err *err)
{
	const json_t *v = json_array_get(point, 0);

	if (json_array_size(point) != 2 || !(json_is_number(v) || json_is_null(v)))
		return err_set(err, NOWHERE, "a datapoint is no pair of value and time");
	*is_there = json_is_number(v);
	*value = json_number_value(v);
	return true;
}

/* Nulls at the end are what has not arrived yet. */
static bool read_last(const json_t *points, double *value, bool *is_there, struct err *err)
{
	*is_there = false;
	if (!json_is_array(points))
		return err_set(err, NOWHERE, "a target without \"datapoints\"");
	for (size_t i = json_array_size(points); i-- && !*is_there;) {
		if (!read_point(json_array_get(points, i), value, is_there, err))
			return false;
	}
	return true;
}

static const struct labels *tag_labels(struct arena *mem, const json_t *tags,
				       struct err *err)
{
	json_t *all = (json_t *)(uintptr_t)tags; /* jansson's iteration is not const */
	struct label *pairs = ARENA_ARRAY(mem, struct label, json_object_size(tags));
	const char *name;
	size_t n = 0;
	json_t *text;

	if (!json_is_object(tags)) {
		err_set(err, NOWHERE, "a series without labels");
		return NULL;
	}
	json_object_foreach(all, name, text)
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

/* Without tags (before Graphite 1.1) the target itself is the name. */
static const struct labels *read_tags(struct arena *mem, const json_t *target,
				      struct err *err)
{
	const json_t *tags = json_object_get(target, "tags");
	struct label name = {"name", json_string_value(json_object_get(target, "target"))};

	if (tags)
		return tag_labels(mem, tags, err);
	if (!name.value) {
		err_set(err, NOWHERE, "a series with neither \"tags\" nor \"target\"");
		return NULL;
	}
	return labels_new(mem, &name, 1, err);
}

static bool read_all(struct arena *mem, const struct datasource *from, const json_t *list,
		     struct samples *out, struct err *err)
{
	size_t n = json_array_size(list), kept = 0;
	struct sample *v;
	bool is_there;

	if (!series_fit(from, n, err))
		return false;
	v = ARENA_ARRAY(mem, struct sample, n);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);

		if (!read_last(json_object_get(one, "datapoints"), &v[kept].value,
			       &is_there, err))
			return false;
		if (!is_there)
			continue;
		v[kept].labels = read_tags(mem, one, err);
		if (!v[kept++].labels)
			return false;
	}
	*out = (struct samples){v, kept};
	return series_are_distinct(v, kept, err);
}

bool graphite_judge(struct arena *mem, const struct datasource *from,
		    const struct http_answer *a, struct samples *out, struct err *err)
{
	struct err why;
	json_t *top;
	bool ok;

	if (a->error)
		return err_set(err, NOWHERE, "%s", a->error);
	top = json_read(a->body, &why);
	if (a->status / 100 != 2 || !json_is_array(top)) {
		if (top)
			err_set(&why, (struct pos){NULL, 1, 1}, "not a list");
		json_decref(top);
		return answer_is_no_json(a, &why, err);
	}
	ok = read_all(mem, from, top, out, err);
	json_decref(top);
	return ok;
}
