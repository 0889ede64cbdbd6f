#include "base/base.h"
#include "base/buf.h"
#include "text/dialects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct row {
	const char *in;
	const char *want; /* NULL: taken; else the place and what is wrong */
};

static void check_all(const struct row *rows, size_t n,
		      bool (*check)(struct str, struct promql_error *))
{
	for (size_t i = 0; i < n; i++) {
		const char *want = rows[i].want ? rows[i].want : "";
		struct promql_error err;
		struct buf got = BUF(500);

		if (!check(str_of(rows[i].in), &err))
			buf_addf(&got, "%d:%d %s", err.line, err.col, err.text);
		if (strcmp(buf_text(&got), want) != 0)
			fail_msg("%s\nwant: %s\ngot:  %s", rows[i].in, want,
				 buf_text(&got));
		buf_free(&got);
	}
}

static void graphite(void **state)
{
	static const struct row rows[] = {
		{"alias(sumSeries(a.b.{c,d}.*.e[0-9]), \"x)\")", NULL},
		{"grep(a.b, '^c(')", NULL},
		{"servers.*.{cpu, mem}[0-9a-f].load-1_%", NULL},
		{"f(g (a | h(1) | i,), key = -1e3, other='it\\'s', none=None,)", NULL},
		{"seriesByTag('name=x', 'a!=~b') | f", NULL},
		{"f(1min.load, 1.2.3, a.b=c.d, a\\ b, \\(c\\))", NULL},
		{"f()", NULL},
		{"", "1:1 expected a metric, a function or a string, found the end"},
		{"sum(a.b", "1:4 no ')' closes this"},
		{"sum(a, g(b)", "1:4 no ')' closes this"},
		{"sum(a,", "1:4 no ')' closes this"},
		{"a.b.{c", "1:5 no '}' closes this"},
		{"a[", "1:2 no ']' closes this"},
		{"a]", "1:2 unexpected ']'"},
		{"a)", "1:2 expected the end, found ')'"},
		{"sum(a]", "1:6 unexpected ']'"},
		{"alias(a,\n'x)", "2:1 unterminated string"},
		{"a b", "1:3 expected the end, found 'b'"},
		{"a.b, c.d", "1:4 expected the end, found ','"},
		{"f(a b)", "1:5 expected ',' or ')', found 'b'"},
		{"f(a \"b\")", "1:5 expected ',' or ')', found '\"'"},
		{"f(,a)", "1:3 expected a metric, a function or a string, found ','"},
		{"f(a,,b)", "1:5 expected a metric, a function or a string, found ','"},
		{"f((a))", "1:3 expected a metric, a function or a string, found '('"},
		{"f(a).b", "1:5 expected the end, found '.'"},
		{"f(a)(b)", "1:5 expected the end, found '('"},
		{"f(x=)", "1:5 expected a metric, a function or a string, found ')'"},
		{"f(g()=1)", "1:6 expected ',' or ')', found '='"},
		{"f(x=y=z)", "1:6 expected ',' or ')', found '='"},
		{"a |", "1:4 expected a metric, a function or a string, found the end"},
		{"| f", "1:1 expected a metric, a function or a string, found '|'"},
		{"a\\", "1:2 nothing follows '\\'"},
	};
	struct buf deep = BUF(BUF_NO_LIMIT);
	struct promql_error err;

	(void)state;
	check_all(rows, COUNT_OF(rows), graphite_check);
	for (int i = 0; i <= PROMQL_MAX_DEPTH; i++)
		buf_add_text(&deep, "f(");
	assert_false(graphite_check(buf_str(&deep), &err));
	assert_non_null(strstr(err.text, "brackets in each other"));
	buf_free(&deep);
}

