#include "base/base.h"
#include "config/field.h"
#include "base/utf8.h"
#include "base/vec.h"
#include "text/metricsql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void mistake(struct decode *d, struct pos at, const char *fmt, ...)
{
	struct err err;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&err, at, fmt, ap);
	va_end(ap);
	errs_add(d->errs, &err);
}

struct pos pos_of_key(const struct yaml *map, const char *key)
{
	for (size_t i = 0; map->kind == YAML_MAP && i < map->n; i++) {
		if (str_is(map->keys[i]->text, key))
			return map->keys[i]->at;
	}
	return map->at;
}

struct pos pos_of_value(const struct yaml *map, const char *key)
{
	const struct yaml *value = yaml_find(map, key);

	return value ? value->at : map->at;
}

struct pos pos_of_item(const struct yaml *map, const char *key, size_t index)
{
	const struct yaml *value = yaml_find(map, key);

	if (value && value->kind == YAML_LIST && index < value->n)
		return value->items[index]->at;
	return pos_of_value(map, key);
}

/* -- scalars -------------------------------------------------------------------------- */
static void wrong_kind(struct decode *d, const struct yaml *y, const char *wanted)
{
	if (y->kind == YAML_LIST || y->kind == YAML_MAP)
		mistake(d, y->at, "expected %s, found %s", wanted, yaml_kind_text(y->kind));
	else
		mistake(d, y->at, "expected %s, found %s'%.*s'", wanted,
			y->plain ? "" : "the text ", FMT(str_slice(y->text, 0, 60)));
}

bool is_map(struct decode *d, const struct yaml *y, const char *type)
{
	if (y->kind == YAML_MAP)
		return true;
	wrong_kind(d, y, type);
	return false;
}

bool is_list(struct decode *d, const struct yaml *y, const char *type)
{
	if (y->kind == YAML_LIST)
		return true;
	if (y->kind != YAML_NULL)
		wrong_kind(d, y, type);
	return false;
}

const char *decode_text(struct decode *d, const struct yaml *y)
{
	if (y->kind == YAML_NULL && y->plain)
		return "";
	if (y->kind == YAML_LIST || y->kind == YAML_MAP) {
		wrong_kind(d, y, "a text");
		return "";
	}
	if (memchr(y->text.p, 0, y->text.n)) {
		mistake(d, y->at, "a text cannot hold a NUL character");
		return "";
	}
	return y->text.p; /* NUL-ended by yaml_read */
}

bool decode_bool(struct decode *d, const struct yaml *y)
{
	if (y->kind == YAML_BOOL)
		return y->yes;
	if (y->kind != YAML_NULL)
		wrong_kind(d, y, "true or false");
	return false;
}

static int64_t decode_int(struct decode *d, const struct yaml *y, const struct field *f)
{
	int64_t num = y->num;

	if (y->kind == YAML_NULL)
		return 0;
	if (y->kind == YAML_FLOAT && y->real > -9e18 && y->real < 9e18) {
		num = (int64_t)y->real;
	} else if (y->kind != YAML_INT || y->huge) {
		wrong_kind(d, y, "an integer");
		return 0;
	}
	if ((f->min || f->max) && (num < f->min || num > f->max))
		mistake(d, y->at, "%s must be from %lld to %lld", f->name,
			(long long)f->min, (long long)f->max);
	return num;
}

static double decode_float(struct decode *d, const struct yaml *y)
{
	if (y->kind == YAML_INT || y->kind == YAML_FLOAT)
		return y->real;
	if (y->kind != YAML_NULL)
		wrong_kind(d, y, "a number");
	return 0;
}

#define LONGEST_SECONDS 9e15 /* in ms it still fits */

bool loose_span_parse(struct str text, span_ms *out)
{
	double seconds;

	if (!metricsql_duration(text, &seconds) || !(fabs(seconds) < LONGEST_SECONDS))
		return false;
	*out = (span_ms)llround(seconds * 1000);
	return true;
}

