#include "base/base.h"
#include "text/promql_names.h"
#include "base/vec.h"
#include "text/promql_ast.h"

#include <string.h>

struct names {
	struct arena *mem;
	VEC(const char *) list;
};

static void add(struct names *to, struct str name)
{
	for (size_t i = 0; i < to->list.n; i++) {
		if (str_is(name, to->list.v[i]))
			return;
	}
	vec_push_in(to->mem, &to->list, arena_copy(to->mem, name));
}

static void add_selector(struct names *to, const struct prom_node *n)
{
	if (n->name.n)
		add(to, n->name);
	for (size_t i = 0; i < n->n_matchers; i++) {
		const struct prom_matcher *m = &n->matchers[i];

		if (m->op == PROM_EQL && m->value.n && str_is(m->name, "__name__"))
			add(to, m->value);
	}
}

static bool is_about_absence(const struct prom_node *n)
{
	return n->kind == PROM_NODE_CALL && (!strcmp(n->func->name, "absent") ||
					     !strcmp(n->func->name, "absent_over_time"));
}

static void walk(struct names *to, const struct prom_node *n)
{
	while (n->kind == PROM_NODE_BINARY) { /* leans to the left, as far as it likes */
		walk(to, n->right);
		n = n->left;
	}
	switch (n->kind) {
	case PROM_NODE_VECTOR:
		add_selector(to, n);
		break;
	case PROM_NODE_MATRIX:
	case PROM_NODE_SUBQUERY:
	case PROM_NODE_UNARY:
	case PROM_NODE_PAREN:
		walk(to, n->inner);
		break;
	case PROM_NODE_CALL:
	case PROM_NODE_AGGREGATE:
		for (size_t i = 0; !is_about_absence(n) && i < n->args.n; i++)
			walk(to, n->args.v[i]);
		break;
	case PROM_NODE_BINARY:
	case PROM_NODE_NUMBER:
	case PROM_NODE_STRING:
		break;
	}
}

size_t promql_names(struct arena *mem, struct str expr, const char ***out)
{
	struct names names = {.mem = mem};
	struct promql_error err;
	const struct prom_node *n = prom_parse(mem, expr, &err);

	if (n)
		walk(&names, n);
	*out = names.list.v;
	return names.list.n;
}
