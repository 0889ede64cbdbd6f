#include "base/base.h"
#include "config/rules.h"
#include "base/map.h"
#include "base/vec.h"
#include "config/field.h"
#include "config/rule_templates.h"
#include "text/dialects.h"
#include "text/header.h"
#include "text/metricsql.h"
#include "text/promql.h"

#include <stdlib.h>
#include <string.h>

/* Rule files: one schema, the union of what Prometheus, vmalert, Thanos, Mimir and Loki
 * accept (spec/rules.md 2, 3, 22), with Prometheus' checks. */

struct rule_text {
	struct pos at;
	const struct yaml *source;
	const char *alert, *record, *expr;
	struct given_span hold, keep_firing;
	struct pair_list labels, annotations;
	enum tristate debug;
	int64_t update_entries_limit;
};

struct group_text {
	struct pos at;
	const struct yaml *source;
	const char *name, *datasource, *type, *tenant, *partial_response;
	struct given_span interval, query_offset, evaluation_delay, eval_delay;
	int64_t limit, concurrency;
	struct pair_list labels;
	struct object_list rules; /* struct rule_text */
	const struct yaml *eval_offset, *params, *remote_write;
	enum tristate eval_alignment, align;
	struct text_list headers, notifier_headers, source_tenants;
	bool debug;
};

struct file_text {
	struct object_list groups; /* struct group_text */
	const struct spec_text *spec;
	const char *namespace, *api_version, *kind;
	const struct yaml *metadata, *status;
};

struct spec_text { /* of a Kubernetes resource */
	struct object_list groups;
};

static void keep_source_rule(struct decode *d, const struct yaml *y, void *object)
{
	(void)d;
	((struct rule_text *)object)->source = y;
}

static void keep_source_group(struct decode *d, const struct yaml *y, void *object)
{
	(void)d;
	((struct group_text *)object)->source = y;
}

/* -- tables --------------------------------------------------------------------------- */
#define AT(m) offsetof(struct rule_text, m)
static const struct field rule_fields[] = {
	{"alert", FIELD_OPTIONAL, AT(alert), .help = "Name of an alert."},
	{"record", FIELD_OPTIONAL, AT(record), .help = "Name of a series to record."},
	{"expr", FIELD_TEXT, AT(expr), .help = "Expression, in the datasource's language."},
	{"for", FIELD_GIVEN_SPAN, AT(hold), .help = "Fire after it held for so long."},
	{"keep_firing_for", FIELD_GIVEN_SPAN, AT(keep_firing),
	 .help = "Fire on for so long."},
	{"labels", FIELD_PAIRS, AT(labels), .help = "Labels to add; templates in alerts."},
	{"annotations", FIELD_PAIRS, AT(annotations), .help = "Templates for people."},
	{"debug", FIELD_TRISTATE, AT(debug), .help = "Log each evaluation."},
	{"update_entries_limit", FIELD_INT, AT(update_entries_limit), .min = 0,
	 .max = RULE_UPDATES_MAX, .help = "Evaluations to remember; 20."},
	{0},
};
#undef AT
static const struct shape rule_shape = {"rule", rule_fields, sizeof(struct rule_text), true,
					keep_source_rule};

#define AT(m) offsetof(struct group_text, m)
static const struct field group_fields[] = {
	{"name", FIELD_TEXT, AT(name), .help = "Unique in its file."},
	{"interval", FIELD_GIVEN_SPAN, AT(interval), .help = "How often it is evaluated."},
	{"query_offset", FIELD_GIVEN_SPAN, AT(query_offset),
	 .help = "How far to look back."},
	{"evaluation_delay", FIELD_GIVEN_SPAN, AT(evaluation_delay),
	 .help = "Mimir's older name of query_offset."},
	{"eval_delay", FIELD_GIVEN_SPAN, AT(eval_delay),
	 .help = "vmalert's name of query_offset."},
	{"limit", FIELD_INT, AT(limit), .help = "More alerts or series are an error."},
	{"labels", FIELD_PAIRS, AT(labels), .help = "Under the labels of each rule."},
	{"rules", FIELD_LIST, AT(rules), .of = &rule_shape, .nulls = NULL_DROPPED,
	 .help = "Evaluated in order."},
	{"datasource", FIELD_OPTIONAL, AT(datasource),
	 .help = "Where; the first when absent."},
	{"type", FIELD_OPTIONAL, AT(type), .help = "prometheus, graphite, vlogs or loki."},
	{"eval_offset", FIELD_ANY, AT(eval_offset), .help = "Fixed place in the interval."},
	{"eval_alignment", FIELD_TRISTATE, AT(eval_alignment),
	 .help = "Cut the time of queries to the interval."},
	{"align_evaluation_time_on_interval", FIELD_TRISTATE, AT(align),
	 .help = "Evaluate at multiples of the interval."},
	{"concurrency", FIELD_INT, AT(concurrency), .min = 0, .max = 1000,
	 .help = "Rules evaluated at the same time."},
	{"params", FIELD_ANY, AT(params), .help = "Added to the URL of each query."},
	{"headers", FIELD_TEXTS, AT(headers), .help = "\"Name: value\" for each query."},
	{"notifier_headers", FIELD_TEXTS, AT(notifier_headers),
	 .help = "Accepted; there is no notifier outside."},
	{"debug", FIELD_BOOL, AT(debug), .help = "Log each evaluation."},
	{"tenant", FIELD_OPTIONAL, AT(tenant),
	 .help = "account:project of VictoriaMetrics."},
	{"partial_response_strategy", FIELD_OPTIONAL, AT(partial_response),
	 .help = "abort or warn: partial answers are errors, or taken."},
	{"source_tenants", FIELD_TEXTS, AT(source_tenants),
	 .help = "Tenants to query (Mimir)."},
	{"remote_write", FIELD_ANY, AT(remote_write),
	 .help = "Accepted and without effect."},
	{0},
};
#undef AT
static const struct shape group_shape = {
	"rule group", group_fields, sizeof(struct group_text), true, keep_source_group};