span_ms decode_span(struct decode *d, const struct yaml *y)
{
	span_ms span = 0;
	struct err err;

	if (y->kind == YAML_NULL)
		return 0;
	if (y->kind == YAML_LIST || y->kind == YAML_MAP)
		wrong_kind(d, y, "a duration such as 5m");
	else if (!span_parse(y->text, y->at, &span, &err) &&
		 !(d->loose_spans && loose_span_parse(y->text, &span)))
		errs_add(d->errs, &err);
	return span;
}

static struct given_span decode_given(struct decode *d, const struct yaml *y)
{
	size_t before = d->errs->n + d->errs->dropped;
	span_ms span = decode_span(d, y);

	if (y->kind == YAML_NULL || d->errs->n + d->errs->dropped > before)
		return (struct given_span){false, 0};
	return (struct given_span){true, span};
}

static int64_t decode_go_span(struct decode *d, const struct yaml *y, const struct field *f)
{
	int64_t ns = 0;

	if (y->kind == YAML_NULL)
		return 0;
	if (f->kind == FIELD_GO_SPAN && y->kind == YAML_INT && !y->huge)
		return y->num;
	if (y->kind == YAML_LIST || y->kind == YAML_MAP || !go_duration_parse(y->text, &ns))
		wrong_kind(d, y, "a duration such as 1m30s");
	return ns;
}

static const char *decode_url(struct decode *d, const struct yaml *y)
{
	const char *text = decode_text(d, y);
	struct url url;
	struct err err;

	if (y->kind == YAML_NULL && y->plain)
		return NULL;
	if (url_parse_http(d->mem, str_of(text), y->at, &url, &err))
		return url_print(d->mem, &url);
	errs_add(d->errs, &err);
	return NULL;
}

static struct secret decode_secret_url(struct decode *d, const struct yaml *y)
{
	const char *text;
	struct url url;
	struct err err;

	if (str_is(y->text, "<secret>") && y->kind == YAML_TEXT)
		return (struct secret){y->text.p}; /* a printed configuration, read again */
	text = decode_text(d, y);
	if (y->kind == YAML_NULL && y->plain)
		return (struct secret){NULL};
	if (url_parse_secret(d->mem, str_of(text), y->at, &url, &err))
		return (struct secret){url_print(d->mem, &url)};
	errs_add(d->errs, &err);
	return (struct secret){NULL};
}

static struct host_port decode_host_port(struct decode *d, const struct yaml *y)
{
	const char *text = decode_text(d, y);
	struct host_port hp = {0};
	struct err err;

	if (*text && !host_port_parse(d->mem, str_of(text), y->at, &hp, &err))
		errs_add(d->errs, &err);
	return hp;
}

/* Without ".", "..", and repeated slashes, as far as that can be told from the text. */
static const char *path_clean(struct arena *mem, const char *path)
{
	struct str rest = str_of(path), piece;
	char *out = arena_alloc(mem, rest.n + 2);
	bool rooted = *path == '/';
	size_t n = 0, floor = 0; /* what lies below floor is kept: "..", or the root */

	while (str_cut(&rest, '/', &piece)) {
		if (!piece.n || str_is(piece, "."))
			continue;
		if (str_is(piece, "..") && n > floor) {
			while (n > floor && out[--n] != '/')
				;
			continue;
		}
		if (str_is(piece, "..") && rooted)
			continue;
		if (n || rooted)
			out[n++] = '/';
		memcpy(out + n, piece.p, piece.n);
		n += piece.n;
		if (str_is(piece, ".."))
			floor = n;
	}
	if (!n)
		out[n++] = rooted ? '/' : '.';
	out[n] = 0;
	return out;
}

const char *path_join(struct arena *mem, const char *dir, const char *path)
{
	if (!dir || !*path || *path == '/')
		return path;
	return path_clean(mem, arena_printf(mem, "%s/%s", dir, path));
}

static const char *decode_optional(struct decode *d, const struct yaml *y)
{
	const char *text = decode_text(d, y);

	return *text ? text : NULL;
}

static const char *decode_path(struct decode *d, const struct yaml *y)
{
	const char *path = decode_optional(d, y);

	return path ? path_join(d->mem, d->dir, path) : NULL;
}

