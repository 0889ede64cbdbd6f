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
	const struct template *t;
	struct err err;

	for (size_t i = 0; i < n; i++) {
		if (!strstr(v[i].text, "{{"))
			continue;
		t = rule_template_parse(&c->mem, c->set, c->rule->alert, &v[i], &err);
		if (t && c->warnings)
			template_check(t, c->data, c->warnings);
		if (t)
			continue;
		err_in(&err, "alert \"%s\", %s \"%s\"", c->rule->alert, what, v[i].name);
		errs_add(c->errs, &err);
	}
}

void rule_templates_check(const struct rule_file *file, bool as_vmalert, struct errs *errs,
			  struct errs *warnings)
{
	struct checker c = {.errs = errs,
			    .warnings = warnings,
			    .data = as_vmalert ? rule_type_vmalert : rule_type};

	c.set = template_set_new(&c.mem, as_vmalert ? FUNCS_VMALERT : FUNCS_RULE);
	for (size_t i = 0; i < file->n_groups; i++) {
		for (size_t k = 0; k < file->groups[i].n_rules; k++) {
			const struct rule *r = &file->groups[i].rules[k];

			if (!r->alert)
				continue;
			c.rule = r;
			check_texts(&c, "label", r->labels, r->n_labels);
			check_texts(&c, "annotation", r->annotations, r->n_annotations);
		}
	}
	arena_free(&c.mem);
}
