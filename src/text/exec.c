#include "base/base.h"
#include "text/exec.h"
#include "base/quote.h"
#include "text/print.h"
#include "text/set.h"

#include <stdarg.h>
#include <string.h>

/* Statements (spec/go-template.md 6 and 7). */

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE, FLOW_FAILED };

/* -- failing -------------------------------------------------------------------------- */

const char *exec_node_text(struct exec *x, const struct node *n)
{
	struct buf b = BUF(BUF_NO_LIMIT), cut = BUF(BUF_NO_LIMIT);
	const char *text;

	node_print(&b, n);
	buf_add_cut(&cut, buf_str(&b), EXEC_SHOWN);
	text = arena_text(x->mem, buf_text(&cut));
	buf_free(&b);
	buf_free(&cut);
	return text;
}

#define ERROR_SHOWN (8 * EXEC_SHOWN)

bool exec_fail_text(struct exec *x, const char *text)
{
	const struct source *src = x->body->source;
	struct buf b = BUF(BUF_NO_LIMIT), name = BUF(BUF_NO_LIMIT);
	size_t column;
	int line;

	buf_add_text(&b, "template: ");
	if (x->at) {
		source_line(src, x->at->at, &line, &column);
		buf_add_quoted(&name, x->body->name);
		buf_add_cut(&b, src->name, EXEC_SHOWN);
		buf_addf(&b, ":%d:%zu: executing ", line, column);
		buf_add_cut(&b, buf_str(&name), EXEC_SHOWN);
		buf_addf(&b, " at <%s>: ", exec_node_text(x, x->at));
		x->error_at = source_pos(src, x->at->at);
	} else {
		buf_add_cut(&b, x->body->name, EXEC_SHOWN);
		buf_add_text(&b, ": ");
		x->error_at = src->at;
	}
	buf_add_cut(&b, str_of(text), ERROR_SHOWN);
	x->error = arena_text(x->mem, buf_text(&b));
	buf_free(&name);
	buf_free(&b);
	return false;
}

bool exec_fail(struct exec *x, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = arena_vprintf(x->mem, fmt, ap);
	va_end(ap);
	return exec_fail_text(x, text);
}

bool exec_step(struct exec *x)
{
	if (++x->steps > x->steps_max)
		return exec_fail(x, "exceeded %zu steps", x->steps_max);
	if (arena_size(x->mem) > x->memory_max)
		return exec_fail(x, "exceeded %zu bytes of memory", x->memory_max);
	return true;
}

/* As call_fail: the place comes to it later. */
bool exec_work(struct exec *x, size_t steps)
{
	if (__builtin_add_overflow(x->steps, steps, &x->steps))
		x->steps = SIZE_MAX;
	if (x->steps <= x->steps_max)
		return true;
	x->error = arena_printf(x->mem, "exceeded %zu steps", x->steps_max);
	return false;
}

/* Nesting and recursion multiply: what bounds each does not bound the stack of both. */
#define LEVELS_PER_TEMPLATE 10

bool exec_enter(struct exec *x)
{
	size_t depth = x->run->limits.depth;

	if (x->level >= depth * LEVELS_PER_TEMPLATE)
		return exec_fail(x, "exceeded maximum template depth (%zu)", depth);
	x->level++;
	return true;
}

static bool check_output(struct exec *x)
{
	return !x->out->full || exec_fail(x, "exceeded %zu bytes of output", x->out->limit);
}

/* -- statements ----------------------------------------------------------------------- */

static enum flow exec_list(struct exec *x, const struct nodes *list,
			   const struct value *dot);

static bool write_value(struct exec *x, const struct node *n, struct value *v)
{
	bool is_nil;

	x->at = n;
	if (value_kind_of(v) == VALUE_POINTER)
		*v = value_behind(*v, &is_nil);
	if (value_kind_of(v) == VALUE_FUNC)
		return exec_fail(x, "can't print %s of type %s", exec_node_text(x, n),
				 v->type->name);
	if (v->type == &type_string) {
		buf_add_str(x->out, v->s);
		return check_output(x);
	}
	x->steps += exec_weight(x, v);
	if (x->steps > x->steps_max)
		return exec_fail(x, "exceeded %zu steps", x->steps_max);
	if (!v->type)
		buf_add_text(x->out, "<no value>");
	else
		print_value(x->out, x->mem, v);
	return check_output(x);
}

static enum flow exec_action(struct exec *x, const struct node *n, const struct value *dot)
{
	struct value v;

