#include "unit/template_case.h"

/* -- sets ----------------------------------------------------------------------------- */

static bool add(struct template_set *set, const char *name, const char *text)
{
	struct err err;

	return template_set_add(set, name, str_of(text), (struct pos){name, 1, 1}, &err);
}

static void later_definitions_win(void **state)
{
	static const struct {
		const char *second, *field, *want;
	} cases[] = {
		{"{{define \"a\"}}new{{end}}", "{{template \"a\"}}", "new"},
		{"{{define \"a\"}} \n{{/* */}}{{end}}", "{{template \"a\"}}", "old"},
		{"", "{{define \"a\"}}mine{{end}}{{template \"a\"}}{{template \"b\"}}",
		 "minemine!"},
		{"x{{define \"c\"}}{{end}}", "{{template \"two.tmpl\"}}", "x"},
		{"", "{{template \"b\"}}", "old!"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
		struct template_run run = {.mem = &mem};
		struct buf out = BUF(4096);
		const struct template *t;
		struct err err;

		assert_true(add(set, "one.tmpl",
				"{{define \"a\"}}old{{end}}"
				"{{define \"b\"}}{{template \"a\"}}!{{end}}"));
		assert_true(add(set, "two.tmpl", cases[i].second));
		t = template_parse(&mem, set, TEMPLATE_TEXT, "", str_of(cases[i].field),
				   NOWHERE, &err);
		assert_non_null(t);
		assert_int_equal(template_render(t, &run, VALUE_INVALID, &out, &err),
				 RENDERED);
		check_text(cases[i].field, cases[i].want, buf_text(&out));
		buf_free(&out);
		arena_free(&mem);
	}
}

static void a_bad_file_adds_nothing(void **state)
{
	struct arena mem = {0};
	struct template_set *set = template_set_new(&mem, FUNCS_NOTIFY);
	struct template_run run = {.mem = &mem};
	struct buf out = BUF(4096);
	const struct template *t;
	struct err err;

	(void)state;
	assert_false(add(set, "bad.tmpl", "{{define \"a\"}}x{{end}}{{nope}}"));
	t = template_parse(&mem, set, TEMPLATE_TEXT, "", STR("{{template \"a\"}}"), NOWHERE,
			   &err);
	assert_non_null(t);
	assert_int_equal(template_render(t, &run, VALUE_INVALID, &out, &err),
			 RENDER_FAILED);
	assert_non_null(strstr(err.text, "\"a\" not defined"));
	buf_free(&out);
	arena_free(&mem);
}

/* -- error places ------------------------------------------------------------------ */

static void errors_have_places(void **state)
{
	static const struct {
		const char *in, *want, *out; /* what was written before */
	} cases[] = {
		{"ab{{.x.y}}",
		 "f:1:7: template: :1:6: executing \"\" at <.x.y>: can't evaluate "
		 "field y in type interface {}",
		 "ab"},
		{"1\n2 {{ template \"t\" }}",
		 "f:2:15: template: :2:14: executing \"\" at <{{template \"t\"}}>: "
		 "template \"t\" "
		 "not defined",
		 "1\n2 "},
		{"{{define \"t\"}}\n{{len 3}}{{end}}{{template \"t\"}}",
		 "f:2:3: template: :2:2: executing \"t\" at <len 3>: error calling len: "
		 "len of "
		 "type int",
		 "\n"},
		{"{{index .l 9}}",
		 "f:1:3: template: :1:2: executing \"\" at <index .l 9>: error "
		 "calling index: index out of range: 9",
		 ""},
	};
	struct entry entries[2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();
		struct value item = value_text("e");

		entries[0] = (struct entry){STR("l"), value_list(&type_anys, &item, 1)};
		entries[1] = (struct entry){STR("x"), value_text("s")};
		render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, cases[i].in,
			    value_dict(&type_any_map, entries, 2));
		assert_int_equal(r.how, RENDER_FAILED);
		check_text(cases[i].in, cases[i].want, err_text(&r.mem, &r.err));
		check_text(cases[i].in, cases[i].out, buf_text(&r.out));
		assert_non_null(strstr(cases[i].want, r.run.error));
		rendered_free(&r);
	}
}

/* -- ceilings ---------------------------------------------------------------------- */

