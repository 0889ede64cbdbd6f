#include "base/base.h"
#include "text/func.h"

/* Which tables each flavour knows; an earlier one wins. */
#define TABLES_MAX 6
static const struct func *const flavours[][TABLES_MAX] = {
	[FUNCS_BASIC] = {functions_basic},
	[FUNCS_NOTIFY] = {functions_basic, functions_notify, functions_both},
	[FUNCS_RULE] = {functions_basic, functions_rule, functions_both, functions_vmalert},
	[FUNCS_CONSOLE] = {functions_basic, functions_console, functions_rule,
			   functions_both, functions_vmalert},
	[FUNCS_VMALERT] = {functions_basic, functions_vmalert_own, functions_vmalert,
			   functions_rule, functions_both},
};

const struct type *func_param(const struct func *f, size_t i)
{
	return f->in[MIN(i, (size_t)f->n_in - 1)];
}

bool func_takes(const struct func *f, size_t n)
{
	return f->is_variadic ? n + 1 >= f->n_in : n == f->n_in;
}

static const struct func *find_in(const struct func *table, struct str name)
{
	for (; table->name; table++) {
		if (str_is(name, table->name))
			return table;
	}
	return NULL;
}

const struct func *func_find(enum template_funcs flavour, struct str name)
{
	const struct func *f = NULL;

	for (size_t i = 0; i < TABLES_MAX && flavours[flavour][i] && !f; i++)
		f = find_in(flavours[flavour][i], name);
	return f;
}

const struct func *method_find(const struct type *type, struct str name)
{
	return type->methods ? find_in(type->methods, name) : NULL;
}