	if (!eval_pipeline(x, dot, n->pipe, &v))
		return FLOW_FAILED;
	if (!n->pipe->vars.n && !write_value(x, n, &v))
		return FLOW_FAILED;
	return FLOW_ON;
}

static enum flow exec_if_or_with(struct exec *x, const struct node *n,
				 const struct value *dot)
{
	size_t mark = x->vars.n;
	enum flow flow = FLOW_ON;
	const struct node *next;
	struct value v;

	for (;; n = next) {
		if (!eval_pipeline(x, dot, n->pipe, &v))
			return FLOW_FAILED;
		next = value_is_true(&v) ? NULL : node_else_branch(n);
		if (!next)
			break;
		x->at = next;
		if (!exec_step(x))
			return FLOW_FAILED;
	}
	if (value_is_true(&v))
		flow = exec_list(x, n->body, n->kind == NODE_WITH ? &v : dot);
	else if (n->other)
		flow = exec_list(x, n->other, dot);
	x->vars.n = mark;
	return flow;
}

/* One round of a range: declares or assigns its variables, runs the body. */
static enum flow exec_round(struct exec *x, const struct node *n, const struct value *index,
			    const struct value *item)
{
	const struct nodes *vars = &n->pipe->vars;
	size_t mark = x->vars.n;
	enum flow flow;

	if (!exec_step(x))
		return FLOW_FAILED;
	if (n->pipe->assigns) {
		if (vars->n > 1 && (!eval_assign(x, vars->v[0]->names[0], index) ||
				    !eval_assign(x, vars->v[1]->names[0], item)))
			return FLOW_FAILED;
		if (vars->n == 1 && !eval_assign(x, vars->v[0]->names[0], item))
			return FLOW_FAILED;
	} else if (vars->n) {
		/* the pipeline pushed them with the whole value */
		x->vars.v[mark - 1].value = *item;
		if (vars->n > 1)
			x->vars.v[mark - 2].value = *index;
	}
	flow = exec_list(x, n->body, item);
	x->vars.n = mark;
	return flow == FLOW_CONTINUE ? FLOW_ON : flow;
}

static enum flow exec_integers(struct exec *x, const struct node *n, struct value v)
{
	bool is_signed = v.type->kind == VALUE_INT;
	uint64_t end = is_signed ? (v.i < 0 ? 0 : (uint64_t)v.i) : v.u;
	struct value index = VALUE_INVALID;
	enum flow flow = FLOW_ON;

	for (uint64_t i = 0; i < end && flow == FLOW_ON; i++) {
		v.u = i; /* i, u share their place, and i < 2^63 */
		flow = exec_round(x, n, &index, &v);
	}
	return flow;
}

static enum flow exec_items(struct exec *x, const struct node *n, const struct value *v)
{
	enum flow flow = FLOW_ON;
	size_t count = value_count(v);

	for (size_t i = 0; i < count && flow == FLOW_ON; i++) {
		struct value item = value_item(v, i);
		struct value index = v->type->kind == VALUE_MAP ? value_str(v->map.v[i].key)
								: value_int((int64_t)i);

		flow = exec_round(x, n, &index, &item);
	}
	return flow;
}

static bool cannot_range(struct exec *x, const struct value *v)
{
	struct buf b = BUF(ERROR_SHOWN), value = BUF(BUF_NO_LIMIT);

	print_value(&value, x->mem, v);
	buf_add_text(&b, "range can't iterate over ");
	buf_add_cut(&b, buf_str(&value), EXEC_SHOWN);
	exec_fail_text(x, buf_text(&b));
	buf_free(&value);
	buf_free(&b);
	return false;
}

/* *rounds says whether there was anything to go through. */
static enum flow exec_rounds(struct exec *x, const struct node *n, struct value v,
			     bool *rounds)
{
	*rounds = false;
	switch ((int)value_kind_of(&v)) {
	case VALUE_NOTHING:
		if (v.held)
			break;
		return FLOW_ON;
	case VALUE_LIST:
	case VALUE_MAP:
		*rounds = value_count(&v) > 0;
		return exec_items(x, n, &v);
	case VALUE_INT:
	case VALUE_UINT:
		if (n->pipe->vars.n > 1) {
			struct buf b = BUF(256);

			buf_add_text(&b, "can't use ");
			print_value(&b, x->mem, &v);
			buf_add_text(&b, " to iterate over more than one variable");
			exec_fail_text(x, buf_text(&b));
			buf_free(&b);
			return FLOW_FAILED;
		}
		*rounds = v.type->kind == VALUE_INT ? v.i > 0 : v.u > 0;
		return exec_integers(x, n, v);
	default:
		break;
	}
	cannot_range(x, &v);
	return FLOW_FAILED;
}

