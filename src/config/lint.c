#include "base/base.h"
#include "config/lint.h"
#include "base/map.h"
#include "text/promql_ast.h"

#include <ctype.h>
#include <string.h>

#define LOOKBACK (5 * MINUTE)

static const char *const names[LINTS] = {
	[LINT_DUPLICATE_RULES] = "duplicate-rules",
	[LINT_SAME_RULE] = "same-rule",
	[LINT_COMPARISON] = "comparison",
	[LINT_FOR] = "for",
	[LINT_INTERVAL] = "interval",
	[LINT_LABELS] = "labels",
	[LINT_RECORD_NAME] = "record-name",
	[LINT_ORDER] = "order",
	[LINT_TEMPLATE] = "template",
	[LINT_REQUIRED] = "required",
};

const char *lint_name(enum lint l)
{
	return names[l];
}

bool lint_find(struct str name, enum lint *out)
{
	for (enum lint l = 0; l < LINTS; l++) {
		if (!str_is(name, names[l]))
			continue;
		*out = l;
		return true;
	}
	return false;
}

struct linter {
	struct arena *mem;
	const struct lint_options *options;
	struct lint_findings *out;
	const struct rule_group *group;
	const struct rule *rule; /* NULL: about the group */
};

static const char *name_of(const struct rule *r)
{
	return r->alert ? r->alert : r->record;
}

static void found(struct linter *l, enum lint lint, struct pos at, const char *fmt, ...)
	PRINTF(4, 5);
static void found(struct linter *l, enum lint lint, struct pos at, const char *fmt, ...)
{
	va_list ap;

	if (!l->options->wanted[lint])
		return;
	va_start(ap, fmt);
	vec_push_in(l->mem, &l->out->list,
		    (struct lint_finding){at, lint,
					  l->rule ? name_of(l->rule) : l->group->name,
					  arena_vprintf(l->mem, fmt, ap)});
	va_end(ap);
}

/* -- expressions ---------------------------------------------------------------------- */

/* Calls fn for the node and all below it, until it says false. */
static bool walk(const struct prom_node *n, bool (*fn)(const struct prom_node *, void *),
		 void *arg)
{
	if (!fn(n, arg))
		return false;
	switch (n->kind) {
	case PROM_NODE_MATRIX:
	case PROM_NODE_SUBQUERY:
	case PROM_NODE_UNARY:
	case PROM_NODE_PAREN:
		return walk(n->inner, fn, arg);
	case PROM_NODE_CALL:
	case PROM_NODE_AGGREGATE:
		for (size_t i = 0; i < n->args.n; i++) {
			if (!walk(n->args.v[i], fn, arg))
				return false;
		}
		return true;
	case PROM_NODE_BINARY:
		return walk(n->left, fn, arg) && walk(n->right, fn, arg);
	case PROM_NODE_NUMBER:
	case PROM_NODE_STRING:
	case PROM_NODE_VECTOR:
		return true;
	}
	BUG("a node of no kind");
}

static bool is_comparison(enum prom_kind op)
{
	return op == PROM_EQLC || op == PROM_NEQ || op == PROM_GTR || op == PROM_GTE ||
	       op == PROM_LSS || op == PROM_LTE;
}

/* Whether what it gives depends on more than there being data. */
static bool is_no_filter(const struct prom_node *n, void *arg)
{
	(void)arg;
	if (n->kind == PROM_NODE_CALL && n->func)
		return strncmp(n->func->name, "absent", 6) != 0;
	if (n->kind != PROM_NODE_BINARY)
		return true;
	return !(is_comparison(n->op) && !n->is_bool) && n->op != PROM_AND &&
	       n->op != PROM_UNLESS;
}

static void check_comparison(struct linter *l, const struct prom_node *top)
{
	if (l->rule->alert && walk(top, is_no_filter, NULL))
		found(l, LINT_COMPARISON, l->rule->expr_at,
		      "no comparison: it fires as long as the expression has data");
}

static struct str metric_of(const struct prom_node *n)
{
	if (n->kind != PROM_NODE_VECTOR)
		return STR("");
	for (size_t i = 0; !n->name.n && i < n->n_matchers; i++) {
		if (str_is(n->matchers[i].name, "__name__") &&
		    n->matchers[i].op == PROM_EQL)
			return n->matchers[i].value;
	}
	return n->name;
}

