#include "base/base.h"
#include "base/quote.h"
#include "base/time.h"
#include "text/float.h"
#include "text/promql_ast.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An expression as Prometheus prints its syntax tree: one way to write each thing. */

struct printer {
	struct buf out;
	bool gave_up; /* something newer than what is known to be printed one way */
};

static void print(struct printer *p, const struct prom_node *n);

static const char *operator_text(enum prom_kind op)
{
	static const char *const texts[] = {
		[PROM_ADD] = "+",
		[PROM_SUB] = "-",
		[PROM_MUL] = "*",
		[PROM_DIV] = "/",
		[PROM_MOD] = "%",
		[PROM_POW] = "^",
		[PROM_ATAN2] = "atan2",
		[PROM_EQLC] = "==",
		[PROM_NEQ] = "!=",
		[PROM_LTE] = "<=",
		[PROM_LSS] = "<",
		[PROM_GTE] = ">=",
		[PROM_GTR] = ">",
		[PROM_AND] = "and",
		[PROM_OR] = "or",
		[PROM_UNLESS] = "unless",
		[PROM_EQL] = "=",
		[PROM_EQL_REGEX] = "=~",
		[PROM_NEQ_REGEX] = "!~",
		[PROM_AVG] = "avg",
		[PROM_BOTTOMK] = "bottomk",
		[PROM_COUNT] = "count",
		[PROM_COUNT_VALUES] = "count_values",
		[PROM_GROUP] = "group",
		[PROM_MAX] = "max",
		[PROM_MIN] = "min",
		[PROM_QUANTILE] = "quantile",
		[PROM_STDDEV] = "stddev",
		[PROM_STDVAR] = "stdvar",
		[PROM_SUM] = "sum",
		[PROM_TOPK] = "topk",
	};

	return (size_t)op < COUNT_OF(texts) ? texts[op] : NULL;
}

static void add_operator(struct printer *p, enum prom_kind op)
{
	const char *text = operator_text(op);

	if (text)
		buf_add_text(&p->out, text);
	else
		p->gave_up = true;
}

/* -- selectors --------------------------------------------------------------------- */

static void add_span(struct printer *p, const struct prom_span *s)
{
	if (!s->is_known) {
		p->gave_up = true;
		return;
	}
	if (s->ms < 0)
		buf_add_char(&p->out, '-');
	buf_add_span(&p->out, s->ms < 0 ? -s->ms : s->ms);
}

static void add_modifiers(struct printer *p, const struct prom_node *n)
{
	if (n->anchored || n->smoothed)
		p->gave_up = true;
	if (n->has_start_or_end)
		buf_add_text(&p->out, n->is_end ? " @ end()" : " @ start()");
	else if (n->has_at)
		buf_addf(&p->out, " @ %.3f", n->at_time);
	if (n->has_offset) {
		buf_add_text(&p->out, " offset ");
		add_span(p, &n->offset);
	}
}

static bool is_plain_name(struct str s)
{
	return is_label_name(s, NAMES_CLASSIC);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *matcher_text(struct printer *p, const struct prom_matcher *m)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *op = operator_text(m->op);

	if (is_plain_name(m->name))
		buf_add_str(&b, m->name);
	else
		buf_add_quoted(&b, m->name);
	if (!op)
		p->gave_up = true;
	buf_add_text(&b, op ? op : "");
	buf_add_quoted(&b, m->value);
	return buf_take(&b, NULL);
}

/* Its name and its matchers in order of their text; the modifiers come behind a range. */
static void add_selector(struct printer *p, const struct prom_node *n)
{
	char **texts = mem_new((n->n_matchers + 1) * sizeof(*texts));

	buf_add_str(&p->out, n->name);
	for (size_t i = 0; i < n->n_matchers; i++)
		texts[i] = matcher_text(p, &n->matchers[i]);
	if (n->n_matchers)
		qsort(texts, n->n_matchers, sizeof(*texts), by_text);
	for (size_t i = 0; i < n->n_matchers; i++) {
		buf_add_char(&p->out, i ? ',' : '{');
		buf_add_text(&p->out, texts[i]);
		free(texts[i]);
	}
	if (n->n_matchers)
		buf_add_char(&p->out, '}');
	else if (!n->name.n)
		buf_add_text(&p->out, "{}");
	free(texts);
}

