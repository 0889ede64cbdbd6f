#include "unit/template_case.h"

static void check(enum template_funcs funcs, const char *in, const char *want)
{
	struct rendered r = rendered_new();

	r.run.now = (struct instant){1714979289, 250000000, 0};
	r.run.external_url = "http://p:9090/prom?x";
	render_case(&r, funcs, TEMPLATE_TEXT, in, value_text("dot"));
	if (r.how != RENDERED)
		check_text(in, want, r.err.text);
	else
		check_text(in, want, buf_text(&r.out));
	rendered_free(&r);
}

static void of_notifications(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{title \"it's o'clock foo-bar a_b i.e. 3rd HELLO\"}}",
		 "It's O'clock Foo-Bar A_b I.e. 3Rd Hello"},
		{"{{toUpper \"stra\xC3\x9F"
		 "e\"}}",
		 "STRA\xC3\x9F"
		 "E"},
		{"{{trimSpace \" \\u00a0 a b \\n\"}}", "a b"},
		{"{{join \",\" (stringSlice \"a\" \"b\")}}", "a,b"},
		{"{{match \"a+\" \"xaax\"}} {{match \"^a\" \"ba\"}}", "true false"},
		{"{{reReplaceAll \"(.*):(?P<p>.*)\" \"$p-${1}x$1x$$\" \"h:90\"}}",
		 "90-hx$"},
		{"{{reReplaceAll \"x*\" \"-\" \"abc\"}}", "-a-b-c-"},
		{"{{match \"b$\" \"\\xffab\"}} {{match \"^.$\" \"\\xff\"}}", "true true"},
		{"{{reReplaceAll \"b|(\\\\pL)\" \"<$1>\" \"\\xff\\u00e9b\\xe2\\x82\"}}",
		 "\xFF<\xC3\xA9><>\xE2\x82"},
		{"{{reReplaceAll \"[^b]\" \"x\" \"\\xffb\\xe2\\x82\"}}", "xbxx"},
		{"{{urlUnescape \"a+b%20c\"}}", "a b c"},
		{"{{date \"15:04\" now}} {{since (toDate \"2006-01-02\" \"2024-05-06\")}}",
		 "07:08 7h8m9.25s"},
		{"{{(toDate \"2006\" \"x\").IsZero}}", "true"},
		{"{{humanizeDuration 90061.9}} {{humanizeDuration \"0.0012345\"}}",
		 "1d 1h 1m 1s 1.234ms"},
		{"{{toJson (dict \"b\" 1 \"a\" (list \"<\" nil 1.5))}}",
		 "{\"a\":[\"\\u003c\",null,1.5],\"b\":1}"},
		{"{{toJson ((toDate \"2006\" \"9999\").AddDate 1 0 0)}}",
		 "template: :1:2: executing \"\" at <toJson ((toDate \"2006\" "
		 "\"9999\").AddDate 1 0 0)>: error calling toJson: json: error calling "
		 "MarshalJSON for type time.Time: Time.MarshalJSON: year outside of range "
		 "[0,9999]"},
		{"{{base64encode \"ab?>~\"}} {{base64decode \"YWI_Pn4=\"}}",
		 "YWI_Pn4= ab?>~"},
		{"{{index (append (list 1) 2 3) 2}}", "3"},
		{"{{(dict \"a\" 1).b}}", "<no value>"},
		{"{{routeLabels \"nope\"}}", ""},
		{"{{tz \"Nowhere\" now}}", "template: :1:2: executing \"\" at <tz "
					   "\"Nowhere\" now>: error calling tz: unknown "
					   "time zone Nowhere"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(FUNCS_NOTIFY, cases[i].in, cases[i].want);
}

static void of_rules(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{humanize 1234567}} {{humanize 0.12}} {{humanize1024 1048576}}",
		 "1.235M 120m 1Mi"},
		{"{{humanizePercentage 0.3333333}}", "33.33%"},
		{"{{humanizeTimestamp 1435065584.128}}",
		 "2015-06-23 13:19:44.128 +0000 UTC"},
		{"{{(toTime 1435065584).Month}} {{toDuration 90.5}}", "June 1m30.5s"},
		{"{{title \"hELLO foo-bar\"}}", "HELLO Foo-Bar"},
		{"{{stripPort \"a.b:1\"}} {{stripDomain \"a.b.c:1\"}} {{stripDomain "
		 "\"10.0.0.1:9\"}}",
		 "a.b a:1 10.0.0.1:9"},
		{"{{graphLink \"up == 1\"}}", "/graph?g0.expr=up+%3D%3D+1&g0.tab=0"},
		{"{{externalURL}} {{pathPrefix}}", "http://p:9090/prom?x /prom"},
		{"{{parseDuration \"1h30m\"}} {{parseDuration \"-5s\"}}", "5400 -5"},
		{"{{args 1 \"a\"}}", "map[arg0:1 arg1:a]"},
		{"{{now | printf \"%.2f\"}}", "1714979289.25"},
		{"{{quotesEscape \"a\\\"b\"}} {{pathEscape \"a b/c&d\"}}",
		 "a\\\"b a%20b%2Fc&d"},
		{"{{formatTime \"2006-01-02\" 1700000000}}", "2023-11-14"},
		{"{{query \"x\"}}",
		 "template: :1:2: executing \"\" at <query \"x\">: error calling "
		 "query: no data source"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(FUNCS_RULE, cases[i].in, cases[i].want);
}

