#include "base/base.h"
#include "config/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *mistakes(struct arena *mem, const struct errs *errs)
{
	struct buf out = BUF(1 << 20);
	const char *text;

	for (size_t i = 0; i < errs->n; i++) {
		buf_add_text(&out, i ? "\n" : "");
		buf_add_text(&out, err_text(mem, errs->v[i]));
	}
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

#define G	    "groups:\n- name: g\n  rules:\n"
#define IN(n, name) "group \"g\", rule " #n ", \"" name "\": "

static const struct {
	const char *in;
	const char *want; /* NULL: must load; else every mistake, in file order */
	enum name_scheme names;
} cases[] = {
	{"", NULL, 0},
	{"{}", NULL, 0},
	{"groups:", NULL, 0},
	{"groups: []", NULL, 0},
	{"groups: [~]", NULL, 0},
	{"groups: [{name: g}]", NULL, 0},
	{"groups: [{name: g, rules: ~}]", NULL, 0},
	{"groups: [{name: g, rules: [~]}]", NULL, 0},
	{"foo: 1", "r:1:1: field foo not found in type rule file", 0},
	{"groups: [{name: g, intervall: 1m, rules: [{alert: a, exp: x}]}]",
	 "r:1:20: field intervall not found in type rule group (did you mean interval?)\n"
	 "r:1:43: " IN(1,
		       "a") "field 'expr' must be set in rule\n"
			    "r:1:54: field exp not found in type rule (did you mean expr?)",
	 0},
	{G "  - alert: a\n    expr: up == 0\n    for: 5m\n    for: 6m\n",
	 "r:7:5: key \"for\" already set in line 6", 0},
	{"groups: {}", "r:1:9: expected a list, found a mapping", 0},
	{"groups: [x]", "r:1:10: expected rule group, found 'x'", 0},
	{"groups: [{name: ''}]", "r:1:17: Groupname must not be empty", 0},
	{"groups: [{}]", "r:1:10: Groupname must not be empty", 0},
	{"groups: [{name: g}, {name: g}]",
	 "r:1:28: groupname: \"g\" is repeated in the same file", 0},
	{"groups: [{name: g, labels: {a-b: x, __name__: y}}]",
	 "r:1:37: invalid label name: __name__", 0},
	{"groups: [{name: g, labels: {a-b: x}}]", "r:1:29: invalid label name: a-b",
	 NAMES_CLASSIC},
	{G "  - {alert: a, record: b, expr: c}\n",
	 "r:4:16: " IN(1, "a") "only one of 'record' and 'alert' must be set", 0},
	{G "  - {expr: c}\n", "r:4:5: " IN(1, "") "one of 'record' or 'alert' must be set",
	 0},
	{G "  - {alert: a, expr: ' '}\n",
	 "r:4:22: " IN(1, "a") "field 'expr' must be set in rule", 0},
	{G "  - {record: a, expr: c, for: 0s, keep_firing_for: 0, annotations: {}}\n", NULL,
	 0},
	{G "  - {record: a, expr: c, for: 1s, keep_firing_for: 1m, annotations: {x: y}}\n",
	 "r:4:26: " IN(
		 1, "a") "invalid field 'for' in recording rule\n"
			 "r:4:35: " IN(
				 1,
				 "a") "invalid field 'keep_firing_for' in recording rule\n"
				      "r:4:56: " IN(1, "a") "invalid field 'annotations' "
							    "in recording rule",
	 0},
	{G "  - {record: 'a{b}', expr: c}\n",
	 "r:4:14: " IN(1, "a{b}") "braces present in the recording rule name; should it be "
				  "in expr?: a{b}",
	 0},
	{G "  - {record: http.x, expr: c}\n", NULL, 0},
	{G "  - {record: http.x, expr: c}\n",
	 "r:4:14: " IN(1, "http.x") "invalid recording rule name: http.x", NAMES_CLASSIC},
	{G
	 "  - {alert: a, expr: c, labels: {__name__: x, '': y}, annotations: {__name__: x, "
	 "'': y}}\n",
	 "r:4:34: " IN(1, "a") "invalid label name: __name__\n"
			       "r:4:47: " IN(
				       1, "a") "invalid label name: \n"
					       "r:4:82: " IN(
						       1, "a") "invalid annotation name: ",
	 0},
	{G "  - {alert: a, expr: c, for: 30}\n",
	 "r:4:30: not a valid duration string: \"30\" (a unit is missing: y, w, d, h, m, s "
	 "or "
	 "ms)",
	 0},
	{G "  - {alert: a, expr: [c]}\n",
	 "r:4:22: expected a text, found a list\n"
	 "r:4:22: " IN(1, "a") "field 'expr' must be set in rule",
	 0},
	{G "  - {alert: a, expr: 1.50, labels: {x: yes, y: 0x10, z: 2020-01-01}}\n", NULL,
	 0},
	{"groups: [{name: g, limit: 5.5}]", NULL, 0},
	{"groups: [{name: g, limit: '5'}]",
	 "r:1:27: expected an integer, found the text '5'", 0},
	{"groups: [{name: g, limit: -1, query_offset: 0s, interval: 0}]", NULL, 0},
	{"groups: [{name: g, query_offset: 1m, eval_delay: 30s}]",
	 "r:1:38: eval_delay is another name of what the group \"g\" already sets", 0},
	{"groups: [{name: g, type: sql}]", "r:1:26: unknown group type \"sql\"", 0},
	{"groups: [{name: g, type: vlogs, concurrency: 2, params: {a: [b, c]}, headers: "
	 "['X: "
	 "y'], notifier_headers: [], debug: true, tenant: '1:2', eval_alignment: false}]",
	 NULL, 0},
	{"groups: [{name: g, headers: [x]}]",
	 "r:1:30: expected \"Name: value\", found \"x\"", 0},
	{"groups: [{name: g, concurrency: -1}]",
	 "r:1:33: concurrency must be from 0 to 1000", 0},
	{"groups: [{name: g, eval_offset: 2m, interval: 1m}]",
	 "r:1:33: eval_offset should be smaller than interval", 0},
	{"groups: [{name: g, eval_offset: -10s, interval: 1m}]", NULL, 0},
	{"namespace: x\ngroups: []", NULL, 0},
	{"apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: x}\n"
	 "spec: {groups: [{name: g, rules: [{alert: a, expr: b}]}]}",
	 NULL, 0},
	{"kind: PrometheusRule\nspec: {groups: []}\nstatus: {bindings: [{name: x}]}", NULL,
	 0},
	{"kind: PrometheusRule\nspec: {groups: [{name: g}]}\n---\nkind: ConfigMap\ndata: "
	 "{a: "
	 "b}\n---\n---\nkind: VMRule\nspec: {groups: [{name: g}]}",
	 "r:9:24: groupname: \"g\" is repeated in the same file", 0},
	{"kind: PrometheusRule\nspec: {groups: []}\n---\n{",
	 "r:5:1: yaml: did not find "
	 "expected node content, while parsing a flow node",
	 0},
	{"kind: List\napiVersion: v1\nmetadata: {resourceVersion: ''}\nitems:\n"
	 "- {kind: PrometheusRule, spec: {groups: [{name: g, rules: [{alert: a}]}]}}\n"
	 "- {kind: Secret, data: {}}\n"
	 "- {kind: PrometheusRule, spec: {groups: [{name: g}]}, status: {}}",
	 "r:5:60: " IN(1, "a") "field 'expr' must be set in rule\n"
			       "r:7:49: groupname: \"g\" is repeated in the same file",
	 0},
	{"kind: List\nitems: 5", "r:2:8: expected a list of resources, found '5'", 0},
	{"groups: [{name: g, partial_response_strategy: ''}]", NULL, 0},
	{"groups: [{name: g, rules: [{alert: a, expr: '(', labels: {b: '{{'}}]}]",
	 "r:1:47: " IN(1,
		       "a") "could not parse expression: 1:2: parse error: unclosed left "
			    "parenthesis\nr:1:65: alert \"a\", label \"b\": template: "
			    "__alert_a:1: unclosed action",
	 0},
	{"kind: Pod\nspec: {groups: []}",
	 "r:1:7: a Pod holds no rules: expected PrometheusRule or VMRule", 0},
};

static void test_cases(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct errs errs = {.mem = &mem};
		const struct rule_options options = {.names = cases[i].names};
		const struct rule_file *f = rule_file_parse(&mem, "r", str_of(cases[i].in),
							    &options, &errs, NULL);
		const char *want = cases[i].want ? cases[i].want : "";
		const char *got = mistakes(&mem, &errs);

		if (strcmp(want, got) || !f != !!*want) {
			print_error("%s\nwant: %s\ngot:  %s\n", cases[i].in, want, got);
			wrong++;
		}
		arena_free(&mem);
	}
	assert_int_equal(wrong, 0);
}