#define GROUPS(type)                                                                       \
	{                                                                                  \
		"groups", FIELD_LIST, offsetof(type, groups), .of = &group_shape,          \
							      .nulls = NULL_DROPPED,       \
							      .help = "Groups of rules."   \
	}
static const struct field spec_fields[] = {GROUPS(struct spec_text), {0}};
static const struct shape spec_shape = {"spec", spec_fields, sizeof(struct spec_text),
					false, NULL};
#define AT(m) offsetof(struct file_text, m)
static const struct field file_fields[] = {
	GROUPS(struct file_text),
	{"namespace", FIELD_OPTIONAL, AT(namespace), .help = "Accepted (mimirtool)."},
	{"apiVersion", FIELD_OPTIONAL, AT(api_version),
	 .help = "Of a Kubernetes resource."},
	{"kind", FIELD_OPTIONAL, AT(kind), .help = "PrometheusRule or VMRule."},
	{"metadata", FIELD_ANY, AT(metadata), .help = "Of a Kubernetes resource."},
	{"status", FIELD_ANY, AT(status), .help = "Of a Kubernetes resource, as exported."},
	{"spec", FIELD_OBJECT, AT(spec), .of = &spec_shape,
	 .help = "Of a Kubernetes resource."},
	{0},
};
#undef AT

struct resources_text { /* what Kubernetes lists */
	const char *api_version, *kind;
	const struct yaml *metadata, *items;
};
#define AT(m) offsetof(struct resources_text, m)
static const struct field resources_fields[] = {
	{"apiVersion", FIELD_OPTIONAL, AT(api_version), .help = "Of the list."},
	{"kind", FIELD_OPTIONAL, AT(kind), .help = "A list."},
	{"metadata", FIELD_ANY, AT(metadata), .help = "Of the list."},
	{"items", FIELD_ANY, AT(items), .help = "Kubernetes resources."},
	{0},
};
#undef AT

/* -- rules ---------------------------------------------------------------------------- */
struct loader {
	struct decode d;
	const struct rule_options *options;
	enum name_scheme names;
	const char *path;
	struct str text;
	bool is_one_of_many; /* documents or resources: some may be of other kinds */
	bool is_victoria;    /* the file is a VMRule */
	/* what the group being built asks in; none: nobody knows, or need know */
	bool is_promql, is_metricsql, is_logsql, is_graphite;
	struct pair_list group_labels; /* those of that group, sorted */
	size_t n_inherited;	       /* labels of groups, for each rule */
	VEC(struct rule_group) groups; /* built so far */
	struct map group_names;	       /* of those */
};
/* What the messages about a rule begin with. */
struct where {
	struct loader *l;
	const char *text;
	const struct rule_text *rule;
};

static void rule_mistake(struct where *w, struct pos at, const char *fmt, ...) PRINTF(3, 4);
static void rule_mistake(struct where *w, struct pos at, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, at, fmt, ap);
	va_end(ap);
	err_in(&err, "%s", w->text);
	errs_add(w->l->d.errs, &err);
}

static bool is_for_vmalert(const struct loader *l)
{
	return l->options->as_vmalert || l->is_victoria;
}

static bool is_metric_name(struct str s, enum name_scheme names)
{
	if (names == NAMES_UTF8)
		return s.n > 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
		      c == ':' || (i && c >= '0' && c <= '9')))
			return false;
	}
	return s.n > 0;
}

/* vmalert passes over what a recording rule has no use for. */
static void check_alerts_field(struct where *w, const char *key)
{
	struct pos at = pos_of_key(w->rule->source, key);

	if (!is_for_vmalert(w->l))
		rule_mistake(w, at, "invalid field '%s' in recording rule", key);
	else if (w->l->d.warnings)
		errs_addf(w->l->d.warnings, at,
			  "%s: '%s' has no effect in a recording rule", w->text, key);
}

