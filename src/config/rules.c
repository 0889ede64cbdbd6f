#include "base/base.h"
#include "config/rules.h"
#include "config/rule_loader.h"
#include "config/rule_templates.h"

#include <string.h>

/* Rule files: one schema, the union of what Prometheus, vmalert, Thanos, Mimir and Loki
 * accept (spec/rules.md 2, 3, 22), with Prometheus' checks. */

/* -- keys -------------------------------------------------------------------------- */

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

/* -- Kubernetes resources ---------------------------------------------------------- */

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
	rule_groups_build(l, &t.groups);
	if (t.spec)
		rule_groups_build(l, &t.spec->groups);
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

/* -- documents --------------------------------------------------------------------- */

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

/* -- files ------------------------------------------------------------------------- */

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
