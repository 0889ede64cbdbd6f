#include "base/base.h"
#include "text/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *mistakes(struct arena *mem, const struct errs *errs)
{
	struct buf out = BUF(65536);
	const char *text;

	for (size_t i = 0; i < errs->n; i++) {
		buf_add_text(&out, i ? "\n" : "");
		buf_add_text(&out, err_text(mem, errs->v[i]));
	}
	text = arena_text(mem, buf_text(&out));
	buf_free(&out);
	return text;
}

static void expect_text(const char *row, const char *want, const char *got)
{
	if (strcmp(want, got))
		fail_msg("%s:\nwant: %s\ngot:  %s", row, want, got);
}

static const struct yaml *read_text(struct arena *mem, const char *text, struct errs *errs)
{
	*errs = (struct errs){.mem = mem};
	return yaml_read(mem, "t", str_of(text), errs);
}

/* -- scalars (spec/receivers.md 1.9) -------------------------------------------------- */
static const struct {
	const char *in;
	enum yaml_kind kind;
	double num; /* or the boolean */
} scalars[] = {
	{"", YAML_NULL, 0},
	{"~", YAML_NULL, 0},
	{"null", YAML_NULL, 0},
	{"Null", YAML_NULL, 0},
	{"nULL", YAML_TEXT, 0},
	{"true", YAML_BOOL, 1},
	{"YES", YAML_BOOL, 1},
	{"y", YAML_BOOL, 1},
	{"On", YAML_BOOL, 1},
	{"tRUE", YAML_TEXT, 0},
	{"no", YAML_BOOL, 0},
	{"N", YAML_BOOL, 0},
	{"off", YAML_BOOL, 0},
	{"12", YAML_INT, 12},
	{"+5", YAML_INT, 5},
	{"-0", YAML_INT, 0},
	{"1_000", YAML_INT, 1000},
	{"0777", YAML_INT, 511},
	{"0x1F", YAML_INT, 31},
	{"0b101", YAML_INT, 5},
	{"0o17", YAML_INT, 15},
	{"08", YAML_FLOAT, 8},
	{"1.0", YAML_FLOAT, 1},
	{"3.10", YAML_FLOAT, 3.1},
	{".5", YAML_FLOAT, 0.5},
	{"5.", YAML_FLOAT, 5},
	{"1e3", YAML_FLOAT, 1000},
	{"1.5e-2", YAML_FLOAT, .015},
	{"-7", YAML_INT, -7},
	{"2026-01-02", YAML_TEXT, 0},
	{"1:30", YAML_TEXT, 0},
	{"12:34:56", YAML_TEXT, 0},
	{"1,000", YAML_TEXT, 0},
	{"1 2", YAML_TEXT, 0},
	{"a:b", YAML_TEXT, 0},
	{"http://x/y", YAML_TEXT, 0},
	{"-a", YAML_TEXT, 0},
	{"--", YAML_TEXT, 0},
	{"~x", YAML_TEXT, 0},
	{"'yes'", YAML_TEXT, 0},
	{"\"5\"", YAML_TEXT, 0},
	{"!!str 5", YAML_TEXT, 0},
	{"!!int \"5\"", YAML_INT, 5},
	{"!x 5", YAML_TEXT, 0},
	{"_1", YAML_TEXT, 0},
	{"0x", YAML_TEXT, 0},
	{"1e400", YAML_TEXT, 0},
	{".", YAML_TEXT, 0},
	{"12345678901234567890", YAML_INT, 12345678901234567890.0},
	{"123456789012345678901", YAML_FLOAT, 123456789012345678901.0},
	{"-9223372036854775808", YAML_INT, -9223372036854775808.0},
};

static void test_scalars(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(scalars); i++) {
		struct arena mem = {0};
		struct errs errs;
		const struct yaml *y = read_text(&mem, scalars[i].in, &errs);

		if (!y)
			fail_msg("%s: %s", scalars[i].in, mistakes(&mem, &errs));
		if (y->kind != scalars[i].kind)
			fail_msg("%s: kind %d", scalars[i].in, (int)y->kind);
		if ((y->kind == YAML_INT || y->kind == YAML_FLOAT) &&
		    y->real != scalars[i].num)
			fail_msg("%s: %g", scalars[i].in, y->real);
		if (y->kind == YAML_BOOL && y->yes != (scalars[i].num != 0))
			fail_msg("%s: %d", scalars[i].in, y->yes);
		arena_free(&mem);
	}
}

