#include "base/base.h"
#include "text/func.h"
#include "text/compare.h"
#include "text/escape.h"
#include "text/print.h"

#include <string.h>

/* The functions every template knows (spec/go-template.md 12). */

static bool fn_not(struct call *c, struct value *out)
{
	struct value v = value_bare(c->args[0]);

	*out = value_bool(!value_is_true(&v));
	return true;
}

/* -- comparison ----------------------------------------------------------------------- */

static bool fn_eq(struct call *c, struct value *out)
{
	struct value a = value_bare(c->args[0]), b;
	bool truth = false;

	if (c->n == 1)
		return call_fail(c, "missing argument for comparison");
	for (size_t i = 1; i < c->n && !truth; i++) {
		b = value_bare(c->args[i]);
		if (!compare_equal(c, &a, &b, &truth))
			return false;
	}
	*out = value_bool(truth);
	return true;
}

static bool fn_ne(struct call *c, struct value *out)
{
	if (!fn_eq(c, out))
		return false;
	out->b = !out->b;
	return true;
}

static bool fn_lt(struct call *c, struct value *out)
{
	struct value a = value_bare(c->args[0]), b = value_bare(c->args[1]);
	bool truth = false;

	if (!compare_less(c, &a, &b, &truth))
		return false;
	*out = value_bool(truth);
	return true;
}

static bool fn_le(struct call *c, struct value *out)
{
	if (!fn_lt(c, out))
		return false;
	return out->b || fn_eq(c, out);
}

static bool fn_gt(struct call *c, struct value *out)
{
	if (!fn_le(c, out))
		return false;
	out->b = !out->b;
	return true;
}

static bool fn_ge(struct call *c, struct value *out)
{
	if (!fn_lt(c, out))
		return false;
	out->b = !out->b;
	return true;
}

/* -- len, index, slice ---------------------------------------------------------------- */

static bool fn_len(struct call *c, struct value *out)
{
	bool is_nil;
	struct value v = value_behind(c->args[0], &is_nil);

	if (is_nil)
		return call_fail(c, "len of nil pointer");
	switch ((int)value_kind_of(&v)) {
	case VALUE_STRING:
		*out = value_int((int64_t)v.s.n);
		return true;
	case VALUE_LIST:
	case VALUE_MAP:
		*out = value_int((int64_t)value_count(&v));
		return true;
	case VALUE_NOTHING:
		return call_fail(c, "reflect: call of reflect.Value.Type on zero Value");
	default:
		return call_fail(c, "len of type %s", v.type->name);
	}
}

/* An index into something of that many elements, the end itself allowed. */
static bool take_index(struct call *c, struct value index, size_t end, size_t *out)
{
	int64_t i;

	index = value_bare(index);
	switch ((int)value_kind_of(&index)) {
	case VALUE_INT:
	case VALUE_UINT:
		i = index.i;
		break;
	case VALUE_NOTHING:
		return call_fail(c, "cannot index slice/array with nil");
	default:
		return call_fail(c, "cannot index slice/array with type %s",
				 index.type->name);
	}
	if (i < 0 || (uint64_t)i > end)
		return call_fail(c, "index out of range: %lld", (long long)i);
	*out = (size_t)i;
	return true;
}

static bool index_map(struct call *c, struct value *item, struct value key)
{
	const struct entry *e;

	key = value_bare(key);
	if (!key.type)
		return call_fail(c, "value is nil; should be of type string");
	if (key.type != &type_string)
		return call_fail(c, "value has type %s; should be string", key.type->name);
	e = value_find(item, key.s);
	if (!e) {
		*item = value_zero(item->type->elem);
		return true;
	}
	*item = value_item(item, (size_t)(e - item->map.v));
	return true;
}

static bool index_step(struct call *c, struct value *item, struct value index)
{
	size_t i;

	switch ((int)value_kind_of(item)) {
	case VALUE_LIST:
		if (!take_index(c, index, item->list.n, &i))
			return false;
		if (i == item->list.n)
			return call_fail(c, "reflect: slice index out of range");
		*item = value_item(item, i);
		return true;
	case VALUE_STRING:
		if (!take_index(c, index, item->s.n, &i))
			return false;
		if (i == item->s.n)
			return call_fail(c, "reflect: string index out of range");
		*item = (struct value){.type = &type_uint8,
				       .u = (unsigned char)item->s.p[i]};
		return true;
	case VALUE_MAP:
		return index_map(c, item, index);
	default:
		return call_fail(c, "can't index item of type %s", item->type->name);
	}
}

