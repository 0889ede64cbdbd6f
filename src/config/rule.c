#include "base/base.h"
#include "config/rule_loader.h"
#include "text/dialects.h"
#include "text/metricsql.h"
#include "text/promql.h"

#include <stdlib.h>
#include <string.h>

/* What the messages about a rule begin with. */
struct where {
	struct loader *l;
	const char *text;
	const struct rule_text *rule;
};

/* -- checks ------------------------------------------------------------------------ */

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

static void check_names(struct where *w, const struct rule_text *t)
{
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
	check_names(w, t);
}

/* -- labels and annotations -------------------------------------------------------- */

void rule_place_texts(const struct loader *l, const struct yaml *source, const char *key,
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

struct pair_list rule_labels_sorted(struct arena *mem, const struct pair_list *labels)
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

/* The rule's own over those of its group, of which a rule without own ones has no copy. */
static struct pair_list labels_of(struct where *w, const struct rule_text *t, uint64_t *id)
{
	struct loader *l = w->l;
	struct pair_list own = rule_labels_sorted(l->d.mem, &t->labels);

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

/* -- a rule ------------------------------------------------------------------------ */

void rule_build(struct loader *l, const struct group_text *g, const struct rule_text *t,
		size_t number, struct rule *out)
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
	rule_place_texts(l, t->source, "labels", &t->labels);
	rule_place_texts(l, t->source, "annotations", &t->annotations);
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
