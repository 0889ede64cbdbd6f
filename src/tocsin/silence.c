#include "base/base.h"
#include "tocsin/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the silence commands print (spec/cli.md 3.2). */

void print_id(struct tool *t, const char *id)
{
	bool json = t->output == OUTPUT_JSON && option(t, "output")->given && !t->is_amtool;

	printf(json ? "{\"silenceID\":\"%s\"}\n" : "%s\n", id);
}

void print_ids(struct tool *t, const json_t *list)
{
	bool json = t->output == OUTPUT_JSON && !t->is_amtool;
	json_t *ids = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *id = json_object_get(json_array_get(list, i), "id");

		json_array_append(ids, id);
		if (!json)
			puts(json_string_value(id) ? json_string_value(id) : "");
	}
	if (json)
		print_json(ids);
	json_decref(ids);
}

static bool flag_of(const json_t *m, const char *name, bool otherwise)
{
	const json_t *v = json_object_get(m, name);

	return v ? json_is_true(v) : otherwise;
}

static void add_matcher(struct buf *b, const json_t *m)
{
	static const enum match_op ops[2][2] = {{MATCH_NOT_EQUAL, MATCH_NOT_REGEX},
						{MATCH_EQUAL, MATCH_REGEX}};
	struct matcher matcher = {
		.op = ops[flag_of(m, "isEqual", true)][flag_of(m, "isRegex", false)],
		.name = json_text(m, "name"),
		.value = json_text(m, "value"),
	};

	buf_add_matcher(b, &matcher);
}

static const char *matchers_text(struct tool *t, const json_t *list, bool braces)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	if (braces)
		buf_add_char(&b, '{');
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (i)
			buf_add_char(&b, braces ? ',' : ' ');
		add_matcher(&b, json_array_get(list, i));
	}
	if (braces)
		buf_add_char(&b, '}');
	text = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return text;
}

static void add_row(struct tool *t, struct table *table, const json_t *s)
{
	bool wide = t->output == OUTPUT_EXTENDED;
	const char *id = json_text(s, "id"), *by = json_text(s, "createdBy"),
		   *comment = json_text(s, "comment"),
		   *matchers = matchers_text(t, json_object_get(s, "matchers"), wide),
		   *ends = date_text(t, json_text(s, "endsAt"));
	const char *simple[] = {id, matchers, ends, by, comment};
	const char *extended[] = {id,
				  matchers,
				  date_text(t, json_text(s, "startsAt")),
				  ends,
				  date_text(t, json_text(s, "updatedAt")),
				  by,
				  comment};

	table_row(table, wide ? extended : simple);
}

static int by_end(const void *a, const void *b)
{
	const json_t *const *x = a, *const *y = b;

	return instant_cmp(json_time(*x, "endsAt"), json_time(*y, "endsAt"));
}

static void print_table(struct tool *t, const json_t *list)
{
	static const char *const simple[] = {"ID", "Matchers", "Ends At", "Created By",
					     "Comment"};
	static const char *const extended[] = {"ID",	  "Matchers",	"Starts At",
					       "Ends At", "Updated At", "Created By",
					       "Comment"};
	bool wide = t->output == OUTPUT_EXTENDED;
	struct table table = {.mem = &t->mem, .columns = wide ? 7 : 5};
	size_t n = json_array_size(list);
	const json_t **v = ARENA_ARRAY(&t->mem, const json_t *, n);

	for (size_t i = 0; i < n; i++)
		v[i] = json_array_get(list, i);
	if (n)
		qsort(v, n, sizeof(*v), by_end);
	table_row(&table, wide ? extended : simple);
	for (size_t i = 0; i < n; i++)
		add_row(t, &table, v[i]);
	table_print(&table);
}

void print_silences(struct tool *t, json_t *list)
{
	if (t->output == OUTPUT_JSON)
		print_json(list);
	else
		print_table(t, list);
}

/* -- posting one ---------------------------------------------------------------------- */

const char *post_silence(struct tool *t, struct str body)
{
	json_t *answer = request_json(t, "POST", "/api/v2/silences", "postSilences", body);
	const char *id;

	if (!answer)
		return NULL;
	id = arena_text(&t->mem, json_text(answer, "silenceID"));
	json_decref(answer);
	return id;
}

/* The end: --end, else start and --duration. False after an error was printed. */
bool end_from_options(struct tool *t, struct instant start, struct instant *end)
{
	span_ms duration;
	struct err err;

	if (option_text(t, "end")[0])
		return parse_instant(t, "end", end);
	if (!option_text(t, "duration")[0])
		return true;
	if (!span_parse(str_of(option_text(t, "duration")), NOWHERE, &duration, &err)) {
		fail(t, "%s", err.text);
		return false;
	}
	if (!duration) {
		fail(t, "silence duration must be greater than 0");
		return false;
	}
	*end = instant_add_ms(start, duration);
	return true;
}
