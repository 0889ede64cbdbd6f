#include "unit/template_case.h"
#include "text/literal.h"

static void numbers(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
		const char *wrong; /* NULL: an integer */
	} cases[] = {
		{"7", 7, NULL},
		{"-7", -7, NULL},
		{"0x1F", 31, NULL},
		{"0b101", 5, NULL},
		{"0o17", 15, NULL},
		{"017", 15, NULL},
		{"1_000", 1000, NULL},
		{"1e3", 1000, NULL},
		{"-0", 0, NULL},
		{"9223372036854775807", INT64_MAX, NULL},
		{"08", 0, "integer overflow: \"08\""},
		{"1__0", 0, "illegal number syntax: \"1__0\""},
		{"123456789012345678901234567890", 0,
		 "integer overflow: \"123456789012345678901234567890\""},
		{"1e400", 0, "illegal number syntax: \"1e400\""},
		{"-", 0, "illegal number syntax: \"-\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct number n = {0};
		const char *wrong = literal_number(&mem, str_of(cases[i].in), &n);

		check_text(cases[i].in, cases[i].wrong ? cases[i].wrong : "",
			   wrong ? wrong : "");
		if (!wrong && (!n.is_int || n.i != cases[i].want))
			fail_msg("%s read as %lld", cases[i].in, (long long)n.i);
		arena_free(&mem);
	}
}

static void characters(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
		const char *wrong;
	} cases[] = {
		{"'a'", 'a', NULL},
		{"'\\n'", '\n', NULL},
		{"'\\''", '\'', NULL},
		{"'\\x41'", 'A', NULL},
		{"'\\101'", 'A', NULL},
		{"'\\u00e9'", 0xe9, NULL},
		{"'\xC3\xA9'", 0xe9, NULL},
		{"'\\xff'", 255, NULL},
		{"''", 0, "invalid syntax"},
		{"'\\\"'", 0, "invalid syntax"},
		{"'ab'", 0, "malformed character constant: 'ab'"},
		{"'\\ud800'", 0, "invalid syntax"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct number n = {0};
		const char *wrong = literal_char(&mem, str_of(cases[i].in), &n);

		check_text(cases[i].in, cases[i].wrong ? cases[i].wrong : "",
			   wrong ? wrong : "");
		if (!wrong && n.i != cases[i].want)
			fail_msg("%s read as %lld", cases[i].in, (long long)n.i);
		arena_free(&mem);
	}
}

static void strings(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{"\"a\\tb\"", "a\tb"},	     {"\"\\\"\"", "\""}, {"`a\\t`", "a\\t"},
		{"`a\r\nb`", "a\nb"},	     {"\"\\'\"", NULL},	 {"\"\\q\"", NULL},
		{"\"\\u00e9\"", "\xC3\xA9"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct str out = STR("");
		const char *wrong = literal_string(&mem, str_of(cases[i].in), &out);

		assert_int_equal(!wrong, cases[i].want != NULL);
		if (!wrong)
			check_text(cases[i].in, cases[i].want, arena_copy(&mem, out));
		arena_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(characters),
		cmocka_unit_test(strings),
	};

	return cmocka_run_group_tests_name("literal", tests, NULL, NULL);
}