static void check_record(struct where *w, const struct rule_text *t)
{
	struct pos name = pos_of_value(t->source, "record");

	if (t->annotations.n)
		check_alerts_field(w, "annotations");
	if (t->hold.given && t->hold.ms)
		check_alerts_field(w, "for");
	if (t->keep_firing.given && t->keep_firing.ms)
		check_alerts_field(w, "keep_firing_for");
	if (!is_metric_name(str_of(t->record), w->l->names))
		rule_mistake(w, name, "invalid recording rule name: %s", t->record);
	if (strpbrk(t->record, "{}"))
		rule_mistake(w, name,
			     "braces present in the recording rule name; should it be in "
			     "expr?: %s",
			     t->record);
}

static bool is_readable(const struct loader *l, struct str expr, struct promql_error *err)
{
	if (l->is_promql)
		return promql_check(expr, err);
	if (l->is_metricsql)
		return metricsql_check(expr, err);
	if (l->is_logsql)
		return logsql_check(expr, err);
	return !l->is_graphite || graphite_check(expr, err);
}

static void check_expression(struct where *w, const struct yaml *expr)
{
	struct promql_error err;

	if (is_readable(w->l, expr->text, &err))
		return;
	rule_mistake(w, yaml_place(w->l->text, expr, err.at),
		     "could not parse expression: %d:%d: parse error: %s", err.line,
		     err.col, err.text);
}

static void check_rule(struct where *w, const struct rule_text *t)
{
	if (t->alert && t->record)
		rule_mistake(w, pos_of_key(t->source, "record"),
			     "only one of 'record' and 'alert' must be set");
	if (!t->alert && !t->record)
		rule_mistake(w, t->at, "one of 'record' or 'alert' must be set");
	if (!str_trim(str_of(t->expr)).n)
		rule_mistake(w, pos_of_value(t->source, "expr"),
			     "field 'expr' must be set in rule");
	else
		check_expression(w, yaml_find(t->source, "expr"));
	if (t->record)
		check_record(w, t);
	if (t->labels.n > RULE_LABELS_MAX)
		rule_mistake(w, t->labels.v[RULE_LABELS_MAX].at, "more than %d labels",
			     RULE_LABELS_MAX);
	for (size_t i = 0; i < t->labels.n; i++) {
		const char *name = t->labels.v[i].name;

		if (!is_label_name(str_of(name), w->l->names) || !strcmp(name, "__name__"))
			rule_mistake(w, t->labels.v[i].at, "invalid label name: %s", name);
	}
	for (size_t i = 0; i < t->annotations.n; i++) {
		if (!is_label_name(str_of(t->annotations.v[i].name), w->l->names))
			rule_mistake(w, t->annotations.v[i].at,
				     "invalid annotation name: %s",
				     t->annotations.v[i].name);
	}
}

/* Mistakes in names are told by now: from here on a pair's place is that of its text. */
static void place_texts(const struct loader *l, const struct yaml *source, const char *key,
			const struct pair_list *pairs)
{
	const struct yaml *map = source ? yaml_find(source, key) : NULL;

	for (size_t i = 0; map && i < MIN(map->n, pairs->n); i++)
		pairs->v[i].at = yaml_place(l->text, map->items[i], 0);
}

static int cmp_pairs(const void *a, const void *b)
{
	return strcmp(((const struct text_pair *)a)->name,
		      ((const struct text_pair *)b)->name);
}

static struct pair_list sorted(struct arena *mem, const struct pair_list *list)
{
	struct pair_list out = {ARENA_ARRAY(mem, struct text_pair, list->n), list->n, true};

	if (out.n) {
		memcpy(out.v, list->v, out.n * sizeof(*out.v));
		qsort(out.v, out.n, sizeof(*out.v), cmp_pairs);
	}
	return out;
}

/* None of those that are a mistake. */
static struct pair_list few_sorted(struct arena *mem, const struct pair_list *labels)
{
	return labels->n > RULE_LABELS_MAX ? (struct pair_list){0} : sorted(mem, labels);
}

/* under, overlaid by over; all sorted by name. */
static struct pair_list merged(struct arena *mem, const struct pair_list *under,
			       const struct pair_list *over)
{
	struct pair_list out = {0};
	size_t i = 0, k = 0;

	if (!over->n)
		return *under;
	if (!under->n)
		return *over;
	out.v = ARENA_ARRAY(mem, struct text_pair, under->n + over->n);
	while (i < under->n || k < over->n) {
		int order = i == under->n  ? 1
			    : k == over->n ? -1
					   : cmp_pairs(&under->v[i], &over->v[k]);

		i += order <= 0;
		out.v[out.n++] = order < 0 ? under->v[i - 1] : over->v[k++];
	}
	return out;
}

