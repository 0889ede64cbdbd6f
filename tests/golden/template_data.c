#include "base/base.h"
#include "golden/template_data.h"
#include "text/float.h"
#include "text/func.h"
#include "text/notice.h"
#include "text/rule_data.h"
#include "text/unicode.h"

#include <string.h>

#define EXTERNAL_URL "http://prometheus.example.org:9090/prom"

static struct str text_of(struct arena *mem, const json_t *j)
{
	if (!json_is_string(j))
		return STR("");
	return arena_str(mem, (struct str){json_string_value(j), json_string_length(j)});
}

static struct str member(struct arena *mem, const json_t *j, const char *key)
{
	return text_of(mem, json_object_get(j, key));
}

static struct value map_value(struct arena *mem, const struct type *type, const json_t *j)
{
	struct entry *v = ARENA_ARRAY(mem, struct entry, json_object_size(j));
	const char *key;
	json_t *item;
	size_t n = 0;
	void *tmp;

	json_object_foreach_safe((json_t *)(uintptr_t)j, tmp, key, item)
	{
		v[n].key = str_of(arena_text(mem, key));
		v[n++].value = type->elem == &type_string ? value_str(text_of(mem, item))
							  : template_data(mem, item);
	}
	return value_dict(type, v, n);
}

static struct value list_value(struct arena *mem, const struct type *type, const json_t *j)
{
	size_t n = json_array_size(j);
	struct value *v = ARENA_ARRAY(mem, struct value, n);

	for (size_t i = 0; i < n; i++)
		v[i] = template_data(mem, json_array_get(j, i));
	return value_list(type, v, n);
}

/* -- the special forms ---------------------------------------------------------------- */

static struct moment moment_of(struct arena *mem, const json_t *j)
{
	struct moment m = {INSTANT_ZERO, NULL};

	if (json_is_object(j))
		j = json_object_get(j, "$time");
	if (json_is_string(j) && !instant_parse(text_of(mem, j), &m.t))
		BUG("bad time %s", json_string_value(j));
	return m;
}

static struct value time_value(struct arena *mem, const json_t *j)
{
	struct moment m = moment_of(mem, j);

	return value_time(mem, m.t, m.zone);
}

static struct value duration_value(struct arena *mem, const json_t *j)
{
	int64_t ns;

	if (!go_duration_parse(text_of(mem, j), &ns))
		BUG("bad duration %s", json_string_value(j));
	return value_duration(ns);
}

static struct value int_value(struct arena *mem, const json_t *j)
{
	int64_t i;

	if (!str_int(text_of(mem, j), &i))
		BUG("bad integer");
	return value_int(i);
}

static struct value uint_value(struct arena *mem, const json_t *j)
{
	struct str s = text_of(mem, j);
	uint64_t u = 0;

	for (size_t i = 0; i < s.n; i++)
		u = u * 10 + (uint64_t)(s.p[i] - '0');
	return value_uint64(u);
}

static struct value float_value(struct arena *mem, const json_t *j)
{
	double f;

	if (json_is_number(j))
		return value_float(json_number_value(j));
	if (float_parse(text_of(mem, j), &f) != FLOAT_OK)
		BUG("bad float");
	return value_float(f);
}

static struct value bytes_value(struct arena *mem, const json_t *j)
{
	struct str s = text_of(mem, j);
	struct value *v = ARENA_ARRAY(mem, struct value, s.n);

	for (size_t i = 0; i < s.n; i++)
		v[i] = (struct value){.type = &type_uint8, .u = (unsigned char)s.p[i]};
	return value_list(&type_bytes, v, s.n);
}

static struct value strings_value(struct arena *mem, const json_t *j)
{
	return list_value(mem, &type_string_list, j);
}

static struct value labels_value(struct arena *mem, const json_t *j)
{
	return map_value(mem, &type_string_map, j);
}

static struct value kv_value(struct arena *mem, const json_t *j)
{
	return map_value(mem, &type_kv, j);
}

static struct notice_alert alert_of(struct arena *mem, const json_t *j)
{
	struct str status = member(mem, j, "status");

	return (struct notice_alert){
		.status = status.p,
		.labels = kv_value(mem, json_object_get(j, "labels")),
		.annotations = kv_value(mem, json_object_get(j, "annotations")),
		.starts_at = moment_of(mem, json_object_get(j, "startsAt")),
		.ends_at = moment_of(mem, json_object_get(j, "endsAt")),
		.generator_url = member(mem, j, "generatorURL"),
		.fingerprint = member(mem, j, "fingerprint"),
	};
}

