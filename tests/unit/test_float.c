#include "unit/template_case.h"
#include "text/float.h"

#include <float.h>
#include <math.h>

static void prints(void **state)
{
	static const struct {
		double v;
		char verb;
		int precision;
		const char *want;
	} cases[] = {
		{0, 'g', -1, "0"},
		{-0.0, 'g', -1, "-0"},
		{0.1, 'g', -1, "0.1"},
		{0.1 + 0.2, 'g', -1, "0.30000000000000004"},
		{100000, 'g', -1, "100000"},
		{999999.5, 'g', -1, "999999.5"},
		{1e6, 'g', -1, "1e+06"},
		{1234567, 'g', -1, "1.234567e+06"},
		{0.0001, 'g', -1, "0.0001"},
		{0.00001, 'g', -1, "1e-05"},
		{5e-324, 'g', -1, "5e-324"},
		{DBL_MAX, 'g', -1, "1.7976931348623157e+308"},
		{DBL_MIN, 'g', -1, "2.2250738585072014e-308"},
		{9007199254740993.0, 'g', -1, "9.007199254740992e+15"},
		{0x1p-1074 * 3, 'g', -1, "1.5e-323"},
		{9.5367431640625e-07, 'g', -1, "9.5367431640625e-07"},
		{(double)INFINITY, 'f', 2, "+Inf"},
		{-(double)INFINITY, 'e', -1, "-Inf"},
		{(double)NAN, 'g', -1, "NaN"},
		{0.5, 'f', 0, "0"},
		{1.5, 'f', 0, "2"},
		{2.675, 'f', 2, "2.67"},
		{1234.5678, 'e', 6, "1.234568e+03"},
		{1234.5678, 'f', -1, "1234.5678"},
		{1e21, 'f', -1, "1000000000000000000000"},
		{100000, 'g', 4, "1e+05"},
		{1, 'x', -1, "0x1p+00"},
		{1.5, 'x', -1, "0x1.8p+00"},
		{-10, 'X', -1, "-0X1.4P+03"},
		{1, 'b', -1, "4503599627370496p-52"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(4096);

		buf_add_float(&b, cases[i].v, cases[i].verb, cases[i].precision);
		check_text(cases[i].want, cases[i].want, buf_text(&b));
		buf_free(&b);
	}
}

/* Whatever is printed in the shortest way reads back as the same number. */
static void shortest_reads_back(void **state)
{
	uint64_t bits = 0x0123456789abcdef;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct buf b = BUF(64);
		double v, back;

		bits = bits * 6364136223846793005u + 1442695040888963407u;
		memcpy(&v, &bits, sizeof(v));
		if (!isfinite(v))
			continue;
		buf_add_float(&b, v, 'g', -1);
		assert_int_equal(float_parse(buf_str(&b), &back), FLOAT_OK);
		if (back != v)
			fail_msg("%a printed as %s", v, buf_text(&b));
		buf_free(&b);
	}
}

static void parses(void **state)
{
	static const struct {
		const char *in;
		enum float_parse how;
		double want;
	} cases[] = {
		{"1", FLOAT_OK, 1},
		{"1_000", FLOAT_OK, 1000},
		{"+1.5e3", FLOAT_OK, 1500},
		{".5", FLOAT_OK, 0.5},
		{"0x1p4", FLOAT_OK, 16},
		{"0x_1p4", FLOAT_OK, 16},
		{"INF", FLOAT_OK, (double)INFINITY},
		{"-infinity", FLOAT_OK, -(double)INFINITY},
		{"1e-400", FLOAT_OK, 0},
		{"1e400", FLOAT_RANGE, 0},
		{"0x10", FLOAT_SYNTAX, 0},
		{"1__0", FLOAT_SYNTAX, 0},
		{"_1", FLOAT_SYNTAX, 0},
		{"1_", FLOAT_SYNTAX, 0},
		{"", FLOAT_SYNTAX, 0},
		{" 1", FLOAT_SYNTAX, 0},
		{"1e", FLOAT_SYNTAX, 0},
		{"1h", FLOAT_SYNTAX, 0},
		{".", FLOAT_SYNTAX, 0},
		{"0x", FLOAT_SYNTAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		double v = 0;
		enum float_parse how = float_parse(str_of(cases[i].in), &v);

		if (how != cases[i].how || (how == FLOAT_OK && v != cases[i].want))
			fail_msg("'%s' gave %d, %g", cases[i].in, how, v);
	}
}

static void prints_json(void **state)
{
	static const struct {
		double v;
		const char *want;
	} cases[] = {{1e6, "1000000"}, {1e21, "1e+21"}, {1e-7, "1e-7"}, {1e-10, "1e-10"},
		     {0.5, "0.5"},     {-0.0, "-0"},	{100.0, "100"}, {1e-6, "0.000001"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(4096);

		buf_add_float_json(&b, cases[i].v);
		check_text(cases[i].want, cases[i].want, buf_text(&b));
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints),
		cmocka_unit_test(shortest_reads_back),
		cmocka_unit_test(parses),
		cmocka_unit_test(prints_json),
	};

	return cmocka_run_group_tests_name("float", tests, NULL, NULL);
}
