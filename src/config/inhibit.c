#include "base/base.h"
#include "config/parts.h"

#include <stdlib.h>
#include <string.h>

#define AT(m) offsetof(struct inhibit_text, m)
static const struct field inhibit_fields[] = {
	{"name", FIELD_TEXT, AT(name), .help = "What the journal calls the rule."},
	{"source_match", FIELD_CUSTOM, AT(source), .codec = &match_codec,
	 .help = "Use source_matchers instead."},
	{"source_match_re", FIELD_CUSTOM, AT(source), .codec = &match_re_codec,
	 .help = "Use source_matchers instead."},
	{"source_matchers", FIELD_CUSTOM, AT(source), .codec = &matchers_codec,
	 .help = "Alerts that mute others while they fire."},
	{"target_match", FIELD_CUSTOM, AT(target), .codec = &match_codec,
	 .help = "Use target_matchers instead."},
	{"target_match_re", FIELD_CUSTOM, AT(target), .codec = &match_re_codec,
	 .help = "Use target_matchers instead."},
	{"target_matchers", FIELD_CUSTOM, AT(target), .codec = &matchers_codec,
	 .help = "Alerts that are muted."},
	{"equal", FIELD_TEXTS, AT(equal), .help = "Labels that both must have alike."},
	{0},
};
#undef AT

static void inhibit_check(struct decode *d, const struct yaml *y, void *object)
{
	struct inhibit_text *r = object;

	matcher_text_combine(d, &r->source);
	matcher_text_combine(d, &r->target);
	for (size_t i = 0; i < r->equal.n; i++) {
		if (!is_label_name(str_of(r->equal.v[i]), matcher_names(d->matchers)))
			mistake(d, pos_of_item(y, "equal", i),
				"invalid label name \"%s\" in equal list", r->equal.v[i]);
	}
}

const struct shape inhibit_shape = {"inhibit_rule", inhibit_fields,
				    sizeof(struct inhibit_text), true, inhibit_check};

static int cmp_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void inhibit_build(struct decode *d, const struct object_list *list, struct config *c)
{
	const struct inhibit_text *texts = list->v;

	c->inhibit_rules = ARENA_ARRAY(d->mem, struct inhibit_rule, list->n);
	for (size_t i = 0; i < list->n; i++) {
		struct inhibit_rule *r = &c->inhibit_rules[c->n_inhibit_rules++];

		r->at = texts[i].at;
		r->name = texts[i].name;
		r->source = texts[i].source.all;
		r->target = texts[i].target.all;
		r->n_equal = texts[i].equal.n;
		r->equal = ARENA_ARRAY(d->mem, const char *, r->n_equal);
		for (size_t k = 0; k < r->n_equal; k++)
			r->equal[k] = texts[i].equal.v[k];
		if (r->n_equal)
			qsort(r->equal, r->n_equal, sizeof(*r->equal), cmp_texts);
	}
}
