"""Real Prometheus on both sides: the backend that is asked, and the client that sends."""
import json

from conftest import alert, group, hook, make_config, rule_file, write
from programs import TOCSIN, http, prometheus, run, until

SCRAPE = """\
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["SELF"]}]
"""


def test_rules_on_a_real_prometheus(start, far, box, folder, rules, keep):
    p = keep(prometheus(folder, SCRAPE))
    write(rules / "p.yml", rule_file(group(
        "p",
        alert("Up", 'up{job="prometheus"} == 1', **{"for": "500ms"},
              annotations={"summary": "{{ $labels.job }} {{ $value }}",
                           "also": '{{ with query "up" }}{{ . | first | value }}{{ end }}'}),
        alert("Never", "up == 2"),
        alert("Scalar", "scalar(vector(1))"),
        alert("Wrong", "up[5m]"),
        alert("Invalid", "sum(("),
        {"record": "job:up:sum", "expr": "sum by (job) (up)"})))
    config = make_config(hook(far), backend=p)
    d = start(config, rules, ["--no-rules.check-expressions"])
    seen = box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Up", 20)
    assert seen, d.log_tail()
    a = seen.body["alerts"][0]
    assert a["annotations"]["summary"] == "prometheus 1"
    assert a["labels"]["instance"] == p.address
    until(lambda: d.rule("Wrong") and d.rule("Wrong")["health"] == "err", 5)
    assert d.rule("Wrong")["lastError"]
    assert "sum((" in d.rule("Invalid")["query"]
    until(lambda: d.rule("Invalid")["health"] == "err", 5)
    assert d.rule("Never")["health"] == "ok" and d.rule("Never")["state"] == "inactive"
    assert until(lambda: d.rule("Scalar")["state"] == "firing", 5)
    until(lambda: d.rule("job:up:sum")["health"] == "ok", 5)
    assert d.metric("prometheus_rule_evaluation_failures_total") > 0


def test_a_real_prometheus_sends_its_alerts(start, far, box, folder, keep):
    d = start(make_config(hook(far)))
    p = keep(prometheus(folder, SCRAPE + f"""\
rule_files: [prometheus-rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{d.port}"]}}]
""", rules=rule_file(group("g", alert("FromPrometheus", 'up{job="prometheus"} == 1',
                                      labels={"severity": "page"},
                                      annotations={"summary": "it is {{ $value }}"})))))
    seen = box.wait(lambda s: s.kind == "webhook", 20)
    assert seen, d.log_tail()
    a = seen.body["alerts"][0]
    assert a["labels"] == {"alertname": "FromPrometheus", "instance": p.address,
                           "job": "prometheus", "severity": "page"}
    assert a["annotations"] == {"summary": "it is 1"}
    assert "g0.expr=" in a["generatorURL"]
    assert d.metric("alertmanager_alerts_received_total", status="firing") >= 1


def test_query_asks_a_real_prometheus(far, folder, keep):
    p = keep(prometheus(folder, SCRAPE))
    (folder / "tocsin.yml").write_text(make_config(hook(far), backend=p))

    def query(*words, code=0):
        done = run([TOCSIN, "query", *words], check=False)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    until(lambda: " 1 " in query("--url", p.url, "up"), 20)
    series = f'up{{instance="{p.address}", job="prometheus"}}'
    for source in (["--url", p.url], ["--config.file", str(folder / "tocsin.yml")],
                   ["--config.file", str(folder / "tocsin.yml"), "--datasource=main"]):
        lines = [x.split() for x in query(*source, "up").splitlines()]
        assert lines[0] == ["Series", "Value"] and lines[1] == [*series.split(), "1"]
    got = json.loads(query("-o", "json", "--url", p.url, "up"))
    assert got["resultType"] == "vector" and got["result"][0]["metric"]["job"] == "prometheus"
    assert query("--url", p.url, "scalar(up)").split()[-1] == "1"
    table = query("--url", p.url, "--since=2s", "--step=1s", "up").splitlines()
    assert table[0].split() == ["Series", "Time", "Value"] and table[-1].split()[-1] == "1"
    plot = query("--url", p.url, "--since=5s", "--plot", "up or vector(1)")
    assert "┤" in plot and "█" in plot and series in plot
    flat = query("--url", p.url, "--since=2s", "--plot", "vector(7)").splitlines()
    assert len(flat) == 3 and flat[1].split()[0] == "7" and "█" in flat[1]
    nothing = run([TOCSIN, "query", "--url", p.url, "--plot", "nobody_has_this"])
    assert (nothing.stdout, nothing.stderr) == ("", "no series\n")
    assert "--step: must be greater than 0" in query(
        "--url", p.url, "--since=2s", "--step=0s", "up", code=1)
    assert "parse error" in query("--url", p.url, "up ==", code=1)
    assert "no such datasource" in query("--config.file", str(folder / "tocsin.yml"),
                                         "--datasource=x", "up", code=1)
    assert "not a duration" in query("--url", p.url, "--since=x", "up", code=1)
    assert "one of --url" in query("up", code=1)


