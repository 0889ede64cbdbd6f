#include "base/base.h"
#include "config/rule_loader.h"
#include "text/header.h"

#include <string.h>

/* -- the datasource ---------------------------------------------------------------- */

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

static bool takes_tenant(const struct datasource *d)
{
	return d->has_tenants || d->is_victoria || d->type == DATASOURCE_VLOGS;
}

void rule_request_warn(struct loader *l, const struct group_text *t,
		       const struct rule_group *g)
{
	const struct rule_options *o = l->options;
	const struct datasource *from = rule_group_datasource(g, o->datasources,
							      o->n_datasources);

	if (!l->d.warnings || !o->n_datasources)
		return;
	if (!from && g->datasource)
		errs_addf(l->d.warnings, pos_of_value(t->source, "datasource"),
			  "no datasource \"%s\" is configured", g->datasource);
	else if (!from)
		errs_addf(l->d.warnings, pos_of_value(t->source, "type"),
			  "no datasource of the type \"%s\" is configured", t->type);
	else if (g->has_type && from->type != g->type)
		errs_addf(l->d.warnings, pos_of_value(t->source, "type"),
			  "the datasource \"%s\" is not of the type \"%s\"", from->name,
			  t->type);
	if (from && g->tenant && !takes_tenant(from))
		errs_addf(l->d.warnings, pos_of_value(t->source, "tenant"),
			  "the datasource \"%s\" knows no tenants, this one has no effect",
			  from->name);
}

void rule_request_set_language(struct loader *l, const struct rule_group *g)
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

/* -- tenants ----------------------------------------------------------------------- */

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

/* -- parameters and headers -------------------------------------------------------- */

typedef VEC(struct text_pair) pair_vec;

bool is_query_param(const char *name)
{
	static const char *const names[] = {"query", "time", "target", "format"};

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (!strcmp(names[i], name))
			return true;
	}
	return false;
}

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

static void set_parameters(struct loader *l, const struct group_text *t,
			   struct rule_group *g)
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

void rule_request_build(struct loader *l, const struct group_text *t, struct rule_group *g)
{
	set_parameters(l, t, g);
	set_type(l, t, g);
	check_tenants(l, t, g);
}
