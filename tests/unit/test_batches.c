#include "base/base.h"
#include "engine/batches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define R(name, expr) "{record: '" name "', expr: '" expr "'}"
#define A(name, expr) "{alert: '" name "', expr: '" expr "'}"

static const struct rule_group *group_of(struct arena *mem, const char *rules)
{
	const char *text = arena_printf(mem, "groups: [{name: g, rules: [%s]}]", rules);
	struct errs errs = {.mem = mem};
	const struct rule_file *f = rule_file_parse(
		mem, "r", str_of(text), &(struct rule_options){.any_expression = true},
		&errs, NULL);

	if (!f)
		fail_msg("%s: %s", rules, err_text(mem, errs.v[0]));
	return &f->groups[0];
}

/* "0 3 | 1 | 2": the rules by their place in the file, batches between bars. */
static const char *shown(struct arena *mem, const struct batches *b)
{
	struct buf out = BUF(10000);
	const char *text;

	for (size_t i = 0; i < b->n; i++)
		buf_addf(&out, "%s%u",
			 !i				  ? ""
			 : b->batch[i] != b->batch[i - 1] ? " | "
							  : " ",
			 b->rule[i]);
	text = buf_keep(&out, mem).p;
	buf_free(&out);
	return text;
}

/* spec/rules.md 7 */
static void dependencies(void **state)
{
	static const struct {
		const char *rules, *want; /* "": one after the other */
	} cases[] = {
		{"", ""},
		{R("a", "x"), ""},
		{R("a", "x") "," R("b", "y"), "0 1"},
		{R("a", "x") "," R("b", "a"), "0 | 1"},
		/* later rules are no needs */
		{R("a", "b") "," R("b", "x"), "0 1"},
		{R("a", "a") "," R("b", "x"), "0 1"},
		/* a chain; what only needs comes together at the end; what needs none first
		 */
		{R("a", "x") "," R("b", "a") "," R("c", "b") "," R("d", "x"),
		 "0 3 | 1 | 2"},
		{R("a", "x") "," R("b", "a") "," R("c", "a") "," R("d", "a + x"),
		 "0 | 1 2 3"},
		{R("a", "x") "," R("b", "a") "," R("c", "a") "," R("d", "b + c"),
		 "0 | 1 | 2 | 3"},
		/* wherever a selector stands */
		{R("a", "x") "," R("b", "sum(rate(a[5m]) > 1) / 2"), "0 | 1"},
		{R("a", "x") "," R("b", "max_over_time(a[1h:5m])"), "0 | 1"},
		{R("a", "x") "," R("b", "absent(a)"), "0 | 1"},
		{R("a", "x") "," R("b", "x unless on (l) a offset 1h"), "0 | 1"},
		{R("a", "x") "," R("b", "{__name__=\"a\"}"), "0 | 1"},
		{R("a", "x") "," R("b", "a{l=\"v\"}"), "0 | 1"},
		/* of several of one name all that stand before */
		{R("a", "x") "," R("a", "y") "," R("b", "a") "," R("a", "z"), "0 1 3 | 2"},
		/* expressions, and negations */
		{R("a:x", "x") "," R("c", "x") "," R("b", "{__name__=~\"a:.*\"}"),
		 "0 1 | 2"},
		{R("a:x", "x") "," R("b", "{__name__=~\"a\"}"), "0 1"}, /* whole names */
		{R("a", "x") "," R("b", "{__name__!=\"a\", job=\"j\"}"), "0 1"},
		{R("a", "x") "," R("b", "{__name__!=\"c\", job=\"j\"}"), "0 | 1"},
		{R("a", "x") "," R("b", "{__name__!~\"c.*\", job=\"j\"}"), "0 | 1"},
		/* of several matchers on the name the first */
		{R("a", "x") "," R("b", "{__name__=~\"b.*\", __name__!=\"q\"}"), "0 1"},
		/* alerts */
		{A("A", "x") "," R("b", "A"), "0 | 1"},
		{A("A", "x") "," R("b", "ALERTS"), "0 | 1"},
		{A("A", "x") "," R("b", "ALERTS_FOR_STATE{alertname=\"A\"}"), "0 | 1"},
		{A("A", "x") "," R("b", "ALERTS{alertname=\"B\"}"), "0 1"},
		{A("A", "x") "," R("b", "ALERTS{alertname=~\"A|B\"}"), "0 | 1"},
		{A("A", "x") "," R("b", "ALERTS{alertname!=\"A\"}"), "0 1"},
		{A("A", "x") "," R("b", "{__name__=~\"ALERTS.*\"}"), "0 | 1"},
		{R("a", "x") "," R("b", "ALERTS"), "0 1"}, /* nothing alerts */
		{R("ALERTS", "x") "," R("b", "ALERTS{alertname=\"B\"}"), "0 | 1"},
		/* nobody can tell */
		{R("a", "x") "," R("b", "{job=\"j\"}"), ""},
		{R("a", "x") "," R("b", "y"), "0 1"},
		{R("a", "x") "," R("b", "WITH (q = x) q"), ""},
		{R("a", "x") "," R("b", "sum(rate({app=\"a\"} |= \"b\" [5m]))"), ""},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct batches b;

		batches_find(&mem, group_of(&mem, cases[i].rules), &b);
		if (strcmp(shown(&mem, &b), cases[i].want) != 0)
			fail_msg("row %zu, %s:\nwanted %s\ngot    %s", i, cases[i].rules,
				 cases[i].want, shown(&mem, &b));
	}
	arena_free(&mem);
}

static void the_largest_batch(void **state)
{
	struct arena mem = {0};
	struct batches b;

	(void)state;
	batches_find(&mem, group_of(&mem, R("a", "x") "," R("b", "a")), &b);
	assert_int_equal(b.largest, 1);
	batches_find(
		&mem,
		group_of(&mem, R("a", "x") "," R("b", "a") "," R("c", "a") "," R("d", "a")),
		&b);
	assert_int_equal(b.largest, 3);
	arena_free(&mem);
}

/* Many rules with many selectors cost no more than so much. */
static void too_many_to_tell(void **state)
{
	struct arena mem = {0};
	struct buf rules = BUF(BUF_NO_LIMIT);
	struct batches b;

	(void)state;
	for (int i = 0; i < 4000; i++)
		buf_addf(&rules, "%s{record: r%d, expr: '{__name__=~\"x.*\"}'}",
			 i ? "," : "", i);
	batches_find(&mem, group_of(&mem, buf_text(&rules)), &b);
	assert_int_equal(b.n, 0);
	buf_reset(&rules);
	for (int i = 0; i < 4000; i++)
		buf_addf(&rules, "%s{record: r%d, expr: x}", i ? "," : "", i);
	batches_find(&mem, group_of(&mem, buf_text(&rules)), &b);
	assert_int_equal(b.largest, 4000);
	buf_free(&rules);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dependencies),
		cmocka_unit_test(the_largest_batch),
		cmocka_unit_test(too_many_to_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
