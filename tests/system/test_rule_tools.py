"""tocsin check rules says what Debian's promtool says, and more."""
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from conftest import alert, group, hook, make_config, rule_file, write
from programs import ROOT, TOCSIN, free_port, prometheus, run, until, victoria_metrics

GOOD = rule_file(group("g", alert("A", "up == 0", labels={"severity": "page"})))
DOUBLE = rule_file(group("g", alert("B", "up == 0", labels={"z": "1", "a": "2"}),
                         {"record": "a:b", "expr": "up"}, {"record": "a:b", "expr": "up * 2"},
                         alert("B", "up == 1", labels={"z": "1", "a": "2"})),
                   group("h", alert("B", "up", labels={"z": "1", "a": "2"})))


@pytest.mark.parametrize("texts, args", [
    ([GOOD], []), ([DOUBLE], []), ([GOOD, DOUBLE, GOOD], []), ([DOUBLE], ["--lint=none"]),
    ([DOUBLE], ["--lint-fatal"]), ([GOOD], ["--lint-fatal"]),
])
def test_check_rules_as_promtool(folder, texts, args):
    files = []
    for i, text in enumerate(texts):
        (folder / f"{i}.yml").write_text(text)
        files.append(str(folder / f"{i}.yml"))
    ours = run([TOCSIN, "check", "rules", *args, *files], check=False)
    theirs = run(["promtool", "check", "rules", *args, *files], check=False)
    assert (ours.returncode, ours.stdout, ours.stderr) == (
        theirs.returncode, theirs.stdout, theirs.stderr)


@pytest.mark.parametrize("text, place, why", [
    ("groups: [{name: g, rules: [{alert: A, expr: 'up =='}]}]\n", "1:", "could not parse expression"),
    ("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    fro: 1m\n", "6:5", "did you mean for?"),
    ("groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    annotations:\n      s: '{{ nope }}'\n",
     "7:", 'function "nope" not defined'),
    ("groups: [\n", "", "yaml"),
])
def test_check_rules_names_the_place(folder, text, place, why):
    path = folder / "bad.yml"
    path.write_text(text)
    (folder / "good.yml").write_text(GOOD)
    done = run([TOCSIN, "check", "rules", str(path), str(folder / "good.yml")], check=False)
    assert done.returncode == 1 and f"{path}:{place}" in done.stderr and why in done.stderr
    assert "SUCCESS: 1 rules found" in done.stdout
    assert run(["promtool", "check", "rules", str(path)], check=False).returncode == 1


def test_check_rules_with_the_datasources_of_a_configuration(folder, far, backend):
    path, config = folder / "r.yml", folder / "c.yml"
    path.write_text(rule_file(group("g", alert("A", '{a="b"} |= "c"'), datasource="main")))
    check = [TOCSIN, "check", "rules", f"--config.file={config}", str(path)]
    assert "SUCCESS: 1 rules" in run([*check[:3], str(path)]).stdout, "nobody knows its language"
    write(config, make_config(hook(far), backend=backend).replace("prometheus", "loki"))
    assert "SUCCESS: 1 rules" in run(check).stdout
    write(config, make_config(hook(far), backend=backend))
    done = run(check, check=False)
    assert done.returncode == 1 and "could not parse expression" in done.stderr
    write(config, make_config(hook(far), backend=backend).replace("main", "other"))
    assert 'WARNING: ' + str(path) + ':3:15: no datasource "main" is configured' in run(check).stderr
    write(config, "datasources: 5")
    done = run(check, check=False)
    assert done.returncode == 1 and str(config) in done.stderr


# -- the datasources are asked -----------------------------------------------------------

def checked(folder, url, kind, exprs, *args, code=0):
    """check rules of one alert an expression, each in a line of its own."""
    (folder / "r.yml").write_text("groups:\n- name: g\n  rules:\n" + "".join(
        f"  - {{alert: A{i}, expr: {json.dumps(e)}}}\n" for i, e in enumerate(exprs)))
    write(folder / "c.yml", json.dumps({
        "route": {"receiver": "r"}, "receivers": [{"name": "r"}],
        "datasources": [{"name": "main", "type": kind, "url": url}]}))
    done = run([TOCSIN, "check", "rules", f"--config.file={folder}/c.yml", *args,
                str(folder / "r.yml")], check=False)
    assert done.returncode == code, done
    return done.stderr


