#include "base/base.h"
#include "text/rule_data.h"
#include "text/float.h"

#include <string.h>

/* -- samples -------------------------------------------------------------------------- */

static const struct type_field sample_fields[] = {
	{"Labels", &type_string_map, NULL},
	{"Value", &type_any, NULL},
};
const struct type type_sample = {
	.kind = VALUE_STRUCT,
	.name = "template.sample",
	.is_named = true,
	.fields = sample_fields,
	.n_fields = COUNT_OF(sample_fields),
};
const struct type type_sample_pointer = {
	.kind = VALUE_POINTER,
	.name = "*template.sample",
	.elem = &type_sample,
};
const struct type type_samples = {
	.kind = VALUE_LIST,
	.name = "template.queryResult",
	.is_named = true,
	.elem = &type_sample_pointer,
};

struct value value_samples(struct arena *mem, const struct rule_sample *samples, size_t n)
{
	struct value *v = ARENA_ARRAY(mem, struct value, n);

	for (size_t i = 0; i < n; i++) {
		struct value *f = ARENA_ARRAY(mem, struct value, 3);

		f[0] = value_label_map(mem, samples[i].labels);
		f[1] = samples[i].value;
		f[2] = value_int64(
			samples[i].timestamp); /* behind Go's fields: vmalert's */
		v[i] = value_pointer(mem, &type_sample_pointer,
				     (struct value){.type = &type_sample, .fields = f});
	}
	return value_list(&type_samples, v, n);
}

/* -- native histograms ----------------------------------------------------------------- */

void buf_add_native_histogram(struct buf *b, const struct histogram *h)
{
	static const struct {
		char open, close;
	} brackets[] = {
		[ENDS_UPPER] = {'(', ']'},
		[ENDS_LOWER] = {'[', ')'},
		[ENDS_NONE] = {'(', ')'},
		[ENDS_BOTH] = {'[', ']'},
	};

	buf_add_text(b, "{count:");
	buf_add_float_value(b, h->count);
	buf_add_text(b, ", sum:");
	buf_add_float_value(b, h->sum);
	for (size_t i = 0; i < h->n; i++) {
		const struct histogram_bucket *k = &h->v[i];

		buf_addf(b, ", %c", brackets[k->ends].open);
		buf_add_float_value(b, k->lower);
		buf_add_char(b, ',');
		buf_add_float_value(b, k->upper);
		buf_addf(b, "%c:", brackets[k->ends].close);
		buf_add_float_value(b, k->count);
	}
	buf_add_char(b, '}');
}

static struct str histogram_text(struct arena *mem, const struct value *v)
{
	(void)mem;
	return v->s;
}

static const struct type type_histogram = {
	.kind = VALUE_STRING,
	.name = "*histogram.FloatHistogram",
	.is_named = true,
	.text = histogram_text,
};

struct value value_histogram(struct arena *mem, const struct histogram *h)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct value v = {.type = &type_histogram};

	buf_add_native_histogram(&b, h);
	v.s = buf_keep(&b, mem);
	buf_free(&b);
	return v;
}

/* -- the root value ------------------------------------------------------------------- */

static const struct type_field rule_fields[] = {
	{"Labels", &type_string_map, NULL},
	{"ExternalLabels", &type_string_map, NULL},
	{"ExternalURL", &type_string, NULL},
	{"Value", &type_any, NULL},
};
static const struct type type_rule = {
	.kind = VALUE_STRUCT,
	.name = "struct { Labels map[string]string; ExternalLabels map[string]string; "
		"ExternalURL string; Value interface {} }",
	.fields = rule_fields,
	.n_fields = COUNT_OF(rule_fields),
};
const struct type *const rule_type = &type_rule;

static struct value map_of(struct arena *mem, const struct labels *labels)
{
	return labels ? value_label_map(mem, labels)
		      : value_dict(&type_string_map, NULL, 0);
}

struct value rule_data_value(struct arena *mem, const struct rule_data *d)
{
	struct value *f = ARENA_ARRAY(mem, struct value, COUNT_OF(rule_fields));

	f[0] = map_of(mem, d->labels);
	f[1] = map_of(mem, d->external_labels);
	f[2] = value_text(d->external_url);
	f[3] = d->value;
	return (struct value){.type = &type_rule, .fields = f};
}

static const struct type_field vmalert_fields[] = {
	{"Type", &type_string, NULL},	     {"Labels", &type_string_map, NULL},
	{"Value", &type_float64, NULL},	     {"Expr", &type_string, NULL},
	{"AlertID", &type_uint64, NULL},     {"GroupID", &type_uint64, NULL},
	{"ActiveAt", &type_time, NULL},	     {"For", &type_duration, NULL},
	{"IsPartial", &type_bool, NULL},     {"ExternalLabels", &type_string_map, NULL},
	{"ExternalURL", &type_string, NULL}, {"Interval", &type_duration, NULL},
};
static const struct type type_rule_vmalert = {
	.kind = VALUE_STRUCT,
	.name = "notifier.tplData",
	.is_named = true,
	.fields = vmalert_fields,
	.n_fields = COUNT_OF(vmalert_fields),
};
const struct type *const rule_type_vmalert = &type_rule_vmalert;

struct value rule_data_value_vmalert(struct arena *mem, const struct rule_data *d)
{
	const struct value fields[COUNT_OF(vmalert_fields)] = {
		value_text(d->type),
		map_of(mem, d->labels),
		d->value,
		value_text(d->expr),
		value_uint64(d->alert_id),
		value_uint64(d->group_id),
		value_time(mem, d->active_at.t, d->active_at.zone),
		value_duration(d->for_ns),
		value_bool(d->is_partial),
		map_of(mem, d->external_labels),
		value_text(d->external_url),
		value_duration(d->interval_ns),
	};
	struct value *f = ARENA_ARRAY(mem, struct value, COUNT_OF(fields));

	memcpy(f, fields, sizeof(fields));
	return (struct value){.type = &type_rule_vmalert, .fields = f};
}

/* -- texts ---------------------------------------------------------------------------- */

static const char prometheus_prefix[] =
	"{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}"
	"{{$externalURL := .ExternalURL}}{{$value := .Value}}";
static const char vmalert_prefix[] =
	"{{ $value := .Value }}{{ $labels := .Labels }}{{ $expr := .Expr }}"
	"{{ $externalLabels := .ExternalLabels }}{{ $externalURL := .ExternalURL }}"
	"{{ $alertID := .AlertID }}{{ $groupID := .GroupID }}{{ $activeAt := .ActiveAt }}"
	"{{ $for := .For }}{{ $interval := .Interval }}{{ $type := .Type }}"
	"{{ $isPartial := .IsPartial }}";

const struct template *rule_text_parse(struct arena *mem, const struct template_set *set,
				       const char *name, struct str text, struct pos at,
				       struct err *err)
{
	const char *prefix = template_set_funcs(set) == FUNCS_VMALERT ? vmalert_prefix
								      : prometheus_prefix;
	size_t before = strlen(prefix);
	char *whole = arena_alloc(mem, before + text.n + 1);

	memcpy(whole, prefix, before);
	if (text.n)
		memcpy(whole + before, text.p, text.n);
	if (at.col)
		at.col -= (int)before;
	return template_parse(mem, set, TEMPLATE_TEXT, name,
			      (struct str){whole, before + text.n}, at, err);
}
