#include "base/base.h"
#include "text/value.h"
#include "text/time_methods.h"

#include <stdlib.h>
#include <string.h>

#define TYPE(id, the_kind, go_name, ...)                                                   \
	const struct type id = {.kind = the_kind, .name = go_name, __VA_ARGS__}
#define STRING_TYPE(id, go_name, trusted)                                                  \
	TYPE(id, VALUE_STRING, go_name, .is_named = true, .trust = trusted)

TYPE(type_bool, VALUE_BOOL, "bool", .is_named = true);
TYPE(type_int, VALUE_INT, "int", .is_named = true);
TYPE(type_int64, VALUE_INT, "int64", .is_named = true);
TYPE(type_uint8, VALUE_UINT, "uint8", .is_named = true);
TYPE(type_uint64, VALUE_UINT, "uint64", .is_named = true);
TYPE(type_float64, VALUE_FLOAT, "float64", .is_named = true);
TYPE(type_complex, VALUE_COMPLEX, "complex128", .is_named = true);
TYPE(type_string, VALUE_STRING, "string", .is_named = true);
TYPE(type_any, VALUE_ANY, "interface {}", );
TYPE(type_value, VALUE_VALUE, "reflect.Value", );
STRING_TYPE(type_html, "template.HTML", TRUST_HTML);
STRING_TYPE(type_attr, "template.HTMLAttr", TRUST_ATTR);
STRING_TYPE(type_url, "template.URL", TRUST_URL);
STRING_TYPE(type_js, "template.JS", TRUST_JS);
STRING_TYPE(type_jsstr, "template.JSStr", TRUST_JSSTR);
STRING_TYPE(type_css, "template.CSS", TRUST_CSS);
STRING_TYPE(type_srcset, "template.Srcset", TRUST_SRCSET);
TYPE(type_anys, VALUE_LIST, "[]interface {}", .elem = &type_any);
TYPE(type_any_map, VALUE_MAP, "map[string]interface {}", .elem = &type_any);
TYPE(type_string_list, VALUE_LIST, "[]string", .elem = &type_string);
TYPE(type_string_map, VALUE_MAP, "map[string]string", .elem = &type_string);
TYPE(type_bytes, VALUE_LIST, "[]uint8", .elem = &type_uint8);
TYPE(type_time, VALUE_TIME, "time.Time", .is_named = true, .methods = time_methods,
     .text = time_text);
TYPE(type_time_pointer, VALUE_POINTER, "*time.Time", .elem = &type_time,
     .methods = time_methods, .text = time_text);
TYPE(type_duration, VALUE_INT, "time.Duration", .is_named = true,
     .methods = duration_methods, .text = duration_text);
TYPE(type_duration_pointer, VALUE_POINTER, "*time.Duration", .elem = &type_duration,
     .methods = duration_methods, .text = duration_text);
TYPE(type_month, VALUE_INT, "time.Month", .is_named = true, .methods = month_methods,
     .text = month_text);
TYPE(type_weekday, VALUE_INT, "time.Weekday", .is_named = true, .methods = weekday_methods,
     .text = weekday_text);

struct value value_bool(bool b)
{
	return (struct value){.type = &type_bool, .b = b};
}

struct value value_int(int64_t i)
{
	return (struct value){.type = &type_int, .i = i};
}

struct value value_int64(int64_t i)
{
	return (struct value){.type = &type_int64, .i = i};
}

struct value value_uint64(uint64_t u)
{
	return (struct value){.type = &type_uint64, .u = u};
}

struct value value_float(double f)
{
	return (struct value){.type = &type_float64, .f = f};
}

struct value value_complex(double real, double imaginary)
{
	return (struct value){.type = &type_complex, .complex = {real, imaginary}};
}

struct value value_str(struct str s)
{
	return (struct value){.type = &type_string, .s = s};
}

struct value value_text(const char *text)
{
	return value_str(str_of(text));
}

struct value value_typed(const struct type *type, struct str s)
{
	ASSERT(type->kind == VALUE_STRING);
	return (struct value){.type = type, .s = s};
}

struct value value_duration(int64_t ns)
{
	return (struct value){.type = &type_duration, .i = ns};
}

struct value value_time(struct arena *mem, struct instant t, const struct zone *zone)
{
	struct moment *m = ARENA_NEW(mem, struct moment);

	if (zone)
		t.off = zone_offset(zone, t.s, NULL);
	*m = (struct moment){t, zone};
	return (struct value){.type = &type_time, .time = m};
}

struct value value_pointer(struct arena *mem, const struct type *type, struct value to)
{
	struct value *copy = ARENA_NEW(mem, struct value);

	ASSERT(type->kind == VALUE_POINTER && type->elem == to.type);
	*copy = to;
	return (struct value){.type = type, .to = copy};
}

static const struct value no_items[1];
static const struct entry no_entries[1];

struct value value_list(const struct type *type, const struct value *v, size_t n)
{
	ASSERT(type->kind == VALUE_LIST && n <= UINT32_MAX);
	return (struct value){.type = type,
			      .list = {v ? v : no_items, (uint32_t)n, (uint32_t)n}};
}

struct value value_strings(struct arena *mem, const struct str *v, size_t n)
{
	struct value *items = ARENA_ARRAY(mem, struct value, n);

	for (size_t i = 0; i < n; i++)
		items[i] = value_str(v[i]);
	return value_list(&type_string_list, items, n);
}

static int entry_cmp(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return str_cmp(x->key, y->key);
}