static void of_vmalert(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{title \"foo bar-baz o'neil 3rd foo.bar\"}}",
		 "Foo Bar-Baz O'Neil 3rd Foo.Bar"},
		{"{{now | printf \"%.0f\"}}", "1714979289"},
		{"{{parseDuration \"1.5h\"}} {{parseDuration \"90\"}}", "5400 90"},
		{"{{parseDurationTime \"1h30m\"}}", "1h30m0s"},
		{"{{jsonEscape \"a<b>\"}} {{htmlEscape \"<a'>\"}}",
		 "\"a\\u003cb\\u003e\" &lt;a&#39;&gt;"},
		{"{{crlfEscape \"a\\nb\"}} {{queryEscape \"a b\"}}", "a\\nb a+b"},
		{"{{(toTime 1700000000.001).UnixMilli}}", "1700000000001"},
		{"{{humanize 1000}}", "1k"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(FUNCS_VMALERT, cases[i].in, cases[i].want);
}

static void route_labels_render_each_other(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{routeLabels \"chain\"}}", "via dot-owners"},
		{"{{routeLabels \"loop\"}}",
		 "route label cycle detected: loop -> back -> loop"},
	};
	static const struct label labels[] = {
		{"back", "{{routeLabels \"loop\"}}"},
		{"chain", "via {{routeLabels \"owner\"}}"},
		{"loop", "{{routeLabels \"back\"}}"},
		{"owner", "{{.}}-owners"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();

		r.run.route_labels = value_kv(
			&r.mem, labels_new(&r.mem, labels, COUNT_OF(labels), NULL));
		r.run.route_labels_raw = true;
		render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, cases[i].in,
			    value_text("dot"));
		if (!strstr(r.how == RENDERED ? buf_text(&r.out) : r.run.error,
			    cases[i].want))
			fail_msg("%s: %s", cases[i].in,
				 r.how == RENDERED ? buf_text(&r.out) : r.run.error);
		rendered_free(&r);
	}
}

/* Each time a route label is asked for its text is parsed. */
static void route_labels_cost_steps(void **state)
{
	char text[2001] = {0};
	const struct label label = {"long", text};
	struct rendered r = rendered_new();

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	r.run.route_labels = value_kv(&r.mem, labels_new(&r.mem, &label, 1, NULL));
	r.run.route_labels_raw = true;
	render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, "{{routeLabels \"long\"}}",
		    VALUE_INVALID);
	assert_int_equal(r.how, RENDERED);
	assert_true(r.run.steps >= 2000);
	render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT,
		    "{{range 9999999}}{{$x := routeLabels \"long\"}}{{end}}",
		    VALUE_INVALID);
	assert_int_equal(r.how, RENDER_FAILED);
	assert_non_null(strstr(r.run.error, "error calling routeLabels: exceeded 2000000 "
					    "steps"));
	rendered_free(&r);
}

static void rule_texts_know_their_variables(void **state)
{
	static const struct label pairs[] = {{"instance", "h1:9100"}, {"job", "node"}};
	static const struct {
		enum template_funcs funcs;
		const char *in, *want;
	} cases[] = {
		{FUNCS_RULE, "{{ $labels.instance }} {{ $value }} {{ $externalURL }}",
		 "h1:9100 1234.5678 http://p"},
		{FUNCS_RULE, "{{ $labels.nope }}|{{ .Value }}", "|1234.5678"},
		{FUNCS_VMALERT, "{{ $expr }} {{ $for }} {{ $labels.job }}",
		 "up == 0 5m0s node"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct template_set *set = template_set_new(&mem, cases[i].funcs);
		struct template_run run = {.mem = &mem};
		struct buf out = BUF(4096);
		struct err err;
		struct rule_data d = {
			.labels = labels_new(&mem, pairs, 2, NULL),
			.external_url = "http://p",
			.value = value_float(1234.5678),
			.expr = "up == 0",
			.for_ns = INT64_C(300000000000),
		};
		const struct template *t = rule_text_parse(
			&mem, set, "__alert_X", str_of(cases[i].in),
			(struct pos){"r.yml", 7, 3}, &err);

		assert_non_null(t);
		assert_int_equal(template_render(t, &run,
						 cases[i].funcs == FUNCS_VMALERT
							 ? rule_data_value_vmalert(&mem, &d)
							 : rule_data_value(&mem, &d),
						 &out, &err),
				 RENDERED);
		check_text(cases[i].in, cases[i].want, buf_text(&out));
		buf_free(&out);
		arena_free(&mem);
	}
}

/* The declarations in front count in Go's columns, not in ours. */
static void rule_errors_point_into_the_file(void **state)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_RULE);
	struct rule_data d = {.value = value_float(1)};
	struct template_run run = {.mem = &mem};
	struct buf out = BUF(4096);
	struct err err;
	const struct template *t = rule_text_parse(&mem, set, "__alert_X",
						   STR("{{ .Nope }}"),
						   (struct pos){"r.yml", 7, 20}, &err);

	(void)state;
	assert_int_equal(template_render(t, &run, rule_data_value(&mem, &d), &out, &err),
			 RENDER_FAILED);
	assert_int_equal(err.at.line, 7);
	assert_int_equal(err.at.col, 23);
	assert_non_null(strstr(err.text,
			       "template: __alert_X:1:115: executing \"__alert_X\" at "
			       "<.Nope>: can't evaluate field Nope"));
	buf_free(&out);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_notifications),
		cmocka_unit_test(of_rules),
		cmocka_unit_test(of_vmalert),
		cmocka_unit_test(route_labels_render_each_other),
		cmocka_unit_test(route_labels_cost_steps),
		cmocka_unit_test(rule_texts_know_their_variables),
		cmocka_unit_test(rule_errors_point_into_the_file),
	};

	return cmocka_run_group_tests_name("template functions", tests, NULL, NULL);
}
