#include "base/base.h"
#include "text/verb.h"
#include "text/time_format.h"

#include <string.h>

/* Values nest as deep as a template takes the trouble to; the C stack does not. */
#define DEPTH_MAX 1000

static void print_deep(struct verb *f, const struct value *v, int depth);

static bool is_text_verb(const struct verb *f)
{
	return f->letter < 0x80 && f->letter && strchr("vsxXq", (int)f->letter);
}

/* The String method, when the type has one and the verb asks for text. */
static bool print_by_method(struct verb *f, const struct value *v)
{
	if (f->in_error || !v->type)
		return false;
	if (f->letter == 'w') {
		verb_bad(f, v);
		return true;
	}
	if (f->sharp_v) {
		if (v->type->kind != VALUE_TIME || !is_text_verb(f))
			return false;
		buf_add_go_time(f->out, v->time);
		return true;
	}
	if (!v->type->text || !is_text_verb(f) ||
	    (v->type->kind == VALUE_POINTER && !v->to))
		return false;
	return verb_string(f, v->type->text(f->mem, v));
}

/* reflect prints a value in the words of its own type, without what was seen last. */
static void bad_inner(struct verb *f, const struct value *v)
{
	uint32_t letter = f->letter;

	f->in_error = true;
	buf_add_text(f->out, "%!");
	buf_add_rune(f->out, letter);
	buf_add_char(f->out, '(');
	if (!v->type) {
		buf_add_text(f->out, "<nil>");
	} else {
		buf_addf(f->out, "%s=", v->type->name);
		f->letter = 'v';
		print_deep(f, v, 0);
		f->letter = letter;
	}
	buf_add_char(f->out, ')');
	f->in_error = false;
}

void verb_bad(struct verb *f, const struct value *v)
{
	bad_inner(f, v);
}

static void between(struct verb *f, size_t i)
{
	if (i)
		buf_add_text(f->out, f->sharp_v ? ", " : " ");
}

static bool is_bytes(const struct value *v)
{
	return v->type->kind == VALUE_LIST && v->type->elem->kind == VALUE_UINT;
}

static void print_list(struct verb *f, const struct value *v, int depth)
{
	if (f->sharp_v) {
		buf_add_text(f->out, is_bytes(v) && !depth ? "[]byte" : v->type->name);
		if (!v->list.v) {
			buf_add_text(f->out, "(nil)");
			return;
		}
	}
	buf_add_char(f->out, f->sharp_v ? '{' : '[');
	for (size_t i = 0; i < v->list.n && !f->out->full; i++) {
		struct value item = value_item(v, i);

		between(f, i);
		print_deep(f, &item, depth + 1);
	}
	buf_add_char(f->out, f->sharp_v ? '}' : ']');
}

static void print_map(struct verb *f, const struct value *v, int depth)
{
	buf_add_text(f->out, f->sharp_v ? v->type->name : "map[");
	if (f->sharp_v && !v->map.v) {
		buf_add_text(f->out, "(nil)");
		return;
	}
	if (f->sharp_v)
		buf_add_char(f->out, '{');
	for (size_t i = 0; i < v->map.n && !f->out->full; i++) {
		struct value key = value_str(v->map.v[i].key), item = value_item(v, i);

		between(f, i);
		print_deep(f, &key, depth + 1);
		buf_add_char(f->out, ':');
		print_deep(f, &item, depth + 1);
	}
	buf_add_char(f->out, f->sharp_v ? '}' : ']');
}

static void print_struct(struct verb *f, const struct value *v, int depth)
{
	if (f->sharp_v)
		buf_add_text(f->out, v->type->name);
	buf_add_char(f->out, '{');
	for (size_t i = 0; i < v->type->n_fields && !f->out->full; i++) {
		struct value item = value_item(v, i);

		between(f, i);
		if (f->plus_v || f->sharp_v)
			buf_addf(f->out, "%s:", v->type->fields[i].name);
		if (item.type) /* fmt looks through an interface here, unless it is nil */
			item.held = false;
		print_deep(f, &item, depth + 1);
	}
	buf_add_char(f->out, '}');
}

/* A time under a verb that wants no text: Go shows its hidden fields. */
static void print_raw_time(struct verb *f, const struct moment *m)
{
	static const struct type location = {
		.kind = VALUE_POINTER, .name = "*time.Location", .elem = &type_string};
	const struct {
		const char *name;
		struct value v;
	} fields[] = {
		{"wall:", value_uint64((uint64_t)m->t.ns)},
		{"ext:", value_int64(m->t.s - INSTANT_ZERO.s)},
		{"loc:", {.type = &location}},
	};

	buf_add_char(f->out, '{');
	for (size_t i = 0; i < COUNT_OF(fields); i++) {
		if (i)
			buf_add_char(f->out, ' ');
		if (f->plus_v)
			buf_add_text(f->out, fields[i].name);
		print_deep(f, &fields[i].v, 1);
	}
	buf_add_char(f->out, '}');
}