struct value value_dict(const struct type *type, struct entry *v, size_t n)
{
	bool sorted = true;
	size_t kept = 0;

	ASSERT(type->kind == VALUE_MAP);
	for (size_t i = 1; i < n && sorted; i++)
		sorted = str_cmp(v[i - 1].key, v[i].key) < 0;
	if (!sorted) {
		qsort(v, n, sizeof(*v), entry_cmp);
		for (size_t i = 0; i < n; i++) {
			if (i + 1 == n || str_cmp(v[i].key, v[i + 1].key) != 0)
				v[kept++] = v[i];
		}
		n = kept;
	}
	return (struct value){.type = type, .map = {v ? v : no_entries, n}};
}

struct value value_label_map(struct arena *mem, const struct labels *labels)
{
	struct entry *v = ARENA_ARRAY(mem, struct entry, labels->n);

	for (size_t i = 0; i < labels->n; i++) {
		v[i].key = str_of(labels->v[i].name);
		v[i].value = value_text(labels->v[i].value);
	}
	return value_dict(&type_string_map, v, labels->n);
}

struct value value_bare(struct value v)
{
	v.held = false;
	return v;
}

struct value value_behind(struct value v, bool *is_nil)
{
	for (;;) {
		*is_nil = v.held && !v.type;
		if (*is_nil)
			return v;
		if (v.type && v.type->kind == VALUE_POINTER) {
			if (!v.to) {
				*is_nil = true;
				return v;
			}
			v = *v.to;
			continue;
		}
		v.held = false;
		return v;
	}
}

enum value_kind value_kind_of(const struct value *v)
{
	return v->type ? v->type->kind : VALUE_NOTHING;
}

const char *value_type_name(const struct value *v)
{
	if (v->held)
		return type_any.name;
	return v->type ? v->type->name : "<nil>";
}

bool value_is_nil(const struct value *v)
{
	switch ((int)value_kind_of(v)) {
	case VALUE_LIST:
		return !v->list.v;
	case VALUE_MAP:
		return !v->map.v;
	case VALUE_POINTER:
		return !v->to;
	case VALUE_FUNC:
		return !v->func;
	default:
		return false;
	}
}

bool value_is_true(const struct value *v)
{
	switch (value_kind_of(v)) {
	case VALUE_BOOL:
		return v->b;
	case VALUE_INT:
		return v->i != 0;
	case VALUE_UINT:
		return v->u != 0;
	case VALUE_FLOAT:
		return v->f != 0;
	case VALUE_COMPLEX:
		return v->complex[0] != 0 || v->complex[1] != 0;
	case VALUE_STRING:
		return v->s.n > 0;
	case VALUE_LIST:
		return v->list.n > 0;
	case VALUE_MAP:
		return v->map.n > 0;
	case VALUE_POINTER:
	case VALUE_FUNC:
		return !value_is_nil(v);
	case VALUE_STRUCT:
	case VALUE_TIME:
		return true;
	case VALUE_NOTHING:
	case VALUE_ANY:
	case VALUE_VALUE:
		break;
	}
	return false;
}

struct value value_zero(const struct type *type)
{
	static const struct moment no_time = {{INT64_C(-62135596800), 0, 0}, NULL};
	struct value v = {.type = type};

	if (type->kind == VALUE_ANY)
		return VALUE_NIL;
	if (type->kind == VALUE_VALUE)
		return VALUE_INVALID;
	if (type->kind == VALUE_TIME)
		v.time = &no_time;
	if (type->kind == VALUE_STRING)
		v.s = STR("");
	ASSERT(type->kind != VALUE_STRUCT || type->n_fields == 0 || type->zero);
	if (type->kind == VALUE_STRUCT)
		v.fields = type->zero;
	return v;
}

size_t value_count(const struct value *v)
{
	switch ((int)value_kind_of(v)) {
	case VALUE_LIST:
		return v->list.n;
	case VALUE_MAP:
		return v->map.n;
	case VALUE_STRUCT:
		return v->type->n_fields;
	default:
		return 0;
	}
}

struct value value_item(const struct value *v, size_t i)
{
	struct value item;

	if (v->type->kind == VALUE_STRUCT) {
		item = v->fields[i];
		item.held = v->type->fields[i].type->kind == VALUE_ANY;
		return item;
	}
	item = v->type->kind == VALUE_LIST ? v->list.v[i] : v->map.v[i].value;
	item.held = v->type->elem->kind == VALUE_ANY;
	return item;
}

const struct entry *value_find(const struct value *map, struct str key)
{
	size_t low = 0, high = map->map.n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		int order = str_cmp(map->map.v[mid].key, key);

		if (order == 0)
			return &map->map.v[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

struct str value_kv_get(const struct value *map, struct str key)
{
	const struct entry *e = NULL;

	if (value_kind_of(map) == VALUE_MAP)
		e = value_find(map, key);
	return e && value_kind_of(&e->value) == VALUE_STRING ? e->value.s : STR("");
}

bool type_is_assignable(const struct type *from, const struct type *to)
{
	if (from == to || to->kind == VALUE_ANY)
		return true;
	if (from->kind != to->kind || (from->is_named && to->is_named))
		return false;
	return (from->kind == VALUE_LIST || from->kind == VALUE_MAP) &&
	       from->elem == to->elem;
}

bool type_can_be_nil(const struct type *t)
{
	return t->kind == VALUE_ANY || t->kind == VALUE_LIST || t->kind == VALUE_MAP ||
	       t->kind == VALUE_POINTER || t->kind == VALUE_FUNC || t->kind == VALUE_VALUE;
}
