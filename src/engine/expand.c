#include "base/base.h"
#include "engine/core.h"

#include <string.h>

/* The templates in a rule's labels and annotations (spec/rule-templates.md 2). */

#define LONGEST_TEXT (1024 * 1024)
#define MOST_QUERIES 1000 /* of templates, in one evaluation of one rule */

static const struct template *parse(struct arena *mem, struct template_set *set,
				    const char *alert, const struct text_pair *p,
				    struct err *err)
{
	const char *name = arena_printf(mem, "__alert_%s", alert);

	return rule_text_parse(mem, set, name, str_of(p->text), p->at, err);
}

static const struct template **parse_all(struct engine *e, struct rulegroup *g,
					 const struct rule *r, const struct text_pair *v,
					 size_t n)
{
	const struct template **list = ARENA_ARRAY(&g->mem, const struct template *, n);
	struct err err;

	for (size_t i = 0; i < n; i++) {
		if (!strstr(v[i].text, "{{"))
			continue; /* a literal renders as itself */
		list[i] = parse(&g->mem, g->templates, r->alert, &v[i], &err);
		if (!list[i])
			act_note(e, true, "rules", "a template cannot be read", r->alert,
				 err.text);
	}
	return list;
}

void expand_prepare(struct engine *e, struct rulegroup *g, struct rule_state *r)
{
	const struct rule *rule = r->rule;

	if (!rule->alert)
		return;
	r->label_templates = parse_all(e, g, rule, rule->labels, rule->n_labels);
	r->annotation_templates = parse_all(e, g, rule, rule->annotations,
					    rule->n_annotations);
}

static void check_texts(struct arena *mem, struct template_set *set, const struct rule *r,
			const char *what, const struct text_pair *v, size_t n,
			struct errs *errs)
{
	for (size_t i = 0; i < n; i++) {
		struct err err;

		if (strstr(v[i].text, "{{") && !parse(mem, set, r->alert, &v[i], &err)) {
			err_in(&err, "alert \"%s\", %s \"%s\"", r->alert, what, v[i].name);
			errs_add(errs, &err);
		}
	}
}

void engine_check_rules(const struct rule_file *file, struct errs *errs)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_RULE);

	for (size_t i = 0; i < file->n_groups; i++) {
		for (size_t k = 0; k < file->groups[i].n_rules; k++) {
			const struct rule *r = &file->groups[i].rules[k];

			if (!r->alert)
				continue;
			check_texts(&mem, set, r, "label", r->labels, r->n_labels, errs);
			check_texts(&mem, set, r, "annotation", r->annotations,
				    r->n_annotations, errs);
		}
	}
	arena_free(&mem);
}

/* -- queries of templates: answered before, or wanted now ----------------------------- */

struct asking {
	struct engine *e;
	struct rulegroup *g;
};

static const struct zone *find_zone(void *arg, struct str name)
{
	const struct engine_options *o = &((struct asking *)arg)->e->options;

	return o->zone_find ? o->zone_find(o->zone_arg, name) : NULL;
}

static enum query_state ask(void *arg, struct str expr, struct arena *mem,
			    struct value *samples, const char **why)
{
	struct rulegroup *g = ((struct asking *)arg)->g;
	size_t n = 0;

	for (struct query_text *q = g->queries; q; q = q->next, n++) {
		if (!str_is(expr, q->expr))
			continue;
		*why = q->error;
		if (!q->failed)
			*samples = value_samples(mem, q->samples, q->n);
		return q->failed ? QUERY_FAILED : QUERY_ANSWERED;
	}
	if (n < MOST_QUERIES)
		return QUERY_WANTED;
	*why = "too many queries in the templates of one rule";
	return QUERY_FAILED;
}

static struct rule_data data_of(const struct engine *e, const struct sample *s)
{
	const struct labels *external = e->config->global.external_labels;

	return (struct rule_data){
		.labels = s->labels,
		.external_labels = external ? external : &labels_none,
		.external_url = e->options.external_url,
		.value = value_float(s->value),
	};
}

bool expand(struct engine *e, struct rulegroup *g, const struct template *t,
	    const struct text_pair *text, const struct sample *s, const char **out)
{
	struct asking asking = {e, g};
	struct rule_data data = data_of(e, s);
	struct template_run run = {
		.mem = &g->eval_mem,
		.now = instant_of_ms(g->slot),
		.zone_find = find_zone,
		.query = ask,
		.arg = &asking,
		.external_url = e->options.external_url,
	};
	struct buf buf = BUF(LONGEST_TEXT);
	enum rendering how;

	if (!t) {
		*out = text->text;
		return true;
	}
	how = template_render(t, &run, rule_data_value(&g->eval_mem, &data), &buf, NULL);
	*out = how == RENDER_WAITS ? arena_copy(&g->eval_mem, run.wanted)
				   : buf_keep(&buf, &g->eval_mem).p;
	buf_free(&buf);
	if (how == RENDER_WAITS)
		return false;
	e->counters.template_expansions++;
	if (how == RENDER_FAILED) {
		e->counters.template_failures++;
		*out = arena_printf(&g->eval_mem,
				    "<error expanding template: error executing template "
				    "__alert_%s: %s>",
				    g->rules[g->at].rule->alert, run.error);
	}
	return true;
}
