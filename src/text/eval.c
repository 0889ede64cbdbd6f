#include "base/base.h"
#include "text/exec.h"
#include "base/quote.h"

#include <string.h>

/* Operands, calls and chains (spec/go-template.md 8 and 9). Throughout, final is the
 * value that a pipeline hands on, NULL when there is none; args are the words of the
 * command, the operand itself included, NULL when it stands alone. */

void exec_push(struct exec *x, struct str name, const struct value *v)
{
	vec_push(&x->vars, (struct variable){name, *v});
}

#define VARIABLES_PER_STEP 16 /* looked at */

static struct variable *find_variable(struct exec *x, struct str name)
{
	size_t i = x->vars.n;

	while (i > x->frame && !str_eq(x->vars.v[i - 1].name, name))
		i--;
	x->steps += (x->vars.n - i) / VARIABLES_PER_STEP;
	return i > x->frame ? &x->vars.v[i - 1] : NULL;
}

bool eval_assign(struct exec *x, struct str name, const struct value *v)
{
	struct variable *var = find_variable(x, name);

	if (!var)
		return exec_fail(x, "undefined variable: %.*s", FMT(name));
	var->value = *v;
	return true;
}

static bool not_a_function(struct exec *x, const struct nodes *args,
			   const struct value *final)
{
	if (!final && (!args || args->n <= 1))
		return true;
	return exec_fail(x, "can't give argument to non-function %s",
			 exec_node_text(x, args->v[0]));
}

/* -- literals ------------------------------------------------------------------------- */

/* A literal number where nothing asks for a type. */
static bool eval_number(struct exec *x, const struct node *n, struct value *out)
{
	x->at = n;
	if (n->number.is_complex)
		*out = value_complex(n->number.f, n->number.imaginary);
	else if (n->number.is_float && n->number.looks_float)
		*out = value_float(n->number.f);
	else if (n->number.is_int)
		*out = value_int(n->number.i);
	else
		return exec_fail(x, "%.*s overflows int", FMT(n->text));
	return true;
}

static bool eval_literal_as(struct exec *x, const struct type *type, const struct node *n,
			    struct value *out)
{
	const char *wanted = NULL;
	bool fits = false;

	*out = (struct value){.type = type};
	switch ((int)type->kind) {
	case VALUE_BOOL:
		wanted = "bool";
		fits = n->kind == NODE_BOOL;
		if (fits)
			out->b = n->truth;
		break;
	case VALUE_STRING:
		wanted = "string";
		fits = n->kind == NODE_STRING;
		if (fits)
			out->s = n->string;
		break;
	case VALUE_INT:
		wanted = "integer";
		fits = n->kind == NODE_NUMBER && n->number.is_int;
		if (fits)
			out->i = n->number.i;
		break;
	case VALUE_UINT:
		wanted = "unsigned integer";
		fits = n->kind == NODE_NUMBER && n->number.is_uint;
		if (fits)
			out->u = n->number.u;
		break;
	case VALUE_FLOAT:
		wanted = "float";
		fits = n->kind == NODE_NUMBER && n->number.is_float;
		if (fits)
			out->f = n->number.f;
		break;
	}
	if (fits)
		return true;
	if (wanted)
		return exec_fail(x, "expected %s; found %s", wanted, exec_node_text(x, n));
	return exec_fail(x, "can't handle %s for arg of type %s", exec_node_text(x, n),
			 type->name);
}

static bool eval_literal(struct exec *x, const struct type *type, const struct node *n,
			 struct value *out)
{
	if (type->kind != VALUE_ANY && type->kind != VALUE_VALUE)
		return eval_literal_as(x, type, n, out);
	if (n->kind == NODE_BOOL)
		*out = value_bool(n->truth);
	else if (n->kind == NODE_STRING)
		*out = value_str(n->string);
	else
		return eval_number(x, n, out);
	return true;
}

/* -- arguments ------------------------------------------------------------------------ */