def test_query_says_what_the_backend_warns_of(backend):
    backend.set("up", ({"job": "a"}, 1))
    backend.mutation = lambda text: json.dumps({
        **json.loads(text), "isPartial": True, "warnings": ["a store is away"], "infos": ["old"]})
    done = run([TOCSIN, "query", "--url", backend.url, "up"])
    assert done.stderr == ("warning: a store is away\ninfo: old\n"
                           "warning: the answer is partial\n")
    assert "job" in done.stdout and "warning" not in done.stdout


EXPRESSIONS = [
    "up==1", "sum(up)by(job)", "sum   by(job,instance)(rate(up[60s]))", "avg without (a) (up)",
    "count(up) by ()", "max without () (up)", "up{job='a',instance=~\"b.*\"}", "{job=`x`}",
    '{__name__="up",a!="b"}', '{__name__=~"up|down"}', "up offset 90s", "up offset -1h30m",
    "up @ 1600000000", "up[5m] @ start() offset 1w", "rate(up[1d:120s])", "rate(up[1h:])",
    "max_over_time((up > 0)[3600s:1m] offset 5m)", "1e3", "1000000", "0x10", "1.50", "-1", "+1", "-up",
    "-(up)", "Inf", "-inf", "NaN", "1e-7 * up", "123456789.25 < bool 5", "a+b*c^d%e/f-g",
    "a and b or c unless d", "a * on(x) b", "a*ignoring(x,y)group_left(z)b", "a / on() group_right b",
    "a == bool b", "topk(3,up)", "quantile(.9, up)", "count_values(\"v\", up)",
    "label_replace(up, 'a', '$1', \"b\", '(.*)')", "time()", "vector(1)", "absent(up{a=\"b\"})",
    "histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", "scalar(up) > bool 3", "(((up)))",
    "up # a comment\n > 2", "ALERTS{alertstate='firing'}", "a:b:c{d=\"e\\\"f\\\\g\\n\"}", "up atan2 up",
    "stddev(up) - stdvar(up)", "bottomk by (a) (1, up)", "up{a='',b!~'x'}", "min(up) > 1 == 2",
    "2 ^ 3 ^ 2", "up{on='a'} * on(by) up", "sum(sum by (a, b) (up)) by (b)", "'text'", '"it\'s"',
]


def test_expressions_are_shown_as_prometheus_shows_them(start, far, backend, folder, rules, keep):
    text = rule_file(group("g", *({"record": f"r{i}", "expr": e} for i, e in enumerate(EXPRESSIONS)),
                           alert("Link", "sum(up)by(job)"), interval="1h"))
    p = keep(prometheus(folder, SCRAPE + "rule_files: [prometheus-rules.yml]\n", rules=text))
    write(rules / "r.yml", text)
    d = start(make_config(hook(far), backend=backend), rules)

    def queries(groups):
        return {r["name"]: r["query"].replace(" ", "") for g in groups for r in g["rules"]}

    theirs = queries(json.loads(http("GET", p.url + "/api/v1/rules").body)["data"]["groups"])
    ours = queries(d.groups().values())
    assert len(theirs) == len(EXPRESSIONS) + 1
    assert {EXPRESSIONS[int(n[1:])] if n[0] == "r" else n: ours[n] for n in theirs} == \
        {EXPRESSIONS[int(n[1:])] if n[0] == "r" else n: theirs[n] for n in theirs}
    assert d.rule("Link")["query"] == "sum by (job) (up)"