/* -- lists and maps ------------------------------------------------------------------- */
static void decode_texts(struct decode *d, const struct yaml *y, const char *dir,
			 struct text_list *out)
{
	if (!is_list(d, y, "a list of texts"))
		return;
	out->present = true;
	out->v = ARENA_ARRAY(d->mem, const char *, y->n);
	for (size_t i = 0; i < y->n; i++)
		out->v[out->n++] = path_join(d->mem, dir, decode_text(d, y->items[i]));
}

static void decode_pairs(struct decode *d, const struct yaml *y, struct pair_list *out)
{
	if (y->kind == YAML_NULL || !is_map(d, y, "a mapping of texts"))
		return;
	out->present = true;
	out->v = ARENA_ARRAY(d->mem, struct text_pair, y->n);
	for (size_t i = 0; i < y->n; i++) {
		struct text_pair *p = &out->v[out->n++];

		p->at = y->keys[i]->at;
		p->name = decode_text(d, y->keys[i]);
		p->text = decode_text(d, y->items[i]);
	}
}

static void decode_list(struct decode *d, const struct yaml *y, const struct field *f,
			struct object_list *out)
{
	char *at;

	if (!is_list(d, y, "a list"))
		return;
	out->present = true;
	at = arena_array(d->objects ? d->objects : d->mem, y->n, f->of->size);
	out->v = at;
	for (size_t i = 0; i < y->n; i++) {
		if (y->items[i]->kind == YAML_NULL && f->nulls == NULL_DROPPED)
			continue;
		if (y->items[i]->kind == YAML_NULL && f->nulls == NULL_REFUSED) {
			mistake(d, y->items[i]->at, "missing %s", f->of->type);
			continue;
		}
		decode_object(d, y->items[i], f->of, at + out->n++ * f->of->size);
	}
}

static void *decode_pointer(struct decode *d, const struct yaml *y, const struct shape *s)
{
	void *object;

	if (y->kind == YAML_NULL)
		return NULL;
	object = arena_alloc(d->mem, s->size);
	decode_object(d, y, s, object);
	return object;
}

/* -- rows ----------------------------------------------------------------------------- */
static void decode_field(struct decode *d, const struct yaml *y, const struct field *f,
			 void *at)
{
	switch (f->kind) {
	case FIELD_TEXT:
		*(const char **)at = decode_text(d, y);
		break;
	case FIELD_OPTIONAL:
		*(const char **)at = decode_optional(d, y);
		break;
	case FIELD_PATH:
		*(const char **)at = decode_path(d, y);
		break;
	case FIELD_SECRET:
		*(struct secret *)at = (struct secret){decode_optional(d, y)};
		break;
	case FIELD_SECRET_URL:
		*(struct secret *)at = decode_secret_url(d, y);
		break;
	case FIELD_URL:
		*(const char **)at = decode_url(d, y);
		break;
	case FIELD_HOST_PORT:
		*(struct host_port *)at = decode_host_port(d, y);
		break;
	case FIELD_BOOL:
		*(bool *)at = decode_bool(d, y);
		break;
	case FIELD_TRISTATE:
		if (y->kind != YAML_NULL)
			*(enum tristate *)at = decode_bool(d, y) ? YES : NO;
		break;
	case FIELD_INT:
		*(int64_t *)at = decode_int(d, y, f);
		break;
	case FIELD_FLOAT:
		*(double *)at = decode_float(d, y);
		break;
	case FIELD_SPAN:
		*(span_ms *)at = decode_span(d, y);
		break;
	case FIELD_GIVEN_SPAN:
		*(struct given_span *)at = decode_given(d, y);
		break;
	case FIELD_GO_SPAN:
	case FIELD_GO_TEXT:
		*(int64_t *)at = decode_go_span(d, y, f);
		break;
	case FIELD_TEXTS:
		decode_texts(d, y, NULL, at);
		break;
	case FIELD_PATHS:
		decode_texts(d, y, d->dir, at);
		break;
	case FIELD_PAIRS:
		decode_pairs(d, y, at);
		break;
	case FIELD_ANY:
		*(const struct yaml **)at = y->kind == YAML_NULL ? NULL : y;
		break;
	case FIELD_INSIDE:
	case FIELD_EMBED:
		decode_object(d, y, f->of, at);
		break;
	case FIELD_OBJECT:
		*(void **)at = decode_pointer(d, y, f->of);
		break;
	case FIELD_LIST:
		decode_list(d, y, f, at);
		break;
	case FIELD_CUSTOM:
		f->codec->decode(d, y, at);
		break;
	case FIELD_END:
		BUG("a row without a kind");
	}
}