#define PARSE "could not parse expression: "
static const struct {
	const char *in, *want; /* NULL: must load */
} expressions[] = {
	{G "  - {alert: a, expr: up ==}\n",
	 "r:4:27: " IN(1, "a") PARSE "1:6: parse error: unexpected end of input"},
	{G "  - {alert: a, expr: 'up{a=''x''} ='}\n",
	 "r:4:35: " IN(1, "a") PARSE "1:11: parse error: unexpected \"=\""},
	{G "  - {alert: a, expr: \"up{a=\\\"\\\\.\\\"}\"}\n", "r:4:28: " IN(1, "a") PARSE
	 "1:6: parse error: unknown escape sequence U+002E '.'"},
	{G "  - {alert: a, expr: \"up +\\n\\tup =\"}\n",
	 "r:4:34: " IN(1, "a") PARSE "2:5: parse error: unexpected \"=\""},
	{G "  - alert: a\n    expr: |-\n      up{\n        é=\"x\"}\n",
	 "r:7:9: " IN(1, "a") PARSE
	 "2:3: parse error: unexpected character inside braces: 'é'"},
	{G "  - alert: a\n    expr: |\n      # \xc3\xa9\n      sum(up) ö\n",
	 "r:7:15: " IN(1, "a") PARSE "2:9: parse error: unexpected character: 'ö'"},
	{G "  - alert: a\n    expr: >\n      sum(up)\n      by (a,\n\n      5)\n",
	 "r:9:7: " IN(1, "a") PARSE "2:1: parse error: unexpected number \"5\" in grouping "
				    "opts, expected label"},
	{G "  - alert: a\n    expr: rate(up)\n      > bool 1\n    for: x\n",
	 "r:5:16: " IN(1, "a") PARSE
	 "1:6: parse error: expected type range vector in call to "
	 "function \"rate\", got instant vector\n"
	 "r:7:10: not a valid duration string: \"x\""},
	{G "  - {alert: a, expr: &x 1 > 2}\n  - {alert: b, expr: *x}\n",
	 "r:4:22: " IN(1, "a") PARSE
	 "1:3: parse error: comparisons between scalars must use "
	 "BOOL modifier\n"
	 "r:4:22: " IN(2, "b") PARSE "1:3: parse error: "
				     "comparisons between scalars "
				     "must use BOOL modifier"},
	{G "  - {alert: a, expr: \"\\x75p =\"}\n",
	 "r:4:22: " IN(1, "a") PARSE "1:4: parse error: unexpected \"=\""},
	{G "  - {record: a, expr: '# nothing'}\n",
	 "r:4:24: " IN(1, "a") PARSE "1:1: parse error: no expression found in input"},
	{G "  - {record: a, expr: '\"x\"'}\n  - {alert: b, expr: 'up[5m]'}\n", NULL},
	{"groups: [{name: g, type: graphite, rules: [{alert: a, expr: 'a.b.*'}]}]", NULL},
	{"groups: [{name: g, type: vlogs, rules: [{alert: a, expr: '* | stats count()'}]}]",
	 NULL},
	{"groups: [{name: g, datasource: logs, rules: [{alert: a, expr: '{a=\"b\"} |= "
	 "\"c\"'}]}]",
	 NULL},
	{"groups: [{name: g, datasource: unknown, rules: [{alert: a, expr: '{a=\"b\"} |= "
	 "\"c\"'}]}]",
	 NULL},
	{"groups: [{name: g, datasource: vm, rules: [{alert: a, expr: 'a default 0'}]}]",
	 NULL},
	{"kind: VMRule\nspec: {groups: [{name: g, rules: [{alert: a, expr: 'a default "
	 "0'}]}]}",
	 NULL},
	{"groups: [{name: g, datasource: vm, rules: [{alert: a, expr: 'sum(a'}]}]",
	 "r:1:65: " IN(1, "a") PARSE "1:4: parse error: no ')' closes this"},
	{"groups: [{name: g, datasource: logs, type: prometheus, rules: [{alert: a, expr: "
	 "'='}]}]",
	 "r:1:82: " IN(1, "a") PARSE "1:1: parse error: unexpected \"=\""},
};

