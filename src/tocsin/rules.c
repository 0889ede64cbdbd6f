#include "base/base.h"
#include "tocsin/commands.h"

#include <stdio.h>
#include <string.h>

/* tocsin rules: groups, rules, states, last errors, and the files that were refused. */

const struct option_row rules_options[] = {
	{"broken", 0, OPTION_FLAG, NULL, "Only rule files that were refused."},
	{"never-matched", 0, OPTION_FLAG, NULL,
	 "Rules, too, that never had a series since they were loaded."},
	{0},
};

static const char *rule_name(const json_t *rule)
{
	return json_text(rule, "name");
}

static const char *state_of(const json_t *rule)
{
	const char *state = json_text(rule, "state");

	return state[0] ? state : "recording";
}

static const char *seconds_text(struct tool *t, const json_t *of, const char *name)
{
	return arena_printf(&t->mem, "%gs", json_number_value(json_object_get(of, name)));
}

static void add_rule(struct tool *t, struct table *table, const json_t *g, const json_t *r)
{
	const char *last = json_text(r, "lastEvaluation");
	const char *cells[] = {
		json_text(g, "name"),
		rule_name(r),
		state_of(r),
		arena_printf(&t->mem, "%zu", json_array_size(json_object_get(r, "alerts"))),
		json_text(r, "health"),
		str_starts(str_of(last), STR("0001-")) ? "never" : date_text(t, last),
		seconds_text(t, r, "evaluationTime"),
		seconds_text(t, g, "interval"),
		json_text(g, "file"),
		json_text(r, "lastError"),
	};

	table_row(table, cells);
}

static void print_groups(struct tool *t, const json_t *groups)
{
	static const char *const heading[] = {
		"Group",	   "Rule",     "State",	   "Alerts", "Health",
		"Last Evaluation", "Duration", "Interval", "File",   "Last Error"};
	struct table table = {.mem = &t->mem, .columns = COUNT_OF(heading)};

	table_row(&table, heading);
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *g = json_array_get(groups, i), *rules;

		rules = json_object_get(g, "rules");
		for (size_t k = 0; k < json_array_size(rules); k++)
			add_rule(t, &table, g, json_array_get(rules, k));
	}
	table_print(&table);
}

static void print_broken(const json_t *files)
{
	for (size_t i = 0; i < json_array_size(files); i++) {
		const json_t *f = json_array_get(files, i);

		printf("\nrefused: %s (%s)\n%s\n", json_text(f, "file"),
		       json_is_true(json_object_get(f, "lastGoodRuns"))
			       ? "its last good version runs"
			       : "none of its rules run",
		       json_text(f, "error"));
	}
}

static void print_warnings(const json_t *groups)
{
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const json_t *g = json_array_get(groups, i),
			     *rules = json_object_get(g, "rules");

		for (size_t k = 0; k < json_array_size(rules); k++) {
			const json_t *r = json_array_get(rules, k);
			const char *warning = json_text(r, "lastWarning");

			if (warning[0])
				printf("\nthe backend warned: %s: %s: %s\n%s\n",
				       json_text(g, "file"), json_text(g, "name"),
				       rule_name(r), warning);
		}
	}
}

/* A rule that never had a series may be dead, or all may be well. */
static void print_never_matched(const json_t *rules)
{
	size_t n = json_array_size(rules);

	if (n)
		printf("\n%zu %s never had a series; expected of those that wait for "
		       "trouble, a mistake in others:\n",
		       n, n == 1 ? "rule" : "rules");
	for (size_t i = 0; i < n; i++) {
		const json_t *r = json_array_get(rules, i);

		printf("%s:%lld: %s\n", json_text(r, "file"),
		       (long long)json_integer_value(json_object_get(r, "line")),
		       json_text(r, "name"));
	}
}

static void print_unknown(const json_t *rules)
{
	size_t n = json_array_size(rules);

	if (n)
		printf("\n%zu %s for metrics that %s backend had no sample of within a "
		       "day:\n",
		       n, n == 1 ? "rule asks" : "rules ask", n == 1 ? "its" : "their");
	for (size_t i = 0; i < n; i++) {
		const json_t *r = json_array_get(rules, i),
			     *metrics = json_object_get(r, "metrics");

		printf("%s:%lld: %s:", json_text(r, "file"),
		       (long long)json_integer_value(json_object_get(r, "line")),
		       json_text(r, "name"));
		for (size_t k = 0; k < json_array_size(metrics); k++)
			printf(" %s", json_string_value(json_array_get(metrics, k)));
		putchar('\n');
	}
}

static void print_slow(const json_t *groups)
{
	size_t n = json_array_size(groups);

	if (n)
		printf("\n%zu %s interval:\n", n,
		       n == 1 ? "group takes longer than its"
			      : "groups take longer than their");
	for (size_t i = 0; i < n; i++) {
		const json_t *g = json_array_get(groups, i);

		printf("%s: %s: %gs of %gs, %lld iterations missed\n", json_text(g, "file"),
		       json_text(g, "group"),
		       json_number_value(json_object_get(g, "evaluationTime")),
		       json_number_value(json_object_get(g, "interval")),
		       (long long)json_integer_value(
			       json_object_get(g, "missedIterations")));
	}
}

static void add_list(json_t *to, const char *name, const json_t *list)
{
	if (list)
		json_object_set(to, name, (json_t *)(uintptr_t)list);
}

static const json_t *data_of(const json_t *answer, const char *name)
{
	return json_object_get(json_object_get(answer, "data"), name);
}

int rules_show(struct tool *t)
{
	json_t *rules = request_json(t, "GET", "/api/v1/rules", "getRules", STR("")),
	       *broken;

	if (!rules)
		return 1;
	broken = request_json(t, "GET", "/api/v1/rules/broken", "getBrokenRules", STR(""));
	if (t->output == OUTPUT_JSON) {
		json_t *all = json_object();

		json_object_set(all, "groups",
				json_object_get(json_object_get(rules, "data"), "groups"));
		add_list(all, "refused", data_of(broken, "files"));
		add_list(all, "neverMatched", data_of(broken, "neverMatched"));
		add_list(all, "unknownMetrics", data_of(broken, "unknownMetrics"));
		add_list(all, "slowGroups", data_of(broken, "slowGroups"));
		print_json(all);
		json_decref(all);
	} else {
		if (!option_on(t, "broken"))
			print_groups(t, data_of(rules, "groups"));
		if (!option_on(t, "broken"))
			print_warnings(data_of(rules, "groups"));
		if (broken)
			print_broken(data_of(broken, "files"));
		if (broken && !option_on(t, "broken")) {
			print_unknown(data_of(broken, "unknownMetrics"));
			print_slow(data_of(broken, "slowGroups"));
		}
		if (broken && option_on(t, "never-matched"))
			print_never_matched(data_of(broken, "neverMatched"));
	}
	json_decref(rules);
	json_decref(broken);
	return broken ? 0 : 1;
}