def refused(folder, rule, why):
    return (f'{folder}/r.yml:{rule + 4}:{22 + len(str(rule))}: group "g", rule {rule + 1}, '
            f'"A{rule}": datasource "main" refuses the expression: {why}')


def test_a_prometheus_is_asked_whether_it_takes_them(folder, keep):
    p = keep(prometheus(folder, "global: {}\n"))
    good = ["up == 0", "sum(rate(x[5m])) by (job)", "up == 0"]
    assert checked(folder, p.url, "prometheus", good) == ""
    err = checked(folder, p.url, "prometheus", [*good, "sum(up", "nonsense(up)"],
                  "--no-check-expressions", code=1)
    assert refused(folder, 3, 'invalid parameter "query": 1:7: parse error: unclosed') in err
    assert refused(folder, 4, "") in err and err.count("refuses") == 2
    # without a configuration
    done = run([TOCSIN, "check", "rules", "--no-check-expressions", f"--url={p.url}/",
                f"{folder}/r.yml"], check=False)
    assert done.returncode == 1 and done.stderr.count("refuses") == 2
    done = run([TOCSIN, "-o", "json", "check", "rules", "--no-check-expressions",
                f"--url={p.url}", f"{folder}/r.yml"], check=False)
    assert done.returncode == 1 and len(json.loads(done.stdout)["mistakes"]) == 2
    err = checked(folder, p.url, "prometheus", ["sum(up"], "--no-check-expressions", "--no-ask")
    assert err == ""


def test_a_victoria_metrics_is_asked_in_its_own_language(folder, keep):
    p = keep(victoria_metrics(folder))
    good = ["rate(x) > 1", "WITH (a = up) a == 0"]
    assert checked(folder, p.url, "victoriametrics", good) == ""
    err = checked(folder, p.url, "victoriametrics", ["up == 0", "nonsense(x)"], code=1)
    assert refused(folder, 1, "") in err and err.count("refuses") == 1
    # what pretends to be a Prometheus and cannot format is asked the query itself
    err = checked(folder, p.url, "prometheus", ["up == 0", "rate(x"], "--no-check-expressions",
                  code=1)
    assert refused(folder, 1, "") in err and err.count("refuses") == 1


def test_a_mistake_keeps_nobody_from_asking_for_the_other_rules(folder, keep):
    p = keep(victoria_metrics(folder))
    err = checked(folder, p.url, "victoriametrics", ["nonsense(x)", "rate(x", "gibberish(x)", "up"],
                  code=1)
    lines = [line for line in err.splitlines() if line.startswith(str(folder))]
    assert len(lines) == 3, err
    assert lines[0].startswith(refused(folder, 0, "")) and "nonsense" in lines[0]
    assert 'rule 2, "A1": ' in lines[1] and "refuses" not in lines[1]
    assert lines[2].startswith(refused(folder, 2, "")) and "gibberish" in lines[2]


def test_groups_that_nobody_is_asked_for_are_a_notice(folder, loki):
    write(folder / "r.yml", rule_file(
        group("a", alert("A", "up")),
        group("b", alert("B", "up"), alert("C", "up"), datasource="other"),
        group("c", alert("D", "up"), type="graphite")))
    done = run([TOCSIN, "check", "rules", f"--url={loki.url}", f"{folder}/r.yml"], check=False)
    assert ("NOTICE: 2 groups with 3 expressions were not asked for: they name another "
            "datasource, or have another type\n") in done.stderr


@pytest.fixture
def loki():
    """Takes nothing with "bad" in it, sends log lines for what has no parenthesis, and is
    slow with what is."""
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            query, status = form["query"][0], 200
            self.server.seen.append((self.path, query))
            if "slow" in query:
                time.sleep(3)
            if "bad" in query:
                status, body = 400, b"parse error at line 1, col 5: syntax error"
            else:
                kind = "vector" if "(" in query else "streams"
                body = json.dumps({"status": "success", "data": {
                    "resultType": kind, "result": []}}).encode()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    s = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    s.seen, s.daemon_threads = [], True
    threading.Thread(target=s.serve_forever, daemon=True).start()
    s.url = f"http://127.0.0.1:{s.server_port}"
    yield s
    s.shutdown()