static const struct datasource datasources[] = {
	{.name = "first"},
	{.name = "logs", .type = DATASOURCE_LOKI},
	{.name = "vm", .is_victoria = true},
};

static void test_expressions(void **state)
{
	struct rule_options options = {.datasources = datasources,
				       .n_datasources = COUNT_OF(datasources)};
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(expressions); i++) {
		const char *want = expressions[i].want ? expressions[i].want : "", *got;
		struct str in = str_of(expressions[i].in);
		struct arena mem = {0};
		struct errs errs = {.mem = &mem}, none = {.mem = &mem};

		(void)!rule_file_parse(&mem, "r", in, &options, &errs, NULL);
		got = mistakes(&mem, &errs);
		if (strcmp(want, got)) {
			print_error("%s\nwant: %s\ngot:  %s\n", in.p, want, got);
			wrong++;
		}
		(void)!rule_file_parse(&mem, "r", in,
				       &(struct rule_options){.any_expression = true},
				       &none, NULL);
		if (strstr(mistakes(&mem, &none), "could not parse"))
			wrong++;
		arena_free(&mem);
	}
	assert_int_equal(wrong, 0);
}

/* spec/rules.md 4.3, 4.4: what vmalert loads. */
static void test_vmalert(void **state)
{
#define ONE(rule)   "groups: [{name: g, rules: [" rule "]}]"
#define GROUP(keys) "groups: [{name: g, " keys "}]"
	static const struct {
		const char *in, *want; /* NULL: must load */
		const char *warning;   /* NULL: none */
		span_ms span;	       /* of the rule's "for", or else of the group */
	} rows[] = {
		{ONE("{alert: a, expr: 'rate(x) > 1'}"), NULL, NULL, 0},
		{ONE("{alert: a, expr: 'WITH (x = up) rate(x[5i]) keep_metric_names'}"),
		 NULL, NULL, 0},
		{ONE("{alert: a, expr: 'rate(x'}"),
		 "r:1:50: " IN(1, "a") PARSE "1:5: parse error: no ')' closes this", NULL,
		 0},
		{ONE("{alert: a, expr: x, for: 1.5h}"), NULL, NULL, 90 * MINUTE},
		{ONE("{alert: a, expr: x, for: 90}"), NULL, NULL, 90 * SECOND},
		{ONE("{alert: a, expr: x, for: 1h-30m}"), NULL, NULL, 30 * MINUTE},
		{ONE("{alert: a, expr: x, for: -5m}"), NULL, NULL, 0},
		{ONE("{alert: a, expr: x, for: 5x}"),
		 "r:1:53: unknown unit \"x\" in duration \"5x\"", NULL, 0},
		{GROUP("interval: 0.5m"), NULL, NULL, 30 * SECOND},
		{GROUP("interval: -1m"), "r:1:30: interval shouldn't be lower than 0", NULL,
		 0},
		{GROUP("interval: 1h, eval_offset: 0.5h"), NULL, NULL, HOUR},
		{GROUP("rules: [{alert: a, expr: x}, {alert: a, expr: x, for: 5m}]"),
		 "r:1:49: group \"g\", rule 2, \"a\": a duplicate in the group: "
		 "expression, "
		 "name and labels are those of another rule",
		 NULL, 0},
		{GROUP("rules: [{alert: a, expr: x}, {record: a, expr: x}, "
		       "{alert: a, expr: x, labels: {b: c}}]"),
		 NULL, NULL, 0},
		{ONE("{record: a, expr: x, for: 1m, annotations: {b: c}}"), NULL,
		 "r:1:58: group \"g\", rule 1, \"a\": 'annotations' has no effect in a "
		 "recording rule",
		 0},
	};
	struct rule_options options = {.as_vmalert = true};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena mem = {0};
		struct errs errs = {.mem = &mem}, warnings = {.mem = &mem};
		const struct rule_file *f = rule_file_parse(&mem, "r", str_of(rows[i].in),
							    &options, &errs, &warnings);
		const char *want = rows[i].want ? rows[i].want : "";
		const struct rule_group *g = f ? &f->groups[0] : NULL;
		span_ms span = !g ? 0 : g->n_rules ? g->rules[0].hold : g->interval;

		if (strcmp(want, mistakes(&mem, &errs)) || span != rows[i].span)
			fail_msg("%s\nwant: %s\ngot:  %s, %lld", rows[i].in, want,
				 mistakes(&mem, &errs), (long long)span);
		if (rows[i].warning && !strstr(mistakes(&mem, &warnings), rows[i].warning))
			fail_msg("%s: %s", rows[i].in, mistakes(&mem, &warnings));
		arena_free(&mem);
	}
}

