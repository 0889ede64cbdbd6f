#include "base/base.h"
#include "base/quote.h"
#include "base/vec.h"
#include "text/func.h"
#include "text/set.h"

#include <string.h>

/* What would fail whenever it is reached, found by walking a template with the types of
 * things in place of the things. A NULL type is one that cannot be known beforehand. */

struct typed {
	struct str name;
	const struct type *type;
};
struct visit { /* also its own key */
	const struct body *body;
	const struct type *dot;
	uint64_t is_guarded;
};
struct check {
	const struct template *t;
	struct errs *errs;
	const struct body *body;
	/* A body that asks for types by printf "%T" may have branches that no type comes
	 * to: nothing is said of those, nor of what they call. */
	bool asks_types, is_guarded;
	size_t branches; /* around here, in this body */
	VEC(struct typed) vars;
	size_t frame;
	struct map visits; /* bodies seen with a type of dot */
	struct arena mem;  /* of the visits */
	size_t level, work;
};

/* Deeper, nothing is looked at: a check may miss a mistake, and must not end the daemon. */
#define LEVELS_MAX 2000
#define WORK_MAX   2000000 /* nodes and variables looked at */

static bool is_tired(struct check *k, size_t work)
{
	k->work += work;
	return k->work > WORK_MAX || k->errs->n == ERRS_MAX;
}

static const struct type *check_pipe(struct check *k, const struct type *dot,
				     const struct node *pipe);
static void check_list(struct check *k, const struct type *dot, const struct nodes *list);

#define NAME_SHOWN    80
#define CONTEXT_SHOWN 160 /* of a complaint; what is wrong comes behind */

static bool is_guarded(const struct check *k)
{
	return k->is_guarded || (k->asks_types && k->branches);
}

static void complain(struct check *k, const struct node *at, const char *text)
{
	struct buf b = BUF(BUF_NO_LIMIT), context = BUF(BUF_NO_LIMIT);

	if (is_guarded(k))
		return;
	node_print(&context, at);
	buf_add_text(&b, "template: ");
	buf_add_cut(&b, k->body->source->name, NAME_SHOWN);
	buf_add_text(&b, ": at <");
	buf_add_cut(&b, buf_str(&context), CONTEXT_SHOWN);
	buf_addf(&b, ">: %s", text);
	errs_addf(k->errs, source_pos(k->body->source, at->at), "%s", buf_text(&b));
	buf_free(&context);
	buf_free(&b);
}

PRINTF(3, 4)
static void complainf(struct check *k, const struct node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(k, at, arena_vprintf(k->errs->mem, fmt, ap));
	va_end(ap);
}

/* An interface may hold anything. */
static const struct type *known(const struct type *t)
{
	return t && t->kind != VALUE_ANY && t->kind != VALUE_VALUE ? t : NULL;
}

/* -- calls ---------------------------------------------------------------------------- */

static bool fits(const struct type *have, const struct type *want)
{
	if (!known(have) || !known(want) || type_is_assignable(have, want))
		return true;
	return have->kind == VALUE_POINTER && type_is_assignable(have->elem, want);
}

static bool literal_fits(const struct node *n, const struct type *want)
{
	switch ((int)want->kind) {
	case VALUE_BOOL:
		return n->kind == NODE_BOOL;
	case VALUE_STRING:
		return n->kind == NODE_STRING;
	case VALUE_INT:
		return n->kind == NODE_NUMBER && n->number.is_int;
	case VALUE_UINT:
		return n->kind == NODE_NUMBER && n->number.is_uint;
	case VALUE_FLOAT:
		return n->kind == NODE_NUMBER && n->number.is_float;
	case VALUE_ANY:
	case VALUE_VALUE:
		return true;
	default:
		return false;
	}
}

static bool is_literal(const struct node *n)
{
	return n->kind == NODE_BOOL || n->kind == NODE_NUMBER || n->kind == NODE_STRING;
}