/* What a member has when its key is absent. */
static void decode_absent(struct decode *d, struct pos place, const struct field *f,
			  void *at)
{
	const char *dir = d->dir;
	struct yaml *y;

	if (f->kind == FIELD_TEXT)
		*(const char **)at = f->if_absent ? f->if_absent : "";
	if (f->kind == FIELD_TEXT || (f->kind != FIELD_INSIDE && !f->if_absent))
		return;
	y = ARENA_NEW(d->mem, struct yaml);
	y->plain = true;
	y->at = place;
	if (f->if_absent) {
		y->text = str_of(f->if_absent);
		yaml_resolve(y, y->text);
		y->plain = y->kind != YAML_TEXT;
	}
	d->dir = NULL;
	decode_field(d, y, f, at);
	d->dir = dir;
}

/* Rows with those of embedded shapes, as one flat table. */
static const struct field *flatten(struct arena *mem, const struct field *f)
{
	VEC(struct field) all = {0};
	bool embeds = false;

	for (const struct field *row = f; row->name; row++)
		embeds |= row->kind == FIELD_EMBED;
	if (!embeds)
		return f;
	for (; f->name; f++) {
		if (f->kind != FIELD_EMBED) {
			vec_push_in(mem, &all, *f);
			continue;
		}
		for (const struct field *in = f->of->fields; in->name; in++) {
			vec_push_in(mem, &all, *in);
			all.v[all.n - 1].at += f->at;
		}
	}
	vec_push_in(mem, &all, (struct field){0});
	return all.v;
}

static const struct field *field_named(const struct field *f, struct str name)
{
	for (; f->name; f++) {
		if (str_is(name, f->name))
			return f;
	}
	return NULL;
}

static void unknown_key(struct decode *d, const struct yaml *key, const char *type,
			const struct field *fields)
{
	const char **words, *near;
	size_t n = 0;

	while (fields[n].name)
		n++;
	words = ARENA_ARRAY(d->mem, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		words[i] = fields[i].name;
	near = str_nearest(key->text, words);
	if (near)
		mistake(d, key->at, "field %.*s not found in type %s (did you mean %s?)",
			FMT(str_slice(key->text, 0, 100)), type, near);
	else
		mistake(d, key->at, "field %.*s not found in type %s",
			FMT(str_slice(key->text, 0, 100)), type);
}

void decode_fields(struct decode *d, const struct yaml *y, const char *type,
		   const struct field *rows, void *object)
{
	const struct field *fields = flatten(d->mem, rows);

	for (const struct field *f = fields; f->name; f++) {
		if (!yaml_find(y, f->name))
			decode_absent(d, y->at, f, (char *)object + f->at);
	}
	for (size_t i = 0; y->kind == YAML_MAP && i < y->n; i++) {
		const struct field *f = field_named(fields, y->keys[i]->text);

		if (!f && !d->any_key)
			unknown_key(d, y->keys[i], type, fields);
		else if (f)
			decode_field(d, y->items[i], f, (char *)object + f->at);
	}
	for (const struct field *f = rows; f->name; f++) {
		void *inner = (char *)object + f->at;

		if (f->kind == FIELD_EMBED && f->of->placed)
			*(struct pos *)inner = y->at;
		if (f->kind == FIELD_EMBED && f->of->check)
			f->of->check(d, y, inner);
	}
}

void decode_object(struct decode *d, const struct yaml *y, const struct shape *s,
		   void *object)
{
	bool usable = y->kind == YAML_MAP || y->kind == YAML_NULL;

	if (!usable)
		wrong_kind(d, y, s->type);
	if (s->placed)
		*(struct pos *)object = y->at;
	decode_fields(d, y, s->type, s->fields, object);
	if (s->check && usable)
		s->check(d, y, object);
}
