#include "base/base.h"
#include "tocsin/commands.h"

#include <stdio.h>
#include <stdlib.h>

const struct option_row silence_update_options[] = {
	{"duration", 'd', OPTION_TEXT, "", "New end: the start and so long."},
	{"start", 0, OPTION_TEXT, "", "New start, RFC 3339."},
	{"end", 0, OPTION_TEXT, "", "New end, RFC 3339."},
	{"comment", 'c', OPTION_TEXT, "", "New comment."},
	{"quiet", 'q', OPTION_FLAG, NULL, "Print ids only."},
	{0},
};

static void set_time(json_t *s, const char *name, struct instant t)
{
	struct buf b = BUF(64);

	buf_add_instant_ms(&b, t);
	json_object_set_new(s, name, json_string(buf_text(&b)));
	buf_free(&b);
}

/* The silence as changed; false after an error was printed. */
static bool change(struct tool *t, json_t *s)
{
	struct instant start = json_time(s, "startsAt"), end = json_time(s, "endsAt");

	if (!parse_instant(t, "start", &start) || !end_from_options(t, start, &end))
		return false;
	if (instant_cmp(start, end) > 0) {
		fail(t, "silence cannot start after it ends");
		return false;
	}
	set_time(s, "startsAt", start);
	set_time(s, "endsAt", end);
	if (option_text(t, "comment")[0])
		json_object_set_new(s, "comment", json_string(option_text(t, "comment")));
	return true;
}

static json_t *fetch(struct tool *t, const char *id)
{
	struct reply r = request(t, "GET", silence_path(t, id), STR(""));

	if (check_reply(t, &r, "GET", "/silence/{silenceID}", "getSilence"))
		return NULL;
	return json_read(r.body, NULL);
}

static bool update_one(struct tool *t, const char *id, json_t *done)
{
	json_t *s = fetch(t, id);
	const char *new_id = NULL;
	char *text;

	if (!s)
		return false;
	if (change(t, s)) {
		text = json_dumps(s, JSON_COMPACT);
		new_id = post_silence(t, str_of(text));
		free(text);
	}
	if (new_id) {
		json_object_set_new(s, "id", json_string(new_id));
		json_array_append(done, s);
	}
	json_decref(s);
	return new_id != NULL;
}

int silence_update(struct tool *t)
{
	json_t *done = json_array();
	bool ok = true;

	if (!t->args.n) {
		json_decref(done);
		return fail(t, "no silence IDs specified");
	}
	for (size_t i = 0; ok && i < t->args.n; i++)
		ok = update_one(t, t->args.v[i], done);
	if (ok && option_on(t, "quiet"))
		print_ids(t, done);
	else if (ok)
		print_silences(t, done);
	json_decref(done);
	return ok ? 0 : 1;
}