/* Makes *v, any value, fit the parameter. */
static bool fit(struct exec *x, const struct type *type, struct value *v)
{
	if (!type)
		return true;
	if (type->kind == VALUE_VALUE)
		return true;
	if (type->kind == VALUE_ANY) {
		v->held = false;
		return true;
	}
	if (!v->type && !v->held) {
		if (!type_can_be_nil(type))
			return exec_fail(x, "invalid value; expected %s", type->name);
		*v = value_zero(type);
		return true;
	}
	if (v->type) {
		v->held = false;
		if (type_is_assignable(v->type, type))
			return true;
		if (v->type->kind == VALUE_POINTER &&
		    type_is_assignable(v->type->elem, type)) {
			if (!v->to)
				return exec_fail(x, "dereference of nil pointer of type %s",
						 type->name);
			*v = *v->to;
			return true;
		}
	}
	return exec_fail(x, "wrong type for value; expected %s; got %s", type->name,
			 value_type_name(v));
}

static bool eval_field_node(struct exec *, const struct value *dot, const struct node *,
			    const struct nodes *args, const struct value *final,
			    struct value *out);
static bool eval_variable_node(struct exec *, const struct value *dot, const struct node *,
			       const struct nodes *args, const struct value *final,
			       struct value *out);
static bool eval_chain_node(struct exec *, const struct value *dot, const struct node *,
			    const struct nodes *args, const struct value *final,
			    struct value *out);
static bool eval_function(struct exec *, const struct value *dot, const struct node *,
			  const struct node *command, const struct nodes *args,
			  const struct value *final, struct value *out);

static bool eval_arg(struct exec *x, const struct value *dot, const struct type *type,
		     const struct node *n, struct value *out)
{
	bool ok;

	x->at = n;
	switch ((int)n->kind) {
	case NODE_DOT:
		*out = *dot;
		ok = true;
		break;
	case NODE_NIL:
		if (!type_can_be_nil(type))
			return exec_fail(x, "cannot assign nil to %s", type->name);
		*out = value_zero(type);
		out->held = false;
		return true;
	case NODE_FIELD:
		ok = eval_field_node(x, dot, n, NULL, NULL, out);
		break;
	case NODE_VARIABLE:
		ok = eval_variable_node(x, dot, n, NULL, NULL, out);
		break;
	case NODE_PIPE:
		ok = eval_pipeline(x, dot, n, out);
		break;
	case NODE_IDENTIFIER:
		ok = eval_function(x, dot, n, n, NULL, NULL, out);
		break;
	case NODE_CHAIN:
		ok = eval_chain_node(x, dot, n, NULL, NULL, out);
		break;
	default:
		return eval_literal(x, type, n, out);
	}
	return ok && fit(x, type, out);
}

/* -- calls ---------------------------------------------------------------------------- */

static bool check_count(struct exec *x, const struct func *f, size_t written, bool piped)
{
	size_t given = written + piped;

	if (func_takes(f, given))
		return true;
	if (f->is_variadic)
		return exec_fail(x, "wrong number of args for %s: want at least %u got %zu",
				 f->name, f->n_in - 1, written);
	return exec_fail(x, "wrong number of args for %s: want %u got %zu", f->name,
			 f->n_in, given);
}

/* and, or: the first argument that decides, else the last. */
static bool eval_short_circuit(struct exec *x, const struct value *dot,
			       const struct func *f, const struct nodes *args,
			       const struct value *final, struct value *out)
{
	struct value bare;

	*out = VALUE_INVALID;
	for (size_t i = 1; args && i < args->n; i++) {
		if (!exec_step(x) || !eval_arg(x, dot, &type_value, args->v[i], out))
			return false;
		bare = value_bare(*out);
		if (value_is_true(&bare) == (f->special == FUNC_OR))
			return true;
	}
	if (final)
		*out = *final;
	return true;
}

/* What call says about its callee: how it was written, or what reflection calls it. */
static struct str callee_text(struct exec *x, const struct nodes *args,
			      const struct value *final)
{
	if (args && args->n > 1)
		return str_of(exec_node_text(x, args->v[1]));
	if (!final->type)
		return STR("<invalid Value>");
	if (final->type->kind == VALUE_STRING)
		return final->s;
	return str_of(arena_printf(x->mem, "<%s Value>", final->type->name));
}

