#include "base/base.h"
#include "tocsin/rule_file_read.h"
#include "tocsin/files.h"

#include <stdio.h>

#define INPUT_MAX ((size_t)RULES_MAX_BYTES + 1)

static bool read_text(struct tool *t, const char *path, struct str *text, struct err *err)
{
	char *bytes;

	if (path)
		return tool_files.read(NULL, &t->mem, path, text, err);
	bytes = arena_alloc(&t->mem, INPUT_MAX);
	*text = (struct str){bytes, fread(bytes, 1, INPUT_MAX, stdin)};
	return true;
}

const struct rule_file *rule_file_read(struct tool *t, const char *path,
				       const struct rule_options *options,
				       struct errs *errs, struct errs *warnings,
				       size_t *n_rules, const struct rule_file **part)
{
	struct str text;
	struct err err;

	*n_rules = 0;
	*part = NULL;
	if (!read_text(t, path, &text, &err)) {
		errs_add(errs, &err);
		return NULL;
	}
	*part = rule_file_parse_part(&t->mem, path ? path : "standard input", text, options,
				     errs, warnings);
	if (errs->n || !*part)
		return NULL;
	for (size_t i = 0; i < (*part)->n_groups; i++)
		*n_rules += (*part)->groups[i].n_rules;
	return *part;
}