/* Whose functions and variables templates have: vmalert's in its own resources, too. */
static void test_template_languages(void **state)
{
#define VM(rule)    "{kind: VMRule, spec: {groups: [{name: g, rules: [" rule "]}]}}"
#define LABEL(text) "{alert: a, expr: x, labels: {l: '" text "'}}"
#define OF_RECORD   "{record: a, expr: x, labels: {l: '{{ x }}'}}"
	static const struct {
		const char *in;
		bool as_vmalert, is_vmalert;
		const char *want;
	} rows[] = {
		{VM(LABEL("{{ $isPartial }}")), false, true, ""},
		{VM(LABEL("{{ now }}")), false, true, ""},
		{ONE(LABEL("{{ $isPartial }}")), true, true, ""},
		{ONE(LABEL("{{ $isPartial }}")), false, false,
		 "r:1:64: alert \"a\", label \"l\": template: __alert_a:1: undefined "
		 "variable "
		 "\"$isPartial\""},
		{ONE(OF_RECORD), false, false, ""},
		{ONE(OF_RECORD), true, true,
		 "r:1:65: record \"a\", label \"l\": template: :1: function \"x\" not "
		 "defined"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rule_options options = {.as_vmalert = rows[i].as_vmalert};
		struct arena mem = {0};
		struct errs errs = {.mem = &mem};
		const struct rule_file *f = rule_file_parse(&mem, "r", str_of(rows[i].in),
							    &options, &errs, NULL);

		if (strcmp(rows[i].want, mistakes(&mem, &errs)) != 0)
			fail_msg("%s\nwant: %s\ngot:  %s", rows[i].in, rows[i].want,
				 mistakes(&mem, &errs));
		if (f && f->groups[0].as_vmalert != rows[i].is_vmalert)
			fail_msg("%s", rows[i].in);
		arena_free(&mem);
	}
}

static const char file[] = "groups:\n"
			   "- name: g\n"
			   "  interval: 30s\n"
			   "  query_offset: 0s\n"
			   "  labels: {team: infra, sev: low}\n"
			   "  source_tenants: [a, b]\n"
			   "  params: {dedup: [true]}\n"
			   "  eval_offset: -10s\n"
			   "  rules:\n"
			   "  - alert: Down\n"
			   "    expr: |\n"
			   "      up == 0\n"
			   "    for: 5m\n"
			   "    labels: {sev: high}\n"
			   "    annotations: {b: '{{ $value }}', a: ''}\n"
			   "  - record: x:y\n"
			   "    expr: sum(x)\n"
			   "---\n"
			   "groups: oops\n";

static const struct rule_file *parse(struct arena *mem, const char *text)
{
	struct errs errs = {.mem = mem}, warnings = {.mem = mem};
	const struct rule_options options = {.names = NAMES_UTF8};
	const struct rule_file *f = rule_file_parse(mem, "r", str_of(text), &options, &errs,
						    &warnings);

	if (!f)
		fail_msg("%s", mistakes(mem, &errs));
	return f;
}

static void test_values(void **state)
{
	struct arena mem = {0};
	const struct rule_group *g = &parse(&mem, file)->groups[0];
	const struct rule *r = &g->rules[0];

	(void)state;
	assert_int_equal(g->interval, 30 * SECOND);
	assert_true(g->has_query_offset);
	assert_int_equal(g->eval_offset, 20 * SECOND);
	assert_string_equal(g->params[0].text, "true");
	assert_string_equal(g->headers[0].name, "X-Scope-OrgID");
	assert_string_equal(g->headers[0].text, "a|b");
	assert_string_equal(r->expr, "up == 0\n");
	assert_string_equal(pos_text(&mem, r->expr_at), "r:11:11");
	assert_string_equal(pos_text(&mem, r->at), "r:10:5");
	assert_int_equal(r->n_labels, 2);
	assert_string_equal(r->labels[0].text, "high");
	assert_string_equal(r->labels[1].text, "infra");
	assert_string_equal(r->annotations[0].name, "a");
	assert_string_equal(r->annotations[0].text, "");
	assert_null(g->rules[1].alert);
	assert_string_equal(g->rules[1].record, "x:y");
	arena_free(&mem);
}

/* Computed by vmalert. */
static void test_ids(void **state)
{
	struct arena mem = {0};
	const struct rule_file *f = parse(
		&mem, "groups:\n"
		      "- name: g\n"
		      "  labels: {team: a}\n"
		      "  rules:\n"
		      "  - {alert: A1, expr: foo, labels: {sev: 'v{{ $labels.job }}'}}\n"
		      "  - {alert: P, expr: vector(5) > 1, update_entries_limit: 3}\n");
	const struct rule *rules = f->groups[0].rules;

	(void)state;
	assert_true(rules[0].id == UINT64_C(5943013831196303368));
	assert_true(rules[1].id == UINT64_C(5007277954339218709));
	assert_int_equal(rules[0].update_entries_limit, RULE_UPDATES_DEFAULT);
	assert_int_equal(rules[1].update_entries_limit, 3);
	arena_free(&mem);
}

static const struct {
	const char *a, *b;
	bool same_rule, same_group;
} edits[] = {
	{"{alert: a, expr: x}", "{alert: a,   expr: x} # y", true, true},
	{"{alert: a, expr: x}", "{alert: a, expr: y}", true, false},
	{"{alert: a, expr: x}", "{alert: a, expr: x, for: 1m}", true, false},
	{"{alert: a, expr: x}", "{alert: b, expr: x}", false, false},
	{"{alert: a, expr: x}", "{record: a, expr: x}", false, false},
	{"{alert: a, expr: x}", "{alert: a, expr: x, labels: {b: c}}", false, false},
	{"{alert: a, expr: x}", "{alert: a, expr: x, annotations: {b: c}}", true, false},
};

static void test_edits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(edits); i++) {
		struct arena mem = {0};
		const struct rule_group *a =
			parse(&mem, arena_printf(&mem, G "  - %s\n", edits[i].a))->groups;
		const struct rule_group *b =
			parse(&mem, arena_printf(&mem, G "  - %s\n", edits[i].b))->groups;

		if (rule_eq(a->rules, b->rules) != edits[i].same_rule ||
		    rule_group_eq(a, b) != edits[i].same_group)
			fail_msg("%s and %s", edits[i].a, edits[i].b);
		arena_free(&mem);
	}
}

