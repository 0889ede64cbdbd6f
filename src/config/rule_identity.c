#include "base/base.h"
#include "base/buf.h"
#include "base/time.h"
#include "config/rules.h"

#include <string.h>

/* By what rules, groups and alerts are known: vmalert's ids (spec/rules.md 21.5), and what
 * must be the same for a rule or a group to be the same after a reload (17). */

/* -- ids ------------------------------------------------------------------------------ */

const char *rule_group_type_text(const struct rule_group *g, const struct datasource *from)
{
	static const char *const names[] = {
		[DATASOURCE_PROMETHEUS] = "prometheus",
		[DATASOURCE_LOKI] = "loki",
		[DATASOURCE_VLOGS] = "vlogs",
		[DATASOURCE_GRAPHITE] = "graphite",
	};

	return names[g->has_type ? g->type : from ? from->type : DATASOURCE_PROMETHEUS];
}

static uint64_t add_duration(uint64_t h, span_ms ms)
{
	struct buf b = BUF(64);

	buf_add_go_duration(&b, ms * 1000000);
	h = str_fnv(h, buf_str(&b));
	buf_free(&b);
	return h;
}

uint64_t rule_group_id(const struct rule_group *g, const char *type, span_ms interval)
{
	uint64_t h = str_fnv(FNV_START, str_of(g->file));

	h = str_fnv(h, STR("\xff"));
	h = str_fnv(h, str_of(g->name));
	h = str_fnv(h, str_of(type));
	h = add_duration(h, interval);
	return g->has_eval_offset ? add_duration(h, g->eval_offset) : h;
}

uint64_t rule_alert_id(const struct labels *alert)
{
	uint64_t h = FNV_START;

	for (size_t i = 0; i < alert->n; i++) {
		if (!strcmp(alert->v[i].name, "__name__"))
			continue;
		h = str_fnv(h, str_of(alert->v[i].name));
		h = str_fnv(h, str_of(alert->v[i].value));
		h = str_fnv(h, STR("\xff"));
	}
	return h;
}

/* -- comparing ------------------------------------------------------------------------ */

static bool texts_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool pairs_eq(const struct text_pair *a, size_t n, const struct text_pair *b,
		     size_t m)
{
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(a[i].name, b[i].name) || strcmp(a[i].text, b[i].text))
			return false;
	}
	return true;
}

bool rule_eq(const struct rule *a, const struct rule *b)
{
	return texts_eq(a->alert, b->alert) && texts_eq(a->record, b->record) &&
	       pairs_eq(a->labels, a->n_labels, b->labels, b->n_labels);
}

static bool rule_unchanged(const struct rule *a, const struct rule *b)
{
	return rule_eq(a, b) && !strcmp(a->shown, b->shown) && a->hold == b->hold &&
	       a->keep_firing == b->keep_firing && a->debug == b->debug &&
	       a->update_entries_limit == b->update_entries_limit &&
	       pairs_eq(a->annotations, a->n_annotations, b->annotations, b->n_annotations);
}

static bool settings_eq(const struct rule_group *a, const struct rule_group *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->file, b->file) &&
	       a->interval == b->interval && a->limit == b->limit &&
	       a->has_query_offset == b->has_query_offset &&
	       a->query_offset == b->query_offset &&
	       texts_eq(a->datasource, b->datasource) && a->has_type == b->has_type &&
	       a->type == b->type && texts_eq(a->tenant, b->tenant) &&
	       pairs_eq(a->params, a->n_params, b->params, b->n_params) &&
	       pairs_eq(a->headers, a->n_headers, b->headers, b->n_headers) &&
	       a->has_eval_offset == b->has_eval_offset &&
	       a->eval_offset == b->eval_offset && a->is_aligned == b->is_aligned &&
	       a->concurrency == b->concurrency && a->as_vmalert == b->as_vmalert &&
	       a->takes_partial == b->takes_partial;
}

bool rule_group_eq(const struct rule_group *a, const struct rule_group *b)
{
	if (!settings_eq(a, b) || a->n_rules != b->n_rules)
		return false;
	for (size_t i = 0; i < a->n_rules; i++) {
		if (!rule_unchanged(&a->rules[i], &b->rules[i]))
			return false;
	}
	return true;
}