static bool fn_index(struct call *c, struct value *out)
{
	bool is_nil;

	*out = value_bare(c->args[0]);
	if (!out->type)
		return call_fail(c, "index of untyped nil");
	for (size_t i = 1; i < c->n; i++) {
		*out = value_behind(*out, &is_nil);
		if (is_nil)
			return call_fail(c, "index of nil pointer");
		if (!index_step(c, out, c->args[i]))
			return false;
	}
	return true;
}

static bool cut_value(struct call *c, struct value *v, const size_t at[3], bool has_end)
{
	if (at[0] > at[1])
		return call_fail(c, "invalid slice index: %zu > %zu", at[0], at[1]);
	if (has_end && at[1] > at[2])
		return call_fail(c, "invalid slice index: %zu > %zu", at[1], at[2]);
	if (v->type->kind == VALUE_STRING) {
		v->s = str_slice(v->s, at[0], at[1] - at[0]);
		return true;
	}
	if (v->list.v)
		v->list.v += at[0];
	v->list.cap = has_end ? (uint32_t)(at[2] - at[0]) : v->list.cap - (uint32_t)at[0];
	v->list.n = (uint32_t)(at[1] - at[0]);
	return true;
}

static bool fn_slice(struct call *c, struct value *out)
{
	bool is_nil;
	size_t at[3] = {0, 0, 0}, end;

	*out = value_bare(c->args[0]);
	if (!out->type)
		return call_fail(c, "slice of untyped nil");
	*out = value_behind(*out, &is_nil);
	if (is_nil)
		return call_fail(c, "slice of nil pointer");
	if (c->n > 4)
		return call_fail(c, "too many slice indexes: %zu", c->n - 1);
	if (value_kind_of(out) == VALUE_STRING) {
		if (c->n == 4)
			return call_fail(c, "cannot 3-index slice a string");
		at[1] = end = out->s.n;
	} else if (value_kind_of(out) == VALUE_LIST) {
		at[1] = out->list.n;
		end = out->list.cap;
	} else {
		return call_fail(c, "can't slice item of type %s", out->type->name);
	}
	for (size_t i = 1; i < c->n; i++) {
		if (c->args[i].held) /* Go does not look through the interface here */
			return call_fail(c,
					 "cannot index slice/array with type interface {}");
		if (!take_index(c, c->args[i], end, &at[i - 1]))
			return false;
	}
	return cut_value(c, out, at, c->n == 4);
}

/* -- call ----------------------------------------------------------------------------- */

static bool is_integer(const struct type *t)
{
	return t->kind == VALUE_INT || t->kind == VALUE_UINT;
}

static bool fit_argument(struct call *c, size_t i, const struct type *want, struct value *v)
{
	*v = value_bare(*v);
	if (!v->type) {
		if (!type_can_be_nil(want))
			return call_fail(c, "arg %zu: value is nil; should be of type %s",
					 i, want->name);
		*v = value_zero(want);
		return true;
	}
	if (type_is_assignable(v->type, want))
		return true;
	if (!is_integer(v->type) || !is_integer(want))
		return call_fail(c, "arg %zu: value has type %s; should be %s", i,
				 v->type->name, want->name);
	v->type = want;
	return true;
}

static bool fn_call(struct call *c, struct value *out)
{
	struct value fn = value_bare(c->args[0]), *v;
	const struct func *f;
	struct call inner = *c;

	if (!fn.type)
		return call_fail(c, "call of nil");
	if (fn.type->kind != VALUE_FUNC)
		return call_fail(c, "non-function %.*s of type %s", FMT(c->callee),
				 fn.type->name);
	f = fn.func;
	inner.func = f;
	inner.n = c->n - 1;
	if (f && f->is_variadic && !func_takes(f, inner.n))
		return call_fail(c,
				 "wrong number of args for %.*s: got %zu want at least %u",
				 FMT(c->callee), inner.n, f->n_in - 1);
	if (f && !func_takes(f, inner.n))
		return call_fail(c, "wrong number of args for %.*s: got %zu want %u",
				 FMT(c->callee), inner.n, f->n_in);
	if (!f)
		return call_fail(c, "reflect.Value.Call: call of nil function");
	inner.args = v = ARENA_ARRAY(c->mem, struct value, inner.n + 1);
	for (size_t i = 0; i < inner.n; i++) {
		v[i] = c->args[i + 1];
		if (!fit_argument(c, i, func_param(f, i), &v[i]))
			return false;
	}
	return f->call(&inner, out);
}

