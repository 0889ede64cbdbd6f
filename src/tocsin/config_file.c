#include "base/base.h"
#include "tocsin/config_file.h"
#include "receivers/attempt.h"
#include "tocsin/files.h"

#include <stdio.h>
#include <string.h>

static struct config_options options_of(const struct tool *t)
{
	return (struct config_options){
		.files = &tool_files, .kinds = integration_kinds, .matchers = t->matchers};
}

static const char *text_of(struct tool *t, struct errs *errs)
{
	struct buf b = BUF(1024 * 1024);
	const char *text;

	errs_sort(errs);
	for (size_t i = 0; i < errs->n; i++) {
		if (i)
			buf_add_char(&b, '\n');
		buf_add_text(&b, err_text(&t->mem, errs->v[i]));
	}
	text = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return text;
}

static void check_templates(struct tool *t, const struct config *c, struct errs *errs)
{
	const struct template_set *set = receiver_templates_load(&t->mem, c, &tool_files,
								 errs);

	if (set)
		receiver_templates_check(c, set, errs);
}

const struct config *config_file_load(struct tool *t, const char *path, struct str text,
				      const char **mistakes, const char **template_mistakes)
{
	struct config_options options = options_of(t);
	struct errs errs = {.mem = &t->mem}, later = {.mem = &t->mem};
	const struct config *c, *refused = NULL;

	if (template_mistakes)
		options.refused = &refused;
	c = text.p ? config_parse(&t->mem, path, text, &options, &errs, NULL)
		   : config_load(&t->mem, path, &options, &errs, NULL);
	if (refused)
		check_templates(t, refused, &errs);
	*mistakes = c ? NULL : text_of(t, &errs);
	if (c && template_mistakes)
		check_templates(t, c, &later);
	if (template_mistakes)
		*template_mistakes = later.n ? text_of(t, &later) : NULL;
	return c;
}

const struct config *config_from_anywhere(struct tool *t)
{
	const char *file = option_text(t, "config.file"), *mistakes;
	const struct config *c;
	struct str text = {NULL, 0};
	json_t *status;

	if (!file[0] && !t->url) {
		fail_short(t, "You have to specify one of --config.file or "
			      "--alertmanager.url flags.");
		return NULL;
	}
	if (file[0] && option(t, "alertmanager.url")->given)
		fputs("Warning: --config.file flag overrides the --alertmanager.url.\n",
		      stderr);
	if (!file[0]) {
		status = request_json(t, "GET", "/api/v2/status", "getStatus", STR(""));
		if (!status)
			return NULL;
		text = arena_str(
			&t->mem,
			str_of(json_text(json_object_get(status, "config"), "original")));
		json_decref(status);
	}
	c = config_file_load(t, file[0] ? file : "the server's configuration", text,
			     &mistakes, NULL);
	if (!c)
		fail(t, "%s", mistakes);
	return c;
}