#define FEW_ARGS 6

/* A step is some 50 ns. What functions do with their arguments is counted in such. */
#define CALL_STEPS	 4 /* of a function that does more than look */
#define WORKED_PER_STEP	 8 /* bytes of text gone through */
#define COPIED_PER_STEP	 256
#define ITEMS_PER_STEP	 16
#define WEIGHT_DEPTH_MAX 1000

/* The steps to print all that is in a value; no more than most. */
static size_t weight(const struct value *v, size_t most, int depth)
{
	size_t sum = 1, n = 0;

	switch ((int)value_kind_of(v)) {
	case VALUE_STRING:
		return 1 + v->s.n / WORKED_PER_STEP;
	case VALUE_FLOAT:
	case VALUE_COMPLEX:
	case VALUE_TIME:
		return EXEC_NUMBER_STEPS;
	case VALUE_LIST:
	case VALUE_MAP:
	case VALUE_STRUCT:
		n = value_count(v);
		break;
	case VALUE_POINTER:
		return v->to && depth < WEIGHT_DEPTH_MAX
			       ? 1 + weight(v->to, most, depth + 1)
			       : 1;
	}
	for (size_t i = 0; i < n && sum < most && depth < WEIGHT_DEPTH_MAX; i++) {
		struct value item = value_item(v, i);

		sum += 1 + weight(&item, most - sum, depth + 1);
	}
	return sum;
}

size_t exec_weight(const struct exec *x, const struct value *v)
{
	return weight(v, x->steps < x->steps_max ? x->steps_max - x->steps + 1 : 0, 0);
}

static bool charge(struct exec *x, const struct call *c)
{
	const struct func *f = c->func;
	/* such parameters are only looked at, compared, or handed on */
	bool looks = f->n_in && f->in[0] == &type_value;
	bool makes_text = f->out && f->out->kind == VALUE_STRING;

	x->steps += looks ? 0 : CALL_STEPS;
	for (size_t i = 0; i < c->n; i++) {
		const struct value *v = &c->args[i];

		if (makes_text && !looks)
			x->steps += exec_weight(x, v);
		else if (value_kind_of(v) == VALUE_STRING)
			x->steps += v->s.n / (looks ? COPIED_PER_STEP : WORKED_PER_STEP);
		else if (value_kind_of(v) == VALUE_LIST)
			x->steps += v->list.n / ITEMS_PER_STEP;
		else if (value_kind_of(v) == VALUE_MAP)
			x->steps += v->map.n / ITEMS_PER_STEP;
	}
	return x->steps <= x->steps_max || exec_fail(x, "exceeded %zu steps", x->steps_max);
}

static bool run_call(struct exec *x, struct call *c, const struct node *node,
		     struct value *out)
{
	if (!charge(x, c))
		return false;
	if (c->func->call(c, out))
		return true;
	if (x->wanted.p || !x->error)
		return false;
	x->at = node;
	return exec_fail(x, "error calling %s: %s", c->func->name, x->error);
}

static bool eval_call(struct exec *x, const struct value *dot, const struct func *f,
		      const struct node *node, const struct value *receiver,
		      const struct nodes *args, const struct value *final,
		      struct value *out)
{
	size_t written = args ? args->n - 1 : 0, n = 0;
	struct value few[FEW_ARGS], *v = few;
	struct call c = {x->mem, x->run, x, f, NULL, 0, {NULL, 0}};

	if (!check_count(x, f, written, final))
		return false;
	if (f->unfit)
		return exec_fail_text(x, f->unfit);
	if (f->special == FUNC_AND || f->special == FUNC_OR)
		return eval_short_circuit(x, dot, f, args, final, out);
	if (written + 2 > FEW_ARGS)
		v = ARENA_ARRAY(x->mem, struct value, written + 2);
	if (receiver)
		v[n++] = *receiver;
	for (size_t i = 0; i < written; i++, n++) {
		if (!eval_arg(x, dot, func_param(f, i), args->v[i + 1], &v[n]))
			return false;
	}
	if (final) {
		v[n] = *final;
		if (!fit(x, func_param(f, written), &v[n++]))
			return false;
	}
	if (f->special == FUNC_CALL)
		c.callee = callee_text(x, args, final);
	c.args = v;
	c.n = n;
	return run_call(x, &c, node, out);
}

