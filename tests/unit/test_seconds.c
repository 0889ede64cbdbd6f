#include "base/base.h"
#include "api/seconds.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_sharing_out(void **state)
{
	struct seconds s = {0}, more = {0};

	(void)state;
	seconds_add(&s, 99, 0);
	assert_int_equal(s.n, 0);
	seconds_add(&s, 0.5, 100); /* 5 ms each: a bound belongs to its bucket */
	assert_int_equal(s.buckets[0], 100);
	seconds_add(&s, 0.006, 1);
	assert_int_equal(s.buckets[1], 1);
	seconds_add(&more, 11, 1);
	seconds_merge(&s, &more);
	assert_int_equal(s.buckets[SECONDS_BUCKETS - 1], 1);
	assert_int_equal(s.n, 102);
	assert_true(s.sum > 11.505 && s.sum < 11.507);
}

static void test_lines(void **state)
{
	struct seconds s = {0};
	struct buf b = BUF(BUF_NO_LIMIT);

	(void)state;
	seconds_add(&s, 0.25, 1);
	seconds_add(&s, 20, 1);
	buf_add_histogram(&b, "x", "", &s);
	assert_non_null(strstr(buf_text(&b), "x_bucket{le=\"0.1\"} 0\n"));
	assert_non_null(strstr(buf_text(&b), "x_bucket{le=\"0.25\"} 1\n"));
	assert_non_null(strstr(buf_text(&b), "x_bucket{le=\"10\"} 1\n"
					     "x_bucket{le=\"+Inf\"} 2\n"
					     "x_sum 20.25\nx_count 2\n"));
	buf_reset(&b);
	buf_add_histogram(&b, "x", "a=\"b\"", &s);
	assert_non_null(strstr(buf_text(&b), "x_bucket{a=\"b\",le=\"+Inf\"} 2\n"
					     "x_sum{a=\"b\"} 20.25\n"));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sharing_out),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests_name("seconds", tests, NULL, NULL);
}