static void logsql(void **state)
{
	static const struct row rows[] = {
		{"* | stats count()", NULL},
		{"_time:5m error | stats by (host, _stream:1) count() c | filter c:>5",
		 NULL},
		{"error | count()", NULL}, /* stats may be left out */
		{"x:range[1, 5) | stats (a) sum(b)", NULL},
		{"* | stats by (\"_time\") count()", NULL}, /* VictoriaLogs knows */
		{"* | stats by (_timer) count() | sort by (_time)", NULL},
		{"* | stats by (a) count() # by (_time)", NULL},
		{"error", "1:1 a rule needs numbers, and so a pipe: | stats ..."},
		{"\"a | b\" # | stats count()",
		 "1:1 a rule needs numbers, and so a pipe: | stats ..."},
		{"id:in(a | fields id)",
		 "1:1 a rule needs numbers, and so a pipe: | stats ..."},
		{"* | stats by (_time:5m) count()", "1:15 a rule cannot be by _time"},
		{"* |\nstats (a, _time) count()", "2:11 a rule cannot be by _time"},
		{"* | by (_time) count()", "1:9 a rule cannot be by _time"},
		{"* | stats by (", "1:14 nothing closes this"},
		{"x:[1, 5) | fields a | stats count() | sort by (a) | limit 3", NULL},
		{"* | fields a | brand_new 5", NULL},
		{"* | fields a", "1:1 a rule needs numbers, and so a pipe: | stats ..."},
		{"* | sort by (a)\n|limit 1",
		 "1:1 a rule needs numbers, and so a pipe: | stats ..."},
		{"'a | stats count()", "1:1 unterminated string"},
		{"", "1:1 a rule needs numbers, and so a pipe: | stats ..."},
	};

	(void)state;
	check_all(rows, COUNT_OF(rows), logsql_check);
}

struct long_row {
	bool (*check)(struct str, struct promql_error *);
	const char *begin, *first, *middle, *second; /* begin, first.., middle, second.. */
};

/* The least of some tries, in seconds of this process. */
static double work_of(const struct long_row *row, size_t bytes)
{
	struct buf text = BUF(PROMQL_MAX_BYTES);
	struct promql_error err;
	double least = 1e9;

	buf_add_text(&text, row->begin);
	while (text.n < bytes / 2)
		buf_add_text(&text, row->first);
	buf_add_text(&text, row->middle);
	while (text.n + strlen(row->second) <= bytes)
		buf_add_text(&text, row->second);
	assert_false(text.full);
	for (int i = 0; i < 5; i++) {
		clock_t before = clock();
		bool ok = row->check(buf_str(&text), &err);

		(void)ok;
		least = MIN(least, (double)(clock() - before) / CLOCKS_PER_SEC);
	}
	buf_free(&text);
	return least;
}

/* Eight times the length is eight times the work, not 64 times: on a machine of any speed.
 */
static void time_is_linear(void **state)
{
	static const struct long_row rows[] = {
		{graphite_check, "", "a", ".", "="},
		{graphite_check, "", "a=", "", "a="},
		{graphite_check, "a(", "a,", "b", "="},
		{graphite_check, "", "a|", "", "b|"},
		{graphite_check, "a(", "{a}=,", "", "b[=],"},
		{logsql_check, "* ", "|by(]", "", "|by(]"},
		{logsql_check, "* ", "|stats by (a)", "|", " "},
		{logsql_check, "* |by(", "a,", "", "(]"},
		{logsql_check, "", "#\n", "", "#"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		double all = work_of(&rows[i], PROMQL_MAX_BYTES / 2),
		       part = work_of(&rows[i], PROMQL_MAX_BYTES / 16);

		if (all > 24 * part + 0.002)
			fail_msg("row %zu: %g s, and an eighth of it %g s", i, all, part);
	}
}

static void has_a_limit(void **state)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	struct promql_error err;

	(void)state;
	while (text.n <= PROMQL_MAX_BYTES)
		buf_add_char(&text, 'a');
	assert_false(graphite_check(buf_str(&text), &err));
	assert_string_equal(err.text, "expression of 262145 bytes, at most 262144");
	assert_false(logsql_check(buf_str(&text), &err));
	assert_string_equal(err.text, "expression of 262145 bytes, at most 262144");
	buf_cut(&text, PROMQL_MAX_BYTES);
	assert_true(graphite_check(buf_str(&text), &err));
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(graphite),
		cmocka_unit_test(logsql),
		cmocka_unit_test(time_is_linear),
		cmocka_unit_test(has_a_limit),
	};

	return cmocka_run_group_tests_name("dialects", tests, NULL, NULL);
}