/* -- printing and escaping ------------------------------------------------------------ */

static bool fn_print(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	print_join(b, c->mem, c->args, c->n);
	return call_result(c, b, out);
}

static bool fn_println(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	print_line(b, c->mem, c->args, c->n);
	return call_result(c, b, out);
}

static bool fn_printf(struct call *c, struct value *out)
{
	struct buf *b = call_buf(c);

	print_format(b, c->mem, c->args[0].s, c->args + 1, c->n - 1);
	return call_result(c, b, out);
}

/* The arguments as one string, nothing printing as "<no value>", pointers followed. */
static bool joined(struct call *c, struct str *out)
{
	struct value *v, text;
	struct buf *b;
	bool is_nil;

	if (c->n == 1 && c->args[0].type == &type_string) {
		*out = c->args[0].s;
		return true;
	}
	v = ARENA_ARRAY(c->mem, struct value, c->n + 1);
	for (size_t i = 0; i < c->n; i++) {
		v[i] = value_behind(c->args[i], &is_nil);
		if (!v[i].type)
			v[i] = value_text("<no value>");
	}
	b = call_buf(c);
	print_join(b, c->mem, v, c->n);
	if (!call_result(c, b, &text))
		return false;
	*out = text.s;
	return true;
}

static bool escaped(struct call *c, void (*add)(struct buf *, struct str),
		    struct value *out)
{
	struct buf *b;
	struct str s;

	if (!joined(c, &s))
		return false;
	b = call_buf(c);
	add(b, s);
	return call_result(c, b, out);
}

static bool fn_html(struct call *c, struct value *out)
{
	return escaped(c, buf_add_html, out);
}

static bool fn_js(struct call *c, struct value *out)
{
	return escaped(c, buf_add_js, out);
}

static bool fn_urlquery(struct call *c, struct value *out)
{
	return escaped(c, buf_add_query, out);
}

#define SPECIAL(go_name, c_call, what)                                                     \
	{                                                                                  \
		.name = go_name, .call = c_call, .in = {&type_value, &type_value},         \
		.n_in = 2, .is_variadic = true, .special = what                            \
	}

const struct func functions_basic[] = {
	SPECIAL("and", NULL, FUNC_AND),
	SPECIAL("or", NULL, FUNC_OR),
	SPECIAL("call", fn_call, FUNC_CALL),
	FUNC("not", fn_not, &type_bool, 1, &type_value),
	FUNC_MANY("eq", fn_eq, &type_bool, 2, &type_value, &type_value),
	FUNC("ne", fn_ne, &type_bool, 2, &type_value, &type_value),
	FUNC("lt", fn_lt, &type_bool, 2, &type_value, &type_value),
	FUNC("le", fn_le, &type_bool, 2, &type_value, &type_value),
	FUNC("gt", fn_gt, &type_bool, 2, &type_value, &type_value),
	FUNC("ge", fn_ge, &type_bool, 2, &type_value, &type_value),
	FUNC("len", fn_len, &type_int, 1, &type_value),
	FUNC_MANY("index", fn_index, NULL, 2, &type_value, &type_value),
	FUNC_MANY("slice", fn_slice, NULL, 2, &type_value, &type_value),
	FUNC_MANY("print", fn_print, &type_string, 1, &type_any),
	FUNC_MANY("println", fn_println, &type_string, 1, &type_any),
	FUNC_MANY("printf", fn_printf, &type_string, 2, &type_string, &type_any),
	FUNC_MANY("html", fn_html, &type_string, 1, &type_any),
	FUNC_MANY("js", fn_js, &type_string, 1, &type_any),
	FUNC_MANY("urlquery", fn_urlquery, &type_string, 1, &type_any),
	FUNC_END,
};