static struct value alert_value(struct arena *mem, const json_t *j)
{
	struct notice_alert a = alert_of(mem, j);

	return notice_alert_value(mem, &a);
}

static struct value kv_or_common(struct arena *mem, const json_t *given,
				 const struct value *kvs, size_t n)
{
	return given ? kv_value(mem, given) : notice_common(mem, kvs, n);
}

static struct value alertdata_value(struct arena *mem, const json_t *j)
{
	const json_t *list = json_object_get(j, "alerts");
	size_t n = json_array_size(list);
	struct notice_alert *alerts = ARENA_ARRAY(mem, struct notice_alert, n);
	struct value *labels = ARENA_ARRAY(mem, struct value, n);
	struct value *annotations = ARENA_ARRAY(mem, struct value, n);
	struct notice data = {
		.receiver = member(mem, j, "receiver"),
		.status = json_object_get(j, "status") ? member(mem, j, "status").p
						       : "resolved",
		.reason = member(mem, j, "notificationReason"),
		.external_url = member(mem, j, "externalURL"),
		.alerts = alerts,
		.n_alerts = n,
		.group_labels = kv_value(mem, json_object_get(j, "groupLabels")),
		.route_labels = kv_value(mem, json_object_get(j, "routeLabels")),
	};

	for (size_t i = 0; i < n; i++) {
		alerts[i] = alert_of(mem, json_array_get(list, i));
		labels[i] = alerts[i].labels;
		annotations[i] = alerts[i].annotations;
		if (!json_object_get(j, "status") &&
		    strcmp(alerts[i].status, "firing") == 0)
			data.status = "firing";
	}
	data.common_labels = kv_or_common(mem, json_object_get(j, "commonLabels"), labels,
					  n);
	data.common_annotations = kv_or_common(mem, json_object_get(j, "commonAnnotations"),
					       annotations, n);
	return notice_value(mem, &data);
}

static const struct labels *labels_of(struct arena *mem, const json_t *j)
{
	struct label *v = ARENA_ARRAY(mem, struct label, json_object_size(j));
	const struct labels *labels;
	const char *key;
	json_t *item;
	size_t n = 0;
	void *tmp;

	json_object_foreach_safe((json_t *)(uintptr_t)j, tmp, key, item)
	{
		v[n++] = (struct label){arena_text(mem, key), text_of(mem, item).p};
	}
	labels = labels_new_raw(mem, v, n, NULL);
	ASSERT(labels);
	return labels;
}

static struct value promdata_value(struct arena *mem, const json_t *j)
{
	const json_t *value = json_object_get(j, "value");
	struct rule_data d = {
		.labels = labels_of(mem, json_object_get(j, "labels")),
		.external_labels = labels_of(mem, json_object_get(j, "externalLabels")),
		.external_url = json_object_get(j, "externalURL")
					? member(mem, j, "externalURL").p
					: EXTERNAL_URL,
		.value = json_is_integer(value)
				 ? value_float((double)json_integer_value(value))
				 : template_data(mem, value),
	};

	return rule_data_value(mem, &d);
}

struct value template_samples(struct arena *mem, const json_t *j)
{
	size_t n = json_array_size(j);
	struct rule_sample *v = ARENA_ARRAY(mem, struct rule_sample, n);

	for (size_t i = 0; i < n; i++) {
		const json_t *sample = json_array_get(j, i);

		v[i].labels = labels_of(mem, json_object_get(sample, "labels"));
		v[i].value = float_value(mem, json_object_get(sample, "value"));
	}
	return value_samples(mem, v, n);
}

static struct value nil_value(struct arena *mem, const json_t *j)
{
	static const struct type func = {.kind = VALUE_FUNC, .name = "func() int"};
	static const struct {
		const char *name;
		const struct type *type;
	} kinds[] = {{"list", &type_anys},
		     {"map", &type_any_map},
		     {"labels", &type_string_map},
		     {"strings", &type_string_list},
		     {"func", &func}};

	(void)mem;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (strcmp(json_string_value(j), kinds[i].name) == 0)
			return value_zero(kinds[i].type);
	}
	BUG("unknown nil %s", json_string_value(j));
}

/* -- functions as data ---------------------------------------------------------------- */

static bool fn_upper(struct call *c, struct value *out)
{
	*out = value_str(unicode_upper(c->mem, c->args[0].s));
	return true;
}

static bool fn_answer(struct call *c, struct value *out)
{
	(void)c;
	*out = value_int(42);
	return true;
}

static bool fn_add(struct call *c, struct value *out)
{
	*out = value_int(c->args[0].i + c->args[1].i);
	return true;
}

