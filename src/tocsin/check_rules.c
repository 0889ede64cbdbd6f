#include "base/base.h"
#include "tocsin/commands.h"
#include "config/lint.h"
#include "tocsin/config_file.h"
#include "tocsin/files.h"
#include "tocsin/rule_asking.h"
#include "tocsin/rule_file_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* tocsin check rules: what promtool's says (spec/rule-tools.md 1), with places, and more
 * checks for those who ask for them. */

const struct option_row check_rules_options[] = {
	{"lint", 0, OPTION_TEXT, "duplicate-rules",
	 "What to look for, with commas: all, none, duplicate-rules, same-rule, "
	 "comparison, "
	 "for, interval, labels, record-name, order, template."},
	{"lint-fatal", 0, OPTION_FLAG, NULL, "Exit with 3 when a check found something."},
	{"require-label", 0, OPTION_TEXTS, NULL,
	 "A label every alert must have; may be repeated."},
	{"require-annotation", 0, OPTION_TEXTS, NULL,
	 "An annotation every alert must have; may be repeated."},
	{"evaluation-interval", 0, OPTION_TEXT, "1m",
	 "Interval of groups that have none of their own."},
	{"ignore-unknown-fields", 0, OPTION_FLAG, NULL,
	 "Pass over keys that are not known, as of other programs."},
	{"config.file", 0, OPTION_TEXT, "",
	 "Configuration whose datasources answer the groups, and are asked whether they "
	 "take the expressions."},
	{"url", 0, OPTION_TEXT, "",
	 "Prometheus, or what speaks its API, that is asked instead, for groups that name "
	 "no datasource."},
	{"ask", 0, OPTION_FLAG, "true",
	 "Ask the datasources; --no-ask looks only at the files."},
	{"check-expressions", 0, OPTION_FLAG, "true",
	 "Expressions must be PromQL; --no-check-expressions for other dialects."},
	{"vmalert-functions", 0, OPTION_FLAG, NULL,
	 "Read rule files as vmalert does: its functions in templates, MetricsQL, its "
	 "durations."},
	{0},
};

#define MOST_ANSWER ((size_t)64 * 1024 * 1024)

struct checked {
	const char *path;
	const struct rule_file *file; /* NULL: it has mistakes */
	const struct rule_file *part; /* what could be read of it, or NULL */
	struct errs errs, warnings;
	size_t n_rules;
};

/* -- what to look for -------------------------------------------------------------- */

static void want_lints(struct tool *t, struct lint_options *o)
{
	struct str rest = str_of(option_text(t, "lint")), word;
	enum lint l;

	while (rest.n && str_cut(&rest, ',', &word)) {
		word = str_trim(word);
		if (str_is(word, "all"))
			memset(o->wanted, true, sizeof(o->wanted));
		else if (str_is(word, "none"))
			memset(o->wanted, false, sizeof(o->wanted));
		else if (lint_find(word, &l))
			o->wanted[l] = true;
		else
			printf("WARNING: unknown lint option: \"%.*s\"\n", FMT(word));
	}
	o->wanted[LINT_REQUIRED] = true;
}

static bool set_options(struct tool *t, struct lint_options *o)
{
	const struct option_value *labels = option(t, "require-label"),
				  *annotations = option(t, "require-annotation");
	struct err err;

	*o = (struct lint_options){.labels = labels->texts.v,
				   .n_labels = labels->texts.n,
				   .annotations = annotations->texts.v,
				   .n_annotations = annotations->texts.n};
	want_lints(t, o);
	if (!span_parse(str_of(option_text(t, "evaluation-interval")), NOWHERE,
			&o->interval, &err) ||
	    o->interval <= 0) {
		fail(t, "--evaluation-interval: not a duration: %s",
		     option_text(t, "evaluation-interval"));
		return false;
	}
	return true;
}

/* -- reading ----------------------------------------------------------------------- */

