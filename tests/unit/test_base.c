#include "base/base.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/quote.h"
#include "base/recent.h"
#include "base/time.h"
#include "base/url.h"
#include "base/xxhash.h"
#include "base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void spans(void **state)
{
	static const struct {
		const char *in;
		span_ms want;
		const char *err; /* NULL: must parse and print as in back */
		const char *back;
	} cases[] = {
		{"1h30m", 5400000, NULL, "1h30m"},
		{"0", 0, NULL, "0s"},
		{"90d", 90 * DAY, NULL, "90d"},
		{"14d", 14 * DAY, NULL, "2w"},
		{"365d", 365 * DAY, NULL, "1y"},
		{"1y2w3d4h5m6s7ms", 365 * DAY + 17 * DAY + 14706007, NULL, "382d4h5m6s7ms"},
		{"1500ms", 1500, NULL, "1s500ms"},
		{"", 0, "empty duration string", NULL},
		{"5", 0, "a unit is missing", NULL},
		{"1m2h", 0, "units must fall", NULL},
		{"1M", 0, "unknown unit \"M\"", NULL},
		{"1.5h", 0, "unit", NULL},
		{"-5m", 0, "not a valid duration string", NULL},
		{"300y", 0, "out of range", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(100);
		struct err err = {0};
		span_ms got = 0;
		bool ok = span_parse(str_of(cases[i].in), NOWHERE, &got, &err);

		if (ok != !cases[i].err || (ok && got != cases[i].want) ||
		    (!ok && !strstr(err.text, cases[i].err)))
			fail_msg("'%s': %d, %lld, %s", cases[i].in, ok, (long long)got,
				 err.text);
		buf_add_span(&b, got);
		if (ok && !str_is(buf_str(&b), cases[i].back))
			fail_msg("'%s' prints as %s", cases[i].in, buf_text(&b));
		buf_free(&b);
	}
}

static void go_durations(void **state)
{
	static const struct {
		const char *in;
		bool ok;
		const char *back;
	} cases[] = {
		{"1h", true, "1h0m0s"},	     {"1.5s", true, "1.5s"},
		{"-300ms", true, "-300ms"},  {"90m", true, "1h30m0s"},
		{"2us", true, "2\xC2\xB5s"}, {"0", true, "0s"},
		{"1d", false, NULL},	     {"", false, NULL},
		{"5", false, NULL},	     {"1h1", false, NULL},
		{".s", false, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(100);
		int64_t ns = 0;
		bool ok = go_duration_parse(str_of(cases[i].in), &ns);

		buf_add_go_duration(&b, ns);
		if (ok != cases[i].ok || (ok && !str_is(buf_str(&b), cases[i].back)))
			fail_msg("'%s': %d, %s", cases[i].in, ok, buf_text(&b));
		buf_free(&b);
	}
}

static void instants(void **state)
{
	static const struct {
		const char *in, *back; /* back NULL: refused */
	} cases[] = {
		{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05.678901234+02:00",
		 "2026-01-02T03:04:05.678901234+02:00"},
		{"2026-01-02T03:04:05.100-08:30", "2026-01-02T03:04:05.1-08:30"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"2023-02-29T00:00:00Z", NULL},
		{"2026-13-01T00:00:00Z", NULL},
		{"2026-01-01T24:00:00Z", NULL},
		{"2026-01-01 00:00:00Z", NULL},
		{"2026-01-01T00:00:00", NULL},
		{"2026-01-01T00:00:00.Z", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(100);
		struct instant t;
		bool ok = instant_parse(str_of(cases[i].in), &t);

		if (ok)
			buf_add_instant(&b, t);
		if (ok != (cases[i].back != NULL) ||
		    (ok && !str_is(buf_str(&b), cases[i].back)))
			fail_msg("'%s': %d, %s", cases[i].in, ok, buf_text(&b));
		buf_free(&b);
	}
}

static void civil_days(void **state)
{
	(void)state;
	for (int64_t day = -800000; day < 800000; day += 37) {
		struct civil c = civil_of(day * 86400, 0);

		assert_int_equal(civil_seconds(&c), day * 86400);
	}
	assert_int_equal(civil_of(0, 0).weekday, 4); /* a Thursday */
	assert_int_equal(civil_month_days(2024, 2), 29);
	assert_int_equal(civil_month_days(1900, 2), 28);
}

static void quotes(void **state)
{
	static const struct {
		const char *in, *quoted;
	} cases[] = {
		{"plain", "\"plain\""},
		{"a\"b\\c\n", "\"a\\\"b\\\\c\\n\""},
		{"\x01\x7f", "\"\\x01\\x7f\""},
		{"gr\xC3\xBC\xC3\x9F", "\"gr\xC3\xBC\xC3\x9F\""},
		{"\xff", "\"\\xff\""},
		{"\xE2\x80\xA8", "\"\\u2028\""},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(100);
		struct str back;

		buf_add_quoted(&b, str_of(cases[i].in));
		if (!str_is(buf_str(&b), cases[i].quoted))
			fail_msg("'%s' is quoted as %s", cases[i].in, buf_text(&b));
		assert_true(unquote(&mem, buf_str(&b), &back));
		assert_true(str_is(back, cases[i].in));
		buf_free(&b);
	}
	arena_free(&mem);
}

static void nearest_words(void **state)
{
	static const char *const words[] = {"receiver", "group_wait", "matchers", NULL};

	(void)state;
	assert_string_equal(str_nearest(STR("reciever"), words), "receiver");
	assert_string_equal(str_nearest(STR("group_wiat"), words), "group_wait");
	assert_null(str_nearest(STR("colour"), words));
}

static void maps_keep_order(void **state)
{
	uint64_t keys[1000];
	struct map m = {0};
	uint64_t *key, last = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		keys[i] = i + 1;
		map_put(&m, map_key_u64(&keys[i]), &keys[i]);
	}
	for (size_t i = 0; i < COUNT_OF(keys); i += 3)
		assert_ptr_equal(map_del(&m, map_key_u64(&keys[i])), &keys[i]);
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		assert_ptr_equal(map_find(&m, map_key_u64(&keys[i])),
				 i % 3 ? &keys[i] : NULL);
	for (size_t at = 0; (key = map_next(&m, &at));) {
		assert_true(*key > last);
		last = *key;
	}
	assert_int_equal(m.n, 666);
	map_free(&m);
}

static void heap_is_a_total_order(void **state)
{
	static const wall_ms at[] = {50, 10, 30, 10, 20, 10};
	static const size_t order[] = {1, 3, 5, 4, 0}; /* 2 is dropped */
	struct deadline d[COUNT_OF(at)] = {{0}};
	struct heap h = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(at); i++)
		heap_set(&h, &d[i], at[i]);
	heap_drop(&h, &d[2]);
	heap_drop(&h, &d[2]);
	assert_null(heap_take_due(&h, 9));
	for (size_t i = 0; i < COUNT_OF(order); i++)
		assert_ptr_equal(heap_take_due(&h, 100), &d[order[i]]);
	assert_null(heap_first(&h));
	heap_free(&h);
}

static void urls(void **state)
{
	struct arena mem = {0};
	struct buf b = BUF(100);
	struct str out;

	(void)state;
	buf_add_query_escaped(&b, STR("up == 0 & \"x\"/~"));
	assert_string_equal(buf_text(&b), "up+%3D%3D+0+%26+%22x%22%2F~");
	assert_true(url_unescape(&mem, buf_str(&b), true, &out));
	assert_true(str_is(out, "up == 0 & \"x\"/~"));
	assert_false(url_unescape(&mem, STR("%4"), true, &out));
	assert_false(url_unescape(&mem, STR("%zz"), true, &out));
	buf_free(&b);
	arena_free(&mem);
}

static void xxhash_vectors(void **state)
{
	char text[200];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(xxhash64(STR(""), 0) == UINT64_C(0xef46db3751d8e999));
	assert_true(xxhash64(STR("a"), 0) == UINT64_C(0xd24ec4f1a98c6e5b));
	assert_true(xxhash64(STR("xxhash"), 0) == UINT64_C(0x32dd38952c4bc720));
	assert_true(xxhash64(STR("xxhash"), 20141025) == UINT64_C(0xb559b98d844e0635));
}

static void arena_runs_what_was_deferred(void **state);
static int released;
static void release(void *arg)
{
	released = released * 10 + *(int *)arg;
}
static void arena_runs_what_was_deferred(void **state)
{
	static int one = 1, two = 2;
	struct arena mem = {0};

	(void)state;
	arena_defer(&mem, release, &one);
	arena_defer(&mem, release, &two);
	arena_reset(&mem);
	assert_int_equal(released, 21);
	arena_free(&mem);
	assert_int_equal(released, 21);
}

static void buffers_end_at_their_limit(void **state)
{
	struct buf b = BUF(5);

	(void)state;
	buf_add_text(&b, "1234");
	buf_add_text(&b, "56");
	assert_true(b.full);
	assert_string_equal(buf_text(&b), "1234");
	buf_add_text(&b, "5");
	assert_string_equal(buf_text(&b), "1234");
	buf_free(&b);
}

static void quantiles_of_what_was_last(void **state)
{
	static const double q[] = {0, 0.5, 0.99, 1};
	struct recent r = {0};
	double v[4];

	(void)state;
	assert_false(recent_quantiles(&r, q, 4, v));
	recent_add(&r, 3);
	assert_true(recent_quantiles(&r, q, 4, v));
	assert_true(v[0] == 3 && v[3] == 3);
	recent_add(&r, 1);
	recent_add(&r, 2);
	assert_true(recent_quantiles(&r, q, 4, v));
	assert_true(v[0] == 1 && v[1] == 2 && v[2] == 2 && v[3] == 3);
	for (int i = 0; i < RECENT_KEPT; i++) /* those before have no weight */
		recent_add(&r, 1000 - i);
	assert_true(recent_quantiles(&r, q, 4, v));
	assert_true(v[0] == 1001 - RECENT_KEPT && v[3] == 1000);
	assert_true(v[1] == 1000 - RECENT_KEPT / 2);
	assert_int_equal(r.n, RECENT_KEPT + 3);
}

/* Of short texts of three bytes' values each, and of all beginnings of a long one. */
static void hashes_of_texts_differ(void **state)
{
	static const char bytes[] = {'0', '1', 'a'};
	struct map seen = {0};
	struct arena mem = {0};
	char text[64];

	(void)state;
	for (size_t n = 0, all = 1; n <= 7; n++, all *= 3) {
		for (size_t i = 0; i < all; i++) {
			uint64_t *hash = ARENA_NEW(&mem, uint64_t);
			const char *other;

			for (size_t k = 0, rest = i; k < n; k++, rest /= 3)
				text[k] = bytes[rest % 3];
			text[n] = 0;
			*hash = str_hash(str_of(text));
			other = map_find(&seen, map_key_u64(hash));
			if (other)
				fail_msg("'%s' and '%s'", text, other);
			map_put(&seen, map_key_u64(hash),
				(void *)(uintptr_t)arena_text(&mem, text));
		}
	}
	memset(text, 'x', sizeof(text));
	for (size_t n = 8; n <= sizeof(text); n++) {
		uint64_t *hash = ARENA_NEW(&mem, uint64_t);

		*hash = str_hash((struct str){text, n});
		assert_null(map_find(&seen, map_key_u64(hash)));
		map_put(&seen, map_key_u64(hash), text);
	}
	map_free(&seen);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_of_texts_differ),
		cmocka_unit_test(spans),
		cmocka_unit_test(go_durations),
		cmocka_unit_test(instants),
		cmocka_unit_test(civil_days),
		cmocka_unit_test(quotes),
		cmocka_unit_test(nearest_words),
		cmocka_unit_test(maps_keep_order),
		cmocka_unit_test(heap_is_a_total_order),
		cmocka_unit_test(urls),
		cmocka_unit_test(xxhash_vectors),
		cmocka_unit_test(arena_runs_what_was_deferred),
		cmocka_unit_test(buffers_end_at_their_limit),
		cmocka_unit_test(quantiles_of_what_was_last),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