static bool report_later(const struct prom_node *n, void *arg)
{
	struct linter *l = arg;
	struct str metric = metric_of(n);
	size_t here = (size_t)(l->rule - l->group->rules);

	for (size_t i = here + 1; metric.n && i < l->group->n_rules; i++) {
		const struct rule *later = &l->group->rules[i];

		if (!later->record || !str_is(metric, later->record))
			continue;
		found(l, LINT_ORDER, l->rule->expr_at,
		      "%s is recorded later in the group (line %d): its value is one "
		      "evaluation old",
		      later->record, later->at.line);
		break;
	}
	return true;
}

/* -- labels in templates -------------------------------------------------------------- */

/* The aggregation whose labels are those of the result; NULL: unknown. */
static const struct prom_node *outermost_by(const struct prom_node *n)
{
	while (n->kind == PROM_NODE_PAREN || n->kind == PROM_NODE_UNARY ||
	       (n->kind == PROM_NODE_BINARY && n->right->type == PROM_SCALAR &&
		n->op != PROM_AND && n->op != PROM_OR && n->op != PROM_UNLESS))
		n = n->kind == PROM_NODE_BINARY ? n->left : n->inner;
	return n->kind == PROM_NODE_AGGREGATE ? n : NULL;
}

static bool keeps_others(enum prom_kind op)
{
	return op == PROM_TOPK || op == PROM_BOTTOMK || op == PROM_LIMITK ||
	       op == PROM_LIMIT_RATIO || op == PROM_COUNT_VALUES;
}

static bool has_label(const struct prom_node *by, struct str name)
{
	for (size_t i = 0; i < by->grouping.n; i++) {
		if (str_eq(by->grouping.v[i], name))
			return true;
	}
	return false;
}

/* The name after "$labels." or ".Labels." at this place; empty: there is none. */
static struct str label_at(struct str s)
{
	static const char *const before[] = {"$labels.", ".Labels."};
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(before); i++) {
		struct str rest = str_from(s, strlen(before[i]));

		if (!str_starts(s, str_of(before[i])))
			continue;
		while (n < rest.n &&
		       (isalnum((unsigned char)rest.p[n]) || rest.p[n] == '_'))
			n++;
		return str_slice(rest, 0, n);
	}
	return STR("");
}

static void check_text(struct linter *l, const struct prom_node *by,
		       const struct text_pair *t)
{
	struct str text = str_of(t->text);

	for (size_t i = 0; i < text.n; i++) {
		struct str name = label_at(str_from(text, i));

		if (name.n && !has_label(by, name))
			found(l, LINT_TEMPLATE, t->at,
			      "%s uses label %.*s, which the expression's aggregation does "
			      "not keep",
			      t->name, FMT(name));
	}
}

static void check_templates(struct linter *l, const struct prom_node *top)
{
	const struct prom_node *by = outermost_by(top);
	const struct rule *r = l->rule;

	if (!by || by->is_without || keeps_others(by->op))
		return;
	for (size_t i = 0; i < r->n_annotations; i++)
		check_text(l, by, &r->annotations[i]);
	for (size_t i = 0; i < r->n_labels; i++)
		check_text(l, by, &r->labels[i]);
}

static void check_expression(struct linter *l)
{
	struct promql_error wrong;
	const struct prom_node *top = prom_parse(l->mem, str_of(l->rule->expr), &wrong);

	if (!top)
		return; /* another language */
	check_comparison(l, top);
	walk(top, report_later, l);
	check_templates(l, top);
}

/* -- rules ---------------------------------------------------------------------------- */

static const char *span_text(struct arena *mem, span_ms span)
{
	struct buf b = BUF(64);
	const char *text;

	buf_add_span(&b, span);
	text = buf_keep(&b, mem).p;
	buf_free(&b);
	return text;
}