static void hostile_templates_end(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{range 9223372036854775807}}{{end}}", "steps"},
		{"{{range 99999}}{{range 99999}}{{range 99999}}{{end}}{{end}}{{end}}",
		 "steps"},
		{"{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}",
		 "maximum template depth"},
		{"{{define \"a\"}}{{template \"b\"}}x{{template \"b\"}}{{end}}"
		 "{{define \"b\"}}{{template \"a\"}}{{end}}{{template \"a\"}}",
		 "maximum template depth"},
		{"{{define \"t\"}}{{if .}}{{template \"t\" (slice . 1)}}{{template \"t\" "
		 "(slice . "
		 "1)}}{{end}}{{end}}{{template \"t\" \"012345678901234567890123456789\"}}",
		 "steps"},
		{"{{range 1000}}{{printf \"%9999999d\" 1}}{{end}}", "steps"},
		{"{{$s := \"x\"}}{{range 100}}{{$s = printf \"%s%s\" $s $s}}{{end}}",
		 "steps"},
		{"{{$l := list}}{{range 100000}}{{$l = append $l 1}}{{end}}", "bytes of"},
		{"{{$l := list 1}}{{range 60}}{{$l = list $l $l}}{{end}}{{$l}}", "steps"},
		{"{{range 100000}}{{reReplaceAll \"(a+)+b\" \"x\" "
		 "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}{{end}}",
		 "steps"},
		{"{{range 1000000}}0123456789{{end}}", "bytes of output"},
		{"{{$s := list}}{{range 20000}}{{$s = list $s}}{{end}}{{$s}}", "bytes of"},
		{"{{$s := list}}{{range 20000}}{{$s = list $s}}{{end}}{{print $s}}",
		 "exceeded"},
		{"{{$s := list}}{{range 20000}}{{$s = list $s}}{{end}}{{toJson $s}}",
		 "max depth"},
		{"{{$s := reReplaceAll \" \" \"a\" (printf \"%100000s\" \"\")}}"
		 "{{range 9}}{{reReplaceAll \"a*b|a\" \"\" $s}}{{end}}",
		 "steps"},
		{"{{$l := list}}{{range 300}}{{$l = append $l \"\"}}{{end}}"
		 "{{range 100000}}{{len $l}}{{end}}",
		 "steps"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();

		render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, cases[i].in, VALUE_INVALID);
		assert_int_equal(r.how, RENDER_FAILED);
		if (!strstr(r.err.text, cases[i].want))
			fail_msg("%s: %s", cases[i].in, r.err.text);
		rendered_free(&r);
	}
}

/* Unlike blocks within blocks, the branches of one {{if}} are as many as one likes. */
static void chains_of_else_are_long(void **state)
{
	static const struct {
		const char *first, *more, *want;
		enum template_engine engine;
	} cases[] = {
		{"{{if false}}", "{{else if false}}", "end", TEMPLATE_TEXT},
		{"{{with false}}", "{{else with false}}", "end", TEMPLATE_TEXT},
		{"{{if false}}<i>{{0}}</i>", "{{else if false}}<b>{{.}}</b>", "end",
		 TEMPLATE_HTML},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();
		struct errs errs = {.mem = &r.mem};
		struct buf b = BUF(BUF_NO_LIMIT);
		const struct template *t;

		buf_add_text(&b, cases[i].first);
		for (int n = 0; n < 9000; n++)
			buf_add_text(&b, cases[i].more);
		buf_add_text(&b, "{{else}}{{\"end\"}}{{end}}");
		render_case(&r, FUNCS_NOTIFY, cases[i].engine, buf_text(&b), VALUE_INVALID);
		if (r.how != RENDERED)
			fail_msg("%s: %s", cases[i].more, r.err.text);
		check_text(cases[i].more, cases[i].want, buf_text(&r.out));
		t = template_parse(&r.mem, template_set_new(&r.mem, FUNCS_NOTIFY),
				   cases[i].engine, "", buf_str(&b), NOWHERE, &r.err);
		template_check(t, notice_type, &errs);
		assert_int_equal(errs.n, 0);
		buf_free(&b);
		rendered_free(&r);
	}
}