static const struct type *literal_type(const struct node *n)
{
	if (n->kind == NODE_BOOL)
		return &type_bool;
	if (n->kind == NODE_STRING)
		return &type_string;
	if (n->number.is_complex)
		return &type_complex;
	return n->number.looks_float ? &type_float64 : &type_int;
}

static const struct type *check_operand(struct check *k, const struct type *dot,
					const struct node *n);

static const struct type *check_argument(struct check *k, const struct type *dot,
					 const struct node *n, const struct type *want)
{
	const struct type *have;

	if (n->kind == NODE_NIL) {
		if (!type_can_be_nil(want))
			complainf(k, n, "cannot assign nil to %s", want->name);
		return NULL;
	}
	if (is_literal(n)) {
		if (!literal_fits(n, want))
			complainf(k, n, "expected %s", want->name);
		return literal_type(n);
	}
	have = check_operand(k, dot, n);
	if (!fits(have, want))
		complainf(k, n, "wrong type for value; expected %s; got %s", want->name,
			  have->name);
	return have;
}

/* What index gives of its first argument's type. */
static const struct type *indexed(const struct type *t, size_t times)
{
	for (; times && t; times--) {
		while (t && t->kind == VALUE_POINTER)
			t = t->elem;
		if (t && t->kind != VALUE_LIST && t->kind != VALUE_MAP)
			return NULL;
		t = t ? known(t->elem) : NULL;
	}
	return t;
}

static const struct type *result_of(const struct func *f, const struct type *first,
				    size_t given)
{
	if (f->out)
		return known(f->out);
	if (strcmp(f->name, "index") == 0)
		return indexed(first, given - 1);
	return strcmp(f->name, "slice") == 0 ? first : NULL;
}

/* args[0] is the function's name or the method's chain. */
static const struct type *check_call(struct check *k, const struct type *dot,
				     const struct func *f, const struct node *at,
				     const struct nodes *args, bool piped,
				     const struct type *final)
{
	size_t written = args ? args->n - 1 : 0, given = written + piped;
	const struct type *first = piped && !written ? final : NULL, *t;
	bool may_stop = f->special == FUNC_AND || f->special == FUNC_OR;

	if (f->unfit)
		complain(k, at, f->unfit);
	if (!func_takes(f, given)) {
		complainf(k, at, "wrong number of args for %s: want %s%u got %zu", f->name,
			  f->is_variadic ? "at least " : "", f->n_in - f->is_variadic,
			  given);
		return known(f->out);
	}
	for (size_t i = 0; i < written; i++) {
		t = check_argument(k, dot, args->v[i + 1], func_param(f, i));
		if (i == 0) {
			first = t;
			k->branches += may_stop;
		}
	}
	k->branches -= may_stop && written;
	if (piped && !fits(final, func_param(f, written)))
		complainf(k, at, "wrong type for value; expected %s; got %s",
			  func_param(f, written)->name, final->name);
	return result_of(f, first, given);
}

/* -- chains --------------------------------------------------------------------------- */

static const char *nearest_field(const struct type *t, struct str name)
{
	const char *words[32];
	size_t n = 0;

	for (size_t i = 0; i < t->n_fields && n + 1 < COUNT_OF(words); i++)
		words[n++] = t->fields[i].name;
	for (const struct func *f = t->methods; f && f->name && n + 1 < COUNT_OF(words);
	     f++)
		words[n++] = f->name;
	words[n] = NULL;
	return str_nearest(name, words);
}

static const struct type *no_field(struct check *k, const struct node *at,
				   const struct type *whole, const struct type *t,
				   struct str name)
{
	const char *near = nearest_field(t, name);

	complainf(k, at, "can't evaluate field %.*s in type %s%s%s%s", FMT(name),
		  whole->name, near ? " (did you mean " : "", near ? near : "",
		  near ? "?)" : "");
	return NULL;
}

