#include "base/base.h"
#include "text/rule_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MOST 6
struct shape {
	size_t n;
	struct histogram_bucket v[MOST];
};

static const struct histogram *made(struct arena *mem, const struct shape *s, double count,
				    double sum)
{
	struct histogram *h = arena_alloc(mem, sizeof(*h) + sizeof(s->v));

	h->count = count;
	h->sum = sum;
	h->n = s->n;
	memcpy(h->v, s->v, sizeof(s->v));
	return h;
}

/* spec/rule-templates.md 5.6: how templates show one. */
static void shown(void **state)
{
	static const struct {
		double count, sum;
		struct shape shape;
		const char *want;
	} cases[] = {
		{30,
		 1111.1,
		 {3,
		  {{ENDS_LOWER, -2, -1, 2},
		   {ENDS_BOTH, -0.001, 0.001, 2},
		   {ENDS_UPPER, 0.5, 1, 1}}},
		 "{count:30, sum:1111.1, [-2,-1):2, [-0.001,0.001]:2, (0.5,1]:1}"},
		{0, 0, {0}, "{count:0, sum:0}"},
		{1e6,
		 NAN,
		 {1, {{ENDS_NONE, 1048576, HUGE_VAL, 0.25}}},
		 "{count:1e+06, sum:NaN, (1.048576e+06,+Inf):0.25}"},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct histogram *h = made(&mem, &cases[i].shape, cases[i].count,
						 cases[i].sum);
		struct buf b = BUF(1000);

		buf_add_native_histogram(&b, histogram_copy(&mem, h));
		assert_string_equal(buf_text(&b), cases[i].want);
		buf_free(&b);
	}
	arena_free(&mem);
}

/* spec/rules.md 19.3: bounds whose ratio is 2^(2^-schema) are exponential buckets. */
static void made_of(void **state)
{
	static const struct {
		const char *name;
		struct shape shape;
		bool ok;
		int schema;
		int32_t first; /* index of the first positive bucket */
	} cases[] = {
		{"nothing at all: any schema is right", {0}, true, 8, 0},
		{"schema 0", {1, {{ENDS_UPPER, 4, 8, 1}}}, true, 0, 3},
		{"schema 3",
		 {2,
		  {{ENDS_UPPER, 1, 1.0905077326652577, 1},
		   {ENDS_UPPER, 1.0905077326652577, 1.189207115002721, 1}}},
		 true,
		 3,
		 1},
		{"schema 8, far up",
		 {1, {{ENDS_UPPER, 1.7928322734501128e+308, 0x1.fffffffffffffp+1023, 1}}},
		 true,
		 8,
		 262144},
		{"schema -4", {1, {{ENDS_UPPER, 1, 65536, 1}}}, true, -4, 1},
		{"schema -4, below 1", {1, {{ENDS_UPPER, 1.0 / 65536, 1, 1}}}, true, -4, 0},
		{"tiny", {1, {{ENDS_UPPER, 0x1p-1022, 0x1p-1021, 1}}}, true, 0, -1021},
		{"zero alone", {1, {{ENDS_BOTH, -1, 1, 5}}}, true, 8, 0},
		{"zero within its neighbour",
		 {2, {{ENDS_BOTH, -0.75, 0.75, 5}, {ENDS_UPPER, 0.5, 1, 1}}},
		 true,
		 0,
		 0},
		{"custom bounds", {1, {{ENDS_UPPER, 1, 2.5, 1}}}, false, 0, 0},
		{"custom bounds from zero", {1, {{ENDS_UPPER, 0, 1, 1}}}, false, 0, 0},
		{"custom bounds from below zero",
		 {1, {{ENDS_UPPER, -1, 1, 1}}},
		 false,
		 0,
		 0},
		{"without an upper end", {1, {{ENDS_UPPER, 1, HUGE_VAL, 1}}}, false, 0, 0},
		{"without a lower end", {1, {{ENDS_UPPER, -HUGE_VAL, 1, 1}}}, false, 0, 0},
		{"not on the grid", {1, {{ENDS_UPPER, 3, 6, 1}}}, false, 0, 0},
		{"two schemas",
		 {2, {{ENDS_UPPER, 1, 2, 1}, {ENDS_UPPER, 2, 8, 1}}},
		 false,
		 0,
		 0},
		{"of a schema beyond", {1, {{ENDS_UPPER, 1, 4294967296, 1}}}, false, 0, 0},
		{"not around zero", {1, {{ENDS_BOTH, -1, 2, 1}}}, false, 0, 0},
		{"zero twice",
		 {2, {{ENDS_BOTH, -1, 1, 1}, {ENDS_BOTH, -1, 1, 1}}},
		 false,
		 0,
		 0},
		{"the same bucket twice",
		 {2, {{ENDS_UPPER, 1, 2, 1}, {ENDS_UPPER, 1, 2, 1}}},
		 false,
		 0,
		 0},
		{"open at both ends", {1, {{ENDS_NONE, 1, 2, 1}}}, false, 0, 0},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct histogram *h = made(&mem, &cases[i].shape, 1, 1);
		struct exponential e;
		const char *why;
		bool ok = histogram_exponential(&mem, h, &e, &why);
		int32_t first = ok && e.positive.n ? e.positive.index[0] : 0;

		if (ok != cases[i].ok ||
		    (ok && (e.schema != cases[i].schema || first != cases[i].first)))
			fail_msg("%s: %d, schema %d, from %d", cases[i].name, ok, e.schema,
				 first);
	}
	arena_free(&mem);
}

/* What receivers refuse. */
static void counts(void **state)
{
	static const struct {
		double count, first, second;
		bool ok;
	} cases[] = {
		{3, 1, 2, true},    {0, 0, 0, true},   {-1, 1, 2, false},
		{NAN, 1, 2, false}, {3, -1, 4, false}, {3, 1, -0.5, false},
		{3, 1, NAN, false},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct shape shape = {2,
				      {{ENDS_UPPER, 1, 2, cases[i].first},
				       {ENDS_UPPER, 2, 4, cases[i].second}}};
		const char *why;

		if (histogram_has_counts(made(&mem, &shape, cases[i].count, NAN), &why) !=
		    cases[i].ok)
			fail_msg("row %zu", i);
	}
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shown),
		cmocka_unit_test(made_of),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
