"""Real Prometheus on both sides: the backend that is asked, and the client that sends."""
import json

from conftest import alert, group, hook, make_config, rule_file, write
from programs import TOCSIN, prometheus, run, until

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
    assert "parse error" in query("--url", p.url, "up ==", code=1)
    assert "no such datasource" in query("--config.file", str(folder / "tocsin.yml"),
                                         "--datasource=x", "up", code=1)
    assert "not a duration" in query("--url", p.url, "--since=x", "up", code=1)
    assert "one of --url" in query("up", code=1)