static const struct type *check_field(struct check *k, const struct type *dot,
				      const struct type *t, struct str name,
				      const struct node *at, const struct nodes *args,
				      bool piped, const struct type *final)
{
	bool has_args = piped || (args && args->n > 1);
	const struct type *whole = t;
	const struct func *method;

	while (t && t->kind == VALUE_POINTER)
		t = t->elem;
	if (!known(t))
		return NULL;
	method = method_find(t, name);
	if (method)
		return check_call(k, dot, method, at, args, piped, final);
	if (t->kind == VALUE_MAP) {
		if (has_args)
			complainf(k, at, "%.*s is not a method but has arguments",
				  FMT(name));
		return known(t->elem);
	}
	for (size_t i = 0; i < t->n_fields; i++) {
		if (!str_is(name, t->fields[i].name))
			continue;
		if (has_args)
			complainf(k, at,
				  "%.*s has arguments but cannot be invoked as function",
				  FMT(name));
		return known(t->fields[i].type);
	}
	return no_field(k, at, whole, t, name);
}

static const struct type *check_names(struct check *k, const struct type *dot,
				      const struct type *t, const struct node *n,
				      size_t from, const struct nodes *args, bool piped,
				      const struct type *final)
{
	for (size_t i = from; i < n->n_names; i++) {
		bool last = i + 1 == n->n_names;

		t = check_field(k, dot, t, n->names[i], n, last ? args : NULL,
				last && piped, final);
	}
	return t;
}

static struct typed *find_variable(struct check *k, struct str name)
{
	size_t i = k->vars.n;

	while (i > k->frame && !str_eq(k->vars.v[i - 1].name, name))
		i--;
	k->work += k->vars.n - i;
	return i > k->frame ? &k->vars.v[i - 1] : NULL;
}

static const struct type *check_chain(struct check *k, const struct type *dot,
				      const struct node *n, const struct nodes *args,
				      bool piped, const struct type *final)
{
	const struct typed *var;

	if (n->kind == NODE_FIELD)
		return check_names(k, dot, dot, n, 0, args, piped, final);
	if (n->kind == NODE_CHAIN)
		return check_names(k, dot, check_operand(k, dot, n->base), n, 0, args,
				   piped, final);
	var = find_variable(k, n->names[0]);
	return check_names(k, dot, var ? var->type : NULL, n, 1, args, piped, final);
}

/* -- pipelines ------------------------------------------------------------------------ */

static const struct type *check_operand(struct check *k, const struct type *dot,
					const struct node *n)
{
	switch ((int)n->kind) {
	case NODE_FIELD:
	case NODE_CHAIN:
	case NODE_VARIABLE:
		return check_chain(k, dot, n, NULL, false, NULL);
	case NODE_IDENTIFIER:
		return check_call(k, dot, n->func, n, NULL, false, NULL);
	case NODE_PIPE:
		return check_pipe(k, dot, n);
	case NODE_DOT:
		return dot;
	case NODE_NIL:
		return NULL;
	default:
		return literal_type(n);
	}
}

static const struct type *check_command(struct check *k, const struct type *dot,
					const struct node *command, bool piped,
					const struct type *final)
{
	const struct node *first = command->args.v[0];

	switch ((int)first->kind) {
	case NODE_FIELD:
	case NODE_CHAIN:
		return check_chain(k, dot, first, &command->args, piped, final);
	case NODE_VARIABLE:
		if (first->n_names > 1)
			return check_chain(k, dot, first, &command->args, piped, final);
		break;
	case NODE_IDENTIFIER:
		return check_call(k, dot, first->func, first, &command->args, piped, final);
	case NODE_NIL:
		complain(k, first, "nil is not a command");
		return NULL;
	}
	if (piped || command->args.n > 1)
		complain(k, first, "can't give argument to non-function");
	return check_operand(k, dot, first);
}

static const struct type *check_pipe(struct check *k, const struct type *dot,
				     const struct node *pipe)
{
	const struct type *t = NULL;

	for (size_t i = 0; i < pipe->commands.n; i++)
		t = check_command(k, dot, pipe->commands.v[i], i > 0, t);
	for (size_t i = 0; i < pipe->vars.n; i++) {
		struct str name = pipe->vars.v[i]->names[0];
		struct typed *var = find_variable(k, name);

		if (!pipe->assigns)
			vec_push(&k->vars, (struct typed){name, t});
		else if (!var)
			complainf(k, pipe, "undefined variable: %.*s", FMT(name));
		else if (var->type != t)
			var->type = NULL;
	}
	return t;
}