static enum flow exec_range(struct exec *x, const struct node *n, const struct value *dot)
{
	size_t mark = x->vars.n;
	bool is_nil, rounds;
	enum flow flow;
	struct value v;

	if (!eval_pipeline(x, dot, n->pipe, &v))
		return FLOW_FAILED;
	flow = exec_rounds(x, n, value_behind(v, &is_nil), &rounds);
	if (!rounds && flow == FLOW_ON && n->other)
		flow = exec_list(x, n->other, dot);
	x->vars.n = mark;
	return flow == FLOW_BREAK ? FLOW_ON : flow; /* also one within {{else}}, as in Go */
}

static enum flow exec_template(struct exec *x, const struct node *n,
			       const struct value *dot)
{
	const struct body *body = template_find(x->tmpl, n->text);
	struct value v = VALUE_INVALID;

	if (!body) {
		struct buf b = BUF(BUF_NO_LIMIT), name = BUF(BUF_NO_LIMIT);

		buf_add_quoted(&name, n->text);
		buf_add_text(&b, "template ");
		buf_add_cut(&b, buf_str(&name), EXEC_SHOWN);
		buf_add_text(&b, " not defined");
		buf_free(&name);
		exec_fail_text(x, buf_text(&b));
		buf_free(&b);
		return FLOW_FAILED;
	}
	if (x->depth > x->run->limits.depth) {
		exec_fail(x, "exceeded maximum template depth (%zu)", x->run->limits.depth);
		return FLOW_FAILED;
	}
	if (n->pipe && !eval_pipeline(x, dot, n->pipe, &v))
		return FLOW_FAILED;
	return exec_body(x, body, &v) ? FLOW_ON : FLOW_FAILED;
}

bool exec_body(struct exec *x, const struct body *body, const struct value *dot)
{
	const struct body *outer = x->body;
	const struct node *at = x->at;
	size_t frame = x->frame, mark = x->vars.n;
	struct value v = *dot;
	enum flow flow;

	x->body = body;
	x->frame = mark;
	x->depth++;
	exec_push(x, STR("$"), &v);
	flow = exec_list(x, &body->root, &v);
	if (flow == FLOW_FAILED)
		return false;
	x->vars.n = mark;
	x->depth--;
	x->frame = frame;
	x->body = outer;
	x->at = at;
	return true;
}

static enum flow exec_node(struct exec *x, const struct node *n, const struct value *dot)
{
	x->at = n;
	if (!exec_step(x))
		return FLOW_FAILED;
	switch ((int)n->kind) {
	case NODE_TEXT:
		buf_add_str(x->out, n->text);
		return check_output(x) ? FLOW_ON : FLOW_FAILED;
	case NODE_ACTION:
		return exec_action(x, n, dot);
	case NODE_IF:
	case NODE_WITH:
		return exec_if_or_with(x, n, dot);
	case NODE_RANGE:
		return exec_range(x, n, dot);
	case NODE_TEMPLATE:
		return exec_template(x, n, dot);
	case NODE_BREAK:
		return FLOW_BREAK;
	case NODE_CONTINUE:
		return FLOW_CONTINUE;
	default:
		BUG("node of kind %d in a body", n->kind);
	}
}

static enum flow exec_list(struct exec *x, const struct nodes *list,
			   const struct value *dot)
{
	enum flow flow = FLOW_ON;

	if (!exec_enter(x))
		return FLOW_FAILED;
	for (size_t i = 0; i < list->n && flow == FLOW_ON; i++)
		flow = exec_node(x, list->v[i], dot);
	x->level--;
	return flow;
}

/* -- what functions may ask for ------------------------------------------------------- */

bool call_fail(struct call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	c->exec->error = arena_vprintf(c->mem, fmt, ap);
	va_end(ap);
	return false;
}

bool call_fail_again(struct call *c, const char *before)
{
	return call_fail(c, "%s%s", before, c->exec->error);
}

bool call_fail_str(struct call *c, const char *before, struct str s, const char *after)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_add_text(&b, before);
	buf_add_cut(&b, s, EXEC_SHOWN);
	buf_add_text(&b, after);
	c->exec->error = arena_text(c->mem, buf_text(&b));
	buf_free(&b);
	return false;
}

#define MADE_PER_STEP 3 /* bytes of text that functions make */

static size_t memory_left(const struct exec *x)
{
	size_t used = arena_size(x->mem);

	return used < x->memory_max ? x->memory_max - used + 1 : 1;
}

