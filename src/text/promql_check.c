#include "base/base.h"
#include "base/map.h"
#include "base/quote.h"
#include "base/vec.h"
#include "text/promql_ast.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
	struct arena *mem;
	struct promql_error *err;
};

static bool check_node(struct check *k, const struct prom_node *n);

/* -- errors --------------------------------------------------------------------------- */
bool promql_fail(struct promql_error *err, size_t at, const char *fmt, ...)
{
	va_list ap;

	err->at = at;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return false;
}

bool promql_fail_quoted(struct promql_error *err, size_t at, const char *before,
			struct str quoted, const char *after)
{
	struct buf b = BUF(4096);

	buf_add_quoted(&b, quoted);
	promql_fail(err, at, "%s%s%s", before, buf_text(&b), after);
	buf_free(&b);
	return false;
}

void promql_find_place(struct str expr, struct promql_error *err)
{
	err->line = err->col = 1;
	for (size_t i = 0; i < err->at && i < expr.n; i++) {
		err->col++;
		if (expr.p[i] == '\n') {
			err->line++;
			err->col = 1;
		}
	}
}

/* -- types ---------------------------------------------------------------------------- */
static const char *type_text(enum prom_type type)
{
	static const char *const texts[] = {"none", "scalar", "instant vector",
					    "range vector", "string"};

	return texts[type];
}

static bool expect_type(struct check *k, const struct prom_node *n, enum prom_type want,
			const char *context)
{
	if (!check_node(k, n))
		return false;
	if (n->type == want)
		return true;
	return promql_fail(k->err, n->at, "expected type %s in %s, got %s", type_text(want),
			   context, type_text(n->type));
}

static bool check_aggregate(struct check *k, const struct prom_node *n)
{
	const char *what = "aggregation parameter";
	enum prom_type want = n->op == PROM_COUNT_VALUES ? PROM_TEXT : PROM_SCALAR;

	return expect_type(k, n->args.v[n->args.n - 1], PROM_VECTOR,
			   "aggregation expression") &&
	       (n->args.n == 1 || expect_type(k, n->args.v[0], want, what));
}

/* -- calls ---------------------------------------------------------------------------- */
static bool fail_count(struct check *k, const struct prom_node *n, const char *how,
		       size_t want)
{
	return promql_fail(k->err, n->at,
			   "expected %s%zu argument(s) in call to \"%s\", got %zu", how,
			   want, n->func->name, n->args.n);
}

static bool check_count(struct check *k, const struct prom_node *n)
{
	const struct prom_func *f = n->func;
	size_t least = f->variadic ? f->n_params - 1 : f->n_params;

	if (!f->variadic && n->args.n != least)
		return fail_count(k, n, "", least);
	if (n->args.n < least)
		return fail_count(k, n, "at least ", least);
	if (f->variadic > 0 && n->args.n > least + (size_t)f->variadic)
		return fail_count(k, n, "at most ", least + (size_t)f->variadic);
	return true;
}

/* The second argument of info is a selector without a name, and may be {}. */
static bool check_info(struct check *k, const struct prom_node *n)
{
	struct prom_node *arg;

	if (strcmp(n->func->name, "info") != 0 || n->args.n < 2)
		return true;
	arg = n->args.v[1];
	if (arg->type != PROM_VECTOR)
		return promql_fail(k->err, n->at,
				   "expected type instant vector in call to function "
				   "\"info\", got %s",
				   type_text(arg->type));
	if (arg->kind != PROM_NODE_VECTOR)
		return promql_fail(k->err, arg->at, "expected label selectors only");
	if (arg->name.n)
		return promql_fail(k->err, arg->at,
				   "expected label selectors only, got vector selector "
				   "instead");
	arg->any_matchers = true;
	return true;
}

static bool check_call(struct check *k, const struct prom_node *n)
{
	const struct prom_func *f = n->func;
	const char *context;

	if (!check_count(k, n) || !check_info(k, n))
		return false;
	context = arena_printf(k->mem, "call to function \"%s\"", f->name);
	for (size_t i = 0; i < n->args.n; i++) {
		if (!expect_type(k, n->args.v[i], f->params[MIN(i, f->n_params - 1)],
				 context))
			return false;
	}
	return true;
}

/* -- selectors ------------------------------------------------------------------------ */
static bool matches_nothing(const struct prom_matcher *m)
{
	bool equal = m->regex ? regex_matches(m->regex, STR("")) : !m->value.n;

	return equal == (m->op == PROM_EQL || m->op == PROM_EQL_REGEX);
}

static bool check_name_once(struct check *k, const struct prom_node *n)
{
	struct buf b = BUF(4096);

	for (size_t i = 0; i < n->n_matchers; i++) {
		if (!str_is(n->matchers[i].name, "__name__"))
			continue;
		buf_add_text(&b, " or ");
		buf_add_quoted(&b, n->matchers[i].value);
		promql_fail_quoted(k->err, n->at,
				   "metric name must not be set twice: ", n->name,
				   buf_text(&b));
		buf_free(&b);
		return false;
	}
	return true;
}

static bool check_vector(struct check *k, const struct prom_node *n)
{
	if (n->name.n)
		return check_name_once(k, n);
	for (size_t i = 0; i < n->n_matchers; i++) {
		if (!matches_nothing(&n->matchers[i]))
			return true;
	}
	return n->any_matchers ||
	       promql_fail(k->err, n->at,
			   "vector selector must contain at least one non-empty matcher");
}

static bool check_subquery(struct check *k, const struct prom_node *n)
{
	enum prom_type type = n->inner->type;

	if (!check_node(k, n->inner))
		return false;
	if (type == PROM_VECTOR)
		return true;
	return promql_fail(k->err, n->at,
			   "subquery is only allowed on instant vector, got %s instead",
			   type == PROM_MATRIX ? "matrix" : type_text(type));
}