static void test_warnings(void **state)
{
	struct arena mem = {0};
	struct errs errs = {.mem = &mem}, warnings = {.mem = &mem};
	const struct rule_options options = {.names = NAMES_UTF8};

	(void)state;
	(void)!rule_file_parse(&mem, "r", str_of(file), &options, &errs, &warnings);
	assert_string_equal(mistakes(&mem, &warnings),
			    "r: only the first document of the file is read");
	warnings.n = 0;
	(void)!rule_file_parse(&mem, "r",
			       STR("kind: PrometheusRule\nspec: {}\n---\nkind: Pod\n"),
			       &options, &errs, &warnings);
	assert_string_equal(mistakes(&mem, &warnings),
			    "r:4:7: a Pod holds no rules, it is passed over");
	assert_int_equal(errs.n, 0);
	arena_free(&mem);
}

static void test_sources(void **state)
{
	static const struct {
		const char *group, *want;
	} rows[] = {
		{"datasource: logs", ""},
		{"datasource: nowhere", "r:1:32: no datasource \"nowhere\" is configured"},
		{"type: graphite",
		 "r:1:26: no datasource of the type \"graphite\" is configured"},
		{"datasource: first, type: graphite",
		 "r:1:45: the datasource \"first\" is not of the type \"graphite\""},
		{"datasource: vm, tenant: '1:2'", ""},
		{"params: {time: ['1'], nocache: ['1'], query: [a]}",
		 "r:1:29: the parameter time has no effect: each query sets it\n"
		 "r:1:58: the parameter query has no effect: each query sets it"},
		{"datasource: vm, tenant: multitenant", ""},
		{"source_tenants: [a, b c]", ""},
		{"tenant: a",
		 "r:1:28: the datasource \"first\" knows no tenants, this one has "
		 "no effect"},
	};
	struct rule_options options = {.datasources = datasources,
				       .n_datasources = COUNT_OF(datasources)};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena mem = {0};
		struct errs errs = {.mem = &mem}, warnings = {.mem = &mem};
		const char *text = arena_printf(&mem, "groups: [{name: g, %s}]",
						rows[i].group);

		assert_non_null(rule_file_parse(&mem, "r", str_of(text), &options, &errs,
						&warnings));
		assert_string_equal(mistakes(&mem, &warnings), rows[i].want);
		arena_free(&mem);
	}
}