/* -- statements ----------------------------------------------------------------------- */

static bool can_range(const struct type *t)
{
	return !known(t) || t->kind == VALUE_LIST || t->kind == VALUE_MAP ||
	       t->kind == VALUE_INT || t->kind == VALUE_UINT;
}

static void forget_assigned(struct check *k, const struct node *n);

static void forget_all_assigned(struct check *k, const struct nodes *list)
{
	for (size_t i = 0; list && i < list->n && !is_tired(k, 1); i++)
		forget_assigned(k, list->v[i]);
}

/* What a round assigns, the next one sees: such variables may hold anything. */
static void forget_assigned(struct check *k, const struct node *n)
{
	const struct node *next;
	struct typed *var;

	switch ((int)n->kind) {
	case NODE_PIPE:
		for (size_t i = 0; n->assigns && i < n->vars.n; i++) {
			var = find_variable(k, n->vars.v[i]->names[0]);
			if (var)
				var->type = NULL;
		}
		forget_all_assigned(k, &n->commands);
		return;
	case NODE_COMMAND:
		forget_all_assigned(k, &n->args);
		return;
	case NODE_CHAIN:
		forget_assigned(k, n->base);
		return;
	case NODE_ACTION:
	case NODE_IF:
	case NODE_WITH:
	case NODE_RANGE:
	case NODE_TEMPLATE:
		for (; n && !is_tired(k, 1); n = next) {
			next = node_else_branch(n);
			if (n->pipe)
				forget_assigned(k, n->pipe);
			forget_all_assigned(k, n->body);
			if (!next)
				forget_all_assigned(k, n->other);
		}
		return;
	}
}

static void check_range(struct check *k, const struct type *dot, const struct node *n)
{
	const struct type *t = check_pipe(k, dot, n->pipe), *item = NULL;
	size_t vars = n->pipe->vars.n;

	while (t && t->kind == VALUE_POINTER)
		t = t->elem;
	if (!can_range(t))
		complainf(k, n->pipe, "range can't iterate over %s", t->name);
	else if (t && (t->kind == VALUE_LIST || t->kind == VALUE_MAP))
		item = known(t->elem);
	else
		item = t;
	if (vars && !n->pipe->assigns) {
		k->vars.v[k->vars.n - 1].type = item;
		if (vars > 1)
			k->vars.v[k->vars.n - 2].type = NULL;
	}
	forget_all_assigned(k, n->body);
	check_list(k, item, n->body);
	if (vars && !n->pipe->assigns) /* {{else}} sees the whole value in it */
		k->vars.v[k->vars.n - 1].type = NULL;
}

/* -- who asks for types ------------------------------------------------------------ */

/* "%T", with flags maybe, or what shows the type besides: "%#v". */
static bool shows_type(struct str format)
{
	size_t at, n;
	bool sharp;

	while ((at = str_find_char(format, '%')) != STR_NONE) {
		format = str_from(format, at + 1);
		sharp = false;
		for (n = 0; n < format.n && format.p[n] &&
			    strchr("+-# 0123456789.*[]", format.p[n]);
		     n++)
			sharp |= format.p[n] == '#';
		format = str_from(format, n);
		if (format.n && (format.p[0] == 'T' || (sharp && format.p[0] == 'v')))
			return true;
	}
	return false;
}

static bool asks_types(struct check *k, const struct node *n);

static bool any_asks_types(struct check *k, const struct nodes *list)
{
	for (size_t i = 0; list && i < list->n; i++) {
		if (is_tired(k, 1) || asks_types(k, list->v[i]))
			return true;
	}
	return false;
}

static bool is_printf(const struct node *n)
{
	return n->kind == NODE_IDENTIFIER && strcmp(n->func->name, "printf") == 0;
}

