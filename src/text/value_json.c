#include "base/base.h"
#include "text/value_json.h"
#include "text/float.h"
#include "text/time_format.h"
#include "text/base64.h"

#include <math.h>

struct json {
	struct buf *out;
	struct arena *mem;
	const char *wrong;
	size_t depth;
};

/* Values nest as deep as a template takes the trouble to; the C stack does not. */
#define DEPTH_MAX 1000

static void add(struct json *j, const struct value *v);

static void add_float(struct json *j, double f)
{
	struct buf text = BUF(64);

	if (isfinite(f)) {
		buf_add_float_json(j->out, f);
		return;
	}
	buf_add_float(&text, f, 'g', -1);
	j->wrong = arena_printf(j->mem, "json: unsupported value: %s", buf_text(&text));
	buf_free(&text);
}

static void add_bytes(struct json *j, const struct value *v)
{
	struct buf raw = BUF(BUF_NO_LIMIT);

	for (size_t i = 0; i < v->list.n; i++)
		buf_add_char(&raw, (char)v->list.v[i].u);
	buf_add_char(j->out, '"');
	buf_add_base64(j->out, buf_str(&raw), BASE64_STANDARD);
	buf_add_char(j->out, '"');
	buf_free(&raw);
}

static void add_list(struct json *j, const struct value *v)
{
	if (!v->list.v) {
		buf_add_text(j->out, "null");
		return;
	}
	if (v->type->elem->kind == VALUE_UINT) {
		add_bytes(j, v);
		return;
	}
	buf_add_char(j->out, '[');
	for (size_t i = 0; i < v->list.n && !j->wrong && !j->out->full; i++) {
		struct value item = value_item(v, i);

		if (i)
			buf_add_char(j->out, ',');
		add(j, &item);
	}
	buf_add_char(j->out, ']');
}

static void add_member(struct json *j, size_t i, struct str key, const struct value *v)
{
	if (i)
		buf_add_char(j->out, ',');
	buf_add_json(j->out, key);
	buf_add_char(j->out, ':');
	add(j, v);
}

static void add_map(struct json *j, const struct value *v)
{
	if (!v->map.v) {
		buf_add_text(j->out, "null");
		return;
	}
	buf_add_char(j->out, '{');
	for (size_t i = 0; i < v->map.n && !j->wrong && !j->out->full; i++) {
		struct value item = value_item(v, i);

		add_member(j, i, v->map.v[i].key, &item);
	}
	buf_add_char(j->out, '}');
}

static bool is_exported(const struct type_field *f)
{
	return f->name[0] >= 'A' && f->name[0] <= 'Z';
}

static void add_struct(struct json *j, const struct value *v)
{
	size_t n = 0;

	buf_add_char(j->out, '{');
	for (size_t i = 0; i < v->type->n_fields && !j->wrong && !j->out->full; i++) {
		const struct type_field *f = &v->type->fields[i];
		struct value item = value_item(v, i);

		if (is_exported(f))
			add_member(j, n++, str_of(f->json ? f->json : f->name), &item);
	}
	buf_add_char(j->out, '}');
}

static void add_time(struct json *j, const struct moment *m)
{
	int64_t year = civil_of(m->t.s, m->t.off).year;

	if (year < 0 || year > 9999) {
		j->wrong = "json: error calling MarshalJSON for type time.Time: "
			   "Time.MarshalJSON: year outside of range [0,9999]";
		return;
	}
	buf_add_char(j->out, '"');
	buf_add_time_rfc3339(j->out, m);
	buf_add_char(j->out, '"');
}

static void add(struct json *j, const struct value *v)
{
	if (j->depth == DEPTH_MAX) {
		j->wrong = arena_printf(j->mem, "json: exceeded max depth");
		return;
	}
	j->depth++;
	switch (value_kind_of(v)) {
	case VALUE_NOTHING:
	case VALUE_ANY:
	case VALUE_VALUE:
		buf_add_text(j->out, "null");
		break;
	case VALUE_BOOL:
		buf_add_text(j->out, v->b ? "true" : "false");
		break;
	case VALUE_INT:
		buf_add_int(j->out, v->i);
		break;
	case VALUE_UINT:
		buf_addf(j->out, "%llu", (unsigned long long)v->u);
		break;
	case VALUE_FLOAT:
		add_float(j, v->f);
		break;
	case VALUE_STRING:
		buf_add_json(j->out, v->s);
		break;
	case VALUE_LIST:
		add_list(j, v);
		break;
	case VALUE_MAP:
		add_map(j, v);
		break;
	case VALUE_STRUCT:
		add_struct(j, v);
		break;
	case VALUE_POINTER:
		if (v->to)
			add(j, v->to);
		else
			buf_add_text(j->out, "null");
		break;
	case VALUE_TIME:
		add_time(j, v->time);
		break;
	case VALUE_COMPLEX:
	case VALUE_FUNC:
		j->wrong = arena_printf(j->mem, "json: unsupported type: %s",
					v->type->name);
		break;
	}
	j->depth--;
}

const char *buf_add_json_value(struct buf *out, struct arena *mem, const struct value *v)
{
	struct json j = {.out = out, .mem = mem};

	add(&j, v);
	return j.wrong;
}