static void check_times(struct linter *l, span_ms interval)
{
	const struct rule *r = l->rule;

	if (r->hold > 0 && r->hold % interval)
		found(l, LINT_FOR, r->at, "for: %s is no multiple of the interval, %s",
		      span_text(l->mem, r->hold), span_text(l->mem, interval));
	if (r->keep_firing > 0 && r->keep_firing < interval)
		found(l, LINT_FOR, r->at,
		      "keep_firing_for: %s is shorter than the interval, %s",
		      span_text(l->mem, r->keep_firing), span_text(l->mem, interval));
}

static bool has_pair(const struct text_pair *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(v[i].name, name))
			return true;
	}
	return false;
}

static void check_labels(struct linter *l)
{
	static const char *const ours[] = {"alertname", "alertstate"};
	const struct lint_options *o = l->options;
	const struct rule *r = l->rule;

	for (size_t i = 0; i < COUNT_OF(ours); i++) {
		if (has_pair(r->labels, r->n_labels, ours[i]))
			found(l, LINT_LABELS, r->at, "label %s is overwritten", ours[i]);
	}
	for (size_t i = 0; r->alert && i < o->n_labels; i++) {
		if (!has_pair(r->labels, r->n_labels, o->labels[i]))
			found(l, LINT_REQUIRED, r->at, "label %s is missing", o->labels[i]);
	}
	for (size_t i = 0; r->alert && i < o->n_annotations; i++) {
		if (!has_pair(r->annotations, r->n_annotations, o->annotations[i]))
			found(l, LINT_REQUIRED, r->at, "annotation %s is missing",
			      o->annotations[i]);
	}
}

static void check_rule(struct linter *l, span_ms interval)
{
	const struct rule *r = l->rule;

	check_times(l, interval);
	check_labels(l);
	if (r->record && !strchr(r->record, ':'))
		found(l, LINT_RECORD_NAME, r->at,
		      "the usual form of a recorded name is level:metric:operations");
	check_expression(l);
}

/* -- duplicates ----------------------------------------------------------------------- */

static void add_identity(struct buf *b, const struct rule *r)
{
	buf_add_text(b, name_of(r));
	for (size_t i = 0; i < r->n_labels; i++)
		buf_addf(b, "%c%s%c%s", 0, r->labels[i].name, 1, r->labels[i].text);
}

static void check_same(struct linter *l, struct map *in_file, struct map *anywhere)
{
	const struct rule *r = l->rule, *before;
	struct buf key = BUF(BUF_NO_LIMIT);
	struct str id;

	add_identity(&key, r);
	id = arena_str(l->mem, buf_str(&key));
	before = map_find(in_file, id);
	if (before)
		found(l, LINT_DUPLICATE_RULES, r->at,
		      "the same name and labels as the rule in line %d", before->at.line);
	else
		map_put(in_file, id, (void *)(uintptr_t)r);
	buf_addf(&key, "%c%s%c%d", 2, r->expr, 3, r->alert != NULL);
	id = arena_str(l->mem, buf_str(&key));
	before = map_find(anywhere, id);
	if (before)
		found(l, LINT_SAME_RULE, r->at, "the same rule as %s:%d", before->at.file,
		      before->at.line);
	else
		map_put(anywhere, id, (void *)(uintptr_t)r);
	buf_free(&key);
}

void rules_lint(struct arena *mem, const struct rule_file *const *files, size_t n,
		const struct lint_options *options, struct lint_findings *out)
{
	struct linter l = {.mem = mem, .options = options, .out = out};
	struct map anywhere = {0};

	for (size_t i = 0; i < n; i++) {
		struct map in_file = {0};

		for (size_t k = 0; k < files[i]->n_groups; k++) {
			const struct rule_group *g = &files[i]->groups[k];
			span_ms interval = g->interval ? g->interval : options->interval;

			l.group = g;
			l.rule = NULL;
			if (interval > LOOKBACK)
				found(&l, LINT_INTERVAL, g->at,
				      "interval: %s is over 5m: what it records, and "
				      "ALERTS, "
				      "have gaps",
				      span_text(mem, interval));
			for (size_t m = 0; m < g->n_rules; m++) {
				l.rule = &g->rules[m];
				check_rule(&l, interval);
				check_same(&l, &in_file, &anywhere);
			}
		}
		map_free(&in_file);
	}
	map_free(&anywhere);
}