static void test_tenants(void **state)
{
	static const struct {
		const char *group, *want;
	} rows[] = {
		{"datasource: vm, tenant: ../../x",
		 "r:1:44: expected a tenant such as 42 or 42:7, found \"../../x\""},
		{"datasource: vm, tenant: '1:2:3'",
		 "r:1:44: expected a tenant such as 42 or 42:7, found \"1:2:3\""},
		{"datasource: vm, tenant: '4294967296'",
		 "r:1:44: expected a tenant such as 42 or 42:7, found \"4294967296\""},
		{"datasource: vm, tenant: '1:'",
		 "r:1:44: expected a tenant such as 42 or 42:7, found \"1:\""},
		{"tenant: \"a\\r\\nb\"", "r:1:28: a tenant cannot hold control characters"},
		{"source_tenants: [a, 'b|c']",
		 "r:1:40: expected a tenant without | and control characters, found "
		 "\"b|c\""},
	};
	struct rule_options options = {.datasources = datasources,
				       .n_datasources = COUNT_OF(datasources)};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena mem = {0};
		struct errs errs = {.mem = &mem};
		const char *text = arena_printf(&mem, "groups: [{name: g, %s}]",
						rows[i].group);

		assert_null(
			rule_file_parse(&mem, "r", str_of(text), &options, &errs, NULL));
		assert_string_equal(mistakes(&mem, &errs), rows[i].want);
		arena_free(&mem);
	}
}

