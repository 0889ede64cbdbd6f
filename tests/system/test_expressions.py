"""Expressions of vmalert's rules: taken and refused where the real vmalert does it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from programs import TOCSIN, run

OPERANDS = ["foo", 'foo{a="b"}', '{a="b"}', "1", '"s"', "5m", "-foo", "sum(foo)", "(foo)",
            "rate(foo[5m])", "foo offset 5m", "foo @ 5", "inf", "WITH (x = foo) x"]
SUFFIXES = ["", "[5m]", "[5m:1m]", "[:1m]", "[5m:]", "[]", "[5]", "[-5m]", "[w]", "[5m][5m]",
            " offset 5m", " offset -5m", " offset", " offset w", " offset 5m offset 5m",
            " @ end()", " @", " @ 5 @ 6", " keep_metric_names", " limit 5", " by (a)", " bar",
            '{a="b"}', "(1)", ")", "]", "}", ","]
OPERATORS = ["+", "^", "==", "!=", "and", "UNLESS", "if", "ifnot", "default", "atan2", "== bool",
             "+ bool", "=", "=~", "===", "&&", "|", "", "on (a)", "and on (a)", "on",
             "* on (a, b) group_left (c)", "* ignoring () group_right", "or on (a) group_left ()",
             "default on (a)", "offset", "@", "by"]
CALLS = ["()", "(foo)", "(foo,)", "(,foo)", "(foo bar)", "(1, foo) by (a)", " by (a) (foo)",
         " by (a) (foo) by (b)", "(foo) by a", "(foo) by (a,)", "(foo) by (,)", "(foo) limit 5",
         "(foo) limit -5", "(foo) limit 1.5", "(foo) by (a) limit 5", "(foo) keep_metric_names",
         "(foo", " foo", "", " + 1", '{a="b"}', " and foo"]
FILTERS = ["", 'a="b"', 'a="b",', 'a="b",c="d"', 'a="b" c="d"', 'or="b"', "or", ",", "a", "a=",
           "a=b", 'a==b', 'a=~"("', 'a=~"b\\.c"', 'a=~"b\\\\.c"', "a='b\\'c'", "a=`b\\c`",
           'a="b"+"c"', 'a="b"+c', '1="b"', 'a\\-b="c"', "a=1", 'a="b\nc"', 'a="\\x41"',
           'a="\\q"', 'a<"b"', 'a=~"(?=x)"', 'a=~"x{1,2000}"', '__name__=~"x|y"']
NUMBERS = ["1.", ".5", ".", "1e3", "1e", "0x1f", "0xg", "0b11", "0b2", "0o17", "017", "08", "1__0",
           "1Ki", "1KiB", "1M", "5Q", "-Inf", "NaN", "1e999", "1..5", "5m3s", "5m-3s", "5m3",
           "1h 30m", "1.5i", "5x", "$foo", "0xffffffffffffffff", "--5", "!5", "5 5"]
TEMPLATES = ["(x = foo) x", "(x = y, y = foo) x", "(x = foo, x = bar) x", "() foo", "(x) foo",
             "(x =) foo", "(x = foo", "(x = foo)", "(f(a) = a) f(foo)", "(f(a) = a) f()",
             "(f(a) = a) f", "(f(a,a) = a) f(1,2)", "(f() = 1) f()", '(c = {a="b"}) foo{c}',
             '(c = {a="b"}) foo{d}', "(x = {y}) x", "(x = {y}) foo", '(s = "a") foo{a=s+"b"}',
             '(s = "a") foo{a=t}', "(,) foo", "(x = WITH (y = foo) y) x", "(sum(a) = a) sum(1,2)",
             "(f(a) = a(1)) f(foo)", '(a = "\\q") foo', '(a = "\\q") a', "foo", "(f(a) = f(a)) f(1)"]
OTHERS = ["", "# x", "a # x\n+ b", "a\\-b", "a\\u00e9", "foo;", "'x", '"a" + b',
          '"a" + b()', "union(a, b)", "(a, b)", "(a,, b)", "()", "nobody_knows(1)", "alias(a)",
          'alias(a, "b")', "ru(a)", "if if if", "sum(sum(sum(a)))", "((a)", "a.b", ":a", "bool"]

# Later releases take these.
NEWER = ['foo{a="b" or c="d"}', 'foo{"a"="b"}', '{"foo"}', 'sum(foo) by ("a")', "1_000", "foo[1H]",
         "(a + b) keep_metric_names", "a + b keep_metric_names", "温度", "outliers_iqr(a) by (b)",
         "a * on (b) group_left (*) c", 'a * on (b) group_left (c) prefix "d" e',
         "rate(foo[$__interval])", "WITH (w = 5m) foo[w]", "WITH (x = a) sum(b) by (x)"]

EXPRESSIONS = [
    *(o + s for o in OPERANDS[:6] for s in SUFFIXES), *(o + s for o in OPERANDS for s in SUFFIXES[:4]),
    *(f"{a} {o} {b}" for o in OPERATORS for a, b in (("foo", "bar"), ("sum(foo)", "1"), ("foo", ""))),
    *(f + c for f in ("sum", "rate", "nobody_knows", "by") for c in CALLS),
    *(f"{m}{{{f}}}" for m in ("", "foo") for f in FILTERS),
    *(e.format(n) for n in NUMBERS for e in ("foo > {}", "foo[{}]", "sum({})")),
    *("WITH " + t for t in TEMPLATES), *OTHERS]

GRAPHITE = ["a", "a.{b,c}.*[0-9]", "f(a, 1, 'b', x=y)", "f(a,)", "f()", "a | f", "a|f(1)|g", "",
            "a b", "f(a", "f(a b)", "f(,a)", "f(a,,b)", "f(a)b", "f(a)(b)", "f(a=)", "f(g()=1)",
            "f(x=y=z)", "(a)", "a,b", "a)", "a|", "|a", "f(a|)", "'a", "a.{b", "a[", "a\\", "a\\ b"]


def both_take(path, expr, kind):
    path.write_text(yaml.safe_dump({"groups": [{"name": "g", "type": kind, "rules": [
        {"alert": "A", "expr": expr}]}]}, allow_unicode=True))
    theirs = run(["vmalert", "-dryRun", f"-rule={path}", "-datasource.url=http://127.0.0.1:1"],
                 check=False)
    ours = run([TOCSIN, "check", "rules", "--vmalert-functions", str(path)], check=False)
    return theirs.returncode == 0, ours.returncode == 0


@pytest.mark.parametrize("expressions, kind, expected", [
    (EXPRESSIONS, "prometheus", None),
    (GRAPHITE, "graphite", None),
    (NEWER, "prometheus", (False, True)),
], ids=["metricsql", "graphite", "newer"])
def test_they_are_taken_where_vmalert_takes_them(tmp_path, expressions, kind, expected):
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda e: both_take(tmp_path / f"{e[0]}.yml", e[1], kind),
                                enumerate(expressions)))
    wrong = [(e, f"vmalert: {theirs}, we: {ours}")
             for e, (theirs, ours) in zip(expressions, answers)
             if (theirs, ours) != (expected or (theirs, theirs))]
    assert not wrong