/* False after an error was printed. */
static bool set_reading(struct tool *t, struct rule_options *o)
{
	const char *path = option_text(t, "config.file"), *mistakes;
	const struct config *config;

	*o = (struct rule_options){.names = NAMES_UTF8,
				   .any_key = option_on(t, "ignore-unknown-fields"),
				   .env = tool_env,
				   .as_vmalert = option_on(t, "vmalert-functions"),
				   .any_expression = !option_on(t, "check-expressions")};
	if (!path[0])
		return true;
	config = config_file_load(t, path, (struct str){NULL, 0}, &mistakes, NULL);
	if (!config) {
		fail(t, "%s", mistakes);
		return false;
	}
	o->names = config->global.names;
	o->datasources = config->datasources;
	o->n_datasources = config->n_datasources;
	return true;
}

static struct str without_slash(const char *url)
{
	struct str s = str_of(url);

	while (str_ends(s, STR("/")))
		s.n--;
	return s;
}

/* Who is asked: what --url names, else the datasources of the configuration. NULL: nobody.
 */
static struct asking *asking_of(struct tool *t, const struct rule_options *o)
{
	const char *url = option_text(t, "url");
	struct datasource *d;

	if (!option_on(t, "ask") || (!url[0] && !o->n_datasources))
		return NULL;
	if (!url[0])
		return asking_new(t, o->datasources, o->n_datasources);
	d = ARENA_NEW(&t->mem, struct datasource);
	*d = (struct datasource){.name = url,
				 .type = DATASOURCE_PROMETHEUS,
				 .url = arena_copy(&t->mem, without_slash(url)),
				 .http = t->http,
				 .max_response_bytes = MOST_ANSWER};
	return asking_new(t, d, 1);
}

static void ask_all(struct tool *t, const struct rule_options *o, struct checked *v,
		    size_t n)
{
	struct asking *a = asking_of(t, o);

	if (!a)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!v[i].part)
			continue;
		asking_file(a, v[i].part, &v[i].errs);
		errs_sort(&v[i].errs);
		if (v[i].errs.n)
			v[i].file = NULL;
	}
	asking_end(a);
	asking_free(a);
}

static void check_file(struct tool *t, const char *path, const struct rule_options *options,
		       struct checked *c)
{
	c->path = path ? path : "standard input";
	c->errs = c->warnings = (struct errs){.mem = &t->mem};
	c->file = rule_file_read(t, path, options, &c->errs, &c->warnings, &c->n_rules,
				 &c->part);
}

/* -- saying ------------------------------------------------------------------------ */

static bool is_of(const struct lint_finding *f, const struct checked *c)
{
	return f->at.file && !strcmp(f->at.file, c->path);
}

static void add_key(struct buf *b, const struct rule *r)
{
	buf_addf(b, "Metric: %s\nLabel(s):\n", r->alert ? r->alert : r->record);
	for (size_t i = 0; i < r->n_labels; i++)
		buf_addf(b, "\t%s: %s\n", r->labels[i].name, r->labels[i].text);
}

