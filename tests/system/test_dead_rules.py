"""Dead rules are visible: metrics that the backend does not know, groups that are too slow."""
import re

import pytest

from conftest import alert, group, hook, make_config, rule_file, write
from programs import http, prometheus, until, victoria_metrics

SCRAPE = """
global: {scrape_interval: 200ms}
scrape_configs: [{job_name: self, static_configs: [{targets: [SELF]}]}]
"""
RULES = rule_file(group(
    "g",
    alert("Fine", 'up == 0 and on () {__name__="scrape_samples_scraped"} < 1'),
    alert("Dead", "rate(nobody_has_this_total[5m]) > 0 or up == 0 or (sum by (job) (nor_this))"),
    alert("Away", "absent(may_be_away) and absent_over_time(this_too[5m]) and up == 0"),
    {"record": "a:b", "expr": 'max_over_time({__name__="or_this"}[1m])'}, interval="200ms",
    partial_response_strategy="abort"),
    group("elsewhere", alert("Other", "nobody_has_this_total"), params={"a": ["b"]}))


def dead(d):
    found = d.get("/api/v1/rules/broken").json["data"]["unknownMetrics"]
    return {r["name"]: sorted(r["metrics"]) for r in found}


@pytest.mark.parametrize("server", [
    lambda folder: prometheus(folder, SCRAPE),
    lambda folder: victoria_metrics(folder, "-selfScrapeInterval=1s", "-retentionPeriod=1d"),
], ids=["prometheus", "victoria-metrics"])
def test_metrics_that_the_backend_does_not_know(start, far, folder, rules, keep, server):
    p = keep(server(folder))
    if p.name == "victoria-metrics":  # it says of itself what a scraper would add
        http("POST", p.url + "/api/v1/import/prometheus",
             b'up{job="x"} 1\nscrape_samples_scraped{job="x"} 1\n')
    until(lambda: http("GET", p.url + "/api/v1/query?query=up").json["data"]["result"], 30)
    write(rules / "r.yml", RULES)
    d = start(make_config(hook(far), backend=p), rules, ["--rules.check-names=500ms"])
    want = {"Dead": ["nobody_has_this_total", "nor_this"], "a:b": ["or_this"]}
    until(lambda: dead(d) == want, 20, "the dead rules are named")
    assert d.rule("Dead")["unknownMetrics"] == ["nobody_has_this_total", "nor_this"] \
        or sorted(d.rule("Dead")["unknownMetrics"]) == want["Dead"]
    assert "unknownMetrics" not in d.rule("Fine") and "unknownMetrics" not in d.rule("Other")
    assert d.metric("tocsin_rules_unknown_metrics") == 2
    said = d.tool("rules").stdout
    assert "2 rules ask for metrics" in said and "a:b: or_this" in said
    write(rules / "r.yml", rule_file(group("g", alert("Fine", "up"))))
    until(lambda: d.metric("tocsin_rules_unknown_metrics") == 0, 10)
    assert dead(d) == {}


def test_a_backend_that_does_not_say_blames_nobody(start, far, backend, rules):
    write(rules / "r.yml", rule_file(group("g", alert("A", "nobody_has_this"))))
    d = start(make_config(hook(far), backend=backend), rules, ["--rules.check-names=200ms"])
    asked = lambda: [q for q in backend.queries if q[0].startswith("/api/v1/label/__name__")]
    until(lambda: len(asked()) > 2, 10)
    assert asked()[0][1]["match[]"] == '{__name__=~"nobody_has_this"}'
    assert dead(d) == {} and d.metric("tocsin_rules_unknown_metrics") == 0
    backend.mode = "drip"
    until(lambda: len(asked()) > 3, 10)
    write(rules / "r.yml", rule_file(group("g", alert("B", "nor_this"))))
    assert d.post("/-/reload").status == 200


def test_many_names_are_asked_in_pieces(start, far, backend, rules):
    write(rules / "r.yml", rule_file(group("g", *(
        alert(f"A{i}", f"metric_{i}_{'x' * 60}") for i in range(120)), interval="1h")))
    d = start(make_config(hook(far), backend=backend), rules, ["--rules.check-names=300ms"])
    d.post("/-/reload")
    backend.names = lambda match: [f"metric_{i}_{'x' * 60}" for i in range(120)
                                   if i != 77 and f"metric_{i}_{'x' * 60}" in match]
    until(lambda: dead(d), 10)
    assert list(dead(d)) == ["A77"]
    assert all(len(q[1]["match[]"]) < 5000 for q in backend.queries if "match[]" in q[1])


def test_a_group_that_cannot_keep_its_interval(start, far, backend, rules):
    write(rules / "r.yml", rule_file(group("slow", alert("A", "a"), interval="100ms"),
                                     group("fine", alert("B", "b"), interval="5s")))
    backend.mode, backend.delay = "slow", 0.35
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: d.groups()["slow"]["missedIterations"] > 2, 10)
    g = d.groups()["slow"]
    assert g["slow"] is True and g["iterations"] > g["missedIterations"]
    assert "slow" not in d.groups()["fine"]
    listed = d.get("/api/v1/rules/broken").json["data"]["slowGroups"]
    assert [s["group"] for s in listed] == ["slow"] and listed[0]["interval"] == 0.1
    key = str(rules / "r.yml")
    assert d.metric("tocsin_rule_group_slow", rule_group=f"{key};slow") == 1
    assert d.metric("tocsin_rule_group_slow", rule_group=f"{key};fine") == 0
    said = d.tool("rules").stdout
    assert "1 group takes longer than its interval" in said
    row = next(line for line in said.splitlines() if line.startswith("slow "))
    assert re.search(r" 0\.\d+s +0\.1s +" + re.escape(key), row), row
    backend.mode = "ok"
    until(lambda: "slow" not in d.groups()["slow"], 10)