/* spec/rules.md 21.5. */
static uint64_t id_of(const struct rule_text *t, const struct pair_list *labels)
{
	uint64_t h = str_fnv(FNV_START, str_of(t->expr));

	h = str_fnv(h, t->alert ? STR("alerting") : STR("recording"));
	h = str_fnv(h, str_of(t->alert ? t->alert : t->record));
	for (size_t i = 0; i < labels->n; i++) {
		h = str_fnv(h, str_of(labels->v[i].name));
		h = str_fnv(h, str_of(labels->v[i].text));
		h = str_fnv(h, STR("\xff"));
	}
	return h;
}

static size_t mistakes_of(const struct loader *l)
{
	return l->d.errs->n + l->d.errs->dropped;
}

/* The rule's own over those of its group, of which a rule without own ones has no copy. */
static struct pair_list labels_of(struct where *w, const struct rule_text *t, uint64_t *id)
{
	struct loader *l = w->l;
	struct pair_list own = few_sorted(l->d.mem, &t->labels);

	*id = id_of(t, &own);
	if (l->n_inherited > RULE_LABELS_INHERITED_MAX)
		return own;
	l->n_inherited += l->group_labels.n;
	if (l->n_inherited > RULE_LABELS_INHERITED_MAX)
		rule_mistake(w, t->at,
			     "more than %d labels that rules of the file have of their "
			     "groups",
			     RULE_LABELS_INHERITED_MAX);
	return merged(l->d.mem, &l->group_labels, &own);
}

static void build_rule(struct loader *l, const struct group_text *g,
		       const struct rule_text *t, size_t number, struct rule *out)
{
	const char *name = t->alert ? t->alert : t->record ? t->record : "";
	struct where w = {l,
			  arena_printf(l->d.mem, "group \"%s\", rule %zu, \"%s\"", g->name,
				       number, name),
			  t};
	struct pair_list labels, annotations;
	size_t before = mistakes_of(l);

	if (!t->source) {
		out->expr = out->shown = "";
		out->has_mistake = true;
		return; /* not a mapping, as was said already */
	}
	check_rule(&w, t);
	place_texts(l, t->source, "labels", &t->labels);
	place_texts(l, t->source, "annotations", &t->annotations);
	out->at = t->at;
	out->expr_at = pos_of_value(t->source, "expr");
	out->alert = t->alert;
	out->record = t->alert ? NULL : t->record;
	out->expr = t->expr;
	out->shown = l->is_promql ? promql_normal(l->d.mem, str_of(t->expr)) : NULL;
	if (!out->shown)
		out->shown = t->expr;
	labels = labels_of(&w, t, &out->id);
	out->labels = labels.v;
	out->n_labels = labels.n;
	if (!out->record) {
		out->hold = MAX(t->hold.ms, 0);
		out->keep_firing = MAX(t->keep_firing.ms, 0);
		annotations = sorted(l->d.mem, &t->annotations);
		out->annotations = annotations.v;
		out->n_annotations = annotations.n;
	}
	out->debug = t->debug == UNSET ? g->debug : t->debug == YES;
	out->update_entries_limit = t->update_entries_limit
					    ? (size_t)t->update_entries_limit
					    : RULE_UPDATES_DEFAULT;
	out->has_mistake = mistakes_of(l) > before;
}

/* -- groups --------------------------------------------------------------------------- */
static void set_offset(struct loader *l, const struct group_text *t, struct rule_group *g)
{
	const struct {
		const char *key;
		struct given_span span;
	} names[] = {
		{"query_offset", t->query_offset},
		{"evaluation_delay", t->evaluation_delay},
		{"eval_delay", t->eval_delay},
	};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!names[i].span.given)
			continue;
		if (g->has_query_offset)
			mistake(&l->d, pos_of_key(t->source, names[i].key),
				"%s is another name of what the group \"%s\" already sets",
				names[i].key, t->name);
		g->has_query_offset = true;
		g->query_offset = names[i].span.ms;
	}
}

/* vmalert's eval_offset: may be negative, and needs an interval that is longer. */
static void set_place(struct loader *l, const struct group_text *t, struct rule_group *g)
{
	const struct yaml *y = t->eval_offset;
	bool minus = y && y->text.n && y->text.p[0] == '-';
	struct err err;

	g->is_aligned = t->eval_alignment == YES;
	if (t->align == YES)
		g->has_eval_offset = true;
	if (!y)
		return;
	if (y->kind == YAML_LIST || y->kind == YAML_MAP) {
		mistake(&l->d, y->at, "expected a duration such as 5m, found %s",
			yaml_kind_text(y->kind));
		return;
	}
	if (!span_parse(str_from(y->text, minus), y->at, &g->eval_offset, &err) &&
	    !(l->d.loose_spans &&
	      loose_span_parse(str_from(y->text, minus), &g->eval_offset))) {
		errs_add(l->d.errs, &err);
		return;
	}
	if (g->eval_offset > g->interval)
		mistake(&l->d, y->at, "eval_offset should be smaller than interval");
	if (t->eval_delay.given)
		mistake(&l->d, y->at, "eval_offset cannot be used with eval_delay");
	g->has_eval_offset = true;
	if (minus && g->interval)
		g->eval_offset = (g->interval - g->eval_offset) % g->interval;
}