static bool eval_function(struct exec *x, const struct value *dot, const struct node *n,
			  const struct node *command, const struct nodes *args,
			  const struct value *final, struct value *out)
{
	x->at = n;
	return eval_call(x, dot, n->func, command, NULL, args, final, out);
}

/* -- chains --------------------------------------------------------------------------- */

static bool missing_key(struct exec *x, const struct value *map, struct str name,
			struct value *out)
{
	switch (x->missing) {
	case MISSING_DEFAULT:
		*out = VALUE_INVALID;
		return true;
	case MISSING_ZERO:
		*out = value_zero(map->type->elem);
		return true;
	case MISSING_ERROR:
		break;
	}
	return exec_fail(x, "map has no entry for key \"%.*s\"", FMT(name));
}

static bool map_element(struct exec *x, const struct value *map, struct str name,
			bool has_args, struct value *out)
{
	const struct entry *e;

	if (has_args)
		return exec_fail(x, "%.*s is not a method but has arguments", FMT(name));
	e = value_find(map, name);
	if (!e)
		return missing_key(x, map, name, out);
	*out = e->value;
	out->held = map->type->elem->kind == VALUE_ANY;
	return true;
}

static size_t field_index(const struct type *t, struct str name)
{
	for (size_t i = 0; i < t->n_fields; i++) {
		if (str_is(name, t->fields[i].name))
			return i;
	}
	return STR_NONE;
}

/* Fields are exported when their name starts with a capital. */
static bool is_exported(struct str name)
{
	return name.n && name.p[0] >= 'A' && name.p[0] <= 'Z';
}

static bool is_hidden_time_field(struct str name)
{
	return str_is(name, "wall") || str_is(name, "ext") || str_is(name, "loc");
}

static bool struct_field(struct exec *x, const struct value *s, struct str name,
			 bool has_args, const char *type_name, struct value *out)
{
	size_t i;

	if (s->type->kind == VALUE_TIME && is_hidden_time_field(name))
		return exec_fail(x, "%.*s is an unexported field of struct type %s",
				 FMT(name), type_name);
	i = field_index(s->type, name);
	if (i == STR_NONE)
		return exec_fail(x, "can't evaluate field %.*s in type %s", FMT(name),
				 type_name);
	if (!is_exported(name))
		return exec_fail(x, "%.*s is an unexported field of struct type %s",
				 FMT(name), type_name);
	if (has_args)
		return exec_fail(x, "%.*s has arguments but cannot be invoked as function",
				 FMT(name));
	*out = value_item(s, i);
	return true;
}

static bool eval_field(struct exec *x, const struct value *dot, struct str name,
		       const struct node *node, const struct nodes *args,
		       const struct value *final, const struct value *receiver,
		       struct value *out)
{
	const char *type_name = value_type_name(receiver);
	bool has_args = final || (args && args->n > 1), is_nil;
	const struct func *method;
	struct value v;

	if (!receiver->type && !receiver->held) {
		*out = VALUE_INVALID;
		return x->missing != MISSING_ERROR ||
		       exec_fail(x, "nil data; no entry for key \"%.*s\"", FMT(name));
	}
	v = value_behind(*receiver, &is_nil);
	if (is_nil && !v.type)
		return exec_fail(x, "nil pointer evaluating %s.%.*s", type_name, FMT(name));
	method = method_find(v.type, name);
	if (method)
		return eval_call(x, dot, method, node, &v, args, final, out);
	switch ((int)v.type->kind) {
	case VALUE_STRUCT:
	case VALUE_TIME:
		return struct_field(x, &v, name, has_args, type_name, out);
	case VALUE_MAP:
		return map_element(x, &v, name, has_args, out);
	case VALUE_POINTER:
		if (v.type->elem->kind != VALUE_STRUCT ||
		    field_index(v.type->elem, name) != STR_NONE)
			return exec_fail(x, "nil pointer evaluating %s.%.*s", type_name,
					 FMT(name));
		break;
	default:
		break;
	}
	return exec_fail(x, "can't evaluate field %.*s in type %s", FMT(name), type_name);
}

