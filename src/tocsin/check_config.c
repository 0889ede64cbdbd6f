#include "base/base.h"
#include "tocsin/commands.h"
#include "tocsin/config_file.h"
#include "tocsin/files.h"
#include "tocsin/rule_file_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* tocsin check-config (spec/cli.md 11): all mistakes of each file, each with its place. */

const struct option_row check_config_options[] = {
	{"check-expressions", 0, OPTION_FLAG, "true",
	 "Expressions of rule files must be PromQL; --no-check-expressions for other "
	 "dialects."},
	{"vmalert-functions", 0, OPTION_FLAG, NULL,
	 "Templates of rules may use vmalert's functions."},
	{0},
};

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

/* -- the rule files it names ------------------------------------------------------- */

struct rules_found {
	size_t files, rules;
	struct buf mistakes; /* a line each */
};

static void add_texts(struct tool *t, struct buf *to, struct errs *errs)
{
	errs_sort(errs);
	for (size_t i = 0; i < errs->n; i++)
		buf_addf(to, "%s%s", to->n ? "\n" : "", err_text(&t->mem, errs->v[i]));
}

static void check_rule_file(struct tool *t, const struct config *c, const char *path,
			    struct rules_found *found)
{
	struct rule_options options = {.names = c->global.names,
				       .env = tool_env,
				       .as_vmalert = option_on(t, "vmalert-functions"),
				       .any_expression = !option_on(t, "check-expressions"),
				       .datasources = c->datasources,
				       .n_datasources = c->n_datasources};
	struct errs errs = {.mem = &t->mem}, warnings = {.mem = &t->mem};
	const struct rule_file *part;
	size_t n;

	found->files++;
	if (rule_file_read(t, path, &options, &errs, &warnings, &n, &part))
		found->rules += n;
	add_texts(t, &found->mistakes, &errs);
}

/* A name without a pattern must be there: the daemon would wait for it in silence. */
static void check_rule_files(struct tool *t, const struct config *c,
			     struct rules_found *found)
{
	for (size_t i = 0; i < c->n_rule_files; i++) {
		struct errs errs = {.mem = &t->mem};
		const char **paths;
		struct err err;
		size_t n = 0;

		if (!tool_files.glob(NULL, &t->mem, c->rule_files[i], &paths, &n, &err))
			errs_add(&errs, &err);
		else if (!n && !strpbrk(c->rule_files[i], "*?["))
			errs_addf(&errs, (struct pos){c->path, 0, 0},
				  "rule file \"%s\" is not there", c->rule_files[i]);
		add_texts(t, &found->mistakes, &errs);
		for (size_t k = 0; k < n; k++)
			check_rule_file(t, c, paths[k], found);
	}
}

static void print_rules_found(const struct config *c, const struct rules_found *found)
{
	if (!c->n_rule_files)
		return;
	printf(" - %zu rules in %zu rule files\n", found->rules, found->files);
	if (found->mistakes.n)
		printf("  FAILED: %s\n", found->mistakes.p);
	else if (found->files)
		puts("  SUCCESS");
}

/* -- saying ------------------------------------------------------------------------ */

static bool print_as_json(const char *path, const struct config *c, const char *mistakes,
			  const char *templates, const struct rules_found *found)
{
	json_t *out = json_object(), *list = json_array();

	add_mistakes(list, mistakes ? mistakes : "");
	add_mistakes(list, templates ? templates : "");
	add_mistakes(list, found->mistakes.n ? found->mistakes.p : "");
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
		json_object_set_new(out, "rule_files",
				    json_integer((json_int_t)found->files));
		json_object_set_new(out, "rules", json_integer((json_int_t)found->rules));
	}
	print_json(out);
	json_decref(out);
	return c && !templates && !found->mistakes.n;
}

static void print_as_text(const char *path, const struct config *c, const char *mistakes,
			  const char *templates, const struct rules_found *found)
{
	printf("Checking '%s'", path);
	if (!c) {
		printf("  FAILED: %s\n\n", mistakes);
		return;
	}
	puts("  SUCCESS");
	print_found(c);
	if (templates)
		printf("  FAILED: %s\n", templates);
	else if (c->n_templates)
		puts("  SUCCESS");
	print_rules_found(c, found);
	putchar('\n');
}

static bool check_one(struct tool *t, const char *path, struct str text)
{
	const char *mistakes, *templates;
	const struct config *c = config_file_load(t, path, text, &mistakes, &templates);
	struct rules_found found = {.mistakes = BUF(1024 * 1024)};
	bool ok = c && !templates;

	if (c)
		check_rule_files(t, c, &found);
	ok = ok && !found.mistakes.n;
	if (t->output == OUTPUT_JSON && !t->is_amtool)
		ok = print_as_json(path, c, mistakes, templates, &found);
	else
		print_as_text(path, c, mistakes, templates, &found);
	buf_free(&found.mistakes);
	return ok;
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
