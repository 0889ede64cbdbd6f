#include "base/base.h"
#include "text/compare.h"
#include "text/exec.h"
#include "text/verb.h"

#include <string.h>

static bool is_basic(const struct value *v)
{
	enum value_kind k = value_kind_of(v);

	return k >= VALUE_BOOL && k <= VALUE_STRING;
}

static bool is_mixed_integers(const struct value *a, const struct value *b)
{
	enum value_kind x = value_kind_of(a), y = value_kind_of(b);

	return (x == VALUE_INT && y == VALUE_UINT) || (x == VALUE_UINT && y == VALUE_INT);
}

static bool same_time(const struct moment *a, const struct moment *b)
{
	if (a == b)
		return true;
	/* two fixed offsets without a name are two locations to Go */
	return instant_cmp(a->t, b->t) == 0 && a->zone == b->zone && !a->t.off && !b->t.off;
}

static bool same_basic(const struct value *a, const struct value *b)
{
	switch ((int)a->type->kind) {
	case VALUE_BOOL:
		return a->b == b->b;
	case VALUE_INT:
	case VALUE_UINT:
		return a->u == b->u;
	case VALUE_FLOAT:
		return a->f == b->f;
	case VALUE_COMPLEX:
		return a->complex[0] == b->complex[0] && a->complex[1] == b->complex[1];
	default:
		return str_eq(a->s, b->s);
	}
}

static bool type_is_comparable(const struct type *t)
{
	if (t->kind == VALUE_LIST || t->kind == VALUE_MAP || t->kind == VALUE_FUNC)
		return false;
	for (size_t i = 0; i < t->n_fields; i++) {
		if (!type_is_comparable(t->fields[i].type))
			return false;
	}
	return true;
}

static bool same(const struct value *a, const struct value *b);

static bool same_struct(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->type->n_fields; i++) {
		if (!same(&a->fields[i], &b->fields[i]))
			return false;
	}
	return true;
}

/* Go's == of two values of comparable types. */
static bool same(const struct value *a, const struct value *b)
{
	if (!a->type || !b->type || a->type != b->type)
		return a->type == b->type;
	if (a->type->kind == VALUE_TIME)
		return same_time(a->time, b->time);
	if (a->type->kind == VALUE_STRUCT)
		return same_struct(a, b);
	if (a->type->kind == VALUE_POINTER)
		return a->to == b->to;
	return is_basic(a) && same_basic(a, b);
}

static void add_as_string(struct buf *b, struct arena *mem, const struct value *v)
{
	struct verb f = {.out = b, .mem = mem, .letter = 's'};

	verb_print(&f, v);
}

#define VALUE_MAX (1024 * 1024) /* printed, to be cut */

static void add_shown(struct buf *text, const struct buf *value)
{
	buf_add_cut(text, buf_str(value), EXEC_SHOWN);
	if (value->full && value->n <= EXEC_SHOWN)
		buf_add_text(text, "…");
}

static bool fail_types(struct call *c, const char *what, const struct value *a,
		       const struct value *b)
{
	struct buf text = BUF(BUF_NO_LIMIT), value = BUF(VALUE_MAX);
	bool no;

	buf_add_text(&text, what);
	add_as_string(&value, c->mem, a);
	add_shown(&text, &value);
	buf_addf(&text, ": %s", a->type->name);
	if (b) {
		struct verb f = {.out = &value, .mem = c->mem, .letter = 'v'};

		buf_reset(&value);
		verb_print(&f, b);
		buf_addf(&text, ", %s: ", b->type->name);
		add_shown(&text, &value);
	}
	no = call_fail(c, "%s", buf_text(&text));
	buf_free(&value);
	buf_free(&text);
	return no;
}

static bool is_nil(const struct value *v)
{
	return !v->type || value_is_nil(v);
}

/* Neither is of a basic kind. */
static bool equal_composite(struct call *c, const struct value *a, const struct value *b,
			    bool *truth)
{
	if (a->type && b->type && value_kind_of(a) != value_kind_of(b) &&
	    !(value_kind_of(a) == VALUE_TIME && value_kind_of(b) == VALUE_STRUCT) &&
	    !(value_kind_of(a) == VALUE_STRUCT && value_kind_of(b) == VALUE_TIME))
		return fail_types(c, "non-comparable types ", a, b);
	if (is_nil(a) || is_nil(b)) {
		*truth = is_nil(a) == is_nil(b);
		return true;
	}
	if (!type_is_comparable(b->type))
		return fail_types(c, "non-comparable type ", b, NULL);
	*truth = same(a, b);
	return true;
}

static bool fail_incompatible(struct call *c, const struct value *a, const struct value *b)
{
	return call_fail(c, "incompatible types for comparison: %s and %s", a->type->name,
			 b->type->name);
}

bool compare_equal(struct call *c, const struct value *a, const struct value *b,
		   bool *truth)
{
	*truth = false;
	if (!is_basic(a) && !is_basic(b))
		return equal_composite(c, a, b, truth);
	if (value_kind_of(a) == value_kind_of(b)) {
		*truth = same_basic(a, b);
		return true;
	}
	if (is_mixed_integers(a, b)) {
		*truth = a->u == b->u && a->i >= 0;
		return true;
	}
	return !a->type || !b->type || fail_incompatible(c, a, b);
}

bool compare_less(struct call *c, const struct value *a, const struct value *b, bool *truth)
{
	if (!is_basic(a) || !is_basic(b))
		return call_fail(c, "invalid type for comparison");
	if (is_mixed_integers(a, b)) {
		*truth = a->type->kind == VALUE_INT ? a->i < 0 || a->u < b->u
						    : b->i >= 0 && a->u < b->u;
		return true;
	}
	if (value_kind_of(a) != value_kind_of(b))
		return fail_incompatible(c, a, b);
	switch ((int)a->type->kind) {
	case VALUE_INT:
		*truth = a->i < b->i;
		return true;
	case VALUE_UINT:
		*truth = a->u < b->u;
		return true;
	case VALUE_FLOAT:
		*truth = a->f < b->f;
		return true;
	case VALUE_STRING:
		*truth = str_cmp(a->s, b->s) < 0;
		return true;
	default:
		return call_fail(c, "invalid type for comparison");
	}
}