static bool print_bytes(struct verb *f, const struct value *v)
{
	struct buf b = BUF(f->out->limit);
	bool ok;

	for (size_t i = 0; i < v->list.n; i++)
		buf_add_char(&b, (char)v->list.v[i].u);
	ok = verb_string(f, buf_str(&b));
	buf_free(&b);
	return ok;
}

static void print_pointer(struct verb *f, const struct value *v, int depth)
{
	if (v->type->kind == VALUE_POINTER && v->to && depth == 0) {
		enum value_kind kind = value_kind_of(v->to);

		if (kind == VALUE_LIST || kind == VALUE_MAP || kind == VALUE_STRUCT ||
		    kind == VALUE_TIME) {
			buf_add_char(f->out, '&');
			print_deep(f, v->to, depth + 1);
			return;
		}
	}
	if (f->letter == 'v' && value_is_nil(v))
		verb_pad(f, STR("<nil>"));
	else if (f->letter == 'v' || f->letter == 'p')
		verb_hex_0x(f, value_is_nil(v) ? 0 : 0xc000012345);
	else if (f->letter >= 0x80 || !strchr("bodxX", (int)f->letter))
		bad_inner(f, v);
	else
		verb_integer(f, value_is_nil(v) ? 0 : 0xc000012345, false);
}

static void print_held(struct verb *f, const struct value *v, int depth)
{
	struct value inner = value_bare(*v);

	if (v->type)
		print_deep(f, &inner, depth + 1);
	else
		buf_add_text(f->out, f->sharp_v ? "interface {}(nil)" : "<nil>");
}

static bool print_scalar(struct verb *f, const struct value *v)
{
	switch ((int)v->type->kind) {
	case VALUE_BOOL:
		return verb_bool(f, v->b);
	case VALUE_INT:
		return verb_integer(f, (uint64_t)v->i, true);
	case VALUE_UINT:
		return verb_integer(f, v->u, false);
	case VALUE_FLOAT:
		return verb_float(f, v->f);
	case VALUE_COMPLEX:
		return verb_complex(f, v->complex);
	default:
		return verb_string(f, v->s);
	}
}

static void print_deep(struct verb *f, const struct value *v, int depth)
{
	struct value bare = value_bare(*v);

	if (depth > DEPTH_MAX) {
		f->out->full = true; /* as with any text too large to make */
		return;
	}
	if (depth > 0 && print_by_method(f, &bare))
		return;
	if (v->held) {
		print_held(f, v, depth);
		return;
	}
	switch (value_kind_of(v)) {
	case VALUE_LIST:
		if (is_bytes(v) && f->letter < 0x80 && strchr("sqxX", (int)f->letter))
			print_bytes(f, v);
		else
			print_list(f, v, depth);
		return;
	case VALUE_MAP:
		print_map(f, v, depth);
		return;
	case VALUE_STRUCT:
		print_struct(f, v, depth);
		return;
	case VALUE_TIME:
		print_raw_time(f, v->time);
		return;
	case VALUE_POINTER:
	case VALUE_FUNC:
		print_pointer(f, v, depth);
		return;
	case VALUE_NOTHING:
	case VALUE_ANY:
	case VALUE_VALUE:
		buf_add_text(f->out, "<nil>");
		return;
	case VALUE_BOOL:
	case VALUE_INT:
	case VALUE_UINT:
	case VALUE_FLOAT:
	case VALUE_COMPLEX:
	case VALUE_STRING:
		if (!print_scalar(f, v))
			bad_inner(f, v);
		return;
	}
}

static void print_address(struct verb *f, const struct value *v)
{
	enum value_kind kind = value_kind_of(v);

	if (kind != VALUE_POINTER && kind != VALUE_LIST && kind != VALUE_MAP &&
	    kind != VALUE_FUNC)
		bad_inner(f, v);
	else
		verb_hex_0x(f, value_is_nil(v) ? 0 : 0xc000012345);
}

void verb_print(struct verb *f, const struct value *v)
{
	if (!v->type) {
		if (f->letter == 'T' || f->letter == 'v')
			verb_pad(f, STR("<nil>"));
		else
			bad_inner(f, v);
	} else if (f->letter == 'T') {
		f->letter = 's';
		verb_string(f, str_of(v->type->name));
	} else if (f->letter == 'p') {
		print_address(f, v);
	} else if (v->type == &type_bytes && f->letter != 'd' && f->letter != 'v') {
		if (!print_bytes(f, v))
			print_deep(f, v, 0);
	} else if (!print_by_method(f, v)) {
		print_deep(f, v, 0);
	}
}