bool is_query_param(const char *name)
{
	static const char *const names[] = {"query", "time", "target", "format"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

typedef VEC(struct text_pair) pair_vec;

static void add_params(struct loader *l, const struct yaml *y, pair_vec *out)
{
	if (!y || !is_map(&l->d, y, "a mapping of lists"))
		return;
	for (size_t i = 0; i < y->n; i++) {
		const struct yaml *list = y->items[i];
		const char *name = decode_text(&l->d, y->keys[i]);

		if (!is_list(&l->d, list, "a list of texts"))
			continue;
		if (is_query_param(name) && l->d.warnings)
			errs_addf(l->d.warnings, y->keys[i]->at,
				  "the parameter %s has no effect: each query sets it",
				  name);
		for (size_t k = 0; k < list->n; k++)
			vec_push_in(l->d.mem, out,
				    (struct text_pair){name,
						       decode_text(&l->d, list->items[k]),
						       list->items[k]->at});
	}
}

/* "Name: value" */
static void add_headers(struct loader *l, const struct group_text *t, pair_vec *out)
{
	for (size_t i = 0; i < t->headers.n; i++) {
		struct str rest = str_of(t->headers.v[i]), name;
		struct pos at = pos_of_item(t->source, "headers", i);

		if (!str_cut(&rest, ':', &name) || !is_header_name(str_trim(name)) ||
		    !is_header_value(rest) ||
		    str_find_char(str_of(t->headers.v[i]), ':') == STR_NONE) {
			mistake(&l->d, at, "expected \"Name: value\", found \"%s\"",
				t->headers.v[i]);
			continue;
		}
		vec_push_in(l->d.mem, out,
			    (struct text_pair){arena_copy(l->d.mem, str_trim(name)),
					       arena_copy(l->d.mem, str_trim(rest)), at});
	}
}

static void set_request(struct loader *l, const struct group_text *t, struct rule_group *g)
{
	struct buf tenants = BUF(65536);
	pair_vec params = {0}, headers = {0};
	const char *partial = t->partial_response;

	add_params(l, t->params, &params);
	add_headers(l, t, &headers);
	for (size_t i = 0; i < t->source_tenants.n; i++)
		buf_addf(&tenants, "%s%s", i ? "|" : "", t->source_tenants.v[i]);
	if (tenants.n)
		vec_push_in(l->d.mem, &headers,
			    (struct text_pair){"X-Scope-OrgID",
					       arena_text(l->d.mem, buf_text(&tenants)),
					       t->at});
	buf_free(&tenants);
	if (partial && !*partial)
		partial = NULL;
	if (partial && strcasecmp(partial, "abort") && strcasecmp(partial, "warn"))
		mistake(&l->d, pos_of_value(t->source, "partial_response_strategy"),
			"partial_response_strategy is abort or warn, not \"%s\"", partial);
	g->takes_partial = partial ? !strcasecmp(partial, "warn") : is_for_vmalert(l);
	if (partial)
		vec_push_in(l->d.mem, &params,
			    (struct text_pair){"partial_response",
					       g->takes_partial ? "true" : "false", t->at});
	g->params = params.v;
	g->n_params = params.n;
	g->headers = headers.v;
	g->n_headers = headers.n;
}

static void set_type(struct loader *l, const struct group_text *t, struct rule_group *g)
{
	static const struct {
		const char *name;
		enum datasource_type type;
	} types[] = {
		{"prometheus", DATASOURCE_PROMETHEUS},
		{"graphite", DATASOURCE_GRAPHITE},
		{"vlogs", DATASOURCE_VLOGS},
		{"victorialogs", DATASOURCE_VLOGS},
		{"loki", DATASOURCE_LOKI},
	};

	g->datasource = t->datasource;
	g->tenant = t->tenant;
	for (size_t i = 0; t->type && i < COUNT_OF(types); i++) {
		if (strcmp(types[i].name, t->type))
			continue;
		g->has_type = true;
		g->type = types[i].type;
	}
	if (t->type && !g->has_type)
		mistake(&l->d, pos_of_value(t->source, "type"), "unknown group type \"%s\"",
			t->type);
}

static void warn_group(struct loader *l, const struct group_text *t)
{
	if (!l->d.warnings)
		return;
	if (t->notifier_headers.n)
		errs_addf(l->d.warnings, pos_of_key(t->source, "notifier_headers"),
			  "notifier_headers have no effect here");
	if (t->remote_write)
		errs_addf(l->d.warnings, pos_of_key(t->source, "remote_write"),
			  "remote_write of a group has no effect here");
}

static void warn_at(struct loader *l, struct pos at, const char *fmt, ...) PRINTF(3, 4);
static void warn_at(struct loader *l, struct pos at, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, at, fmt, ap);
	va_end(ap);
	errs_add(l->d.warnings, &err);
}

static bool is_victorias_number(struct str s)
{
	int64_t n;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return str_int(s, &n) && n <= UINT32_MAX;
}

/* account, or account:project; VictoriaMetrics has a name for all of them, too. */
static bool is_victorias_tenant(const char *tenant)
{
	struct str project = str_of(tenant), account;

	if (!strcmp(tenant, "multitenant"))
		return true;
	if (str_find_char(project, ':') == STR_NONE)
		return is_victorias_number(project);
	return str_cut(&project, ':', &account) && is_victorias_number(account) &&
	       is_victorias_number(project);
}

/* They stand in paths and headers. */
static void check_tenants(struct loader *l, const struct group_text *t,
			  const struct rule_group *g)
{
	const struct datasource *from = rule_group_datasource(g, l->options->datasources,
							      l->options->n_datasources);
	bool is_victoria = from && (from->is_victoria || from->type == DATASOURCE_VLOGS);

	if (g->tenant && is_victoria && !is_victorias_tenant(g->tenant))
		mistake(&l->d, pos_of_value(t->source, "tenant"),
			"expected a tenant such as 42 or 42:7, found \"%s\"", g->tenant);
	else if (g->tenant && !is_header_value(str_of(g->tenant)))
		mistake(&l->d, pos_of_value(t->source, "tenant"),
			"a tenant cannot hold control characters");
	for (size_t i = 0; i < t->source_tenants.n; i++) {
		const char *tenant = t->source_tenants.v[i];

		if (!*tenant || strchr(tenant, '|') || !is_header_value(str_of(tenant)))
			mistake(&l->d, pos_of_item(t->source, "source_tenants", i),
				"expected a tenant without | and control characters, "
				"found \"%s\"",
				tenant);
	}
}

static bool takes_tenant(const struct datasource *d)
{
	return d->has_tenants || d->is_victoria || d->type == DATASOURCE_VLOGS;
}

/* What will fail at each evaluation, or goes unheard. */
static void warn_source(struct loader *l, const struct group_text *t,
			const struct rule_group *g)
{
	const struct rule_options *o = l->options;
	const struct datasource *from = rule_group_datasource(g, o->datasources,
							      o->n_datasources);

	if (!l->d.warnings || !o->n_datasources)
		return;
	if (!from && g->datasource)
		warn_at(l, pos_of_value(t->source, "datasource"),
			"no datasource \"%s\" is configured", g->datasource);
	else if (!from)
		warn_at(l, pos_of_value(t->source, "type"),
			"no datasource of the type \"%s\" is configured", t->type);
	else if (g->has_type && from->type != g->type)
		warn_at(l, pos_of_value(t->source, "type"),
			"the datasource \"%s\" is not of the type \"%s\"", from->name,
			t->type);
	if (from && g->tenant && !takes_tenant(from))
		warn_at(l, pos_of_value(t->source, "tenant"),
			"the datasource \"%s\" knows no tenants, this one has no effect",
			from->name);
}

const struct datasource *rule_group_datasource(const struct rule_group *g,
					       const struct datasource *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (g->datasource ? !strcmp(g->datasource, v[i].name)
				  : !g->has_type || v[i].type == g->type)
			return &v[i];
	}
	return NULL;
}