def test_a_loki_is_asked_the_query(folder, loki):
    err = checked(folder, loki.url, "loki", ["sum(a)", "sum(bad", '{a="b"}', "sum(a)"], code=1)
    assert refused(folder, 1, "status 400: parse error at line 1, col 5") in err
    assert refused(folder, 2, "rule result is not a vector or scalar (it is a streams)") in err
    assert err.count("refuses") == 2
    assert loki.seen == [("/loki/api/v1/query", q) for q in ("sum(a)", "sum(bad", '{a="b"}')]
    began = time.monotonic()
    err = checked(folder, loki.url, "loki", ["slow(a)", "sum(b)"], "--timeout=1s")
    assert time.monotonic() - began < 3
    assert 'datasource "main" did not say whether it takes 1 expressions' in err
    assert "NOTICE: 1 expressions were not asked for, because the time" in err


def test_a_datasource_that_is_away_is_a_notice(folder):
    url = f"http://127.0.0.1:{free_port()}"
    err = checked(folder, url, "prometheus", ["up == 0", "up == 1"])
    assert err.startswith('NOTICE: datasource "main" did not say whether it takes 2 expressions: ')
    assert checked(folder, url, "prometheus", ["up == 0"], "--no-ask") == ""
    done = run([TOCSIN, "check", "rules", f"{folder}/r.yml"])
    assert done.stderr == "" and "SUCCESS" in done.stdout


# -- rules of vmalert --------------------------------------------------------------------

def of_vmalert(expr="up", **more):
    return rule_file(group("g", {"alert": "A", "expr": expr, **more}, interval="1m"))


@pytest.mark.parametrize("text", [
    *(of_vmalert(e) for e in (
        "rate(x) > 1", "WITH (a = up) a == 0", "x[5i]", "rate(x[5m]) keep_metric_names",
        "a default 0", "a if b", "sum(a) by (c) limit 2", "rate(x", "x{a=\"b\"", "sum(x))", "",
        "x{a='b}", "1Ki", "up ==", "(a +)", "a{b=}", "+", "a * -", "a - -b", "a == -1", "(-a)",
        "x[1.5h]", "# nothing", "union(a, b)")),
    *(of_vmalert(**{"for": d}) for d in (
        "1.5h", "90", "30m1h", "1h-30m", "5i", "-5m", "1M", "1h5", "1 h", "x")),
    rule_file(group("g", {"record": "a", "expr": "b", "for": "5m", "annotations": {"c": "d"}})),
    rule_file(group("g", alert("A", "up"), interval="0.5h")),
    rule_file(group("g", alert("A", "up"), alert("A", "up", **{"for": "5m"}))),
    rule_file(group("g", alert("A", "up"), alert("A", "up", labels={"b": "c"}))),
    rule_file(group("g", {"record": "a", "expr": "b", "labels": {"c": "{{ x"}})),
    *(rule_file(group("g", alert("A", e), type="graphite")) for e in (
        "alias(a.{b,c}.*, \"x)\")", "sum(a.b", "a.b.{c", "a[", "a)", "alias(a, 'x)")),
    rule_file(group("g", {"record": "a", "expr": "b", "labels": {"c": "{{ x }}"}})),
])
def test_a_file_of_vmalert_loads_where_it_does(folder, text):
    (folder / "r.yml").write_text(text)
    theirs = run(["vmalert", "-dryRun", f"-rule={folder}/r.yml",
                  "-datasource.url=http://127.0.0.1:1"], check=False)
    ours = run([TOCSIN, "check", "rules", "--vmalert-functions", f"{folder}/r.yml"], check=False)
    assert (ours.returncode == 0) == (theirs.returncode == 0), (ours, theirs)


def test_check_rules_finds_more_when_asked(folder):
    path = folder / "r.yml"
    path.write_text(rule_file(group("g", alert("A", "up"))))
    args = [TOCSIN, "-o", "json", "check", "rules", "--lint=comparison",
            "--require-label=severity", "--require-annotation=summary", str(path)]
    got = json.loads(run(args).stdout)
    assert got["ok"] and got["rules"] == 1
    assert [f["check"] for f in got["findings"]] == ["required", "required", "comparison"]
    assert run([*args[:1], *args[3:], "--lint-fatal"], check=False).returncode == 3
    done = run([TOCSIN, "check", "rules", "--lint=foo", str(path)])
    assert done.stdout.startswith('WARNING: unknown lint option: "foo"\nChecking')
    done = run([TOCSIN, "check", "rules"], stdin=GOOD)
    assert "Checking standard input\n  SUCCESS: 1 rules found" in done.stdout
    assert run([TOCSIN, "check", "rules", str(folder / "missing.yml")], check=False).returncode == 1


