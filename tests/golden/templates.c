/* One template case a line: parsed, rendered, compared. */
#include "base/base.h"
#include "golden/golden.h"
#include "golden/template_data.h"
#include "text/template.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONES "/usr/share/zoneinfo/"

struct outcome {
	const char *phase; /* NULL: no error */
	struct str error, output;
};

static const struct zone *find_zone(void *arg, struct str name)
{
	struct arena *mem = arg;
	struct str bytes;
	const char *text = arena_copy(mem, name);

	if (strstr(text, "..") || text[0] == '/' ||
	    !golden_read(mem, arena_printf(mem, ZONES "%s", text), &bytes))
		return NULL;
	return zone_parse(mem, text, bytes, NULL);
}

struct surroundings {
	struct arena *mem;
	const json_t *answers;
};

static const struct zone *find_zone_in(void *arg, struct str name)
{
	return find_zone(((struct surroundings *)arg)->mem, name);
}

static enum query_state answer(void *arg, struct str expr, struct arena *mem,
			       struct value *samples, const char **why)
{
	const struct surroundings *s = arg;
	const char *key = arena_copy(mem, expr);

	(void)why;
	*samples = template_samples(mem, json_object_get(s->answers, key));
	return QUERY_ANSWERED;
}

static struct str text_member(const json_t *c, const char *key)
{
	const json_t *j = json_object_get(c, key);

	return j ? (struct str){json_string_value(j), json_string_length(j)} : STR("");
}

static bool is_member(const json_t *c, const char *key, const char *text)
{
	return str_is(text_member(c, key), text);
}

static enum template_funcs funcs_of(const json_t *c)
{
	if (is_member(c, "funcs", "alertmanager"))
		return FUNCS_NOTIFY;
	if (!is_member(c, "funcs", "prometheus"))
		return FUNCS_BASIC;
	return is_member(c, "engine", "html") ? FUNCS_CONSOLE : FUNCS_RULE;
}

static enum template_missing missing_of(const json_t *c)
{
	if (is_member(c, "missingkey", "zero"))
		return MISSING_ZERO;
	return is_member(c, "missingkey", "error") ? MISSING_ERROR : MISSING_DEFAULT;
}

static int name_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The further sources, in byte order of their names. */
static bool add_sources(struct arena *mem, struct template_set *set, const json_t *sources,
			struct err *err)
{
	const char **names = ARENA_ARRAY(mem, const char *, json_object_size(sources) + 1);
	size_t n = 0;
	bool ok = true;
	const char *key;
	json_t *item;
	void *tmp;

	json_object_foreach_safe((json_t *)(uintptr_t)sources, tmp, key, item)
	{
		names[n++] = key;
	}
	qsort(names, n, sizeof(*names), name_cmp);
	for (size_t i = 0; i < n && ok; i++)
		ok = template_set_add(set, names[i], text_member(sources, names[i]),
				      (struct pos){names[i], 1, 1}, err);
	return ok;
}

static const struct template *parse(struct arena *mem, const json_t *c, struct outcome *out)
{
	struct template_set *set = template_set_new(mem, funcs_of(c));
	const struct template *t = NULL;
	struct err err = {0};

	template_set_missing(set, missing_of(c));
	if (add_sources(mem, set, json_object_get(c, "templates"), &err))
		t = template_parse(mem, set,
				   is_member(c, "engine", "html") ? TEMPLATE_HTML
								  : TEMPLATE_TEXT,
				   text_member(c, "name").p, text_member(c, "template"),
				   (struct pos){"main", 1, 1}, &err);
	if (!t) {
		out->error = str_of(arena_text(mem, err.text));
		out->phase = str_starts(out->error, STR("html/template:")) ? "escape"
									   : "parse";
	}
	return t;
}

#define OUTPUT_MAX ((size_t)64 << 20)

static void render(struct arena *mem, const json_t *c, const struct template *t,
		   const struct template_limits *limits, struct outcome *out)
{
	const json_t *data = json_object_get(c, "data");
	struct surroundings around = {mem, json_object_get(c, "query")};
	struct template_run run = {
		.mem = mem,
		.zone_find = find_zone_in,
		.query = answer,
		.arg = &around,
		.external_url = template_external_url(data),
		.route_labels = template_route_labels(mem, data),
		.route_labels_raw = true,
		.limits = *limits,
	};
	struct buf b = BUF(OUTPUT_MAX);
	struct err err;

	*out = (struct outcome){0};
	if (!instant_parse(is_member(c, "funcs", "prometheus")
				   ? STR("2024-05-06T07:08:09.25Z")
				   : STR("2024-05-06T07:08:09Z"),
			   &run.now))
		BUG("bad clock");
	if (template_render(t, &run, template_data(mem, data), &b, &err) != RENDERED) {
		out->phase = "exec";
		out->error = str_of(run.error);
	}
	out->output = buf_keep(&b, mem);
	buf_free(&b);
}

/* -- comparing ------------------------------------------------------------------------ */

/* Words that Go's runtime, its regexp compiler or its number, time and URL parsers chose.
 */
static bool is_foreign(struct str tail)
{
	static const char *const starts[] = {
		"reflect: ",	     "runtime error: ",
		"regexp: Compile",   "error parsing regexp",
		"parsing time ",     "strconv.",
		"invalid URL",	     "illegal base64",
		"unknown time zone",
	};

	for (size_t i = 0; i < COUNT_OF(starts); i++) {
		if (str_starts(tail, str_of(starts[i])))
			return true;
	}
	return false;
}

