/* value.h - what a template computes with: values that know their Go type.
 *
 * A value is a type and a payload, passed by value. Templates written for Go see Go's
 * types: an int is no int64, a template.KV is a map with methods. So each value points at
 * a struct type with name, kind, element type, fields and methods.
 *
 * Nothing:   type NULL. With .held it is a nil inside an interface, without it no value at
 *            all ("invalid" in Go's words); the difference shows in chains and errors.
 * Held:      .held says that the value was reached through an interface and not yet taken
 *            out of it by a pipeline (spec/go-template.md 2.3).
 * Memory:    all payloads are borrowed from the arena they were built in, or static.
 * Order:     map entries are sorted by key, bytewise, and unique.
 * Threads:   values never change; any thread may read.
 */
#pragma once
#include "base/arena.h"
#include "base/str.h"
#include "base/time.h"
#include "base/zone.h"
#include "model/labels.h"

enum value_kind {
	VALUE_NOTHING, /* only as an answer of value_kind_of */
	VALUE_BOOL,
	VALUE_INT,
	VALUE_UINT,
	VALUE_FLOAT,
	VALUE_COMPLEX,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_MAP,
	VALUE_STRUCT,
	VALUE_POINTER,
	VALUE_FUNC,
	VALUE_TIME,  /* a struct to templates: time.Time */
	VALUE_ANY,   /* only as the type of elements, fields and parameters: interface {} */
	VALUE_VALUE, /* only as the type of parameters: takes anything as it is */
};

/* Typed strings: what html/template trusts, and where. */
enum value_trust {
	TRUST_NONE,
	TRUST_CSS,
	TRUST_HTML,
	TRUST_ATTR,
	TRUST_JS,
	TRUST_JSSTR,
	TRUST_URL,
	TRUST_SRCSET,
};

struct value;
struct func;
struct type_field {
	const char *name;
	const struct type *type;
	const char *json; /* its key in JSON; NULL: the name */
};
struct type {
	enum value_kind kind;
	const char *name; /* as Go prints it with %T */
	bool is_named;	  /* a defined type: not assignable to another named one */
	enum value_trust trust;
	const struct type *elem; /* of lists, maps and pointers */
	const struct type_field *fields;
	size_t n_fields;
	const struct func *methods; /* name NULL ends */
	const struct value *zero;   /* of structs that are elements of maps */
	/* The String method, for printing; NULL when the type has none. */
	struct str (*text)(struct arena *, const struct value *);
};

struct moment { /* a time.Time: an instant and the zone it is shown in */
	struct instant t;
	const struct zone *zone; /* NULL: only the offset is known */
};
struct entry;
struct value {
	const struct type *type;
	bool held;
	union {
		bool b;
		int64_t i;
		uint64_t u;
		double f;
		double complex[2]; /* real, imaginary */
		struct str s;
		struct {
			const struct value *v; /* NULL: a nil list */
			uint32_t n, cap;
		} list;
		struct {
			const struct entry *v; /* NULL: a nil map */
			size_t n;
		} map;
		const struct value *fields; /* of a struct, in the type's order */
		const struct value *to;	    /* of a pointer; NULL: nil */
		const struct moment *time;
		const struct func *func; /* NULL: a nil func */
	};
};
struct entry {
	struct str key;
	struct value value;
};

/* The types there are. */
extern const struct type type_bool, type_int, type_int64, type_uint8, type_uint64,
	type_float64, type_complex, type_string, type_any, type_value, type_html, type_attr,
	type_url, type_js, type_jsstr, type_css, type_srcset,
	type_anys /* []interface {} */, type_any_map /* map[string]interface {} */,
	type_string_list, type_string_map, type_bytes, type_time, type_time_pointer,
	type_duration, type_duration_pointer, type_month, type_weekday;

/* Scalars. Strings are borrowed. */
#define VALUE_INVALID ((struct value){.type = NULL})
#define VALUE_NIL     ((struct value){.type = NULL, .held = true})
struct value value_bool(bool);
struct value value_int(int64_t);   /* Go's int */
struct value value_int64(int64_t); /* Go's int64 */
struct value value_uint64(uint64_t);
struct value value_float(double);
struct value value_complex(double real, double imaginary);
struct value value_str(struct str);
struct value value_text(const char *);
struct value value_typed(const struct type *, struct str); /* template.HTML and the like */
struct value value_duration(int64_t ns);
struct value value_time(struct arena *, struct instant, const struct zone *);
struct value value_pointer(struct arena *, const struct type *, struct value to);

/* Lists and maps. What is taken out of them again is held if their elements are of
 * interface type. */
struct value value_list(const struct type *, const struct value *v, size_t n);
struct value value_strings(struct arena *, const struct str *v, size_t n); /* []string */
struct value value_dict(const struct type *, struct entry *v, size_t n);   /* sorts v */
struct value value_label_map(struct arena *, const struct labels *); /* map[string]string */

/* What the interface bit hides: a held value as itself, nil as nothing. */
struct value value_bare(struct value);
/* Follows interfaces and pointers; *is_nil when one of them was nil. */
struct value value_behind(struct value, bool *is_nil);
enum value_kind value_kind_of(const struct value *);
const char *value_type_name(const struct value *); /* static type: "interface {}" if held */
bool value_is_true(const struct value *);
bool value_is_nil(const struct value *); /* a nil list, map, pointer or func */
struct value value_zero(const struct type *);

/* What a list, map or struct holds, in its order. i is in range. */
size_t value_count(const struct value *);
struct value value_item(const struct value *, size_t i);
const struct entry *value_find(const struct value *map, struct str key); /* or NULL */
struct str value_kv_get(const struct value *map, struct str key); /* "" when absent */
bool type_is_assignable(const struct type *from, const struct type *to);
bool type_can_be_nil(const struct type *);
