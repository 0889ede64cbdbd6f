#include "base/base.h"
#include "base/buf.h"
#include "text/metricsql.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expressions(void **state)
{
	static const struct {
		const char *in;
		const char *want; /* NULL: taken; else the place and what is wrong */
	} cases[] = {
		{"rate(x)", NULL},
		{"rate(x[5i]) keep_metric_names", NULL},
		{"WITH (a = b{c=\"d\"}, f(x) = x / 2) f(a) default 0 # half", NULL},
		{"{__name__=~\"a|b;c\" or job='(' , q=`\\`}", NULL},
		{"a\\-b{c=\"\\\"}\"} if up ifnot down", NULL},
		{"x[1h30m:5m] offset -1.5d @ (end() - 5m)", NULL},
		{"sum(x) by(a,) limit 5 > 1Ki", NULL},
		{"a offset", NULL}, /* the backend says that */
		{"a - -b == -1 + (-c) # +", NULL},
		{"sum(a{b=~'-'} \\- -c) by (d,)", NULL},
		{"a\\+", NULL}, /* a name */
		{"1 +", "1:3 nothing follows the operator '+'"},
		{"a == # b", "1:4 nothing follows the operator '='"},
		{"(a *)", "1:4 nothing follows the operator '*'"},
		{"a{b=}", "1:4 nothing follows the operator '='"},
		{"-", "1:1 nothing follows the operator '-'"},
		{"", "1:1 no expression found"},
		{" # nothing\n\t", "1:1 no expression found"},
		{"rate(x", "1:5 no ')' closes this"},
		{"x[5m", "1:2 no ']' closes this"},
		{"x{a=\"b\"", "1:2 no '}' closes this"},
		{"sum(x))", "1:7 unexpected ')'"},
		{"sum(x]", "1:6 expected ')', found ']'"},
		{"x{a=\"b}", "1:5 unterminated string"},
		{"x{a='b\\'}", "1:5 unterminated string"},
		{"x{a=`b}", "1:5 unterminated string"},
		{"a\n+ b\n  ; c", "3:3 unexpected ';'"},
		{"a ? b", "1:3 unexpected '?'"},
		{"a && b", "1:3 unexpected '&'"},
		{"_time:5m | stats count()", "1:10 unexpected '|'"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *want = cases[i].want ? cases[i].want : "";
		struct promql_error err;
		struct buf got = BUF(500);

		if (!metricsql_check(str_of(cases[i].in), &err))
			buf_addf(&got, "%d:%d %s", err.line, err.col, err.text);
		if (strcmp(buf_text(&got), want) != 0)
			fail_msg("%s\nwant: %s\ngot:  %s", cases[i].in, want,
				 buf_text(&got));
		buf_free(&got);
	}
}

static void limits(void **state)
{
	static char deep[METRICSQL_MAX_DEPTH + 1], long_one[METRICSQL_MAX_BYTES + 1];
	struct promql_error err;

	(void)state;
	memset(deep, '(', sizeof(deep));
	memset(long_one, 'x', sizeof(long_one));
	assert_false(metricsql_check((struct str){deep, sizeof(deep)}, &err));
	assert_non_null(strstr(err.text, "brackets in each other"));
	assert_false(metricsql_check((struct str){long_one, sizeof(long_one)}, &err));
	assert_true(metricsql_check((struct str){long_one, sizeof(long_one) - 1}, &err));
}

static void durations(void **state)
{
	static const struct {
		const char *in;
		double want; /* NaN: no duration */
	} cases[] = {
		{"5m", 300},	 {"1.5h", 5400},   {"90", 90},	  {"1.5", 1.5},
		{"30m1h", 5400}, {"1h-30m", 1800}, {"-5m", -300}, {"-90", -90},
		{"100ms", 0.1},	 {"1y", 31536000}, {"5i", 0},	  {"1e3", 1000},
		{"0", 0},	 {"", NAN},	   {"-", NAN},	  {"h", NAN},
		{"1M", NAN},	 {"1h5", NAN},	   {"1 h", NAN},  {"1x", NAN},
		{"1..5h", NAN},	 {"inf", NAN},	   {"nan", NAN},  {"0x10", NAN},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		double got = NAN;

		if (!metricsql_duration(str_of(cases[i].in), &got))
			got = NAN;
		if (isnan(got) != isnan(cases[i].want) ||
		    (!isnan(got) && fabs(got - cases[i].want) > 1e-9))
			fail_msg("%s: %g", cases[i].in, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions),
		cmocka_unit_test(limits),
		cmocka_unit_test(durations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
