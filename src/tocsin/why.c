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

static void print_entries(struct tool *t, const json_t *data)
{
	const json_t *list = json_object_get(data, "entries");

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);

		printf("%s  %-12s  %s\n", date_text(t, json_text(e, "at")),
		       json_text(e, "kind"), json_text(e, "text"));
	}
	if (json_is_true(json_object_get(data, "isCut")))
		puts("There is more before this: see --limit, --start and --end.");
}

int history(struct tool *t)
{
	static const char path[] = "/api/v1/history";
	const struct option_value *kinds = option(t, "kind");
	struct buf b = BUF(1024 * 1024);
	json_t *data = NULL;
	const char **matchers;
	size_t n;

	buf_add_text(&b, path);
	matchers = matcher_args(t, &n);
	for (size_t i = 0; i < n; i++)
		add_param(&b, "filter", matchers[i]);
	for (size_t i = 0; i < kinds->texts.n; i++)
		add_param(&b, "kind", kinds->texts.v[i]);
	add_param(&b, "receiver", option_text(t, "receiver"));
	add_param(&b, "limit", option_text(t, "limit"));
	if (add_time(t, &b, "start", "start") && add_time(t, &b, "end", "end"))
		data = ask(t, path, &b);
	buf_free(&b);
	if (!data)
		return 1;
	if (t->output == OUTPUT_JSON)
		print_json(data);
	else
		print_entries(t, data);
	json_decref(data);
	return 0;
}
