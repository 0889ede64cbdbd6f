#include "base/base.h"
#include "config/field.h"

#include <string.h>

/* The other way: objects back to YAML, by the same rows. */

static const struct yaml *print_text(struct arena *mem, const struct field *f,
				     const char *text)
{
	bool zero = !text || !*text;

	if (zero && !f->always && !(text && f->if_absent && *f->if_absent))
		return NULL;
	return yaml_new_text(mem, text ? text : "");
}

static const struct yaml *print_span(struct arena *mem, span_ms span)
{
	struct buf out = BUF(100);
	const struct yaml *y;

	buf_add_span(&out, span);
	y = yaml_new_text(mem, arena_text(mem, buf_text(&out)));
	buf_free(&out);
	return y;
}

static const struct yaml *print_go_span(struct arena *mem, int64_t ns)
{
	struct buf out = BUF(100);
	const struct yaml *y;

	buf_add_go_duration(&out, ns);
	y = yaml_new_text(mem, arena_text(mem, buf_text(&out)));
	buf_free(&out);
	return y;
}

static const struct yaml *print_texts(struct arena *mem, const struct text_list *list)
{
	struct yaml *y = yaml_new_list(mem);

	for (size_t i = 0; i < list->n; i++)
		yaml_push(mem, y, yaml_new_text(mem, list->v[i]));
	return y;
}

static const struct yaml *print_pairs(struct arena *mem, const struct pair_list *list)
{
	struct yaml *y = yaml_new_map(mem);

	for (size_t i = 0; i < list->n; i++)
		yaml_put(mem, y, list->v[i].name, yaml_new_text(mem, list->v[i].text));
	return y;
}

static const struct yaml *print_list(struct arena *mem, const struct field *f,
				     const struct object_list *list)
{
	struct yaml *y = yaml_new_list(mem);
	const char *at = list->v;

	for (size_t i = 0; i < list->n; i++)
		yaml_push(mem, y, print_object(mem, f->of->fields, at + i * f->of->size));
	return y;
}

static const struct yaml *print_number(struct arena *mem, const struct field *f,
				       const void *at)
{
	if (f->kind == FIELD_FLOAT) {
		double real = *(const double *)at;

		return real < 0 || real > 0 || f->always ? yaml_new_float(mem, real) : NULL;
	}
	if (!*(const int64_t *)at && !f->always && !f->if_absent)
		return NULL;
	if (f->kind == FIELD_INT)
		return yaml_new_int(mem, *(const int64_t *)at);
	if (f->kind == FIELD_SPAN)
		return print_span(mem, *(const span_ms *)at);
	return print_go_span(mem, *(const int64_t *)at);
}

static const struct yaml *print_flag(struct arena *mem, const struct field *f,
				     const void *at)
{
	if (f->kind == FIELD_BOOL) {
		bool yes = *(const bool *)at;

		return yes || f->always || f->if_absent ? yaml_new_bool(mem, yes) : NULL;
	}
	if (*(const enum tristate *)at == UNSET)
		return NULL;
	return yaml_new_bool(mem, *(const enum tristate *)at == YES);
}

static const struct yaml *print_inside(struct arena *mem, const struct field *f,
				       const void *at)
{
	struct yaml *y = print_object(mem, f->of->fields, at);

	return y->n || f->always ? y : NULL;
}

/* NULL: the member is not printed. */
static const struct yaml *print_field(struct arena *mem, const struct field *f,
				      const void *at)
{
	switch (f->kind) {
	case FIELD_TEXT:
	case FIELD_OPTIONAL:
	case FIELD_PATH:
	case FIELD_URL:
		return print_text(mem, f, *(const char *const *)at);
	case FIELD_SECRET:
	case FIELD_SECRET_URL:
		return secret_is_set(*(const struct secret *)at)
			       ? yaml_new_text(mem, "<secret>")
			       : NULL;
	case FIELD_HOST_PORT:
		return print_text(mem, f,
				  host_port_print(mem, *(const struct host_port *)at));
	case FIELD_BOOL:
	case FIELD_TRISTATE:
		return print_flag(mem, f, at);
	case FIELD_GIVEN_SPAN:
		return ((const struct given_span *)at)->given
			       ? print_span(mem, ((const struct given_span *)at)->ms)
			       : NULL;
	case FIELD_INT:
	case FIELD_FLOAT:
	case FIELD_SPAN:
	case FIELD_GO_SPAN:
	case FIELD_GO_TEXT:
		return print_number(mem, f, at);
	case FIELD_TEXTS:
	case FIELD_PATHS:
		return ((const struct text_list *)at)->present || f->always
			       ? print_texts(mem, at)
			       : NULL;
	case FIELD_PAIRS:
		return ((const struct pair_list *)at)->n ? print_pairs(mem, at) : NULL;
	case FIELD_ANY:
		return *(const struct yaml *const *)at;
	case FIELD_INSIDE:
		return print_inside(mem, f, at);
	case FIELD_OBJECT:
		return *(const void *const *)at
			       ? print_object(mem, f->of->fields, *(const void *const *)at)
			       : NULL;
	case FIELD_LIST:
		return ((const struct object_list *)at)->n ? print_list(mem, f, at) : NULL;
	case FIELD_CUSTOM:
		return f->codec->print ? f->codec->print(mem, at) : NULL;
	case FIELD_EMBED:
	case FIELD_END:
		break;
	}
	BUG("a row without a kind");
}

void print_fields(struct arena *mem, struct yaml *map, const struct field *f,
		  const void *object)
{
	for (; f->name; f++) {
		const struct yaml *y;

		if (f->kind == FIELD_EMBED) {
			print_fields(mem, map, f->of->fields, (const char *)object + f->at);
			continue;
		}
		y = print_field(mem, f, (const char *)object + f->at);
		if (y && f->quiet && f->if_absent && str_is(y->text, f->if_absent))
			continue;
		if (y)
			yaml_put(mem, map, f->name, y);
	}
}

struct yaml *print_object(struct arena *mem, const struct field *f, const void *object)
{
	struct yaml *map = yaml_new_map(mem);

	print_fields(mem, map, f, object);
	return map;
}