static const struct rule *rule_at(const struct rule_file *f, struct pos at)
{
	for (size_t i = 0; i < f->n_groups; i++) {
		for (size_t k = 0; k < f->groups[i].n_rules; k++) {
			const struct rule *r = &f->groups[i].rules[k];

			if (r->at.line == at.line && r->at.col == at.col)
				return r;
		}
	}
	BUG("a finding about no rule");
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In promtool's form: each doubled key once, sorted. */
static void print_duplicates(struct tool *t, const struct checked *c,
			     const struct lint_findings *found)
{
	VEC(const char *) keys = {0};
	size_t n = 0;

	for (size_t i = 0; i < found->list.n; i++) {
		const struct lint_finding *f = &found->list.v[i];
		struct buf b = BUF(BUF_NO_LIMIT);

		if (f->lint != LINT_DUPLICATE_RULES || !is_of(f, c))
			continue;
		add_key(&b, rule_at(c->file, f->at));
		vec_push_in(&t->mem, &keys, arena_text(&t->mem, buf_text(&b)));
		buf_free(&b);
	}
	if (!keys.n)
		return;
	qsort(keys.v, keys.n, sizeof(*keys.v), by_text);
	for (size_t i = 0; i < keys.n; i++) {
		if (!i || strcmp(keys.v[n - 1], keys.v[i]) != 0)
			keys.v[n++] = keys.v[i];
	}
	fprintf(stderr, "lint error %zu duplicate rule(s) found.\n", n);
	for (size_t i = 0; i < n; i++)
		fputs(keys.v[i], stderr);
	fputs("Might cause inconsistency while recording expressions\n", stderr);
}

static const char *finding_text(struct tool *t, const struct lint_finding *f)
{
	return arena_printf(&t->mem, "%s:%d:%d: %s: %s (%s)", f->at.file, f->at.line,
			    f->at.col, f->rule, f->text, lint_name(f->lint));
}

static size_t count_of(const struct lint_findings *found, const struct checked *c)
{
	size_t n = 0;

	for (size_t i = 0; i < found->list.n; i++)
		n += is_of(&found->list.v[i], c);
	return n;
}

static void print_checked(struct tool *t, const struct checked *c,
			  const struct lint_findings *found)
{
	printf("Checking %s\n", c->path);
	fflush(stdout);
	if (!c->file) {
		fputs("  FAILED:\n", stderr);
		for (size_t i = 0; i < c->errs.n; i++)
			fprintf(stderr, "%s\n", err_text(&t->mem, c->errs.v[i]));
		return;
	}
	for (size_t i = 0; i < c->warnings.n; i++)
		fprintf(stderr, "  WARNING: %s\n", err_text(&t->mem, c->warnings.v[i]));
	if (!count_of(found, c)) {
		printf("  SUCCESS: %zu rules found\n\n", c->n_rules);
		return;
	}
	fputs("  FAILED:\n", stderr);
	print_duplicates(t, c, found);
	for (size_t i = 0; i < found->list.n; i++) {
		const struct lint_finding *f = &found->list.v[i];

		if (f->lint != LINT_DUPLICATE_RULES && is_of(f, c))
			fprintf(stderr, "%s\n", finding_text(t, f));
	}
	putchar('\n');
	fflush(stdout);
}

static void print_checked_json(struct tool *t, const struct checked *c,
			       const struct lint_findings *found)
{
	json_t *out = json_object(), *mistakes = json_array(), *list = json_array(),
	       *warnings = json_array();

	for (size_t i = 0; i < c->errs.n; i++)
		json_array_append_new(mistakes,
				      json_string(err_text(&t->mem, c->errs.v[i])));
	for (size_t i = 0; i < c->warnings.n; i++)
		json_array_append_new(warnings,
				      json_string(err_text(&t->mem, c->warnings.v[i])));
	for (size_t i = 0; i < found->list.n; i++) {
		const struct lint_finding *f = &found->list.v[i];

		if (is_of(f, c))
			json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s, s:s}",
							      "line", f->at.line, "column",
							      f->at.col, "rule", f->rule,
							      "check", lint_name(f->lint),
							      "text", f->text));
	}
	json_object_set_new(out, "file", json_string(c->path));
	json_object_set_new(out, "ok", json_boolean(c->file != NULL));
	json_object_set_new(out, "rules", json_integer((json_int_t)c->n_rules));
	json_object_set_new(out, "mistakes", mistakes);
	json_object_set_new(out, "warnings", warnings);
	json_object_set_new(out, "findings", list);
	print_json(out);
	json_decref(out);
}

int check_rules(struct tool *t)
{
	size_t n = MAX(t->args.n, 1), good = 0;
	struct checked *all = ARENA_ARRAY(&t->mem, struct checked, n);
	const struct rule_file **files = ARENA_ARRAY(&t->mem, const struct rule_file *, n);
	struct lint_findings found = {0};
	struct lint_options options;
	struct rule_options reading;

	if (!set_options(t, &options) || !set_reading(t, &reading))
		return 1;
	for (size_t i = 0; i < n; i++)
		check_file(t, t->args.n ? t->args.v[i] : NULL, &reading, &all[i]);
	ask_all(t, &reading, all, n);
	for (size_t i = 0; i < n; i++) {
		if (all[i].file)
			files[good++] = all[i].file;
	}
	rules_lint(&t->mem, files, good, &options, &found);
	for (size_t i = 0; i < n; i++)
		(t->output == OUTPUT_JSON ? print_checked_json : print_checked)(t, &all[i],
										&found);
	if (good < n)
		return 1;
	return found.list.n && option_on(t, "lint-fatal") ? 3 : 0;
}
