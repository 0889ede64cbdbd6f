#include "base/base.h"
#include "config/rule_loader.h"

#include <string.h>

/* -- when it is evaluated ---------------------------------------------------------- */

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

/* -- checks ------------------------------------------------------------------------ */

static void check_group(struct loader *l, const struct group_text *t)
{
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

/* -- groups ------------------------------------------------------------------------ */

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
	check_group(l, t);
	g->interval = t->interval.ms;
	g->limit = t->limit;
	g->concurrency = (int)t->concurrency;
	g->labels = t->labels.v;
	g->n_labels = t->labels.n;
	set_offset(l, t, g);
	set_place(l, t, g);
	rule_request_build(l, t, g);
	warn_group(l, t);
	rule_request_warn(l, t, g);
	rule_place_texts(l, t->source, "labels", &t->labels);
	l->group_labels = rule_labels_sorted(l->d.mem, &t->labels);
	g->has_mistake = mistakes_of(l) > before;
	rule_request_set_language(l, g);
	g->rules = ARENA_ARRAY(l->d.mem, struct rule, t->rules.n);
	for (size_t i = 0; i < t->rules.n; i++)
		rule_build(l, t, &rules[i], i + 1, &g->rules[g->n_rules++]);
	if (l->options->as_vmalert)
		refuse_duplicates(l, g);
}

void rule_groups_build(struct loader *l, const struct object_list *list)
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