/* -- mistakes ------------------------------------------------------------------------- */
static const struct {
	const char *in, *want;
} bad[] = {
	{"a: [1, 2", "t:2:1: yaml: did not find expected ',' or ']', while parsing a flow "
		     "sequence that began in line 1"},
	{"a: b: c", "t:1:5: yaml: mapping values are not allowed in this context"},
	{"a:\n\tb: 1", "t:2:1: yaml: found character that cannot start any token, while "
		       "scanning for the next token"},
	{"a: 1\na: 2\nb: 3\nb: 4", "t:2:1: key \"a\" already set in line 1\n"
				   "t:4:1: key \"b\" already set in line 3"},
	{"a: *x", "t:1:4: yaml: unknown anchor 'x'"},
	{"a: &x [*x]", "t:1:8: yaml: anchor 'x' value contains itself"},
	{"[a]: 1", "t:1:1: yaml: a key must be a scalar"},
	{"<<: 5", "t:1:5: yaml: map merge requires map or sequence of maps as the value"},
	{"a: \"b\\/c\"",
	 "t:1:4: yaml: found unknown escape character, while parsing a quoted "
	 "scalar"},
	{"a: \"\xff\"", "t:1:5: yaml: invalid leading UTF-8 octet"},
	{"\xc3\xa9: \x01", "t:1:4: yaml: control characters are not allowed"},
};

static void test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct arena mem = {0};
		struct errs errs;

		(void)!read_text(&mem, bad[i].in, &errs);
		expect_text(bad[i].in, bad[i].want, mistakes(&mem, &errs));
		arena_free(&mem);
	}
}

static void test_limits(void **state)
{
	struct arena mem = {0};
	struct buf deep = BUF(BUF_NO_LIMIT), bomb = BUF(BUF_NO_LIMIT);
	struct errs errs;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_add_char(&deep, '[');
	assert_null(read_text(&mem, buf_text(&deep), &errs));
	assert_string_equal(errs.v[0]->text, "yaml: nested too deeply");

	buf_add_text(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 12; i++) {
		buf_addf(&bomb, "a%d: &a%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_addf(&bomb, "%s*a%d", k ? ", " : "", i - 1);
		buf_add_text(&bomb, "]\n");
	}
	assert_null(read_text(&mem, buf_text(&bomb), &errs));
	assert_string_equal(
		errs.v[0]->text,
		"yaml: the document has too many nodes with its aliases followed");
	buf_free(&deep);
	buf_free(&bomb);
	arena_free(&mem);
}

/* -- trees, printed ------------------------------------------------------------------- */
static const struct {
	const char *in, *want;
} trees[] = {
	{"", "null\n"},
	{"a: 1\nb:\n  - x\n  - y: z\n    w: [1, 2]\n",
	 "a: 1\nb:\n- x\n- y: z\n  w: [1, 2]\n"},
	{"base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n", "base: {x: 1, y: 2}\nuse:\n"
							    "  y: 3\n  x: 1\n"},
	{"use:\n  <<: [{x: 1}, {x: 2, z: 3}]\n", "use:\n  x: 1\n  z: 3\n"},
	{"a: ''\nb: 'yes'\nc: \"1\"\nd: '2026-01-02'\ne: 'x: y'\nf: '# no'\ng: it's\n",
	 "a: ''\nb: 'yes'\nc: '1'\nd: '2026-01-02'\ne: 'x: y'\nf: '# no'\ng: it's\n"},
	{"a: \"x\\ny\"\nb: \"x\\ty\"\nc: \" x\\ny\"\nd: \"x\\n\"\n",
	 "a: |-\n  x\n  y\nb: \"x\\ty\"\nc: \" x\\ny\"\nd: |\n  x\n"},
	{"- - a\n  - b\n- {}\n- []\n-\n", "- - a\n  - b\n- {}\n- []\n- null\n"},
	{"a: 1\n---\nb: 2\n", "a: 1\n"},
	{"[a] b", "[a]\n"},
	{"\"q\" x", "q\n"},
	{"a: &x 5\nb: *x\n", "a: 5\nb: 5\n"},
	{"\xef\xbb\xbf"
	 "a: b\n",
	 "a: b\n"},
};

static void test_trees(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(trees); i++) {
		struct arena mem = {0};
		struct errs errs;
		struct buf out = BUF(65536), again = BUF(65536);
		const struct yaml *y = read_text(&mem, trees[i].in, &errs);

		if (!y)
			fail_msg("%s: %s", trees[i].in, mistakes(&mem, &errs));
		yaml_print(&out, y);
		expect_text(trees[i].in, trees[i].want, buf_text(&out));
		y = read_text(&mem, buf_text(&out), &errs);
		if (!y)
			fail_msg("%s: %s", buf_text(&out), mistakes(&mem, &errs));
		yaml_print(&again, y);
		expect_text("printed again", buf_text(&out), buf_text(&again));
		buf_free(&out);
		buf_free(&again);
		arena_free(&mem);
	}
}

static void test_places(void **state)
{
	struct arena mem = {0};
	struct errs errs;
	const struct yaml *y = read_text(&mem, "a: 1\n\"\xc3\xa9\": {b: c}\n", &errs);
	const struct yaml *b = yaml_find(yaml_find(y, "\xc3\xa9"), "b");

	(void)state;
	assert_string_equal(pos_text(&mem, b->at), "t:2:10");
	assert_null(yaml_find(y, "b"));
	assert_null(yaml_read_value(&mem, STR("a: b: c")));
	y = yaml_read_value(&mem, STR("{a: 1, a: 2}"));
	assert_int_equal(y->n, 1);
	assert_int_equal(y->items[0]->num, 2);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scalars), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_limits),	cmocka_unit_test(test_trees),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
