#include "base/base.h"
#include "tocsin/commands.h"
#include "base/url.h"
#include "net/clock.h"

#include <stdio.h>
#include <string.h>

/* tocsin why, tocsin history: what the daemon decided, and why. */

const struct option_row why_options[] = {
	{"notification", 'n', OPTION_TEXT, "", "Explain the notification with this id."},
	{"silence", 's', OPTION_TEXT, "", "Explain the silence with this id."},
	{"at", 0, OPTION_TEXT, "", "As of this time, RFC 3339, or so long ago (2h)."},
	{0},
};
const struct option_row history_options[] = {
	{"start", 0, OPTION_TEXT, "", "From this time on, RFC 3339, or so long ago (2h)."},
	{"end", 0, OPTION_TEXT, "", "Up to this time."},
	{"receiver", 'r', OPTION_TEXT, "", "Only what is about this receiver."},
	{"kind", 'k', OPTION_TEXTS, NULL,
	 "alert, notification, flush, silence, config or daemon; may be repeated."},
	{"limit", 'n', OPTION_TEXT, "200", "The latest so many rows."},
	{0},
};

static void add_param(struct buf *b, const char *name, const char *value)
{
	if (!value[0])
		return;
	buf_addf(b, "%c%s=", memchr(b->p, '?', b->n) ? '&' : '?', name);
	buf_add_query_escaped(b, str_of(value));
}

/* "2h" is two hours ago. False after an error was printed. */
static bool add_time(struct tool *t, struct buf *b, const char *option, const char *param)
{
	const char *text = option_text(t, option);
	struct instant at;
	struct buf when = BUF(100);
	span_ms ago;

	if (!text[0])
		return true;
	if (span_parse(str_of(text), NOWHERE, &ago, NULL)) {
		at = instant_of_ms(clock_wall() - ago);
	} else if (!instant_parse(str_of(text), &at)) {
		fail(t, "--%s: \"%s\" is no time (2026-01-02T03:04:05Z, or 2h ago as 2h)",
		     option, text);
		return false;
	}
	buf_add_instant(&when, at);
	add_param(b, param, buf_text(&when));
	buf_free(&when);
	return true;
}

/* The error of the answer in its own words; 0: there is none. */
static int check_answer(struct tool *t, const struct reply *r, const char *path)
{
	json_t *v = r->error ? NULL : json_read(r->body, NULL);
	const char *error = v ? json_text(v, "error") : "";
	int code = 0;

	if (r->error)
		code = fail(t, "GET \"%s%s\": %s", t->url, path, r->error);
	else if (error[0])
		code = fail(t, "%s", error);
	else if (r->status == 404)
		code = fail(t, "the server has no journal: is it a tocsind?");
	else if (r->status != 200)
		code = fail(t, "GET %s: status %d: %.*s", path, r->status,
			    FMT(str_trim(r->body)));
	json_decref(v);
	return code;
}

/* The answer's data; NULL after an error was printed. */
static json_t *ask(struct tool *t, const char *pattern, const struct buf *path)
{
	struct reply r = request(t, "GET", buf_text(path), STR(""));
	struct err err;
	json_t *v, *data;

	if (check_answer(t, &r, pattern))
		return NULL;
	v = json_read(r.body, &err);
	if (!v)
		fail(t, "the server's answer is no JSON: %s", err.text);
	data = json_incref(json_object_get(v, "data"));
	json_decref(v);
	return data;
}

static bool is_fingerprint(const struct tool *t)
{
	uint64_t ignored;

	return t->args.n == 1 && strlen(t->args.v[0]) == 16 &&
	       fingerprint_parse(str_of(t->args.v[0]), &ignored);
}

static bool add_subject(struct tool *t, struct buf *b)
{
	const char **matchers;
	size_t n;

	add_param(b, "notification", option_text(t, "notification"));
	add_param(b, "silence", option_text(t, "silence"));
	if (is_fingerprint(t)) {
		add_param(b, "alert", t->args.v[0]);
		return true;
	}
	matchers = matcher_args(t, &n);
	for (size_t i = 0; i < n; i++)
		add_param(b, "alert", matchers[i]);
	if (n || option_text(t, "notification")[0] || option_text(t, "silence")[0])
		return true;
	fail(t, "say which alert: matchers, or a fingerprint; or --notification or "
		"--silence with an id");
	return false;
}

static void print_lines(const json_t *lines)
{
	for (size_t i = 0; i < json_array_size(lines); i++)
		puts(json_string_value(json_array_get(lines, i)));
}

int why(struct tool *t)
{
	static const char path[] = "/api/v1/why";
	struct buf b = BUF(1024 * 1024);
	json_t *data = NULL;

	buf_add_text(&b, path);
	if (add_subject(t, &b) && add_time(t, &b, "at", "at"))
		data = ask(t, path, &b);
	buf_free(&b);
	if (!data)
		return 1;
	if (t->output == OUTPUT_JSON)
		print_json(data);
	else
		print_lines(json_object_get(data, "text"));
	json_decref(data);
	return 0;
}