/* Everything up to the words of the function that failed. */
static bool split_call(struct str s, struct str *head, struct str *tail)
{
	size_t at = str_find(s, STR("error calling ")), colon;

	if (at == STR_NONE)
		return false;
	colon = str_find(str_from(s, at), STR(": "));
	if (colon == STR_NONE)
		return false;
	*head = str_slice(s, 0, at + colon);
	*tail = str_from(s, at + colon + 2);
	return true;
}

static bool same_but_for_tail(struct str want, struct str got)
{
	struct str want_head, want_tail, got_head, got_tail;
	size_t dump = str_find(want, STR("{state"));

	if (str_starts(want, STR("html/template:")) && dump != STR_NONE)
		return str_eq(str_slice(want, 0, dump), str_slice(got, 0, dump)) &&
		       str_starts(str_from(got, dump), STR("{state"));
	return split_call(want, &want_head, &want_tail) &&
	       split_call(got, &got_head, &got_tail) && str_eq(want_head, got_head) &&
	       is_foreign(want_tail) && got_tail.n > 0;
}

static struct str said(struct arena *mem, const char *phase, struct str text)
{
	if (!phase)
		return text;
	return str_of(arena_printf(mem, "%s error: %.*s", phase, FMT(text)));
}

static void judge(struct tally *t, struct arena *mem, const json_t *c,
		  const struct outcome *got)
{
	const char *id = json_string_value(json_object_get(c, "id"));
	const char *phase = json_string_value(json_object_get(c, "phase"));
	struct str want = phase ? text_member(c, "error") : text_member(c, "output");
	struct str have = got->phase ? got->error : got->output;

	if (!phase != !got->phase || (phase && strcmp(phase, got->phase) != 0))
		golden_failed(t, id, said(mem, phase, want), said(mem, got->phase, have));
	else if (!str_eq(want, have) && !(phase && same_but_for_tail(want, have)))
		golden_failed(t, id, want, have);
	else if (phase && !str_eq(text_member(c, "partial"), got->output))
		golden_failed(t, id, text_member(c, "partial"), got->output);
	else if (!str_eq(want, have))
		golden_second_class(t, id, want, have);
	else
		golden_passed(t);
}

/* jansson has no integers above int64: those become {"$uint":"..."}. */
static struct str with_large_numbers(struct arena *mem, struct str line)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	bool quoted = false;
	struct str out;

	for (size_t i = 0; i < line.n; i++) {
		size_t digits = 0;
		int64_t fits;

		if (line.p[i] == '"' && (!i || line.p[i - 1] != '\\'))
			quoted = !quoted;
		while (!quoted && i + digits < line.n && line.p[i + digits] >= '0' &&
		       line.p[i + digits] <= '9')
			digits++;
		if (digits > 18 && !str_int(str_slice(line, i, digits), &fits)) {
			buf_addf(&b, "{\"$uint\":\"%.*s\"}", (int)digits, line.p + i);
			i += digits - 1;
		} else {
			buf_add(&b, line.p + i, MAX(digits, 1));
			i += MAX(digits, 1) - 1;
		}
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

/* -- running -------------------------------------------------------------------------- */

/* Enough for Go's own depth of templates and for formats of ten million blanks. */
static const struct template_limits roomy = {
	.steps = 100000000, .memory = (size_t)1 << 30, .depth = 100000};
#define STACK_SIZE ((size_t)2 * 1024 * 1024 * 1024)

struct again {
	struct arena *mem;
	const json_t *c;
	const struct template *parsed;
	struct outcome *out;
};

static void *render_roomy(void *arg)
{
	const struct again *a = arg;

	render(a->mem, a->c, a->parsed, &roomy, a->out);
	return NULL;
}

/* Go knows none of our ceilings: what one of them ended is rendered again with higher ones,
 * where the stack has room for a hundred thousand templates within each other. */
static void render_again(struct arena *mem, const json_t *c, const struct template *parsed,
			 struct outcome *out)
{
	struct again again = {mem, c, parsed, out};
	pthread_attr_t attr;
	pthread_t thread;

	if (pthread_attr_init(&attr) || pthread_attr_setstacksize(&attr, STACK_SIZE) ||
	    pthread_create(&thread, &attr, render_roomy, &again) ||
	    pthread_join(thread, NULL))
		BUG("no thread with a large stack");
	pthread_attr_destroy(&attr);
}

static void run_case(struct tally *t, const json_t *c)
{
	static const struct template_limits defaults = {0};
	struct arena mem = {0};
	struct outcome got = {0};
	const struct template *parsed = parse(&mem, c, &got);

	if (parsed)
		render(&mem, c, parsed, &defaults, &got);
	if (parsed && got.phase && str_find(got.error, STR("exceeded ")) != STR_NONE) {
		t->roomy++;
		render_again(&mem, c, parsed, &got);
	}
	judge(t, &mem, c, &got);
	arena_free(&mem);
}

void golden_templates(struct tally *t, const char *path)
{
	struct arena mem = {0};
	struct str lines, line;
	json_error_t wrong;
	json_t *c;

	if (!golden_read(&mem, path, &lines)) {
		golden_failed(t, path, STR("a file"), STR("unreadable"));
		return;
	}
	while (str_cut(&lines, '\n', &line)) {
		if (!line.n)
			continue;
		c = json_loadb(line.p, line.n, JSON_ALLOW_NUL, &wrong);
		if (!c) {
			line = with_large_numbers(&mem, line);
			c = json_loadb(line.p, line.n, JSON_ALLOW_NUL, &wrong);
		}
		if (c)
			run_case(t, c);
		else
			golden_failed(t, path, STR("JSON"), str_of(wrong.text));
		json_decref(c);
	}
	arena_free(&mem);
}