static bool fn_join(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	for (size_t i = 1; i < c->n; i++) {
		if (i > 1)
			buf_add_str(b, c->args[0].s);
		buf_add_str(b, c->args[i].s);
	}
	return call_result(c, b, out);
}

static bool fn_fail(struct call *c, struct value *out)
{
	(void)out;
	return call_fail(c, "func failed");
}

static struct value func_value(struct arena *mem, const json_t *j)
{
	static const struct {
		struct func func;
		struct type type;
	} funcs[] = {
		{FUNC("upper", fn_upper, &type_string, 1, &type_string),
		 {.kind = VALUE_FUNC, .name = "func(string) string"}},
		{FUNC("answer", fn_answer, &type_int, 0, NULL),
		 {.kind = VALUE_FUNC, .name = "func() int"}},
		{FUNC("add", fn_add, &type_int, 2, &type_int, &type_int),
		 {.kind = VALUE_FUNC, .name = "func(int, int) int"}},
		{FUNC_MANY("join", fn_join, &type_string, 2, &type_string, &type_string),
		 {.kind = VALUE_FUNC, .name = "func(string, ...string) string"}},
		{FUNC("fail", fn_fail, &type_string, 0, NULL),
		 {.kind = VALUE_FUNC, .name = "func() (string, error)"}},
	};

	(void)mem;
	for (size_t i = 0; i < COUNT_OF(funcs); i++) {
		if (strcmp(json_string_value(j), funcs[i].func.name) == 0)
			return (struct value){.type = &funcs[i].type,
					      .func = &funcs[i].func};
	}
	BUG("unknown function %s", json_string_value(j));
}

/* -- all of it ------------------------------------------------------------------------ */

static struct value special_value(struct arena *mem, const char *key, const json_t *j)
{
	static const struct {
		const char *key;
		struct value (*make)(struct arena *, const json_t *);
		const struct type *string;
	} forms[] = {
		{"$time", time_value, NULL},
		{"$duration", duration_value, NULL},
		{"$int", int_value, NULL},
		{"$uint", uint_value, NULL},
		{"$float", float_value, NULL},
		{"$bytes", bytes_value, NULL},
		{"$strings", strings_value, NULL},
		{"$labels", labels_value, NULL},
		{"$kv", kv_value, NULL},
		{"$html", NULL, &type_html},
		{"$attr", NULL, &type_attr},
		{"$url", NULL, &type_url},
		{"$js", NULL, &type_js},
		{"$jsstr", NULL, &type_jsstr},
		{"$css", NULL, &type_css},
		{"$srcset", NULL, &type_srcset},
		{"$alertdata", alertdata_value, NULL},
		{"$alert", alert_value, NULL},
		{"$promdata", promdata_value, NULL},
		{"$samples", template_samples, NULL},
		{"$nil", nil_value, NULL},
		{"$func", func_value, NULL},
	};

	for (size_t i = 0; i < COUNT_OF(forms); i++) {
		if (strcmp(key, forms[i].key) != 0)
			continue;
		return forms[i].make ? forms[i].make(mem, j)
				     : value_typed(forms[i].string, text_of(mem, j));
	}
	BUG("unknown form %s", key);
}

static const char *only_key(const json_t *j)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)j);

	return json_object_size(j) == 1 ? json_object_iter_key(iter) : NULL;
}

struct value template_data(struct arena *mem, const json_t *j)
{
	const char *key;

	switch (json_typeof(j)) {
	case JSON_NULL:
		return VALUE_INVALID;
	case JSON_TRUE:
	case JSON_FALSE:
		return value_bool(json_is_true(j));
	case JSON_INTEGER:
		return value_int64(json_integer_value(j));
	case JSON_REAL:
		return value_float(json_real_value(j));
	case JSON_STRING:
		return value_str(text_of(mem, j));
	case JSON_ARRAY:
		return list_value(mem, &type_anys, j);
	case JSON_OBJECT:
		break;
	}
	key = only_key(j);
	if (key && key[0] == '$')
		return special_value(mem, key, json_object_get(j, key));
	return map_value(mem, &type_any_map, j);
}

struct value template_route_labels(struct arena *mem, const json_t *data)
{
	const json_t *j = json_object_get(json_object_get(data, "$alertdata"),
					  "routeLabels");

	return j ? kv_value(mem, j) : VALUE_INVALID;
}

const char *template_external_url(const json_t *data)
{
	const char *url = json_string_value(
		json_object_get(json_object_get(data, "$promdata"), "externalURL"));

	return url ? url : EXTERNAL_URL;
}
