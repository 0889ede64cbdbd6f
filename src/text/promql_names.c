#include "base/base.h"
#include "text/promql_names.h"
#include "base/vec.h"
#include "text/promql_ast.h"

#include <string.h>

/* -- walking -------------------------------------------------------------------------- */

struct found {
	struct arena *mem;
	bool no_absence; /* not what stands in absent() */
	VEC(const struct prom_node *) list;
};

static bool is_about_absence(const struct prom_node *n)
{
	return n->kind == PROM_NODE_CALL && (!strcmp(n->func->name, "absent") ||
					     !strcmp(n->func->name, "absent_over_time"));
}

static void walk(struct found *to, const struct prom_node *n)
{
	while (n->kind == PROM_NODE_BINARY) { /* leans to the left, as far as it likes */
		walk(to, n->right);
		n = n->left;
	}
	switch (n->kind) {
	case PROM_NODE_VECTOR:
		vec_push_in(to->mem, &to->list, n);
		break;
	case PROM_NODE_MATRIX:
	case PROM_NODE_SUBQUERY:
	case PROM_NODE_UNARY:
	case PROM_NODE_PAREN:
		walk(to, n->inner);
		break;
	case PROM_NODE_CALL:
	case PROM_NODE_AGGREGATE:
		if (to->no_absence && is_about_absence(n))
			break;
		for (size_t i = 0; i < n->args.n; i++)
			walk(to, n->args.v[i]);
		break;
	case PROM_NODE_BINARY:
	case PROM_NODE_NUMBER:
	case PROM_NODE_STRING:
		break;
	}
}

/* -- names ---------------------------------------------------------------------------- */

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

size_t promql_names(struct arena *mem, struct str expr, const char ***out)
{
	struct names names = {.mem = mem};
	struct found found = {.mem = mem, .no_absence = true};
	struct promql_error err;
	const struct prom_node *n = prom_parse(mem, expr, &err);

	if (n)
		walk(&found, n);
	for (size_t i = 0; i < found.list.n; i++)
		add_selector(&names, found.list.v[i]);
	*out = names.list.v;
	return names.list.n;
}

/* -- selectors ------------------------------------------------------------------------ */

bool promql_selectors(struct arena *mem, struct str expr, struct promql_selectors *out)
{
	struct found found = {.mem = mem};
	struct promql_error err;
	const struct prom_node *n = prom_parse(mem, expr, &err);

	if (n)
		walk(&found, n);
	*out = (struct promql_selectors){found.list.v, found.list.n};
	return n != NULL;
}

static const struct prom_matcher *matcher_on(const struct prom_node *n, const char *label)
{
	for (size_t i = 0; i < n->n_matchers; i++) {
		if (str_is(n->matchers[i].name, label))
			return &n->matchers[i];
	}
	return NULL;
}

bool promql_selector_is_named(const struct prom_node *n)
{
	return n->name.n || matcher_on(n, "__name__");
}

struct str promql_selector_name(const struct prom_node *n)
{
	const struct prom_matcher *m = matcher_on(n, "__name__");

	if (n->name.n)
		return n->name;
	return m && m->op == PROM_EQL ? m->value : STR("");
}

static bool takes(const struct prom_matcher *m, const char *value)
{
	enum regex_found found;

	if (m->op == PROM_EQL)
		return str_is(m->value, value);
	if (m->op == PROM_NEQ)
		return !str_is(m->value, value);
	found = m->regex ? regex_match(m->regex, str_of(value)) : REGEX_TIRED;
	return found == REGEX_TIRED || (found == REGEX_FOUND) == (m->op == PROM_EQL_REGEX);
}

bool promql_selector_takes(const struct prom_node *n, const char *label, const char *value,
			   bool if_none)
{
	const struct prom_matcher *m = matcher_on(n, label);

	if (n->name.n && !strcmp(label, "__name__"))
		return str_is(n->name, value);
	return m ? takes(m, value) : if_none;
}