/* In which language the group's expressions are: at most one of the loader's. */
static void set_language(struct loader *l, const struct rule_group *g)
{
	const struct rule_options *o = l->options;
	const struct datasource *from = rule_group_datasource(g, o->datasources,
							      o->n_datasources);
	enum datasource_type type = DATASOURCE_PROMETHEUS;

	if (from)
		type = from->type;
	if (g->has_type)
		type = g->type;
	l->is_promql = l->is_metricsql = l->is_logsql = l->is_graphite = false;
	if (o->any_expression || (g->datasource && !from && !g->has_type))
		return; /* nobody knows in what it asks */
	l->is_logsql = type == DATASOURCE_VLOGS;
	l->is_graphite = type == DATASOURCE_GRAPHITE;
	if (type != DATASOURCE_PROMETHEUS)
		return;
	l->is_metricsql = is_for_vmalert(l) || (from && from->is_victoria);
	l->is_promql = !l->is_metricsql;
}

/* vmalert, which knows rules by their ids, does not load such a file (spec/rules.md 4.3).
 */
static void refuse_duplicates(struct loader *l, struct rule_group *g)
{
	struct map seen = {0};

	for (size_t i = 0; i < g->n_rules; i++) {
		struct rule *r = &g->rules[i];
		const char *name = r->alert ? r->alert : r->record;

		if (!name)
			continue;
		if (map_find(&seen, map_key_u64(&r->id))) {
			mistake(&l->d, r->at,
				"group \"%s\", rule %zu, \"%s\": a duplicate in the group: "
				"expression, name and labels are those of another rule",
				g->name, i + 1, name);
			r->has_mistake = true;
		}
		map_put(&seen, map_key_u64(&r->id), r);
	}
	map_free(&seen);
}

