#include "unit/template_case.h"

static void finds(void **state)
{
	static const struct {
		enum template_funcs funcs;
		const char *in, *want; /* NULL: nothing to say */
	} cases[] = {
		{FUNCS_NOTIFY, "{{ .Status | toUpper }}{{ len .Alerts.Firing }}", NULL},
		{FUNCS_NOTIFY, "{{ range .Alerts }}{{ .Labels.severity }}{{ end }}", NULL},
		{FUNCS_NOTIFY, "{{ range .CommonLabels.SortedPairs }}{{ .Name }}{{ end }}",
		 NULL},
		{FUNCS_NOTIFY, "{{ (index .Alerts 0).Labels.x | title }}", NULL},
		{FUNCS_NOTIFY, "{{ with dict \"a\" 1 }}{{ .a.b.c }}{{ end }}", NULL},
		{FUNCS_NOTIFY,
		 "{{ $p := \"\" }}{{ range .Alerts }}{{ if $p }}{{ $p.Labels.a }}{{ end }}"
		 "{{ $p = . }}{{ end }}",
		 NULL},
		{FUNCS_NOTIFY,
		 "{{ range $x := .Alerts }}{{ else }}{{ $x.Firing }}{{ end }}", NULL},
		{FUNCS_NOTIFY, "{{ .GroupKey }}",
		 "f:1:4: template: : at <.GroupKey>: can't evaluate field GroupKey in type "
		 "*template.Data"},
		{FUNCS_NOTIFY, "{{ if false }}{{ .Stattus }}{{ end }}",
		 "f:1:18: template: : at <.Stattus>: can't evaluate field Stattus in type "
		 "*template.Data (did you mean Status?)"},
		{FUNCS_NOTIFY, "{{ range .Alerts }}{{ .Label.x }}{{ end }}",
		 "f:1:29: template: : at <.Label.x>: can't evaluate field Label in type "
		 "template.Alert (did you mean Labels?)"},
		{FUNCS_NOTIFY, "{{ range $a := .Alerts.Firing }}{{ $a.Nope }}{{ end }}",
		 "f:1:38: template: : at <$a.Nope>: can't evaluate field Nope in type "
		 "template.Alert"},
		{FUNCS_NOTIFY,
		 "{{ define \"t\" }}{{ .Nope }}{{ end }}{{ template \"t\" . }}",
		 "f:1:20: template: : at <.Nope>: can't evaluate field Nope in type "
		 "*template.Data"},
		{FUNCS_NOTIFY, "{{ template \"gone\" . }}",
		 "f:1:13: template: : at <{{template \"gone\" .}}>: template not defined"},
		{FUNCS_NOTIFY, "{{ .CommonLabels.a.b }}",
		 "f:1:17: template: : at <.CommonLabels.a.b>: can't evaluate field b in "
		 "type "
		 "string"},
		{FUNCS_NOTIFY, "{{ toUpper 3 }}",
		 "f:1:12: template: : at <3>: expected string"},
		{FUNCS_NOTIFY, "{{ toUpper .Alerts }}",
		 "f:1:12: template: : at <.Alerts>: wrong type for value; expected string; "
		 "got "
		 "template.Alerts"},
		{FUNCS_NOTIFY, "{{ toUpper }}",
		 "f:1:4: template: : at <toUpper>: wrong number of args for toUpper: want "
		 "1 got 0"},
		{FUNCS_NOTIFY, "{{ range .Status }}{{ end }}",
		 "f:1:10: template: : at <.Status>: range can't iterate over string"},
		{FUNCS_NOTIFY, "{{ .Alerts.Firing.Resolved }}",
		 "f:1:11: template: : at <.Alerts.Firing.Resolved>: can't evaluate field "
		 "Resolved in type []template.Alert"},
		{FUNCS_NOTIFY,
		 "{{ define \"t\" }}{{ if eq (printf \"%T\" .) \"string\" }}{{ . }}{{ else "
		 "}}"
		 "{{ .Status }}{{ end }}{{ end }}{{ template \"t\" \"x\" }}"
		 "{{ template \"t\" . }}",
		 NULL},
		{FUNCS_NOTIFY,
		 "{{ define \"u\" }}{{ .Status }}{{ end }}"
		 "{{ define \"t\" }}{{ $t := printf \"%-9T\" . }}{{ if eq $t \"string\" }}"
		 "{{ else }}{{ template \"u\" . }}{{ end }}{{ end }}{{ template \"t\" 1 }}",
		 NULL},
		{FUNCS_NOTIFY,
		 "{{ define \"t\" }}{{ and (eq (printf \"%T\" .) \"x\") .Status }}{{ end }}"
		 "{{ template \"t\" 1 }}",
		 NULL},
		{FUNCS_NOTIFY, "{{ printf \"%T\" . }}{{ .Nope }}",
		 "f:1:23: template: : at <.Nope>: can't evaluate field Nope in type "
		 "*template.Data"},
		{FUNCS_RULE, "{{ .Labels.x }}{{ .Value.anything }}", NULL},
		{FUNCS_RULE, "{{ .Label }}",
		 "f:1:4: template: : at <.Label>: can't evaluate field Label in type "
		 "struct { "
		 "Labels map[string]string; ExternalLabels map[string]string; ExternalURL "
		 "string; "
		 "Value interface {} } (did you mean Labels?)"},
		{FUNCS_RULE, "{{ query \"m\" | first | value | humanize }}", NULL},
		{FUNCS_RULE, "{{ (query \"m\" | first).Nope }}",
		 "f:1:23: template: : at <(query \"m\" | first).Nope>: can't evaluate "
		 "field Nope "
		 "in type *template.sample"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct template_set *set = template_set_new(&mem, cases[i].funcs);
		struct errs errs = {.mem = &mem};
		struct err err;
		const struct template *t = template_parse(&mem, set, TEMPLATE_TEXT, "",
							  str_of(cases[i].in),
							  (struct pos){"f", 1, 1}, &err);

		if (!t)
			fail_msg("%s: %s", cases[i].in, err.text);
		template_check(t, cases[i].funcs == FUNCS_RULE ? rule_type : notice_type,
			       &errs);
		check_text(cases[i].in, cases[i].want ? cases[i].want : "",
			   errs.n ? err_text(&mem, errs.v[0]) : "");
		assert_true(errs.n <= 1);
		arena_free(&mem);
	}
}

/* Bodies within bodies, each nested as deep as one may be. */
static void deep_chains_end(void **state)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
	struct errs errs = {.mem = &mem};
	struct buf b = BUF(BUF_NO_LIMIT);
	const struct template *t;
	struct err err;

	(void)state;
	for (int body = 0; body < 60; body++) {
		buf_addf(&b, "{{define \"t%d\"}}", body);
		for (int n = 0; n < 490; n++)
			buf_add_text(&b, "{{if 1}}");
		buf_addf(&b, "{{template \"t%d\" .}}", body + 1);
		for (int n = 0; n < 490; n++)
			buf_add_text(&b, "{{end}}");
		buf_add_text(&b, "{{end}}");
	}
	buf_add_text(&b, "{{define \"t60\"}}{{end}}{{template \"t0\" .}}");
	t = template_parse(&mem, set, TEMPLATE_TEXT, "", buf_str(&b),
			   (struct pos){"f", 1, 1}, &err);
	assert_non_null(t);
	template_check(t, notice_type, &errs);
	assert_int_equal(errs.n, 0);
	assert_null(template_parse(&mem, set, TEMPLATE_HTML, "", buf_str(&b),
				   (struct pos){"f", 1, 1}, &err));
	assert_non_null(strstr(err.text, "too deep"));
	buf_free(&b);
	arena_free(&mem);
}

/* What is wrong stays to be read behind however much it stands in. */
static void long_contexts_are_cut(void **state)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
	struct errs errs = {.mem = &mem};
	struct buf b = BUF(BUF_NO_LIMIT);
	const struct template *t;
	struct err err;

	(void)state;
	buf_add_text(&b, "{{ toUpper .Alerts");
	for (int i = 0; i < 3000; i++)
		buf_add_text(&b, " \"\u00e9\"");
	buf_add_text(&b, " }}{{ .Status");
	for (int i = 0; i < 3000; i++)
		buf_add_text(&b, ".Long");
	buf_add_text(&b, " }}");
	t = template_parse(&mem, set, TEMPLATE_TEXT, "", buf_str(&b),
			   (struct pos){"f", 1, 1}, &err);
	assert_non_null(t);
	template_check(t, notice_type, &errs);
	assert_int_equal(errs.n, 2);
	assert_non_null(strstr(errs.v[0]->text, "wrong number of args for toUpper"));
	assert_non_null(strstr(errs.v[1]->text, "…>: can't evaluate field Long in type "
						"string"));
	buf_free(&b);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds),
		cmocka_unit_test(deep_chains_end),
		cmocka_unit_test(long_contexts_are_cut),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
