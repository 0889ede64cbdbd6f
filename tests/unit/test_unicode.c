#include "unit/template_case.h"
#include "base/quote.h"
#include "text/unicode.h"

static void titles(void **state)
{
	static const struct {
		const char *in, *lowered, *kept, *simple;
	} cases[] = {
		{"hELLO foo-bar", "Hello Foo-Bar", "HELLO Foo-Bar", "HELLO Foo-Bar"},
		{"o'neil i.e. a_b", "O'neil I.e. A_b", "O'neil I.e. A_b",
		 "O'Neil I.E. A_b"},
		{"2nd foo:bar a/b", "2Nd Foo:bar A/B", "2Nd Foo:bar A/B",
		 "2nd Foo:Bar A/B"},
		{"a..b", "A..B", "A..B", "A..B"},
		{"\xC3\x9F", "Ss", "Ss", "\xC3\x9F"},
		{"\xCE\x91\xCE\xA3", "\xCE\x91\xCF\x82", "\xCE\x91\xCE\xA3",
		 "\xCE\x91\xCE\xA3"},
		{"", "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct str in = str_of(cases[i].in);

		check_text(cases[i].in, cases[i].lowered,
			   arena_copy(&mem, unicode_title(&mem, in, true)));
		check_text(cases[i].in, cases[i].kept,
			   arena_copy(&mem, unicode_title(&mem, in, false)));
		check_text(cases[i].in, cases[i].simple,
			   arena_copy(&mem, unicode_title_simple(&mem, in)));
		arena_free(&mem);
	}
}

static void classes(void **state)
{
	static const struct {
		uint32_t rune;
		bool letter, digit, print;
	} cases[] = {
		{'a', true, false, true},	 {'0', false, true, true},
		{' ', false, false, true},	 {0xA0, false, false, false},
		{0xE9, true, false, true},	 {0x663, false, true, true},
		{0x65E5, true, false, true},	 {0x2028, false, false, false},
		{0xFEFF, false, false, false},	 {0x1F600, false, false, true},
		{0x10FFFF, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(rune_is_letter(cases[i].rune), cases[i].letter);
		assert_int_equal(rune_is_digit(cases[i].rune), cases[i].digit);
		assert_int_equal(rune_is_print(cases[i].rune), cases[i].print);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(titles),
					   cmocka_unit_test(classes)};

	return cmocka_run_group_tests_name("unicode", tests, NULL, NULL);
}
