#include "unit/template_case.h"
#include "text/time_format.h"

static void prints(void **state)
{
	static const struct {
		const char *layout, *want;
	} cases[] = {
		{"2006-01-02T15:04:05Z07:00", "2024-05-06T07:08:09+02:00"},
		{"Mon Jan _2 15:04:05 2006", "Mon May  6 07:08:09 2024"},
		{"Monday, 02-January-06 03:04PM", "Monday, 06-May-24 07:08AM"},
		{"1/2/06 3:4:5 pm", "5/6/24 7:8:9 am"},
		{"002 __2", "127 127"},
		{".000 .999 ,000000 .9", ".250 .25 ,250000 .2"},
		{"-0700 -07 Z0700 MST", "+0200 +02 +0200 +0200"},
		{"Janet _2006 v1", "Janet _2024 v5"},
		{"no elements here", "no elements here"},
	};
	static const struct moment m = {{1714972089, 250000000, 7200}, NULL};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(4096);

		buf_add_time(&b, &m, str_of(cases[i].layout));
		check_text(cases[i].layout, cases[i].want, buf_text(&b));
		buf_free(&b);
	}
}

static void parses(void **state)
{
	static const struct {
		const char *layout, *in,
			*want; /* as String() prints it, or what is wrong */
	} cases[] = {
		{"2006-01-02", "2024-02-29", "2024-02-29 00:00:00 +0000 UTC"},
		{"2006-01-02 15:04", "2024-05-06 17:08", "2024-05-06 17:08:00 +0000 UTC"},
		{"2006-01-02T15:04:05Z07:00", "2024-05-06T07:08:09.25+02:00",
		 "2024-05-06 07:08:09.25 +0200 +0200"},
		{"Jan 2 2006 3PM", "may 6 2024 11PM", "2024-05-06 23:00:00 +0000 UTC"},
		{"2006 002", "2024 060", "2024-02-29 00:00:00 +0000 UTC"},
		{"15:04 MST", "07:00 CEST", "0000-01-01 07:00:00 +0000 CEST"},
		{"2006-01-02", "2024-02-30",
		 "parsing time \"2024-02-30\": day out of range"},
		{"2006-01-02", "2024-13-01",
		 "parsing time \"2024-13-01\": month out of range"},
		{"2006-01-02", "",
		 "parsing time \"\" as \"2006-01-02\": cannot parse \"\" as \"2006\""},
		{"2006", "2024x", "parsing time \"2024x\": extra text: \"x\""},
		{"2006/01", "2024-01",
		 "parsing time \"2024-01\" as \"2006/01\": cannot parse \"-01\" as \"/\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		struct buf b = BUF(4096);
		struct moment m;
		const char *wrong = time_parse(&mem, str_of(cases[i].layout),
					       str_of(cases[i].in), &m);

		if (wrong)
			buf_add_text(&b, wrong);
		else
			buf_add_time_text(&b, &m);
		check_text(cases[i].in, cases[i].want, buf_text(&b));
		buf_free(&b);
		arena_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(prints),
					   cmocka_unit_test(parses)};

	return cmocka_run_group_tests_name("time format", tests, NULL, NULL);
}