static void build_group(struct loader *l, const struct group_text *t, struct rule_group *g)
{
	const struct rule_text *rules = t->rules.v;
	size_t before = mistakes_of(l);

	g->at = t->at;
	g->name = t->name;
	g->file = l->path;
	g->as_vmalert = is_for_vmalert(l);
	if (!t->source)
		return;
	if (!*t->name)
		mistake(&l->d, pos_of_value(t->source, "name"),
			"Groupname must not be empty");
	if (t->labels.n > RULE_LABELS_MAX)
		mistake(&l->d, t->labels.v[RULE_LABELS_MAX].at,
			"group \"%s\": more than %d labels", t->name, RULE_LABELS_MAX);
	for (size_t i = 0; i < t->labels.n; i++) {
		const char *name = t->labels.v[i].name;

		if (!is_label_name(str_of(name), l->names) || !strcmp(name, "__name__"))
			mistake(&l->d, t->labels.v[i].at, "invalid label name: %s", name);
	}
	if (t->interval.ms < 0)
		mistake(&l->d, pos_of_value(t->source, "interval"),
			"interval shouldn't be lower than 0");
	g->interval = t->interval.ms;
	g->limit = t->limit;
	g->concurrency = (int)t->concurrency;
	g->labels = t->labels.v;
	g->n_labels = t->labels.n;
	set_offset(l, t, g);
	set_place(l, t, g);
	set_request(l, t, g);
	set_type(l, t, g);
	check_tenants(l, t, g);
	warn_group(l, t);
	warn_source(l, t, g);
	place_texts(l, t->source, "labels", &t->labels);
	l->group_labels = few_sorted(l->d.mem, &t->labels);
	g->has_mistake = mistakes_of(l) > before;
	set_language(l, g);
	g->rules = ARENA_ARRAY(l->d.mem, struct rule, t->rules.n);
	for (size_t i = 0; i < t->rules.n; i++)
		build_rule(l, t, &rules[i], i + 1, &g->rules[g->n_rules++]);
	if (l->options->as_vmalert)
		refuse_duplicates(l, g);
}

static void build_groups(struct loader *l, const struct object_list *list)
{
	const struct group_text *texts = list->v;

	for (size_t i = 0; i < list->n; i++) {
		struct str name = str_of(texts[i].name);
		struct rule_group g = {0};

		if (map_find(&l->group_names, name))
			mistake(&l->d, pos_of_value(texts[i].source, "name"),
				"groupname: \"%s\" is repeated in the same file",
				texts[i].name);
		else if (name.n)
			map_put(&l->group_names, name, (void *)(uintptr_t)&texts[i]);
		build_group(l, &texts[i], &g);
		vec_push(&l->groups, g);
	}
}

/* -- documents ------------------------------------------------------------------------ */
static bool is_kind(struct str kind, const char *const *kinds)
{
	for (; *kinds; kinds++) {
		if (str_is(kind, *kinds))
			return true;
	}
	return false;
}

/* Who has nothing else wrote for vmalert. */
static bool asks_a_victoria(const struct loader *l)
{
	return l->options->n_datasources && l->options->datasources[0].is_victoria;
}

static void build_resource(struct loader *l, const struct yaml *y)
{
	const struct yaml *kind = yaml_find(y, "kind");
	struct file_text t = {0};

	l->is_victoria = kind && str_is(kind->text, "VMRule");
	l->d.loose_spans = is_for_vmalert(l) || asks_a_victoria(l);
	decode_fields(&l->d, y, "rule file", file_fields, &t);
	build_groups(l, &t.groups);
	if (t.spec)
		build_groups(l, &t.spec->groups);
}

static void refuse_kind(struct loader *l, const struct yaml *kind)
{
	if (!l->is_one_of_many)
		mistake(&l->d, kind->at,
			"a %.*s holds no rules: expected PrometheusRule or VMRule",
			FMT(kind->text));
	else if (l->d.warnings)
		errs_addf(l->d.warnings, kind->at,
			  "a %.*s holds no rules, it is passed over", FMT(kind->text));
}

