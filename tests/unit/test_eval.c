#include "unit/template_case.h"

static struct value root_value(struct arena *mem)
{
	static const struct label labels[] = {{"Values", "mine"}, {"job", "node"}};
	const struct labels *set = labels_new(mem, labels, 2, NULL);
	struct value *items = ARENA_ARRAY(mem, struct value, 2);
	struct entry *inner = ARENA_ARRAY(mem, struct entry, 1);
	struct entry *v = ARENA_ARRAY(mem, struct entry, 7);

	items[0] = value_int64(1);
	items[1] = value_text("x");
	inner[0] = (struct entry){STR("k"), value_text("v")};
	v[0] = (struct entry){STR("f"), value_float(1.5)};
	v[1] = (struct entry){STR("kv"), value_kv(mem, set)};
	v[2] = (struct entry){STR("l"), value_list(&type_anys, items, 2)};
	v[3] = (struct entry){STR("lab"), value_label_map(mem, set)};
	v[4] = (struct entry){STR("m"), value_dict(&type_any_map, inner, 1)};
	v[5] = (struct entry){STR("nil"), VALUE_INVALID};
	v[6] = (struct entry){STR("s"), value_text("str")};
	return value_dict(&type_any_map, v, 7);
}

static void check(const char *in, const char *want)
{
	struct rendered r = rendered_new();

	render_case(&r, FUNCS_BASIC, TEMPLATE_TEXT, in, root_value(&r.mem));
	if (r.how == RENDERED)
		check_text(in, want, buf_text(&r.out));
	else if (!want[0] || !strstr(r.err.text, want))
		fail_msg("%s: %s", in, r.err.text);
	rendered_free(&r);
}

static void chains(void **state)
{
	static const struct {
		const char *in, *want; /* or a part of the error */
	} cases[] = {
		{"{{.m.k}} {{.s}} {{(.m).k}}", "v str v"},
		{"{{.no}}", "<no value>"},
		{"{{.lab.no}}|", "|"}, /* of strings: empty */
		{"{{.no.x}}", "nil pointer evaluating interface {}.x"},
		{"{{.nil.x}}", "nil pointer evaluating interface {}.x"},
		{"{{(.nil).x}}", "<no value>"},
		{"{{.s.x}}", "can't evaluate field x in type interface {}"},
		{"{{(.s).x}}", "can't evaluate field x in type string"},
		{"{{with .s}}{{.x}}{{end}}", "can't evaluate field x in type string"},
		{"{{.kv.Values}}", "[mine node]"}, /* methods win over keys */
		{"{{index .kv \"Values\"}}", "mine"},
		{"{{.kv}}", "Values=mine, job=node"},
		{"{{.kv.Names 1}}", "wrong number of args for Names: want 0 got 1"},
		{"{{.m.k 1}}", "k is not a method but has arguments"},
		{"{{1 2}}", "can't give argument to non-function 1"},
		{"{{.s | .m.k}}", "k is not a method but has arguments"},
		{"{{nil}}", "nil is not a command"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(cases[i].in, cases[i].want);
}

static void comparisons(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{eq 1 2 1}} {{ne 1 2}} {{lt 1 2}} {{ge \"b\" \"a\"}}",
		 "true true true true"},
		{"{{eq 1 1.0}}", "incompatible types for comparison: int and float64"},
		{"{{eq 1 1 \"x\"}}", "true"}, /* stops at the first hit */
		{"{{eq .nil nil}} {{eq .no \"\"}}", "true false"},
		{"{{lt true false}}", "invalid type for comparison"},
		{"{{eq .m .m}}", "non-comparable type map[k:v]: map[string]interface {}"},
		{"{{eq}}", "wrong number of args for eq: want at least 1 got 0"},
		{"{{and 1 0 .s.x}} {{or \"\" \"x\" .s.x}}",
		 "0 x"}, /* the rest is not looked at */
		{"{{not .no}}", "true"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(cases[i].in, cases[i].want);
}

static void control_flow(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{range .l}}{{.}},{{end}}", "1,x,"},
		{"{{range $k, $v := .lab}}{{$k}}={{$v}};{{end}}", "Values=mine;job=node;"},
		{"{{range 3}}{{.}}{{end}}{{range 0}}x{{else}}none{{end}}", "012none"},
		{"{{range .l}}{{if eq . \"x\"}}{{break}}{{end}}{{.}}{{end}}",
		 "incompatible types for comparison"},
		{"{{range $i, $e := .l}}{{if $i}}{{continue}}{{end}}{{$e}}{{end}}", "1"},
		{"{{range .s}}{{end}}", "range can't iterate over str"},
		{"{{range $i, $e := 3}}{{end}}",
		 "can't use 3 to iterate over more than one variable"},
		{"{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{end}}{{$x}}", "2"},
		{"{{if $x := .s}}{{$x}}{{else}}{{$x}}{{end}}", "str"},
		{"{{with .no}}a{{else with .s}}{{.}}{{else}}b{{end}}", "str"},
		{"{{$x = 1}}", "undefined variable: $x"},
		{"{{slice \"abcdef\" 1 3}} {{index .l 1}} {{len .s}}", "bc x 3"},
		{"{{index .l 2}}", "reflect: slice index out of range"},
		{"{{index .l 3}}", "index out of range: 3"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		check(cases[i].in, cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chains),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(control_flow),
	};

	return cmocka_run_group_tests_name("eval", tests, NULL, NULL);
}
