#include "base/base.h"
#include "base/buf.h"
#include "text/promql.h"
#include "text/promql_names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const good[] = {
	"{\"a.b\"}",
	"{\"metric.name\", \"label.x\"=\"y\"}",
	"{'foo',a!~\"b\"}",
	"info(foo, {a=\"b\"})",
	"info(foo, {})",
	"limitk(2, foo)",
	"limit_ratio(0.5, foo)",
	"sort_by_label(foo, \"a\", \"b\")",
	"mad_over_time(foo[5m])",
	"holt_winters(foo[5m], 0.5, 0.5)",
	"double_exponential_smoothing(foo[5m], 0.5, 0.5)",
	"histogram_avg(foo)",
	"ts_of_max_over_time(foo[5m])",
	"first_over_time(foo[5m])",
	"foo[5m+1m]",
	"foo[step()]",
	"foo[max_of(step(),5m)]",
	"foo offset -(5m*2)",
	"foo offset step()",
	"foo anchored",
	"foo[5m] smoothed",
	"foo + fill(0) bar",
	"foo + on(a) fill_left(0) fill_right(-1) bar",
	"1_000",
	"1_000.5e3",
	"0x1_f",
	"0xee",
	"5m",
	"foo > 5m",
	"foo[300]",
	"foo[5m:30]",
	"foo @ start()",
	"foo @ end() offset 5m",
	"foo @ 1609746000",
	"foo @ -1",
	"foo @ start()[5m]",
	"foo offset 0s",
	"{a=~\"\\\\Qx\"}",
	"{a=~\".+\"}",
	"{a!=\"\"}",
	"{__name__=\"foo\"}",
	"{\"foo\",__name__=\"bar\"}",
	"sum",
	"sum(foo) by (a)",
	"sum by (a) (foo)",
	"sum by (a,) (foo)",
	"sum by () (foo)",
	"sum by (\"x.y\") (foo)",
	"sum by (a:b) (foo)",
	"sum by (by, sum, offset, bool, on) (foo)",
	"topk(5, foo)",
	"count_values(\"x\", foo)",
	"1 > bool 2",
	"foo + on(a) group_left(b) bar",
	"foo + ignoring(a) group_right(a) bar",
	"foo == bool on(a) bar",
	"-(1)",
	"--1",
	"foo[5m:1m] offset 3m",
	"round(foo)",
	"round(foo, 5)",
	"label_join(foo, \"a\", \"b\")",
	"hour()",
	"time()",
	"pi()",
	"2 ^ 3 ^ 4",
	"-2 ^ 2",
	"foo atan2 bar",
	"foo % bar",
	"\"a\\\\qb\"",
	"\"\\\\x4\"",
	"\"\\\\xzz\"",
	"\"\\\\u12\"",
	"\"\\\\ud800\"",
	"\"\\\\777\"",
	"\"\\\\U00110000\"",
	"'\\\\\"'",
	"foo # comment",
	"1e5",
	"1.",
	".5",
	"1h1m",
	"foo offset 5",
	"foo offset -5m",
	"Inf",
	"NaN",
	"+Inf",
	"-inf",
	"iNF",
	"SUM(foo)",
	"SUM BY (a) (foo) > Bool 1",
	"AND",
	"and",
	"or or or",
	"offset offset 5m",
	"by",
	"without",
	"start",
	"end",
	"start()",
	"step()",
	"range()",
	"step{a=\"b\"}",
	"max_of(1,2)",
	"fill",
	"fill + fill",
	"foo </ 5",
	"foo >/ bar",
	"foo{a=\"日本\"}",
	"{\"日本\"}",
	"foo + - bar",
	"foo[5m] @ 3 offset 5m",
	"foo [ 5m ]",
	"foo[ 5m : 1m ]",
	"foo[5m:]",
	"absent(sum(foo))",
	"absent_over_time(foo[5m:1m])",
	"quantile_over_time(0.5, foo[5m])",
	"day_of_year()",
	"present_over_time(foo[5m])",
	"histogram_quantiles(foo, \"q\", 0.5, 0.9)",
	"start_timestamp(foo)",
};

