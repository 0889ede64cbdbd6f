#include "base/base.h"
#include "tocsin/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* tocsin silence import (spec/cli.md 10): what `silence query -o json` printed. */

const struct option_row silence_import_options[] = {
	{"force", 'f', OPTION_FLAG, NULL, "Drop the ids: always create."},
	{"worker", 'w', OPTION_TEXT, "8", "Accepted: they are posted one after the other."},
	{0},
};

#define INPUT_MAX ((size_t)256 * 1024 * 1024)

static bool read_all(struct tool *t, const char *path, struct str *out)
{
	FILE *in = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct buf b = BUF(INPUT_MAX);
	char piece[65536];
	size_t n;

	if (!in) {
		fail(t, "open %s: %s", path, strerror(errno));
		return false;
	}
	while ((n = fread(piece, 1, sizeof(piece), in)))
		buf_add(&b, piece, n);
	if (in != stdin)
		fclose(in);
	*out = buf_keep(&b, &t->mem);
	buf_free(&b);
	return true;
}

static struct reply post(struct tool *t, const json_t *silence)
{
	char *text = json_dumps(silence, JSON_COMPACT);
	struct reply r = request(t, "POST", "/api/v2/silences",
				 arena_str(&t->mem, str_of(text)));

	free(text);
	return r;
}

/* An id that the server does not know is dropped and the silence made anew. */
static bool import_one(struct tool *t, json_t *silence)
{
	const char *id = arena_text(&t->mem, json_text(silence, "id"));
	struct reply r;
	json_t *answer;

	if (option_on(t, "force"))
		json_object_del(silence, "id");
	r = post(t, silence);
	if (r.status == 404 && json_object_get(silence, "id")) {
		json_object_del(silence, "id");
		r = post(t, silence);
	}
	if (r.error || r.status / 100 != 2) {
		fprintf(stderr, "Error adding silence id='%s': %s%.*s\n", id,
			r.error ? r.error : "", FMT(str_trim(r.body)));
		return false;
	}
	answer = json_read(r.body, NULL);
	print_id(t, json_text(answer, "silenceID"));
	json_decref(answer);
	return true;
}

int silence_import(struct tool *t)
{
	struct str text;
	struct err err;
	json_t *list;
	size_t n, failed = 0;

	if (!read_all(t, t->args.n ? t->args.v[0] : "-", &text))
		return 1;
	list = json_read(text, &err);
	if (!json_is_array(list)) {
		json_decref(list);
		return fail(t, "couldn't unmarshal input data, is it JSON?: %s",
			    list ? "not a list" : err.text);
	}
	n = json_array_size(list);
	for (size_t i = 0; i < n; i++)
		failed += !import_one(t, json_array_get(list, i));
	json_decref(list);
	return failed ? fail(t, "couldn't import %zu out of %zu silences", failed, n) : 0;
}