/* -- history: page after page, backwards ---------------------------------------------- */

#define MOST_PAGES 50

struct pages {
	json_t *v[MOST_PAGES]; /* newest first */
	size_t n, n_entries;
	int64_t first_row; /* of what is there; rows from it on came before */
	bool is_cut;
};

/* The server gave up before it had enough: the time that it came to; NULL: it did not. */
static const char *read_to(const json_t *data, size_t n_entries, int64_t limit)
{
	const char *at = json_text(data, "readTo");

	return json_is_true(json_object_get(data, "isCut")) && at[0] &&
			       n_entries < (size_t)limit
		       ? at
		       : NULL;
}

static int64_t row_of(const json_t *entry)
{
	return (int64_t)json_integer_value(json_object_get(entry, "row"));
}

static void take_page(struct pages *p, json_t *data)
{
	json_t *list = json_object_get(data, "entries");
	size_t n = json_array_size(list);

	while (p->first_row && n && row_of(json_array_get(list, n - 1)) >= p->first_row)
		json_array_remove(list, --n);
	if (n)
		p->first_row = row_of(json_array_get(list, 0));
	p->n_entries += n;
	p->is_cut = json_is_true(json_object_get(data, "isCut"));
	p->v[p->n++] = data;
}

static void add_filters(struct tool *t, struct buf *b)
{
	const struct option_value *kinds = option(t, "kind");
	const char **matchers;
	size_t n;

	matchers = matcher_args(t, &n);
	for (size_t i = 0; i < n; i++)
		add_param(b, "filter", matchers[i]);
	for (size_t i = 0; i < kinds->texts.n; i++)
		add_param(b, "kind", kinds->texts.v[i]);
	add_param(b, "receiver", option_text(t, "receiver"));
	add_param(b, "limit", option_text(t, "limit"));
}

/* False after an error was printed. end NULL: as the options say. */
static bool ask_page(struct tool *t, const char *end, struct pages *p)
{
	static const char path[] = "/api/v1/history";
	struct buf b = BUF(1024 * 1024);
	json_t *data = NULL;

	buf_add_text(&b, path);
	add_filters(t, &b);
	if (end)
		add_param(&b, "end", end);
	if (add_time(t, &b, "start", "start") && (end || add_time(t, &b, "end", "end")))
		data = ask(t, path, &b);
	buf_free(&b);
	if (data)
		take_page(p, data);
	return data;
}

/* An end that does not move would be asked for for ever. */
static bool ask_all(struct tool *t, struct pages *p)
{
	const char *end = NULL, *next;
	int64_t limit = 200;

	(void)!str_int(str_of(option_text(t, "limit")), &limit);
	do {
		if (!ask_page(t, end, p))
			return false;
		next = read_to(p->v[p->n - 1], p->n_entries, limit);
		if (next && end && !strcmp(next, end))
			next = NULL;
		end = next;
	} while (end && p->n < MOST_PAGES);
	return true;
}

/* The text of an alert's entry says what it does, its labels say who it is. */
static void print_entry(struct tool *t, const json_t *e, struct arena *mem)
{
	const struct labels *labels = json_labels(mem, json_object_get(e, "labels"));
	struct buf who = BUF(BUF_NO_LIMIT);

	if (labels) {
		buf_add_labels(&who, labels);
		buf_add_char(&who, ' ');
	}
	printf("%s  %-12s  %s%s\n", date_text(t, json_text(e, "at")), json_text(e, "kind"),
	       buf_text(&who), json_text(e, "text"));
	buf_free(&who);
}

static void print_page(struct tool *t, const json_t *data)
{
	const json_t *list = json_object_get(data, "entries");
	struct arena mem = {0};

	for (size_t i = 0; i < json_array_size(list); i++) {
		print_entry(t, json_array_get(list, i), &mem);
		arena_reset(&mem);
	}
	arena_free(&mem);
}

/* As if it had been one. */
static json_t *joined(const struct pages *p)
{
	json_t *whole = json_copy(p->v[p->n - 1]), *list = json_array();

	for (size_t i = p->n; i--;)
		json_array_extend(list, json_object_get(p->v[i], "entries"));
	json_object_set_new(whole, "entries", list);
	return whole;
}

static void print_pages(struct tool *t, const struct pages *p)
{
	json_t *whole;

	if (t->output == OUTPUT_JSON) {
		whole = joined(p);
		print_json(whole);
		json_decref(whole);
		return;
	}
	for (size_t i = p->n; i--;)
		print_page(t, p->v[i]);
	if (p->is_cut)
		puts("There is more before this: see --limit, --start and --end.");
}

int history(struct tool *t)
{
	struct pages p = {0};
	bool ok = ask_all(t, &p);

	if (ok)
		print_pages(t, &p);
	for (size_t i = 0; i < p.n; i++)
		json_decref(p.v[i]);
	return ok ? 0 : 1;
}