static const char *variable(void *ctx, const char *name)
{
	(void)ctx;
	return !strcmp(name, "TEAM") ? "infra" : NULL;
}

static void test_variables(void **state)
{
	static const char text[] = "groups: [{name: '%{TEAM} %{NONE}', rules: [{alert: a, "
				   "expr: '%{TEAM}'}]}] # %{";
	struct rule_options options = {.env = variable};
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct rule_file *f;

	(void)state;
	options.as_vmalert = true;
	f = rule_file_parse(&mem, "r", str_of(text), &options, &errs, NULL);
	assert_string_equal(f->groups[0].name, "infra %{NONE}");
	assert_string_equal(f->groups[0].rules[0].expr, "infra");
	options.as_vmalert = false;
	options.any_expression = true;
	f = rule_file_parse(&mem, "r", str_of(text), &options, &errs, NULL);
	assert_string_equal(f->groups[0].rules[0].expr, "%{TEAM}");
	arena_free(&mem);
}

static void test_documents(void **state)
{
	static const char text[] = "groups: [{name: a}]\n---\ngroups: [{name: b}]\n";
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct rule_file *f;

	(void)state;
	f = rule_file_parse(&mem, "r", str_of(text), &(struct rule_options){0}, &errs,
			    NULL);
	assert_int_equal(f->n_groups, 1);
	f = rule_file_parse(&mem, "r", str_of(text),
			    &(struct rule_options){.as_vmalert = true}, &errs, NULL);
	assert_int_equal(f->n_groups, 2);
	assert_string_equal(f->groups[1].name, "b");
	assert_int_equal(f->groups[1].at.line, 3);
	arena_free(&mem);
}