def test_check_rules_may_pass_over_unknown_fields(folder):
    path = folder / "r.yml"
    path.write_text("x: 1\ngroups: [{name: g, y: 2, rules: [{alert: A, expr: up, z: 3}]}]\n")
    done = run([TOCSIN, "check", "rules", path], check=False)
    assert done.returncode == 1
    for key in "xyz":
        assert f"field {key} not found" in done.stdout + done.stderr
    done = run([TOCSIN, "check", "rules", "--ignore-unknown-fields", path])
    assert "SUCCESS: 1 rules found" in done.stdout


def test_the_shipped_packs_pass_every_check():
    packs = os.path.join(ROOT, "rules")
    files = [os.path.join(packs, f) for f in sorted(os.listdir(packs))]
    done = run([TOCSIN, "check", "rules", "--lint=all", "--lint-fatal", "--require-label=severity",
                "--require-annotation=summary", "--require-annotation=description", *files])
    assert "FAILED" not in done.stderr


def test_templates_that_cannot_work_are_told(start, far, backend, rules):
    """Prometheus takes such a file and puts an error where the text should be: so do we, aloud."""
    backend.set("one", ({"host": "a"}, 1))
    (rules / "t.yml").write_text(rule_file(group("g", alert(
        "A", "one", annotations={"bad": "{{ .Foo }}", "odd": "{{ $value.Foo }}",
                                 "fine": "{{ $labels.host }}"}))))
    done = run([TOCSIN, "check", "rules", str(rules / "t.yml")])
    assert "t.yml:7:16: " in done.stderr and "can't evaluate field Foo" in done.stderr
    d = start(make_config(hook(far), backend=backend), rules)
    annotations = until(lambda: d.rule("A")["alerts"], 8)[0]["annotations"]
    assert annotations["fine"] == "a" and "<error expanding template" in annotations["bad"]
    asked = backend.asked("one")
    until(lambda: backend.asked("one") > asked + 3, 10)
    log = d.log()
    assert "WARN" in next(x for x in log.splitlines() if "t.yml:7:16" in x)
    assert log.count("a template failed, its text is an error now") == 1


def test_the_rules_api_matches_and_pages(start, far, backend, rules):
    backend.set("one", ({"host": "a"}, 1))
    for i in range(5):
        (rules / f"r{i}.yml").write_text(rule_file(group(f"g{i}", alert(
            f"A{i}", "one" if i else "nothing", labels={"team": "a" if i % 2 else "b"}))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: all(d.rule(f"A{i}")["health"] == "ok" for i in range(5)), 8)

    def names(query):
        answer = d.get("/api/v1/rules?" + query).json["data"]
        return [r["name"] for g in answer["groups"] for r in g["rules"]], answer.get("groupNextToken")

    assert names('match[]={team="a"}') == (["A1", "A3"], None)
    assert names('match[]={team="a"}&match[]={team=~"b|c"}')[0] == [f"A{i}" for i in range(5)]
    assert names('match[]=up{team="a"}') == ([], None)
    first, token = names("group_limit=2")
    assert first == ["A0", "A1"] and token
    second, token = names(f"group_limit=2&group_next_token={token}")
    assert second == ["A2", "A3"]
    assert names(f"group_limit=2&group_next_token={token}") == (["A4"], None)
    assert names('group_limit=1&match[]={team="a"}')[0] == ["A1"]
    for query, why in (("match[]={bad", "1:5: parse error"),
                       ("match[]=up{__name__=%22x%22}", "metric name must not be set twice"), ("match[]={a=%22%22}", "non-empty matcher"),
                       ("group_limit=x", "valid number"), ("group_limit=0", "greater than 0"),
                       ("group_next_token=x", "group_limit needs to be present"),
                       ("group_limit=1&group_next_token=x", "were rule groups changed?")):
        answer = d.get("/api/v1/rules?" + query)
        assert answer.status == 400 and why in answer.json["error"], query
    assert "A0" in d.tool("rules", "--never-matched").stdout.split("never had a series")[1]
    dead = [r["name"] for r in d.get("/api/v1/rules/broken").json["data"]["neverMatched"]]
    assert dead == ["A0"] and d.metric("tocsin_rule_group_rules_never_matched", rule_group=str(
        rules / "r0.yml") + ";g0") == 1
