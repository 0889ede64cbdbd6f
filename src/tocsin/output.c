#include "base/base.h"
#include "tocsin/tool.h"
#include "base/utf8.h"
#include "text/time_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int fail(const struct tool *t, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: error: ", t->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n\n", stderr);
	return 1;
}

int fail_short(const struct tool *t, const char *text)
{
	fprintf(stderr, "%s: error: %s\n", t->name, text);
	return 1;
}

void table_row(struct table *t, const char *const *cells)
{
	for (size_t i = 0; i < t->columns; i++)
		vec_push_in(t->mem, &t->cells, cells[i]);
}

static size_t width_of(const char *cell)
{
	return utf8_count(str_of(cell));
}

/* Each cell is padded to the widest of its column plus two, the last column too. */
void table_print(const struct table *t)
{
	size_t *widest = ARENA_ARRAY(t->mem, size_t, t->columns);

	for (size_t i = 0; i < t->cells.n; i++)
		widest[i % t->columns] = MAX(widest[i % t->columns],
					     width_of(t->cells.v[i]));
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % t->columns;

		printf("%s%*s", t->cells.v[i],
		       (int)(widest[column] + 2 - width_of(t->cells.v[i])), "");
		if (column + 1 == t->columns)
			putchar('\n');
	}
}

const char *date_text(struct tool *t, const char *rfc3339)
{
	struct moment m = {0};
	struct buf b = BUF(1000);
	const char *text;

	if (!instant_parse(str_of(rfc3339), &m.t))
		return rfc3339;
	if (!m.t.off)
		m.zone = &zone_utc;
	buf_add_time(&b, &m, str_of(t->date_format));
	text = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return text;
}

void print_json(const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY |
					   JSON_REAL_PRECISION(15));

	if (text)
		puts(text);
	free(text);
}

const char *json_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

struct instant json_time(const json_t *object, const char *name)
{
	struct instant t = INSTANT_ZERO;

	if (!instant_parse(str_of(json_text(object, name)), &t))
		return INSTANT_ZERO;
	return t;
}