/* -- operators ------------------------------------------------------------------------ */
static bool check_unary(struct check *k, const struct prom_node *n)
{
	if (!check_node(k, n->inner))
		return false;
	if (n->type == PROM_SCALAR || n->type == PROM_VECTOR)
		return true;
	return promql_fail(k->err, n->at,
			   "unary expression only allowed on expressions of type scalar or "
			   "instant vector, got \"%s\"",
			   type_text(n->type));
}

static bool is_comparison(enum prom_kind op)
{
	return op >= PROM_EQLC && op <= PROM_GTR;
}

static const char *set_operator(enum prom_kind op)
{
	return op == PROM_AND	   ? "and"
	       : op == PROM_OR	   ? "or"
	       : op == PROM_UNLESS ? "unless"
				   : NULL;
}

/* A label cannot both match and be taken over. */
static bool check_clauses(struct check *k, const struct prom_node *n)
{
	struct map include = {0};
	struct prom_labels labels = n->matching;
	bool ok = true;

	if (!n->is_on || !n->include.n)
		return true;
	for (size_t i = 0; i < n->include.n; i++)
		map_put(&include, n->include.v[i], &n->include.v[i]);
	for (size_t i = 0; ok && i < labels.n; i++)
		ok = !map_find(&include, labels.v[i]) ||
		     promql_fail_quoted(k->err, n->op_at, "label ", labels.v[i],
					" must not occur in ON and GROUP clause at once");
	map_free(&include);
	return ok;
}

static bool check_operand(struct check *k, const struct prom_node *n)
{
	return n->type == PROM_SCALAR || n->type == PROM_VECTOR ||
	       promql_fail(k->err, n->at,
			   "binary expression must contain only scalar and instant vector "
			   "types");
}

static bool check_with_scalar(struct check *k, const struct prom_node *n)
{
	if (n->matching.n)
		return promql_fail(k->err, n->at,
				   "vector matching only allowed between instant vectors");
	if (n->is_filled)
		return promql_fail(k->err, n->at,
				   "filling in missing series only allowed between instant "
				   "vectors");
	if (set_operator(n->op))
		return promql_fail(k->err, n->at,
				   "set operator \"%s\" not allowed in binary scalar "
				   "expression",
				   set_operator(n->op));
	return true;
}

static bool check_vectors(struct check *k, const struct prom_node *n)
{
	if (!set_operator(n->op))
		return true;
	if (n->is_grouped)
		return promql_fail(k->err, n->at,
				   "no grouping allowed for \"%s\" operation",
				   set_operator(n->op));
	if (n->is_filled)
		return promql_fail(
			k->err, n->at,
			"filling in missing series not allowed for set operators");
	return true;
}

/* Behind the left operand. */
static bool check_binary(struct check *k, const struct prom_node *n)
{
	bool both;

	if (!check_node(k, n->right))
		return false;
	if (n->is_bool && !is_comparison(n->op))
		return promql_fail(
			k->err, n->op_at,
			"bool modifier can only be used on comparison operators");
	if (is_comparison(n->op) && !n->is_bool && n->type == PROM_SCALAR)
		return promql_fail(k->err, n->op_at,
				   "comparisons between scalars must use BOOL modifier");
	if (!check_clauses(k, n) || !check_operand(k, n->left) ||
	    !check_operand(k, n->right))
		return false;
	both = n->left->type == PROM_VECTOR && n->right->type == PROM_VECTOR;
	return both ? check_vectors(k, n) : check_with_scalar(k, n);
}

/* A chain of operators may be as long as the text: no recursion to the left. */
static bool check_chain(struct check *k, const struct prom_node *n)
{
	VEC(const struct prom_node *) chain = {0};

	for (; n->kind == PROM_NODE_BINARY; n = n->left)
		vec_push_in(k->mem, &chain, n);
	if (!check_node(k, n))
		return false;
	for (size_t i = chain.n; i--;) {
		if (!check_binary(k, chain.v[i]))
			return false;
	}
	return true;
}

static bool check_node(struct check *k, const struct prom_node *n)
{
	switch (n->kind) {
	case PROM_NODE_NUMBER:
	case PROM_NODE_STRING:
		return true;
	case PROM_NODE_VECTOR:
		return check_vector(k, n);
	case PROM_NODE_MATRIX:
	case PROM_NODE_PAREN:
		return check_node(k, n->inner);
	case PROM_NODE_SUBQUERY:
		return check_subquery(k, n);
	case PROM_NODE_CALL:
		return check_call(k, n);
	case PROM_NODE_AGGREGATE:
		return check_aggregate(k, n);
	case PROM_NODE_BINARY:
		return check_chain(k, n);
	case PROM_NODE_UNARY:
		return check_unary(k, n);
	}
	BUG("node of kind %d", (int)n->kind);
}

bool prom_types_check(struct arena *mem, const struct prom_node *n,
		      struct promql_error *err)
{
	struct check k = {mem, err};

	return check_node(&k, n);
}

bool promql_check(struct str expr, struct promql_error *err)
{
	struct arena mem = {0};
	const struct prom_node *n = NULL;
	bool ok;

	*err = (struct promql_error){0};
	if (expr.n > PROMQL_MAX_BYTES)
		promql_fail(err, 0, "expression of %zu bytes, at most %zu", expr.n,
			    PROMQL_MAX_BYTES);
	else
		n = prom_parse(&mem, expr, err);
	ok = n && prom_types_check(&mem, n, err);
	if (!ok)
		promql_find_place(expr, err);
	arena_free(&mem);
	return ok;
}