static bool is_list_of_resources(const struct yaml *y)
{
	static const char *const lists[] = {"List", "PrometheusRuleList", "VMRuleList",
					    NULL};
	const struct yaml *kind = yaml_find(y, "kind");

	return kind && is_kind(kind->text, lists);
}

/* One of whatever kind; not a list, which cannot lie in a list. */
static void build_one(struct loader *l, const struct yaml *y)
{
	static const char *const rules[] = {"PrometheusRule", "VMRule", "", NULL};
	const struct yaml *kind = yaml_find(y, "kind");

	if (y->kind != YAML_NULL && !is_map(&l->d, y, "a mapping"))
		return;
	if (kind && kind->kind != YAML_LIST && kind->kind != YAML_MAP &&
	    !is_kind(kind->text, rules))
		refuse_kind(l, kind);
	else
		build_resource(l, y);
}

static void build_document(struct loader *l, const struct yaml *y)
{
	struct resources_text t = {0};

	if (!is_list_of_resources(y)) {
		build_one(l, y);
		return;
	}
	decode_fields(&l->d, y, "list", resources_fields, &t);
	if (!t.items || !is_list(&l->d, t.items, "a list of resources"))
		return;
	l->is_one_of_many = true;
	for (size_t i = 0; i < t.items->n; i++)
		build_one(l, t.items->items[i]);
}

/* Prometheus reads one document, vmalert and who reads Kubernetes's files all of them. */
static void build_file(struct loader *l, const struct yaml *y, struct arena *nodes,
		       struct rule_file *f)
{
	const struct yaml **others = NULL;
	size_t n = 0;

	if (y->more && (l->options->as_vmalert || yaml_find(y, "kind")))
		others = yaml_read_others(nodes, l->d.mem, l->path, l->text, l->d.errs, &n);
	else if (y->more && l->d.warnings)
		errs_addf(l->d.warnings, (struct pos){l->path, 0, 0},
			  "only the first document of the file is read");
	l->is_one_of_many = n > 0;
	build_document(l, y);
	for (size_t i = 0; i < n; i++)
		build_document(l, others[i]);
	f->n_groups = l->groups.n;
	f->groups = ARENA_ARRAY(l->d.mem, struct rule_group, f->n_groups);
	if (f->n_groups)
		memcpy(f->groups, l->groups.v, f->n_groups * sizeof(*f->groups));
	vec_free(&l->groups);
	map_free(&l->group_names);
}

/* Each %{NAME} is the variable's value; it stays when there is none such. */
static struct str with_variables(struct loader *l, struct str text)
{
	struct buf out = BUF(YAML_MAX_BYTES);
	struct str name, value;
	size_t at, end;

	if (!l->options->as_vmalert || !l->options->env)
		return text;
	while ((at = str_find(text, STR("%{"))) != STR_NONE) {
		const char *set;

		end = str_find_char(str_from(text, at), '}');
		if (end == STR_NONE)
			break;
		name = str_slice(text, at + 2, end - 2);
		set = l->options->env(NULL, arena_copy(l->d.mem, name));
		value = set ? str_of(set) : str_slice(text, at, end + 1);
		buf_add_str(&out, str_slice(text, 0, at));
		buf_add_str(&out, value);
		text = str_from(text, at + end + 1);
	}
	buf_add_str(&out, text);
	if (out.full)
		errs_addf(l->d.errs, (struct pos){l->path, 0, 0},
			  "with its variables the file is longer than the limit of %zu "
			  "bytes",
			  YAML_MAX_BYTES);
	text = buf_keep(&out, l->d.mem);
	buf_free(&out);
	return text;
}

const struct rule_file *rule_file_parse_part(struct arena *mem, const char *path,
					     struct str text,
					     const struct rule_options *options,
					     struct errs *errs, struct errs *warnings)
{
	struct rule_file *f = ARENA_NEW(mem, struct rule_file);
	struct loader l = {
		.options = options, .names = options->names, .path = arena_text(mem, path)};
	struct arena nodes = {0};
	const struct yaml *y;

	l.d = (struct decode){.mem = mem,
			      .objects = &nodes,
			      .errs = errs,
			      .warnings = warnings,
			      .path = l.path,
			      .any_key = options->any_key};
	f->path = l.path;
	l.text = with_variables(&l, text);
	y = yaml_read_apart(&nodes, mem, l.path, l.text, errs);
	if (y) {
		build_file(&l, y, &nodes, f);
		rule_templates_check(f, errs, warnings);
	}
	arena_free(&nodes);
	errs_sort(errs);
	return y ? f : NULL;
}

const struct rule_file *rule_file_parse(struct arena *mem, const char *path,
					struct str text, const struct rule_options *options,
					struct errs *errs, struct errs *warnings)
{
	size_t before = errs->n;
	const struct rule_file *f = rule_file_parse_part(mem, path, text, options, errs,
							 warnings);

	return errs->n == before ? f : NULL;
}
