/* rule_templates.h - the templates in a rule's labels and annotations, as they are read and
 * checked (spec/rule-templates.md 2). */
#pragma once
#include "config/rules.h"
#include "text/template.h"

/* One of alert's texts; NULL and err on a mistake. */
const struct template *rule_template_parse(struct arena *, struct template_set *,
					   const char *alert, const struct text_pair *,
					   struct err *) MUST_USE;
/* Mistakes in all of a file, each with its place; warnings, which may be NULL, is what
 * parses and cannot work, as a field that the data does not have: Prometheus takes it, and
 * puts an error where the text should be. vmalert looks at the labels of recording rules,
 * too, though it writes them as they are. */
void rule_templates_check(const struct rule_file *, struct errs *, struct errs *warnings);
