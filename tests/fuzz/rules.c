/* A rule file either loads, or every mistake has a place inside it. */
#include "base/base.h"
#include "config/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct rule_options options = {.names = NAMES_UTF8};
	struct arena mem = {0};
	struct errs errs = {.mem = &mem}, warnings = {.mem = &mem};
	const struct rule_file *f = rule_file_parse(&mem, "f",
						    (struct str){(const char *)data, size},
						    &options, &errs, &warnings);

	if (!f && !errs.n)
		BUG("refused without a reason");
	for (size_t i = 0; i < errs.n; i++) {
		if (errs.v[i]->at.line < 0 || errs.v[i]->at.line > (int)size + 1)
			BUG("line %d of %zu bytes", errs.v[i]->at.line, size);
	}
	for (size_t i = 0; f && i < f->n_groups; i++) {
		if (!rule_group_eq(&f->groups[i], &f->groups[i]))
			BUG("a group differs from itself");
	}
	arena_free(&mem);
	return 0;
}
