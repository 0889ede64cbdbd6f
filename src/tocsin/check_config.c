#include "base/base.h"
#include "tocsin/commands.h"
#include "tocsin/config_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* tocsin check-config (spec/cli.md 11): all mistakes of each file, each with its place. */

const struct option_row check_config_options[] = {{0}};

#define INPUT_MAX ((size_t)16 * 1024 * 1024)

static void print_found(const struct config *c)
{
	printf("Found:\n - global config\n - route\n - %zu inhibit rules\n - %zu "
	       "receivers\n"
	       " - %zu templates\n",
	       c->n_inhibit_rules, c->n_receivers, c->n_templates);
	if (c->n_datasources)
		printf(" - %zu datasources\n", c->n_datasources);
	if (c->n_rule_files)
		printf(" - %zu rule file patterns\n", c->n_rule_files);
}

static void add_mistakes(json_t *list, const char *texts)
{
	struct str rest = str_of(texts), line;

	while (rest.n && str_cut(&rest, '\n', &line))
		json_array_append_new(list, json_stringn(line.p, line.n));
}

static bool print_as_json(const char *path, const struct config *c, const char *mistakes,
			  const char *templates)
{
	json_t *out = json_object(), *list = json_array();

	add_mistakes(list, mistakes ? mistakes : "");
	add_mistakes(list, templates ? templates : "");
	json_object_set_new(out, "file", json_string(path));
	json_object_set_new(out, "ok", json_boolean(!json_array_size(list)));
	json_object_set_new(out, "mistakes", list);
	if (c) {
		json_object_set_new(out, "receivers",
				    json_integer((json_int_t)c->n_receivers));
		json_object_set_new(out, "inhibit_rules",
				    json_integer((json_int_t)c->n_inhibit_rules));
		json_object_set_new(out, "templates",
				    json_integer((json_int_t)c->n_templates));
	}
	print_json(out);
	json_decref(out);
	return c && !templates;
}

static bool check_one(struct tool *t, const char *path, struct str text)
{
	const char *mistakes, *templates;
	const struct config *c = config_file_load(t, path, text, &mistakes, &templates);

	if (t->output == OUTPUT_JSON && !t->is_amtool)
		return print_as_json(path, c, mistakes, templates);
	printf("Checking '%s'", path);
	if (!c) {
		printf("  FAILED: %s\n\n", mistakes);
		return false;
	}
	puts("  SUCCESS");
	print_found(c);
	if (templates)
		printf("  FAILED: %s\n", templates);
	else if (c->n_templates)
		puts("  SUCCESS");
	putchar('\n');
	return !templates;
}

static int check_input(struct tool *t)
{
	char *bytes = arena_alloc(&t->mem, INPUT_MAX);
	struct stat st;

	if (fstat(STDIN_FILENO, &st) || S_ISCHR(st.st_mode)) {
		fprintf(stderr, "%s: error: Failed to read from standard input\n", t->name);
		return 1;
	}
	return check_one(t, "/dev/stdin",
			 (struct str){bytes, fread(bytes, 1, INPUT_MAX, stdin)})
		       ? 0
		       : fail(t, "failed to validate 1 file(s)");
}

int check_config(struct tool *t)
{
	size_t failed = 0;

	if (!t->args.n)
		return check_input(t);
	for (size_t i = 0; i < t->args.n; i++) {
		struct stat st;

		if (stat(t->args.v[i], &st))
			return fail(t, "path '%s' does not exist", t->args.v[i]);
		if (S_ISDIR(st.st_mode))
			return fail(t, "'%s' is a directory", t->args.v[i]);
	}
	for (size_t i = 0; i < t->args.n; i++)
		failed += !check_one(t, t->args.v[i], (struct str){NULL, 0});
	return failed ? fail(t, "failed to validate %zu file(s)", failed) : 0;
}