/* The last name gets the arguments. */
static bool eval_names(struct exec *x, const struct value *dot,
		       const struct value *receiver, const struct node *node, size_t from,
		       const struct nodes *args, const struct value *final,
		       struct value *out)
{
	struct value v = *receiver;
	size_t last = node->n_names - 1;

	for (size_t i = from; i < last; i++) {
		if (!eval_field(x, dot, node->names[i], node, NULL, NULL, &v, out))
			return false;
		v = *out;
	}
	return eval_field(x, dot, node->names[last], node, args, final, &v, out);
}

static bool eval_field_node(struct exec *x, const struct value *dot, const struct node *n,
			    const struct nodes *args, const struct value *final,
			    struct value *out)
{
	x->at = n;
	return eval_names(x, dot, dot, n, 0, args, final, out);
}

static bool eval_variable_node(struct exec *x, const struct value *dot,
			       const struct node *n, const struct nodes *args,
			       const struct value *final, struct value *out)
{
	const struct variable *var;
	struct value v;

	x->at = n;
	var = find_variable(x, n->names[0]);
	if (!var)
		return exec_fail(x, "undefined variable: %.*s", FMT(n->names[0]));
	v = var->value;
	if (n->n_names > 1)
		return eval_names(x, dot, &v, n, 1, args, final, out);
	*out = v;
	return not_a_function(x, args, final);
}

static bool eval_chain_node(struct exec *x, const struct value *dot, const struct node *n,
			    const struct nodes *args, const struct value *final,
			    struct value *out)
{
	struct value v;

	x->at = n;
	return eval_arg(x, dot, NULL, n->base, &v) &&
	       eval_names(x, dot, &v, n, 0, args, final, out);
}

/* -- commands and pipelines ----------------------------------------------------------- */

static bool eval_command(struct exec *x, const struct value *dot,
			 const struct node *command, const struct value *final,
			 struct value *out)
{
	const struct nodes *args = &command->args;
	const struct node *first = args->v[0];

	if (!exec_step(x))
		return false;
	switch ((int)first->kind) {
	case NODE_FIELD:
		return eval_field_node(x, dot, first, args, final, out);
	case NODE_CHAIN:
		return eval_chain_node(x, dot, first, args, final, out);
	case NODE_IDENTIFIER:
		return eval_function(x, dot, first, command, args, final, out);
	case NODE_VARIABLE:
		return eval_variable_node(x, dot, first, args, final, out);
	case NODE_PIPE:
		return not_a_function(x, args, final) && eval_pipeline(x, dot, first, out);
	}
	x->at = first;
	if (!not_a_function(x, args, final))
		return false;
	switch ((int)first->kind) {
	case NODE_DOT:
		*out = *dot;
		return true;
	case NODE_NIL:
		return exec_fail(x, "nil is not a command");
	default:
		return eval_literal(x, &type_any, first, out);
	}
}

bool eval_pipeline(struct exec *x, const struct value *dot, const struct node *pipe,
		   struct value *out)
{
	struct value v = VALUE_INVALID, before;

	x->at = pipe;
	if (!exec_enter(x))
		return false;
	for (size_t i = 0; i < pipe->commands.n; i++) {
		before = v;
		if (!eval_command(x, dot, pipe->commands.v[i], i ? &before : NULL, &v))
			return false;
		v.held = false;
	}
	for (size_t i = 0; i < pipe->vars.n; i++) {
		struct str name = pipe->vars.v[i]->names[0];

		if (!pipe->assigns)
			exec_push(x, name, &v);
		else if (!eval_assign(x, name, &v))
			return false;
	}
	x->level--;
	*out = v;
	return true;
}
