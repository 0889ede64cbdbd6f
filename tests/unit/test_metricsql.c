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
		{"{__name__=~\"a|b;c\" or job='(' , q=`\\x`}", NULL},
		{"a\\-b{c=\"\\\"}\"} if up ifnot down", NULL},
		{"x[1h30m:5m] offset -1.5d @ (end() - 5m)", NULL},
		{"sum(x) by(a,) limit 5 > 1Ki", NULL},
		{"a - -b == -1 + (-c) # +", NULL},
		{"a\\+", NULL}, /* a name */
		{"", "1:1 no expression found"},
		{" # nothing\n\t", "1:1 no expression found"},
		{"a\n+ b\n  ; c", "3:3 unexpected ';'"},
		{"a ? b", "1:3 unexpected '?'"},
		{"a && b", "1:3 unexpected '&'"},
		{"_time:5m | stats count()", "1:10 unexpected '|'"},
		{"a \x01", "1:3 unexpected byte 0x01"},
		{"温度 ‰", "1:8 unexpected '‰'"},

		/* names */
		{"温度 + foo.bar + foo:bar + :x + \\x41\\u00e9", NULL},
		{"bool + offset + by + sum + sum{a=\"b\"}", NULL},
		{"a\\xzz", "1:2 unexpected '\\'"},
		{"a\\", "1:2 unexpected '\\'"},

		/* numbers */
		{"0x1f + 0b11 + 0o17 + 017 + 1_000 + .5 + 5. + 1e-3", NULL},
		{"1Ki + 1MiB + 1kb + 1G + 5M + Inf + NaN + -inf", NULL},
		{"1h5m + 1.5d + 100ms + 5i + 2h-5m", NULL},
		{"a > 08", "1:5 invalid number '08'"},
		{"0b12", "1:1 invalid number '0b12'"},
		{"1e999", "1:1 invalid number '1e999'"},
		{"1e", "1:1 invalid number '1e'"},
		{"1__0", "1:1 invalid number '1__0'"},
		{"5x", "1:2 expected an operator before 'x'"},
		{"1h 30m", "1:4 expected an operator before '30m'"},
		{"inf(1)", "1:4 unexpected '('"},

		/* strings */
		{"\"a\" + \"b\" + foo(x) + 'it\\'s \"so\"' + `c:\\d`", NULL},
		{"x{a=\"\\x41\\u0042\\101\"}", NULL},
		{"x{a=\"b}", "1:5 unterminated string"},
		{"x{a='b\\'}", "1:5 unterminated string"},
		{"x{a=`b}", "1:5 unterminated string"},
		{"x{a=`b\\`}", "1:5 unterminated string"},
		{"x{a=\"b\nc\"}", "1:5 invalid string \"b\nc\""},
		{"x{a=~\"b\\.c\"}", "1:6 invalid string \"b\\.c\""},
		{"\"a\" + b", "1:7 no WITH template 'b'"},

		/* operands and operators */
		{"a if b default c unless on (x) d", NULL},
		{"a ==bool b AND c", NULL},
		{"a * on (x, y,) group_left (z) prefix \"b_\" c", NULL},
		{"a * on (x) group_left (*) b", NULL},
		{"a * on (x) group_left prefix", NULL},
		{"a and b offset 5m atan2 c", NULL},
		{"(a, b,) + ()", NULL},
		{"(a + b) keep_metric_names", NULL},
		{"a + b keep_metric_names", NULL},
		{"foo bar", "1:5 expected an operator before 'bar'"},
		{"foo \"bar\"", "1:5 expected an operator before '\"bar\"'"},
		{"foo{} {}", "1:7 unexpected '{'"},
		{"1 +", "1:3 nothing follows '+'"},
		{"a == # b", "1:3 nothing follows '=='"},
		{"(a *)", "1:4 nothing follows '*'"},
		{"a default", "1:3 nothing follows 'default'"},
		{"a and on (x)", "1:3 nothing follows 'and'"},
		{"-", "1:1 nothing follows '-'"},
		{"* a", "1:1 expected an expression, found '*'"},
		{"a ===", "1:5 expected an expression, found '='"},
		{"a = b", "1:3 unexpected '='"},
		{"a =~ b", "1:3 unexpected '=~'"},
		{"a + bool b", "1:5 no 'bool' with '+'"},
		{"a or on (x) group_left () b", "1:13 no 'group_left' with 'or'"},
		{"a + on x", "1:8 expected '(', found 'x'"},
		{"foo keep_metric_names",
		 "1:5 expected an operator before 'keep_metric_names'"},
		{"((a+b)) keep_metric_names",
		 "1:9 expected an operator before 'keep_metric_names'"},

		/* brackets */
		{"rate(x", "1:5 no ')' closes this"},
		{"x[5m", "1:2 no ']' closes this"},
		{"x{a=\"b\"", "1:2 no '}' closes this"},
		{"x{", "1:2 no '}' closes this"},
		{"sum(x))", "1:7 unexpected ')'"},
		{"sum(x]", "1:6 expected ',' or ')', found ']'"},
		{"f(,a)", "1:3 expected an expression, found ','"},

		/* calls and aggregates */
		{"newer_than_we(1, \"a\", b) + abs()", NULL},
		{"SUM BY (a) (b) + sum(a, b) without () limit 3", NULL},
		{"sum by (\"a b\") (c)", NULL},
		{"sum foo", "1:5 expected '(', 'by' or 'without', found 'foo'"},
		{"sum by (a)", "1:11 expected '(', found the end"},
		{"sum(a) by b", "1:11 expected '(', found 'b'"},
		{"sum(a) by (,)", "1:12 expected a label, found ','"},
		{"sum(a) by (b) by (c)", "1:15 expected an operator before 'by'"},
		{"sum(a) limit -1", "1:14 expected a whole number, found '-'"},
		{"sum(a) limit 5m", "1:14 expected a whole number, found '5m'"},
		{"rate(a) limit 5", "1:9 expected an operator before 'limit'"},
		{"rate(a) by (b)", "1:9 expected an operator before 'by'"},

		/* filters */
		{"{} + x{a=\"b\" or c!=\"d\", e!~\"f\"} + {\"x\", \"y\"='z',}", NULL},
		{"x{or=\"a\", by='b'}", NULL},
		{"a{b=}", "1:5 expected a string, found '}'"},
		{"a{b}", "1:3 no WITH template 'b'"},
		{"a{b=c}", "1:5 no WITH template 'c'"},
		{"a{b==\"c\"}", "1:4 expected =, !=, =~ or !~, found '=='"},
		{"a{b=\"c\" d=\"e\"}", "1:9 expected ',', 'or' or '}', found 'd'"},
		{"a{,}", "1:3 expected a label, found ','"},
		{"a{b=\"c\" or}", "1:11 expected a label, found '}'"},
		{"a{b=~\"(\"}", "1:6 error parsing regexp: missing closing ): `(`"},
		{"a{b=~\"(\" + \")\"}", NULL},

		/* windows, offsets, @ */
		{"a[5m:] + a[:5m] + a[5m:1h30m] + a[5] + a[1.5:.5] + a[:]", NULL},
		{"a[5m : 1i] @ end() offset 5 + a offset -1e3 @ -5", NULL},
		{"rate(a[$__interval]) + rate(a[$__rate_interval:$__interval])", NULL},
		{"sum(a)[5m:1m] + (a + b) offset 1d", NULL},
		{"a offset", "1:3 nothing follows 'offset'"},
		{"a offset -", "1:3 nothing follows 'offset'"},
		{"a offset x", "1:10 no WITH template 'x'"},
		{"a offset +5m", "1:10 expected a duration, found '+'"},
		{"a @", "1:3 nothing follows '@'"},
		{"a @ 5 offset 1m @ 6", "1:17 a second '@'"},
		{"a offset 5m offset 5m", "1:13 expected an operator before 'offset'"},
		{"a offset 5m[5m]", "1:12 unexpected '['"},
		{"a[]", "1:3 expected a duration, found ']'"},
		{"a[-5m]", "1:3 expected a duration, found '-'"},
		{"a[5x]", "1:4 expected ']', found 'x'"},
		{"a[5m][5m]", "1:6 unexpected '['"},

		/* templates */
		{"WITH (x = {a=\"b\"}, w = 5m, s = \"t\",) y{x, c=s+\"u\"}[w:w]", NULL},
		{"WITH (x = foo) sum(x) + WITH (y = x) y", NULL},
		{"WITH (x = {y}) foo", NULL}, /* nobody uses it */
		{"WITH (f(a) = a{b=\"c\"}) f", NULL},
		{"WITH (x = y, y = z) x{c=\"d\"} + with", NULL},
		{"WITH (f(a, b) = a + b) f(f(1, 2), 3)", NULL},
		{"alias(a, \"b\") + ru(a, b) + ttf(a) + range_median(a)", NULL},
		{"alias(a)", "1:1 the template 'alias' takes 2 argument(s), not 1"},
		{"WITH (x = {y}) x", "1:12 no WITH template 'y'"},
		{"WITH (x = foo{y}, y = {a=\"b\"}) x", "1:15 no WITH template 'y'"},
		{"WITH (f(a) = a) f(1, 2)",
		 "1:17 the template 'f' takes 1 argument(s), not 2"},
		{"WITH (f(a) = a(1)) f(x)",
		 "1:14 the template 'a' takes 0 argument(s), not 1"},
		{"WITH (sum(a) = a) SUM(1, 2)",
		 "1:19 the template 'sum' takes 1 argument(s), not 2"},
		{"WITH (x = a, x = b) x", "1:14 the template 'x' is there twice"},
		{"WITH (f(a, a) = a) f(1, 2)", "1:12 the parameter 'a' is there twice"},
		{"WITH (x) y", "1:8 expected '=', found ')'"},
		{"WITH (x =) y", "1:9 nothing follows '='"},
		{"WITH (x = y", "1:6 no ')' closes this"},
		{"WITH (x = y)", "1:13 expected an expression, found the end"},
		{"WITH (1 = y) x", "1:7 expected the name of a template, found '1'"},
		{"WITH (x = \"(\") a{b=~\"x\" + y}", "1:27 no WITH template 'y'"},
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

