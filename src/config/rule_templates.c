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

static void check_texts(struct arena *mem, struct template_set *set, const struct rule *r,
			const char *what, const struct text_pair *v, size_t n,
			struct errs *errs)
{
	for (size_t i = 0; i < n; i++) {
		struct err err;

		if (strstr(v[i].text, "{{") &&
		    !rule_template_parse(mem, set, r->alert, &v[i], &err)) {
			err_in(&err, "alert \"%s\", %s \"%s\"", r->alert, what, v[i].name);
			errs_add(errs, &err);
		}
	}
}

void rule_templates_check(const struct rule_file *file, bool as_vmalert, struct errs *errs)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, as_vmalert ? FUNCS_VMALERT
								     : FUNCS_RULE);

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