/* Bytes kept of a Kubernetes manifest of so many documents. */
static size_t size_of_documents(int n)
{
	struct buf text = BUF(RULES_MAX_BYTES);
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	const struct rule_file *f;
	size_t size;

	for (int i = 0; i < n; i++)
		buf_addf(&text,
			 "---\nkind: VMRule\nspec: {groups: [{name: g%d, rules: "
			 "[{alert: A, expr: up}]}]}\n",
			 i);
	f = rule_file_parse(&mem, "r", buf_str(&text), &(struct rule_options){0}, &errs,
			    NULL);
	assert_non_null(f);
	assert_int_equal(f->n_groups, n);
	size = arena_size(&mem);
	arena_free(&mem);
	buf_free(&text);
	return size;
}

static void test_many_documents(void **state)
{
	(void)state;
	assert_in_range(size_of_documents(1600), 1, 12 * size_of_documents(200));
}

static const char *mistakes_with(struct arena *mem, int of_group, int of_rule, int n_rules)
{
	struct buf text = BUF(RULES_MAX_BYTES);
	struct errs errs = {.mem = mem};

	buf_add_text(&text, "groups:\n- name: g\n  labels:\n");
	for (int i = 0; i < of_group; i++)
		buf_addf(&text, "    g%d: x\n", i);
	buf_add_text(&text, "  rules:\n");
	for (int k = 0; k < n_rules; k++) {
		buf_addf(&text, "  - alert: A\n    expr: up\n    labels:\n");
		for (int i = 0; i < of_rule; i++)
			buf_addf(&text, "      r%d: x\n", i);
	}
	(void)!rule_file_parse(mem, "r", buf_str(&text), &(struct rule_options){0}, &errs,
			       NULL);
	buf_free(&text);
	return mistakes(mem, &errs);
}

static void test_label_limits(void **state)
{
	struct arena mem = {0};

	(void)state;
	assert_string_equal(mistakes_with(&mem, 256, 256, 1), "");
	assert_string_equal(mistakes_with(&mem, 257, 1, 1),
			    "r:260:5: group \"g\": more than 256 labels");
	assert_string_equal(mistakes_with(&mem, 1, 257, 1),
			    "r:265:7: " IN(1, "A") "more than 256 labels");
	assert_string_equal(mistakes_with(&mem, 250, 1, 16001),
			    "r:64255:5: " IN(16001, "A") "more than 4000000 labels that "
							 "rules of the file have of their "
							 "groups");
	arena_free(&mem);
}

static void test_labels_are_merged(void **state)
{
	static const char text[] =
		"groups:\n- name: g\n  labels: {m: 1, c: 2, a: 3}\n  rules:\n"
		"  - {alert: A, expr: up, labels: {z: 4, c: 5, b: 6}}\n"
		"  - {alert: B, expr: up}\n  - {alert: C, expr: up}\n";
	struct arena mem = {0};
	struct errs errs = {.mem = &mem};
	struct buf got = BUF(200);
	const struct rule_group *g;

	(void)state;
	g = rule_file_parse(&mem, "r", str_of(text), &(struct rule_options){0}, &errs, NULL)
		    ->groups;
	for (size_t i = 0; i < g->rules[0].n_labels; i++)
		buf_addf(&got, "%s=%s %d:%d ", g->rules[0].labels[i].name,
			 g->rules[0].labels[i].text, g->rules[0].labels[i].at.line,
			 g->rules[0].labels[i].at.col);
	assert_string_equal(buf_text(&got),
			    "a=3 3:27 b=6 5:50 c=5 5:44 m=1 3:15 z=4 5:38 ");
	assert_int_equal(g->rules[1].n_labels, 3);
	assert_ptr_equal(g->rules[1].labels, g->rules[2].labels);
	buf_free(&got);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_template_languages),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_edits),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_many_documents),
		cmocka_unit_test(test_label_limits),
		cmocka_unit_test(test_labels_are_merged),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_tenants),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_vmalert),
	};

	return cmocka_run_group_tests_name("rules file", tests, NULL, NULL);
}
