/* relabel.h - rules that change, keep or drop label sets, as Prometheus's relabel_config.
 *
 * Memory:  rules lie in the arena of the configuration; results in the one given, and
 *          borrow the strings that stay.
 * Regex:   anchored at both ends, and a dot takes a line break, too.
 * Spec:    spec/rules.md 12.5.
 */
#pragma once
#include "config/field.h"

enum relabel_action {
	RELABEL_REPLACE,
	RELABEL_KEEP,
	RELABEL_DROP,
	RELABEL_KEEP_EQUAL,
	RELABEL_DROP_EQUAL,
	RELABEL_HASHMOD,
	RELABEL_LABELMAP,
	RELABEL_LABELDROP,
	RELABEL_LABELKEEP,
	RELABEL_LOWERCASE,
	RELABEL_UPPERCASE,
	RELABEL_ACTIONS,
};

struct relabel {
	struct pos at;
	const char *action_text;
	enum relabel_action action;
	struct text_list source_labels;
	const char *separator, *regex_text, *target_label, *replacement;
	int64_t modulus;
	const struct regex *regex;
};
extern const struct shape relabel_shape; /* struct relabel; for lists of them */

/* What the rules make of the set, one after the other; NULL: dropped, or nothing left. */
const struct labels *relabel(struct arena *, const struct labels *,
			     const struct object_list *rules);
