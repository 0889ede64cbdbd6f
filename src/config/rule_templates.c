#include "base/base.h"
#include "config/rule_templates.h"
#include "text/rule_data.h"

#include <string.h>

const struct template *rule_template_parse(struct arena *mem, struct template_set *set,
					   const char *alert, const struct text_pair *p,
					   struct err *err)
{
	bool as_vmalert = template_set_funcs(set) == FUNCS_VMALERT;
	const char *name = as_vmalert ? "" : arena_printf(mem, "__alert_%s", alert);

	return rule_text_parse(mem, set, name, str_of(p->text), p->at, err);
}

struct checker {
	struct arena mem;
	struct template_set *set;
	const struct type *data;
	const struct rule *rule;
	struct errs *errs, *warnings;
};

static void check_texts(struct checker *c, const char *what, const struct text_pair *v,
			size_t n)
{
	const struct rule *r = c->rule;
	const char *name = r->alert ? r->alert : r->record;
	const struct template *t;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		if (!strstr(v[i].text, "{{"))
			continue;
		t = rule_template_parse(&c->mem, c->set, name, &v[i], &err);
		if (t && c->warnings && r->alert)
			template_check(t, c->data, c->warnings);
		if (t)
			continue;
		err_in(&err, "%s \"%s\", %s \"%s\"", r->alert ? "alert" : "record", name,
		       what, v[i].name);
		errs_add(c->errs, &err);
	}
}

static void check_rule(struct checker *c, const struct rule *r, bool as_vmalert)
{
	c->rule = r;
	if (r->alert || (r->record && as_vmalert))
		check_texts(c, "label", r->labels, r->n_labels);
	if (r->alert)
		check_texts(c, "annotation", r->annotations, r->n_annotations);
}

void rule_templates_check(const struct rule_file *file, struct errs *errs,
			  struct errs *warnings)
{
	struct checker c = {.errs = errs, .warnings = warnings};
	struct template_set *sets[2];

	sets[false] = template_set_new(&c.mem, FUNCS_RULE);
	sets[true] = template_set_new(&c.mem, FUNCS_VMALERT);
	for (size_t i = 0; i < file->n_groups; i++) {
		const struct rule_group *g = &file->groups[i];

		c.set = sets[g->as_vmalert];
		c.data = g->as_vmalert ? rule_type_vmalert : rule_type;
		for (size_t k = 0; k < g->n_rules; k++)
			check_rule(&c, &g->rules[k], g->as_vmalert);
	}
	arena_free(&c.mem);
}