static void add_range(struct printer *p, const struct prom_node *n)
{
	if (n->kind == PROM_NODE_MATRIX)
		add_selector(p, n->inner);
	else
		print(p, n->inner);
	buf_add_char(&p->out, '[');
	add_span(p, &n->range);
	if (n->kind == PROM_NODE_SUBQUERY) {
		buf_add_char(&p->out, ':');
		if (n->has_step)
			add_span(p, &n->step);
	}
	buf_add_char(&p->out, ']');
	add_modifiers(p, n);
}

/* -- calls, aggregates, operators -------------------------------------------------- */

static void add_labels(struct printer *p, const struct prom_labels *labels)
{
	buf_add_char(&p->out, '(');
	for (size_t i = 0; i < labels->n; i++) {
		if (i)
			buf_add_text(&p->out, ", ");
		if (is_plain_name(labels->v[i]))
			buf_add_str(&p->out, labels->v[i]);
		else
			buf_add_quoted(&p->out, labels->v[i]);
	}
	buf_add_char(&p->out, ')');
}

static void add_arguments(struct printer *p, const struct prom_nodes *args)
{
	buf_add_char(&p->out, '(');
	for (size_t i = 0; i < args->n; i++) {
		if (i)
			buf_add_text(&p->out, ", ");
		print(p, args->v[i]);
	}
	buf_add_char(&p->out, ')');
}

static void add_aggregate(struct printer *p, const struct prom_node *n)
{
	add_operator(p, n->op);
	if (n->is_without || n->grouping.n) {
		buf_add_text(&p->out, n->is_without ? " without " : " by ");
		add_labels(p, &n->grouping);
		buf_add_char(&p->out, ' ');
	}
	add_arguments(p, &n->args);
}

static void add_matching(struct printer *p, const struct prom_node *n)
{
	if (n->is_filled)
		p->gave_up = true;
	if (n->is_bool)
		buf_add_text(&p->out, " bool");
	if (!n->is_on && !n->matching.n && !n->is_grouped)
		return;
	buf_add_text(&p->out, n->is_on ? " on " : " ignoring ");
	add_labels(p, &n->matching);
	if (!n->is_grouped)
		return;
	buf_add_text(&p->out, n->is_right ? " group_right " : " group_left ");
	add_labels(p, &n->include);
}

/* Operands lean to the left as far as the text does: from the innermost outwards. */
static void add_binary(struct printer *p, const struct prom_node *top)
{
	const struct prom_node *n = top, **chain;
	size_t depth = 0;

	for (; n->kind == PROM_NODE_BINARY; n = n->left)
		depth++;
	chain = mem_new(depth * sizeof(*chain));
	n = top;
	for (size_t i = depth; i--; n = n->left)
		chain[i] = n;
	print(p, n);
	for (size_t i = 0; i < depth; i++) {
		buf_add_char(&p->out, ' ');
		add_operator(p, chain[i]->op);
		add_matching(p, chain[i]);
		buf_add_char(&p->out, ' ');
		print(p, chain[i]->right);
	}
	free(chain);
}

static void print(struct printer *p, const struct prom_node *n)
{
	switch (n->kind) {
	case PROM_NODE_NUMBER:
		if (n->is_duration)
			p->gave_up = true;
		buf_add_float_value(&p->out, n->number);
		break;
	case PROM_NODE_STRING:
		buf_add_quoted(&p->out, n->text);
		break;
	case PROM_NODE_VECTOR:
		add_selector(p, n);
		add_modifiers(p, n);
		break;
	case PROM_NODE_MATRIX:
	case PROM_NODE_SUBQUERY:
		add_range(p, n);
		break;
	case PROM_NODE_CALL:
		buf_add_text(&p->out, n->func->name);
		add_arguments(p, &n->args);
		break;
	case PROM_NODE_AGGREGATE:
		add_aggregate(p, n);
		break;
	case PROM_NODE_BINARY:
		add_binary(p, n);
		break;
	case PROM_NODE_UNARY:
		add_operator(p, n->op);
		print(p, n->inner);
		break;
	case PROM_NODE_PAREN:
		buf_add_char(&p->out, '(');
		print(p, n->inner);
		buf_add_char(&p->out, ')');
		break;
	}
}

const char *promql_normal(struct arena *mem, struct str expr)
{
	struct printer p = {.out = BUF(BUF_NO_LIMIT)};
	struct arena scratch = {0};
	struct promql_error err;
	const struct prom_node *n = expr.n < PROMQL_MAX_BYTES
					    ? prom_parse(&scratch, expr, &err)
					    : NULL;
	const char *text = NULL;

	if (n)
		print(&p, n);
	if (n && !p.gave_up)
		text = buf_keep(&p.out, mem).p;
	buf_free(&p.out);
	arena_free(&scratch);
	return text;
}