static void refuse_as(const struct buf *in, const char *why)
{
	struct promql_error err;

	assert_false(metricsql_check(buf_str(in), &err));
	if (!strstr(err.text, why))
		fail_msg("%s", err.text);
}

/* before and behind, n times around x. */
static void nest(struct buf *out, const char *before, const char *behind, int n)
{
	buf_reset(out);
	for (int i = 0; i < n; i++)
		buf_add_text(out, before);
	buf_add_text(out, "x");
	for (int i = 0; i < n; i++)
		buf_add_text(out, behind);
}

static void limits(void **state)
{
	static char long_one[METRICSQL_MAX_BYTES + 1];
	struct buf b = BUF(METRICSQL_MAX_BYTES);
	struct promql_error err;

	(void)state;
	memset(long_one, 'x', sizeof(long_one));
	assert_false(metricsql_check((struct str){long_one, sizeof(long_one)}, &err));
	assert_true(metricsql_check((struct str){long_one, sizeof(long_one) - 1}, &err));

	nest(&b, "(", ")", METRICSQL_MAX_DEPTH - 1);
	assert_true(metricsql_check(buf_str(&b), &err));
	nest(&b, "(", ")", METRICSQL_MAX_DEPTH);
	refuse_as(&b, "nested deeper than 500 levels");
	nest(&b, "-", "", 100000);
	refuse_as(&b, "nested deeper than 500 levels");
	nest(&b, "x @ ", "", METRICSQL_MAX_DEPTH);
	refuse_as(&b, "a second '@'");
	nest(&b, "WITH (x = ", ") x", 32);
	assert_true(metricsql_check(buf_str(&b), &err));
	nest(&b, "WITH (x = ", ") x", 33);
	refuse_as(&b, "more than 32 WITH");

	buf_reset(&b);
	for (int i = 0; i < 300; i++)
		buf_addf(&b, "%sx%d = y", i ? ", " : "WITH (", i);
	buf_add_text(&b, ") x0");
	refuse_as(&b, "more than 256 WITH templates");
	buf_free(&b);
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