static bool asks_types(struct check *k, const struct node *n)
{
	const struct nodes *args = &n->args;

	switch ((int)n->kind) {
	case NODE_PIPE:
		return any_asks_types(k, &n->commands);
	case NODE_COMMAND:
		if (is_printf(args->v[0]) &&
		    (args->n < 2 || args->v[1]->kind != NODE_STRING ||
		     shows_type(args->v[1]->string)))
			return true;
		return any_asks_types(k, args);
	case NODE_CHAIN:
		return asks_types(k, n->base);
	case NODE_ACTION:
	case NODE_IF:
	case NODE_WITH:
	case NODE_RANGE:
	case NODE_TEMPLATE:
		for (; n; n = node_else_branch(n)) {
			if ((n->pipe && asks_types(k, n->pipe)) ||
			    any_asks_types(k, n->body) ||
			    (!node_else_branch(n) && any_asks_types(k, n->other)))
				return true;
		}
		return false;
	default:
		return false;
	}
}

/* -- bodies ------------------------------------------------------------------------ */

static void check_body(struct check *k, const struct type *dot, const struct body *body)
{
	const struct check outer = *k;
	size_t mark = k->vars.n;
	struct visit *visit = ARENA_NEW(&k->mem, struct visit);
	struct str key = {(const char *)visit, sizeof(*visit)};

	*visit = (struct visit){body, dot, is_guarded(k)};
	if (map_find(&k->visits, key))
		return;
	map_put(&k->visits, key, visit);
	k->is_guarded = visit->is_guarded;
	k->asks_types = any_asks_types(k, &body->root);
	k->branches = 0;
	k->body = body;
	k->frame = mark;
	vec_push(&k->vars, (struct typed){STR("$"), dot});
	check_list(k, dot, &body->root);
	k->vars.n = mark;
	k->frame = outer.frame;
	k->body = outer.body;
	k->is_guarded = outer.is_guarded;
	k->asks_types = outer.asks_types;
	k->branches = outer.branches;
}

static void check_template(struct check *k, const struct type *dot, const struct node *n)
{
	const struct type *t = n->pipe ? check_pipe(k, dot, n->pipe) : NULL;
	const struct body *body = template_find(k->t, n->text);

	if (!body)
		complain(k, n, "template not defined");
	else
		check_body(k, t, body);
}

/* A branch and, along its chain, those that its {{else}} leads to. */
static void check_branches(struct check *k, const struct type *dot, const struct node *n)
{
	const struct node *next;
	const struct type *t;

	for (;; n = next) {
		t = check_pipe(k, dot, n->pipe);
		check_list(k, n->kind == NODE_WITH ? t : dot, n->body);
		next = node_else_branch(n);
		if (!next || is_tired(k, 1))
			break;
	}
	if (n->other)
		check_list(k, dot, n->other);
}

static void check_node(struct check *k, const struct type *dot, const struct node *n)
{
	size_t mark = k->vars.n;

	k->branches += n->kind == NODE_RANGE || n->kind == NODE_WITH || n->kind == NODE_IF;
	switch ((int)n->kind) {
	case NODE_ACTION:
		check_pipe(k, dot, n->pipe);
		return; /* what it declares lives on */
	case NODE_TEMPLATE:
		check_template(k, dot, n);
		return;
	case NODE_RANGE:
		check_range(k, dot, n);
		if (n->other)
			check_list(k, dot, n->other);
		break;
	case NODE_WITH:
	case NODE_IF:
		check_branches(k, dot, n);
		break;
	default:
		return;
	}
	k->branches--;
	k->vars.n = mark;
}

static void check_list(struct check *k, const struct type *dot, const struct nodes *list)
{
	if (k->level >= LEVELS_MAX)
		return;
	k->level++;
	for (size_t i = 0; i < list->n && !is_tired(k, 1); i++)
		check_node(k, dot, list->v[i]);
	k->level--;
}

void template_check(const struct template *t, const struct type *root, struct errs *errs)
{
	struct check k = {.t = t, .errs = errs, .body = template_main(t)};

	check_body(&k, root, k.body);
	vec_free(&k.vars);
	map_free(&k.visits);
	arena_free(&k.mem);
}
