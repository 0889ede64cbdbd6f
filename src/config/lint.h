/* lint.h - what is allowed in rule files, and probably not meant. Reads no backend.
 *
 * Memory: findings lie in the arena given.
 * Spec:   spec/rule-tools.md 1.2, 8.1.
 */
#pragma once
#include "base/vec.h"
#include "config/rules.h"

enum lint {
	LINT_DUPLICATE_RULES, /* as promtool: same name and labels within a file */
	LINT_SAME_RULE,	      /* the same rule again, in any file */
	LINT_COMPARISON,      /* an alert that fires as long as there are data */
	LINT_FOR,	      /* for and keep_firing_for against the interval */
	LINT_INTERVAL,	      /* over 5m: gaps */
	LINT_LABELS,	      /* labels that the evaluation overwrites */
	LINT_RECORD_NAME,     /* not level:metric:operations */
	LINT_ORDER,	      /* a record that is made later in its group */
	LINT_TEMPLATE,	      /* $labels.x that an aggregation took away */
	LINT_REQUIRED,	      /* a label or an annotation that was asked for is missing */
	LINTS,
};
const char *lint_name(enum lint);
bool lint_find(struct str name, enum lint *);

struct lint_finding {
	struct pos at;
	enum lint lint;
	const char *rule, *text;
};
struct lint_options {
	bool wanted[LINTS];
	span_ms interval; /* of groups that have none of their own */
	const char *const *labels, *const *annotations; /* that every alert must have */
	size_t n_labels, n_annotations;
};
struct lint_findings {
	VEC(struct lint_finding) list; /* in file order, then by check */
};

void rules_lint(struct arena *, const struct rule_file *const *files, size_t n,
		const struct lint_options *, struct lint_findings *);
