#include "unit/template_case.h"
#include "text/print.h"

static void formats(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"{{printf \"%5d|%-5d|%05d|%+d|% d\" 42 42 42 42 42}}",
		 "   42|42   |00042|+42| 42"},
		{"{{printf \"%x %X %#x %o %O %b\" 255 255 255 8 8 5}}",
		 "ff FF 0xff 10 0o10 101"},
		{"{{printf \"%#08x %.3d %.0d|\" 255 7 0}}", "0x000000ff 007 |"},
		{"{{printf \"%c %q %U %#U\" 65 65 65 65}}", "A 'A' U+0041 U+0041 'A'"},
		{"{{printf \"%s|%10s|%-4s|%.2s|%q|%x|% x\" \"a\" \"b\" \"c\" \"def\" \"g\" "
		 "\"hi\" \"hi\"}}",
		 "a|         b|c   |de|\"g\"|6869|68 69"},
		{"{{printf \"%.2f|%8.2f|%e|%g|%+.1f\" 3.14159 2.5 1234.5678 1e6 2.0}}",
		 "3.14|    2.50|1.234568e+03|1e+06|+2.0"},
		{"{{printf \"%#g %#.3x %08.2f\" 1.0 1.0 -3.5}}",
		 "1.00000 0x1.000p+00 -0003.50"},
		{"{{printf \"%t %v\" true false}}", "true false"},
		{"{{printf \"%[2]v %[1]v %d\" 1 2}}", "2 1 2"},
		{"{{printf \"%*d|%-*d|%.*f\" 5 1 5 2 1 2.55}}", "    1|2    |2.5"},
		{"{{printf \"%d\" \"x\"}}", "%!d(string=x)"},
		{"{{printf \"%6d\" \"hi\"}}", "%!d(string=    hi)"},
		{"{{printf \"%d\"}}", "%!d(MISSING)"},
		{"{{printf \"\" 1 nil}}", "%!(EXTRA int=1, <nil>)"},
		{"{{printf \"%\"}}", "%!(NOVERB)"},
		{"{{printf \"%z\" 1}}", "%!z(int=1)"},
		{"{{printf \"%[5]d\" 1}}", "%!d(BADINDEX)"},
		{"{{printf \"%*d\" \"x\" 1}}", "%!(BADWIDTH)1"},
		{"{{printf \"%T %T %T\" 1 \"s\" .}}", "int string map[string]interface {}"},
		{"{{printf \"%v %s\" nil nil}}", "<nil> %!s(<nil>)"},
		{"{{printf \"%d%%\" 99}}", "99%"},
		{"{{printf \"%v %+v %d\" .l .l .l}}", "[1 x] [1 x] [1 %!d(string=x)]"},
		{"{{.}}", "map[d:1m30s l:[1 x]]"},
		{"{{printf \"%d %s %q\" .d .d .d}}", "90000000000 1m30s \"1m30s\""},
		{"{{printf \"%#v %#v\" .l \"s\"}}", "[]interface {}{1, \"x\"} \"s\""},
		{"{{print 1 2 \"a\" \"b\" 3 4}}", "1 2ab3 4"},
		{"{{println 1 \"a\"}}", "1 a\n"},
		{"{{print 1e6 0.1 100000.0}}", "1e+06 0.1 100000"},
	};
	struct value items[2], list;
	struct entry entries[2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct rendered r = rendered_new();

		items[0] = value_int64(1);
		items[1] = value_text("x");
		list = value_list(&type_anys, items, 2);
		entries[0] = (struct entry){STR("l"), list};
		entries[1] = (struct entry){STR("d"), value_duration(INT64_C(90000000000))};
		render_case(&r, FUNCS_BASIC, TEMPLATE_TEXT, cases[i].in,
			    value_dict(&type_any_map, entries, 2));
		if (r.how != RENDERED)
			fail_msg("%s: %s", cases[i].in, r.err.text);
		check_text(cases[i].in, cases[i].want, buf_text(&r.out));
		rendered_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(formats)};

	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