/* In the words of Prometheus 3.14. */
static const struct {
	const char *in;
	int line, col;
	const char *want;
} bad[] = {
	{"info(foo, bar)", 1, 11,
	 "expected label selectors only, got vector selector instead"},
	{"info(foo, 5)", 1, 1,
	 "expected type instant vector in call to function \"info\", got scalar"},
	{"foo and on(a) fill(0) bar", 1, 1,
	 "filling in missing series not allowed for set operators"},
	{"foo @ inf", 1, 1, "timestamp out of bounds for @ modifier: +Inf"},
	{"foo @ 1e30", 1, 1,
	 "timestamp out of bounds for @ modifier: 1000000000000000019884624838656.000000"},
	{"foo @ start", 1, 12, "unexpected end of input in @, expected timestamp"},
	{"foo @ bar", 1, 7, "unexpected identifier \"bar\" in @, expected timestamp"},
	{"foo @", 1, 6, "unexpected end of input in @, expected timestamp"},
	{"foo @ 5 @ 6", 1, 1, "@ <timestamp> may not be set multiple times"},
	{"foo offset 5m offset 3m", 1, 1, "offset may not be set multiple times"},
	{"foo[0s]", 1, 5, "duration must be greater than 0"},
	{"foo[5m:0s]", 1, 8, "duration must be greater than 0"},
	{"foo[-5m]", 1, 5, "duration must be greater than 0"},
	{"foo[]", 1, 5,
	 "unexpected \"]\" in subquery or range selector, expected number, duration, "
	 "step(), or range()"},
	{"foo[:]", 1, 6, "unexpected colon before duration in duration expression"},
	{"foo[5m", 1, 7, "unclosed left bracket"},
	{"foo[5m:", 1, 8, "unclosed left bracket"},
	{"foo[5x]", 1, 5, "bad number or duration syntax: \"5\""},
	{"foo[5mm]", 1, 5, "bad number or duration syntax: \"5mm\""},
	{"foo[x]", 1, 5, "unexpected character in duration expression: 'x'"},
	{"foo[5m)", 1, 8, "unexpected right parenthesis ')'"},
	{"rate(foo[)", 1, 10,
	 "unexpected \")\" in subquery or range selector, expected number, duration, "
	 "step(), or range()"},
	{"rate(foo[5m)", 1, 12,
	 "unexpected \")\" in subquery or range, expected \":\" or \"]\""},
	{"rate(foo[5m:)", 1, 13,
	 "unexpected \")\" in subquery selector, expected number, duration, step(), "
	 "range(), or \"]\""},
	{"rate(foo[5m:1m)", 1, 15, "unexpected \")\" in subquery selector, expected \"]\""},
	{"foo)", 1, 5, "unexpected right parenthesis ')'"},
	{"foo]", 1, 4, "unexpected right bracket ']'"},
	{"foo}", 1, 4, "unexpected character: '}'"},
	{"(foo", 1, 5, "unclosed left parenthesis"},
	{"((foo)", 1, 7, "unclosed left parenthesis"},
	{"{", 1, 2, "unexpected end of input inside braces"},
	{"{}", 1, 1, "vector selector must contain at least one non-empty matcher"},
	{"{a}", 1, 3,
	 "unexpected \"}\" in label matching, expected label matching operator"},
	{"{a=}", 1, 4, "unexpected \"}\" in label matching, expected string"},
	{"{a=\"b\"", 1, 7, "unexpected end of input inside braces"},
	{"{a=\"b\",,}", 1, 8,
	 "unexpected \",\" in label matching, expected identifier or \"}\""},
	{"{a=\"b\" c=\"d\"}", 1, 8,
	 "unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
	{"{a=b}", 1, 4, "unexpected identifier \"b\" in label matching, expected string"},
	{"{a=~\"(\"}", 1, 2, "error parsing regexp: missing closing ): `(`"},
	{"{a=~\"a**\"}", 1, 2,
	 "error parsing regexp: invalid nested repetition operator: `**`"},
	{"{a=~\"(?P<n\"}", 1, 2,
	 "error parsing regexp: syntax error in subpattern name (missing terminator?): "
	 "`(?P<n`"},
	{"{a=~\"[a\"}", 1, 2, "error parsing regexp: missing closing ]: `[a`"},
	{"{a=~\"x{1001}\"}", 1, 2, "error parsing regexp: invalid repeat count: `{1001}`"},
	{"{a=~\".*\"}", 1, 1,
	 "vector selector must contain at least one non-empty matcher"},
	{"{a!=\"x\"}", 1, 1, "vector selector must contain at least one non-empty matcher"},
	{"{a!~\".+\"}", 1, 1,
	 "vector selector must contain at least one non-empty matcher"},
	{"foo{__name__=\"bar\"}", 1, 1,
	 "metric name must not be set twice: \"foo\" or \"bar\""},
	{"foo{\"bar\"}", 1, 1, "metric name must not be set twice: \"foo\" or \"bar\""},
	{"{\"\"}", 1, 1, "vector selector must contain at least one non-empty matcher"},
	{"{\"\":\"x\"}", 1, 4, "unexpected character inside braces: ':'"},
	{"sum(", 1, 5, "unclosed left parenthesis"},
	{"sum()", 1, 1, "no arguments for aggregate expression provided"},
	{"sum(foo, bar)", 1, 1,
	 "wrong number of arguments for aggregate expression provided, expected 1, got 2"},
	{"sum by (a) (foo) by (b)", 1, 18, "unexpected <by>"},
	{"sum by foo", 1, 8,
	 "unexpected identifier \"foo\" in grouping opts, expected \"(\""},
	{"sum by (a", 1, 10, "unclosed left parenthesis"},
	{"sum by (,) (foo)", 1, 9, "unexpected \",\" in grouping opts, expected label"},
	{"sum by (5) (foo)", 1, 9,
	 "unexpected number \"5\" in grouping opts, expected label"},
	{"sum by (\"\") (foo)", 1, 9, "invalid label name for grouping: \"\""},
	{"sum by (without) (foo)", 1, 9,
	 "unexpected <without> in grouping opts, expected label"},
	{"sum(foo bar)", 1, 9, "unexpected identifier \"bar\" in aggregation"},
	{"sum(rate(foo bar))", 1, 14, "unexpected identifier \"bar\" in aggregation"},
	{"sum(5)", 1, 5,
	 "expected type instant vector in aggregation expression, got scalar"},
	{"sum(\"x\")", 1, 5,
	 "expected type instant vector in aggregation expression, got string"},
	{"sum(foo[5m])", 1, 5,
	 "expected type instant vector in aggregation expression, got range vector"},
	{"topk(foo)", 1, 1,
	 "wrong number of arguments for aggregate expression provided, expected 2, got 1"},
	{"topk(foo, bar)", 1, 6,
	 "expected type scalar in aggregation parameter, got instant vector"},
	{"topk(\"x\", bar)", 1, 6,
	 "expected type scalar in aggregation parameter, got string"},
	{"count_values(5, foo)", 1, 14,
	 "expected type string in aggregation parameter, got scalar"},
	{"quantile(0.9, foo[5m])", 1, 15,
	 "expected type instant vector in aggregation expression, got range vector"},
	{"1 > 2", 1, 3, "comparisons between scalars must use BOOL modifier"},
	{"1 + bool 2", 1, 3, "bool modifier can only be used on comparison operators"},
	{"foo and 1", 1, 1, "set operator \"and\" not allowed in binary scalar expression"},
	{"1 and foo", 1, 1, "set operator \"and\" not allowed in binary scalar expression"},
	{"1 or 2", 1, 1, "set operator \"or\" not allowed in binary scalar expression"},
	{"foo unless on(a) group_left bar", 1, 1,
	 "no grouping allowed for \"unless\" operation"},
	{"foo + on(a) group_left(a) bar", 1, 5,
	 "label \"a\" must not occur in ON and GROUP clause at once"},
	{"foo + on(a) 1", 1, 1, "vector matching only allowed between instant vectors"},
	{"foo == on(a) bool bar", 1, 14, "unexpected <bool>"},
	{"foo + on a bar", 1, 10,
	 "unexpected identifier \"a\" in grouping opts, expected \"(\""},
	{"foo + group_left bar", 1, 7, "unexpected <group_left>"},
	{"foo + \"x\"", 1, 7,
	 "binary expression must contain only scalar and instant vector types"},
	{"\"x\" + foo", 1, 1,
	 "binary expression must contain only scalar and instant vector types"},
	{"foo[5m] + 1", 1, 1,
	 "binary expression must contain only scalar and instant vector types"},
	{"1 + foo[5m]", 1, 5,
	 "binary expression must contain only scalar and instant vector types"},
	{"-\"x\"", 1, 1,
	 "unary expression only allowed on expressions of type scalar or instant vector, "
	 "got \"string\""},
	{"-foo[5m]", 1, 1,
	 "unary expression only allowed on expressions of type scalar or instant vector, "
	 "got \"range vector\""},
	{"-1 offset 5m", 1, 2,
	 "offset modifier must be preceded by an instant vector selector or range vector "
	 "selector or a subquery"},
	{"(foo) offset 5m", 1, 1,
	 "offset modifier must be preceded by an instant vector selector or range vector "
	 "selector or a subquery"},
	{"(foo)[5m]", 1, 6, "ranges only allowed for vector selectors"},
	{"rate(foo)[5m]", 1, 10, "ranges only allowed for vector selectors"},
	{"rate(foo)[5m:]", 1, 6,
	 "expected type range vector in call to function \"rate\", got instant vector"},
	{"1[5m:1m]", 1, 1,
	 "subquery is only allowed on instant vector, got scalar instead"},
	{"foo[5m][5m:1m]", 1, 1,
	 "subquery is only allowed on instant vector, got matrix instead"},
	{"foo[5m:1m][5m:1m]", 1, 1,
	 "subquery is only allowed on instant vector, got matrix instead"},
	{"foo offset 5m[5m]", 1, 14, "no offset modifiers allowed before range"},
	{"foo @ 5 [5m]", 1, 9, "no @ modifiers allowed before range"},
	{"rate(foo, bar)", 1, 1, "expected 1 argument(s) in call to \"rate\", got 2"},
	{"rate()", 1, 1, "expected 1 argument(s) in call to \"rate\", got 0"},
	{"rate(foo[5m],)", 1, 13, "trailing commas not allowed in function call args"},
	{"rate(,)", 1, 6, "unexpected \",\""},
	{"rate(foo[5m],,)", 1, 13, "trailing commas not allowed in function call args"},
	{"rate(foo)", 1, 6,
	 "expected type range vector in call to function \"rate\", got instant vector"},
	{"rate(foo[5m], \"x\")", 1, 1, "expected 1 argument(s) in call to \"rate\", got 2"},
	{"unknown(foo)", 1, 1, "unknown function with name \"unknown\""},
	{"Rate(foo[5m])", 1, 1, "unknown function with name \"Rate\""},
	{"a:b(foo)", 1, 4, "unexpected \"(\""},
	{"time(5)", 1, 1, "expected 0 argument(s) in call to \"time\", got 1"},
	{"round(foo, 5, 6)", 1, 1,
	 "expected at most 2 argument(s) in call to \"round\", got 3"},
	{"label_replace(foo, \"a\")", 1, 1,
	 "expected 5 argument(s) in call to \"label_replace\", got 2"},
	{"label_replace(foo, \"a\", \"b\", \"c\", 5)", 1, 35,
	 "expected type string in call to function \"label_replace\", got scalar"},
	{"label_join(foo, \"a\", \"b\", 5)", 1, 27,
	 "expected type string in call to function \"label_join\", got scalar"},
	{"hour(foo, bar)", 1, 1,
	 "expected at most 1 argument(s) in call to \"hour\", got 2"},
	{"scalar(5)", 1, 8,
	 "expected type instant vector in call to function \"scalar\", got scalar"},
	{"vector(foo)", 1, 8,
	 "expected type scalar in call to function \"vector\", got instant vector"},
	{"vector(\"x\")", 1, 8,
	 "expected type scalar in call to function \"vector\", got string"},
	{"histogram_quantile(foo, bar)", 1, 20,
	 "expected type scalar in call to function \"histogram_quantile\", got instant "
	 "vector"},
	{"predict_linear(foo[5m])", 1, 1,
	 "expected 2 argument(s) in call to \"predict_linear\", got 1"},
	{"clamp(foo, 1)", 1, 1, "expected 3 argument(s) in call to \"clamp\", got 2"},
	{"atan2", 1, 1, "unexpected <op:atan2>"},
	{"foo =~ \"x\"", 1, 5, "unexpected character after '=': '~'"},
	{"foo = 5", 1, 5, "unexpected \"=\""},
	{"foo ! 5", 1, 5, "unexpected character after '!': ' '"},
	{"foo !~ 5", 1, 5, "unexpected character after '!': '~'"},
	{"foo === bar", 1, 7, "unexpected \"=\""},
	{"foo <> bar", 1, 6, "unexpected <op:>>"},
	{"foo && bar", 1, 5, "unexpected character: '&'"},
	{"foo | bar", 1, 5, "unexpected character: '|'"},
	{"foo $ bar", 1, 5, "unexpected character: '$'"},
	{"foo; bar", 1, 4, "unexpected character: ';'"},
	{"1 2", 1, 3, "unexpected number \"2\""},
	{"foo bar", 1, 5, "unexpected identifier \"bar\""},
	{"\"abc\" \"d\"", 1, 7, "unexpected string \"\\\"d\\\"\""},
	{"'abc", 1, 1, "unterminated quoted string"},
	{"\"abc", 1, 1, "unterminated quoted string"},
	{"`abc", 1, 1, "unterminated raw string"},
	{"\"very long string with many characters\" foo", 1, 41,
	 "unexpected identifier \"foo\""},
	{"'it\\\\'s'", 1, 7, "unexpected identifier \"s\""},
	{"# only a comment", 1, 1, "no expression found in input"},
	{"1e", 1, 1, "bad number or duration syntax: \"1e\""},
	{"1e999", 1, 1,
	 "error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range"},
	{"1.2.3", 1, 1, "bad number or duration syntax: \"1.2.\""},
	{".", 1, 1, "unexpected character: '.'"},
	{"5.5m", 1, 1, "not a valid duration string: \"5.5m\""},
	{"0x", 1, 1,
	 "error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"},
	{"0xg", 1, 1, "bad number or duration syntax: \"0x\""},
	{"0b11", 1, 1, "bad number or duration syntax: \"0\""},
	{"1__0", 1, 1, "bad number or duration syntax: \"1__\""},
	{"1_", 1, 1, "bad number or duration syntax: \"1_\""},
	{"1m1h", 1, 1, "not a valid duration string: \"1m1h\""},
	{"foo[1m1h]", 1, 5, "not a valid duration string: \"1m1h\""},
	{"foo offset 1m1h", 1, 12, "not a valid duration string: \"1m1h\""},
	{"foo offset", 1, 11,
	 "unexpected end of input in offset, expected number, duration, step(), or "
	 "range()"},
	{"foo offset bar", 1, 12,
	 "unexpected identifier \"bar\" in offset, expected number, duration, step(), or "
	 "range()"},
	{"foo offset - bar", 1, 14,
	 "unexpected identifier \"bar\" in offset, expected number, duration, step(), or "
	 "range()"},
	{"foo offset (5m", 1, 15, "unclosed left parenthesis"},
	{"foo[99999y]", 1, 5, "duration out of range"},
	{"foo offset 99999y", 1, 12, "duration out of range"},
	{"foo[5m/0]", 1, 7, "division by zero"},
	{"foo[(5m]", 1, 8,
	 "unexpected \"]\" in subquery or range selector, expected number, duration, "
	 "step(), or range()"},
	{"foo[5m +]", 1, 9,
	 "unexpected \"]\" in subquery or range selector, expected number, duration, "
	 "step(), or range()"},
	{"foo[step]", 1, 9,
	 "unexpected \"]\" in subquery or range selector, expected number, duration, "
	 "step(), or range()"},
	{"foo[step(]", 1, 10,
	 "unexpected \"]\" in subquery or range selector, expected number, duration, "
	 "step(), or range()"},
	{"foo[5m 5m]", 1, 8,
	 "unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""},
	{"foo[5m:1m:1m]", 1, 10, "unexpected colon ':'"},
	{"foo[5m:1m 1m]", 1, 11,
	 "unexpected duration \"1m\" in subquery selector, expected \"]\""},
	{"inf foo", 1, 5, "unexpected identifier \"foo\""},
	{"on", 1, 1, "unexpected <on>"},
	{"bool", 1, 1, "unexpected <bool>"},
	{"ignoring", 1, 1, "unexpected <ignoring>"},
	{"group_left", 1, 1, "unexpected <group_left>"},
	{"max_of(foo,2)", 1, 8,
	 "expected type scalar in call to function \"max_of\", got instant vector"},
	{"fill(foo)", 1, 5, "unexpected \"(\""},
	{"foo{a=\"b\"} offset 5m > bool 3 and on (x) group_left (y) z", 1, 1,
	 "no grouping allowed for \"and\" operation"},
	{" sum  ( foo )   x", 1, 17, "unexpected identifier \"x\""},
	{"sum(foo{a=\"b}) ", 1, 11, "unterminated quoted string"},
	{"foo{a=\"b\"}{c=\"d\"}", 1, 11, "unexpected \"{\""},
	{"foo{a-b=\"c\"}", 1, 6, "unexpected character inside braces: '-'"},
	{"foo{5=\"c\"}", 1, 5, "unexpected character inside braces: '5'"},
	{"foo{a=\"b\",", 1, 11, "unexpected end of input inside braces"},
	{"foo{,}", 1, 5,
	 "unexpected \",\" in label matching, expected identifier or \"}\""},
	{"foo{a=\"b\"|c}", 1, 10, "unexpected character inside braces: '|'"},
	{"日本", 1, 1, "unexpected character: '日'"},
	{"foo日本", 1, 4, "unexpected character: '日'"},
	{"{日本=\"x\"}", 1, 2, "unexpected character inside braces: '日'"},
	{"((((((foo))))", 1, 14, "unclosed left parenthesis"},
	{"foo[[5m]]", 1, 5, "unexpected character in duration expression: '['"},
	{"foo[5m[", 1, 7, "unexpected left bracket '['"},
	{"foo[\"5m\"]", 1, 5, "unexpected character in duration expression: '\"'"},
	{"foo[{]", 1, 5, "unexpected character in duration expression: '{'"},
	{"foo[5m:foo]", 1, 8, "unexpected character: 'f', expected ':'"},
	{"foo[5m:5foo]", 1, 8, "bad number or duration syntax: \"5\""},
	{"avg(foo) by", 1, 12, "unexpected end of input in grouping opts, expected \"(\""},
	{"avg by (a)", 1, 11, "unexpected end of input in aggregation"},
	{"avg(foo) without (a) by (b)", 1, 22, "unexpected <by>"},
	{"count(foo) > ", 1, 14, "unexpected end of input"},
	{"> 5", 1, 1, "unexpected <op:>>"},
	{"* foo", 1, 1, "unexpected <op:*>"},
	{"foo *", 1, 6, "unexpected end of input"},
	{"(foo *)", 1, 7, "unexpected \")\""},
	{"()", 1, 2, "unexpected \")\""},
	{"(,)", 1, 2, "unexpected \",\""},
	{"sum(foo,)", 1, 8, "trailing commas not allowed in function call args"},
	{"sum(,foo)", 1, 5, "unexpected \",\" in aggregation"},
	{"topk(1, foo, bar)", 1, 1,
	 "wrong number of arguments for aggregate expression provided, expected 2, got 3"},
	{"foo == == bar", 1, 8, "unexpected <op:==>"},
	{"foo + * bar", 1, 7, "unexpected <op:*>"},
	{"foo or and bar", 1, 12, "unexpected identifier \"bar\""},
	{"foo on(a) bar", 1, 5, "unexpected <on>"},
	{"foo bool bar", 1, 5, "unexpected <bool>"},
	{"foo by (a)", 1, 5, "unexpected <by>"},
	{"rate(foo[5m]) by (a)", 1, 15, "unexpected <by>"},
	{"rate by (a) (foo)", 1, 6, "unexpected <by>"},
	{"sum by (a) rate(foo[5m])", 1, 12,
	 "unexpected identifier \"rate\" in aggregation"},
	{"sum by (a) foo", 1, 12, "unexpected identifier \"foo\" in aggregation"},
	{"sum(foo) offset 5m", 1, 1,
	 "offset modifier must be preceded by an instant vector selector or range vector "
	 "selector or a subquery"},
	{"\"x\" offset 5m", 1, 1,
	 "offset modifier must be preceded by an instant vector selector or range vector "
	 "selector or a subquery"},
	{"\"x\" @ 5", 1, 1,
	 "@ modifier must be preceded by an instant vector selector or range vector "
	 "selector or a subquery"},
	{"5 @ 5", 1, 1,
	 "@ modifier must be preceded by an instant vector selector or range vector "
	 "selector or a subquery"},
	{"foo offset 5m @ 3 [5m]", 1, 19, "no offset modifiers allowed before range"},
	{"foo[5m] [5m]", 1, 9, "ranges only allowed for vector selectors"},
	{"min(foo) max(bar)", 1, 10, "unexpected <aggr:max>"},
	{"absent(foo, bar)", 1, 1, "expected 1 argument(s) in call to \"absent\", got 2"},
	{"absent_over_time(foo)", 1, 18,
	 "expected type range vector in call to function \"absent_over_time\", got instant "
	 "vector"},
	{"quantile_over_time(foo[5m], 0.5)", 1, 20,
	 "expected type scalar in call to function \"quantile_over_time\", got range "
	 "vector"},
	{"foo\n+ rate(bar)", 2, 8,
	 "expected type range vector in call to function \"rate\", got instant vector"},
	{"foo +\n  # comment\n\t{a=\"\"}", 3, 2,
	 "vector selector must contain at least one non-empty matcher"},
	{"sum(foo)\r\n> bool \"x\"", 2, 8,
	 "binary expression must contain only scalar and instant vector types"},
};

static void test_good(void **state)
{
	struct promql_error err;
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		if (promql_check(str_of(good[i]), &err))
			continue;
		print_error("%s\n%d:%d: %s\n", good[i], err.line, err.col, err.text);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_bad(void **state)
{
	struct promql_error err;
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		bool ok = promql_check(str_of(bad[i].in), &err);

		if (!ok && err.line == bad[i].line && err.col == bad[i].col &&
		    !strcmp(err.text, bad[i].want))
			continue;
		print_error("%s\nwant: %d:%d: %s\ngot:  %d:%d: %s\n", bad[i].in,
			    bad[i].line, bad[i].col, bad[i].want, err.line, err.col,
			    ok ? "no mistake" : err.text);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

/* before, n times; middle; after, n times. */
static bool takes(const char *before, size_t n, const char *middle, const char *after,
		  struct promql_error *err)
{
	struct buf b = BUF(1 << 20);
	bool ok;

	for (size_t i = 0; i < n; i++)
		buf_add_text(&b, before);
	buf_add_text(&b, middle);
	for (size_t i = 0; i < n; i++)
		buf_add_text(&b, after);
	ok = promql_check(buf_str(&b), err);
	buf_free(&b);
	return ok;
}

static const struct {
	const char *before, *middle, *after;
	size_t most; /* the next level is one too many */
} levels[] = {
	{"(", "a", ")", PROMQL_MAX_DEPTH - 1},
	{"abs(", "a", ")", PROMQL_MAX_DEPTH - 1},
	{"sum(", "a", ")", PROMQL_MAX_DEPTH - 1},
	{"-", "a", "", PROMQL_MAX_DEPTH - 1},
	{"2^", "a", "", PROMQL_MAX_DEPTH - 1},
	{"rate(", "a", "[5m:])", PROMQL_MAX_DEPTH - 3},
	{"(a+", "a", ")", PROMQL_MAX_DEPTH / 2 - 1},
};

static void test_levels(void **state)
{
	struct promql_error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(levels); i++) {
		size_t most = levels[i].most;

		if (!takes(levels[i].before, most, levels[i].middle, levels[i].after, &err))
			fail_msg("row %zu: %s", i, err.text);
		assert_false(takes(levels[i].before, most + 1, levels[i].middle,
				   levels[i].after, &err));
		assert_string_equal(err.text, "expression nested deeper than 500 levels");
	}
	assert_false(takes("-", 200000, "a", "", &err));
	assert_false(takes("a[", 1, "(", "(", &err));
	assert_false(takes("", 100000, "a[", "(", &err));
	assert_false(takes("", 40000, "a", "[5m:]", &err));
}

/* Prometheus takes what is too large for our regular expressions. */
static void test_large_pattern(void **state)
{
	struct promql_error err;
	struct buf b = BUF(1 << 20);

	(void)state;
	for (size_t n = 40000; n <= 80000; n += 40000) {
		buf_reset(&b);
		buf_add_text(&b, "{a=~\"");
		for (size_t i = 0; i < n; i++)
			buf_add_char(&b, 'x');
		buf_add_text(&b, "\"}");
		assert_true(promql_check(buf_str(&b), &err));
	}
	buf_free(&b);
}

static void test_long(void **state)
{
	struct promql_error err;

	(void)state;
	assert_true(takes("a+", 100000, "a", "", &err));
	assert_true(takes("a or ", 50000, "a", "", &err));
	assert_true(takes("", PROMQL_MAX_BYTES - 1, "a", " ", &err));
	assert_false(takes("", PROMQL_MAX_BYTES, "a", " ", &err));
	assert_string_equal(err.text, "expression of 262145 bytes, at most 262144");
}

static const struct {
	const char *in, *names;
} name_table[] = {
	{"1 + 2", ""},
	{"up == 0", "up"},
	{"sum by (job) (rate(a[5m])) / -(b offset 1h) > c", "c b a"},
	{"{__name__=\"x:y\",job=\"z\"} and {__name__=~\"a.*\"} or {job=\"n\"}", "x:y"},
	{"a or a or topk(2, a)", "a"},
	{"absent(a) and absent_over_time(b[1m]) and max_over_time(c[1h:1m])", "c"},
	{"label_replace(a, \"b\", \"c\", \"d\", \"e\")", "a"},
	{"up ==", ""},
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(name_table); i++) {
		struct arena mem = {0};
		struct buf got = BUF(1000);
		const char **v;
		size_t n = promql_names(&mem, str_of(name_table[i].in), &v);

		for (size_t k = 0; k < n; k++)
			buf_addf(&got, "%s%s", k ? " " : "", v[k]);
		if (strcmp(buf_text(&got), name_table[i].names) != 0)
			fail_msg("%s: %s", name_table[i].in, buf_text(&got));
		buf_free(&got);
		arena_free(&mem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),   cmocka_unit_test(test_bad),
		cmocka_unit_test(test_levels), cmocka_unit_test(test_large_pattern),
		cmocka_unit_test(test_long),   cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("promql", tests, NULL, NULL);
}