/* However long the value at fault, the words for what is wrong with it come through. */
static void errors_keep_their_cause(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{$s := printf \"%100000s\" \"x\"}}{{eq (list 1) (list $s)}}",
		 "…: []interface {}"},
		{"{{$s := printf \"%100000s\" \"x\"}}{{eq (list $s) (dict \"a\" $s)}}",
		 "…: []interface {}, map[string]interface {}: map[a: "},
		{"{{$s := printf \"%100000s\" \"x\"}}{{humanizeDuration $s}}",
		 "…: invalid syntax"},
		{"{{$s := printf \"%100000s\" \"x\"}}{{reReplaceAll (print \"(\" $s) \"\" "
		 "\"\"}}",
		 "…): "},
		{"{{$s := printf \"%100000s\" \"x\"}}{{tz $s now}}", "unknown time zone  "},
		{"{{range (printf \"%100000s\" \"x\")}}{{end}}",
		 "range can't iterate over  "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();

		render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, cases[i].in, VALUE_INVALID);
		assert_int_equal(r.how, RENDER_FAILED);
		if (!strstr(r.run.error, cases[i].want) || strlen(r.run.error) > 40000)
			fail_msg("%s: %.200s", cases[i].in, r.run.error);
		rendered_free(&r);
	}
}

/* A literal longer than what is shown of the place. */
static void long_places_are_cut(void **state)
{
	struct rendered r = rendered_new();
	struct buf b = BUF(BUF_NO_LIMIT);

	(void)state;
	buf_add_text(&b, "{{len 1 | slice \"");
	for (int n = 0; n < 100000; n++)
		buf_add_char(&b, 'x');
	buf_add_text(&b, "\"}}{{index 1 \"");
	for (int n = 0; n < 100000; n++)
		buf_add_char(&b, 'x');
	buf_add_text(&b, "\"}}");
	render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, buf_text(&b), VALUE_INVALID);
	assert_int_equal(r.how, RENDER_FAILED);
	assert_non_null(strstr(r.run.error, "error calling"));
	assert_true(strlen(r.run.error) < 6000);
	buf_free(&b);
	rendered_free(&r);
}

/* Blocks within a template that calls itself: the two depths multiply on the C stack. */
static void nesting_and_recursion_end(void **state)
{
	static const struct {
		const char *open, *close;
		size_t n;
	} cases[] = {{"{{if 1}}", "{{end}}", 490},
		     {"{{with 1}}", "{{end}}", 490},
		     {"{{range 1}}", "{{end}}", 490},
		     {"{{if 1}}", "{{end}}", 60},
		     {"{{range 1}}", "{{end}}", 50}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();
		struct buf b = BUF(BUF_NO_LIMIT);

		buf_add_text(&b, "{{define \"t\"}}");
		for (size_t n = 0; n < cases[i].n; n++)
			buf_add_text(&b, cases[i].open);
		buf_add_text(&b, "{{template \"t\"}}");
		for (size_t n = 0; n < cases[i].n; n++)
			buf_add_text(&b, cases[i].close);
		buf_add_text(&b, "{{end}}{{template \"t\"}}");
		render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, buf_text(&b), VALUE_INVALID);
		assert_int_equal(r.how, RENDER_FAILED);
		if (!strstr(r.err.text, "maximum template depth"))
			fail_msg("%s: %s", cases[i].open, r.err.text);
		buf_free(&b);
		rendered_free(&r);
	}
}