/* What the steps that are left can make. */
static size_t steps_left(const struct exec *x)
{
	size_t left = x->steps < x->steps_max ? x->steps_max - x->steps : 0, bytes;

	return __builtin_mul_overflow(left, MADE_PER_STEP, &bytes) ? SIZE_MAX : bytes + 1;
}

struct buf *call_buf(struct call *c)
{
	struct exec *x = c->exec;

	buf_reset(&x->scratch);
	x->scratch.limit = MIN(memory_left(x), steps_left(x));
	return &x->scratch;
}

bool call_result(struct call *c, const struct buf *b, struct value *out)
{
	if (b->full && b->limit < memory_left(c->exec))
		return call_fail(c, "exceeded %zu steps", c->exec->steps_max);
	if (b->full)
		return call_fail(c, "exceeded %zu bytes of memory", c->exec->memory_max);
	c->exec->steps += b->n / MADE_PER_STEP;
	*out = value_str(buf_keep(b, c->mem));
	return true;
}

bool call_wants(struct call *c, struct str expr)
{
	c->exec->wanted = arena_str(c->mem, expr);
	return false;
}

/* Runs a body into a string of its own. */
static bool exec_aside(struct exec *x, const struct body *body, const struct value *dot,
		       struct str *out)
{
	struct buf *outer = x->out, inner = BUF(memory_left(x));
	size_t frame = x->frame, mark = x->vars.n, depth = x->depth, level = x->level;
	const struct body *caller = x->body;
	const struct node *at = x->at;
	bool ok;

	if (x->depth > x->run->limits.depth)
		return exec_fail(x, "exceeded maximum template depth (%zu)",
				 x->run->limits.depth);
	x->out = &inner;
	ok = exec_body(x, body, dot);
	x->out = outer;
	x->body = caller;
	x->at = at;
	x->frame = frame;
	x->vars.n = mark;
	x->depth = depth;
	x->level = level;
	if (ok)
		*out = buf_keep(&inner, x->mem);
	buf_free(&inner);
	return ok;
}

bool call_template(struct call *c, struct str name, struct value dot, struct str *out)
{
	const struct body *body = template_find(c->exec->tmpl, name);

	if (!body)
		return call_fail(c, "html/template: \"%.*s\" is undefined", FMT(name));
	return exec_aside(c->exec, body, &dot, out);
}

bool call_render(struct call *c, struct str source, struct str *out)
{
	struct exec *x = c->exec;
	const struct template *outer = x->tmpl;
	struct err err;
	bool ok;

	/* parsing, and the names that the text shares with the template around it */
	if (!exec_work(x, source.n + outer->own.map.n))
		return false;
	x->tmpl = template_aside(x->mem, outer, source, &err);
	if (!x->tmpl) {
		x->tmpl = outer;
		return call_fail(c, "%s", err.text);
	}
	ok = exec_aside(x, template_main(x->tmpl), &x->root, out);
	x->tmpl = outer;
	return ok;
}

/* -- rendering ------------------------------------------------------------------------ */

#define STEPS_DEFAULT  2000000
#define MEMORY_DEFAULT ((size_t)64 * 1024 * 1024)
#define DEPTH_DEFAULT  400

static void set_limits(struct exec *x)
{
	struct template_limits *l = &x->run->limits;

	l->steps = l->steps ? l->steps : STEPS_DEFAULT;
	l->memory = l->memory ? l->memory : MEMORY_DEFAULT;
	l->depth = l->depth ? l->depth : DEPTH_DEFAULT;
	x->steps_max = l->steps;
	if (__builtin_add_overflow(arena_size(x->mem), l->memory, &x->memory_max))
		x->memory_max = SIZE_MAX;
}

enum rendering template_render(const struct template *t, struct template_run *run,
			       struct value root, struct buf *out, struct err *err)
{
	struct exec x = {
		.tmpl = t,
		.run = run,
		.mem = run->mem,
		.out = out,
		.root = root,
		.missing = template_missing_of(t),
		.body = template_main(t),
		.scratch = BUF(1),
	};
	enum rendering result = RENDERED;

	ASSERT(run->mem);
	run->error = NULL;
	run->wanted = (struct str){NULL, 0};
	set_limits(&x);
	if (!exec_body(&x, x.body, &root)) {
		result = x.wanted.p ? RENDER_WAITS : RENDER_FAILED;
		run->wanted = x.wanted;
		run->error = x.error;
		if (result == RENDER_FAILED)
			err_set(err, x.error_at, "%s", x.error);
	}
	run->steps = x.steps;
	vec_free(&x.vars);
	buf_free(&x.scratch);
	return result;
}
