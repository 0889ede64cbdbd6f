#include "base/base.h"
#include "config/lint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RULES(rules) "groups:\n- name: g\n  interval: 30s\n  rules:\n" rules

static const struct {
	const char *in, *want; /* "line check; ..." of all findings but required */
} cases[] = {
	{RULES("  - {alert: A, expr: up == 0, for: 1m}\n"), ""},
	/* comparison */
	{RULES("  - {alert: A, expr: up}\n"), "5 comparison;"},
	{RULES("  - {alert: A, expr: up == bool 0}\n"), "5 comparison;"},
	{RULES("  - {alert: A, expr: sum(up) / 2}\n"), "5 comparison;"},
	{RULES("  - {alert: A, expr: absent(up)}\n"), ""},
	{RULES("  - {alert: A, expr: 'absent_over_time(up[5m])'}\n"), ""},
	{RULES("  - {alert: A, expr: count(up == 0)}\n"), ""},
	{RULES("  - {alert: A, expr: up unless on () b}\n"), ""},
	{RULES("  - {alert: A, expr: up and on () b}\n"), ""},
	{RULES("  - {alert: A, expr: up or b}\n"), "5 comparison;"},
	{RULES("  - {record: 'a:b:c', expr: up}\n"), ""},
	/* for, interval */
	{RULES("  - {alert: A, expr: up == 0, for: 45s}\n"), "5 for;"},
	{RULES("  - {alert: A, expr: up == 0, for: 10s}\n"), "5 for;"},
	{RULES("  - {alert: A, expr: up == 0, keep_firing_for: 10s}\n"), "5 for;"},
	{"groups:\n- name: g\n  rules: [{alert: A, expr: up == 0, for: 1m}]\n", ""},
	{"groups:\n- name: g\n  rules: [{alert: A, expr: up == 0, for: 90s}]\n", "3 for;"},
	{"groups:\n- name: g\n  interval: 10m\n  rules: []\n", "2 interval;"},
	/* labels, names */
	{RULES("  - {alert: A, expr: up == 0, labels: {alertname: x}}\n"), "5 labels;"},
	{RULES("  - {alert: A, expr: up == 0, labels: {alertstate: x}}\n"), "5 labels;"},
	{RULES("  - {record: total, expr: sum(up)}\n"), "5 record-name;"},
	/* order */
	{RULES("  - {alert: A, expr: 'a:b > 1'}\n  - {record: 'a:b', expr: up}\n"),
	 "5 order;"},
	{RULES("  - {record: 'a:b', expr: up}\n  - {alert: A, expr: 'a:b > 1'}\n"), ""},
	{RULES("  - {alert: A, expr: 'rate({__name__=\"a:b\"}[5m]) > 1'}\n"
	       "  - {record: 'a:b', expr: up}\n"),
	 "5 order;"},
	/* templates */
	{RULES("  - {alert: A, expr: sum by (job) (up) > 1, annotations: "
	       "{a: '{{ $labels.job }}', b: '{{ $labels.instance }}'}}\n"),
	 "5 template;"},
	{RULES("  - {alert: A, expr: (sum(up)) > 1, labels: {b: '{{ .Labels.x }}'}}\n"),
	 "5 template;"},
	{RULES("  - {alert: A, expr: sum without (job) (up) > 1, annotations: "
	       "{b: '{{ $labels.instance }}'}}\n"),
	 ""},
	{RULES("  - {alert: A, expr: 'topk(3, up) > 1', annotations: "
	       "{b: '{{ $labels.instance }}'}}\n"),
	 ""},
	{RULES("  - {alert: A, expr: sum by (a) (up) > on () group_left () b, annotations: "
	       "{b: '{{ $labels.instance }}'}}\n"),
	 ""},
	/* duplicates */
	{RULES("  - {alert: A, expr: up == 0}\n  - {alert: A, expr: up == 1}\n"),
	 "6 duplicate-rules;"},
	{RULES("  - {alert: A, expr: up == 0}\n  - {alert: A, expr: up == 0}\n"),
	 "6 duplicate-rules;6 same-rule;"},
	{RULES("  - {alert: A, expr: up == 0, labels: {a: b}}\n  - {alert: A, expr: up == "
	       "0}\n"),
	 ""},
	/* what is no PromQL is left alone */
	{"groups:\n- name: g\n  type: graphite\n  rules: [{alert: A, expr: 'a.b.*'}]\n",
	 ""},
};

static void findings(void **state)
{
	static const struct rule_options reading = {.names = NAMES_UTF8};
	struct lint_options options = {.interval = MINUTE};

	(void)state;
	memset(options.wanted, true, sizeof(options.wanted));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct errs errs = {.mem = &mem};
		struct lint_findings found = {0};
		struct buf got = BUF(10000);
		const struct rule_file *f = rule_file_parse(&mem, "f", str_of(cases[i].in),
							    &reading, &errs, NULL);

		if (!f)
			fail_msg("%s: %s", cases[i].in, err_text(&mem, errs.v[0]));
		rules_lint(&mem, &f, 1, &options, &found);
		for (size_t k = 0; k < found.list.n; k++)
			buf_addf(&got, "%d %s;", found.list.v[k].at.line,
				 lint_name(found.list.v[k].lint));
		if (strcmp(buf_text(&got), cases[i].want))
			fail_msg("%swant: %s\ngot:  %s", cases[i].in, cases[i].want,
				 buf_text(&got));
		buf_free(&got);
		arena_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(findings)};

	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