/* What one call does much of is counted. */
static void work_counts_as_steps(void **state)
{
	static const struct {
		const char *start, *more;
		int n;
		const char *end;
		size_t least;
	} cases[] = {
		{"{{and", " 1", 1000, "}}", 1000},
		{"{{or", " 0", 1000, "}}", 1000},
		{"{{dict", " \"%d\" 1", 1000, "}}", 2000 * 2000 / 128},
		{"{{$v:=1}}", "{{$v%d:=1}}", 1600, "{{$v}}", 3300},
		{"{{$s := \"", "xxxxxxxx", 1000, "\"}}{{toUpper $s}}", 1000},
		{"{{$l := list", " 1.5", 100, "}}{{print $l}}", 4000},
		{"{{$s := \"", "aaaaaaaa", 1000, "\"}}{{match \"a*[bc]\" $s}}", 8000},
		{"{{$s := \"", "a", 1000, "\"}}{{reReplaceAll \"a*b|a\" \"\" $s}}", 10000},
		{"{{$s := \"", "(a|b)", 100, "\"}}{{match $s \"\"}}", 1500},
		{"{{printf \"%", "1", 5, "d\" 1}}", 2777},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();
		struct buf b = BUF(BUF_NO_LIMIT);
		const char *mark = strstr(cases[i].more, "%d");

		buf_add_text(&b, cases[i].start);
		for (int n = 0; n < cases[i].n; n++) {
			if (mark)
				buf_addf(&b, "%.*s%d%s", (int)(mark - cases[i].more),
					 cases[i].more, n, mark + 2);
			else
				buf_add_text(&b, cases[i].more);
		}
		buf_add_text(&b, cases[i].end);
		render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, buf_text(&b), VALUE_INVALID);
		if (r.how != RENDERED || r.run.steps < cases[i].least)
			fail_msg("%s: %zu steps, at least %zu; %s", cases[i].end,
				 r.run.steps, cases[i].least,
				 r.how == RENDERED ? "" : r.err.text);
		buf_free(&b);
		rendered_free(&r);
	}
}

static void ceilings_are_the_callers(void **state)
{
	struct rendered r = rendered_new();

	(void)state;
	r.run.limits.steps = 10;
	render_case(&r, FUNCS_NOTIFY, TEMPLATE_TEXT, "{{range 100}}x{{end}}",
		    VALUE_INVALID);
	assert_int_equal(r.how, RENDER_FAILED);
	assert_true(r.out.n < 10);
	rendered_free(&r);
}

/* -- queries ----------------------------------------------------------------------- */

struct answers {
	const char *known; /* the only expression with an answer */
	size_t asked;
};

static enum query_state answer(void *arg, struct str expr, struct arena *mem,
			       struct value *samples, const char **why)
{
	struct answers *a = arg;
	struct label labels[] = {{"instance", "web"}};
	const struct rule_sample sample = {labels_new(mem, labels, 1, NULL),
					   value_float(21), 0};

	a->asked++;
	if (str_is(expr, "bad")) {
		*why = "no such metric";
		return QUERY_FAILED;
	}
	if (!a->known || !str_is(expr, a->known))
		return QUERY_WANTED;
	*samples = value_samples(mem, &sample, 1);
	return QUERY_ANSWERED;
}

static void a_query_never_waits(void **state)
{
	static const char text[] = "{{ with query \"up\" }}{{ . | first | value }} "
				   "{{ . | first | label \"instance\" }}{{ end }}";
	struct answers answers = {NULL, 0};
	struct rendered r = rendered_new();

	(void)state;
	r.run.query = answer;
	r.run.arg = &answers;
	render_case(&r, FUNCS_RULE, TEMPLATE_TEXT, text, VALUE_INVALID);
	assert_int_equal(r.how, RENDER_WAITS);
	assert_true(str_is(r.run.wanted, "up"));

	answers.known = "up";
	buf_reset(&r.out);
	render_case(&r, FUNCS_RULE, TEMPLATE_TEXT, text, VALUE_INVALID);
	assert_int_equal(r.how, RENDERED);
	check_text(text, "21 web", buf_text(&r.out));
	assert_int_equal(answers.asked, 2);

	render_case(&r, FUNCS_RULE, TEMPLATE_TEXT, "{{ query \"bad\" }}", VALUE_INVALID);
	assert_int_equal(r.how, RENDER_FAILED);
	assert_non_null(strstr(r.err.text, "error calling query: no such metric"));
	rendered_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_definitions_win),
		cmocka_unit_test(a_bad_file_adds_nothing),
		cmocka_unit_test(errors_have_places),
		cmocka_unit_test(hostile_templates_end),
		cmocka_unit_test(chains_of_else_are_long),
		cmocka_unit_test(errors_keep_their_cause),
		cmocka_unit_test(long_places_are_cut),
		cmocka_unit_test(nesting_and_recursion_end),
		cmocka_unit_test(work_counts_as_steps),
		cmocka_unit_test(ceilings_are_the_callers),
		cmocka_unit_test(a_query_never_waits),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
