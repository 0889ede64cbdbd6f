"""Real Prometheus and VictoriaMetrics as backends: what survives an end, and a line between
that spoils their answers."""
import time

import pytest
import yaml

from between import Between
from conftest import alert, group, hook, make_config, rule_file, write
from programs import http, prometheus, until, victoria_metrics

SCRAPE = """
global: {scrape_interval: 200ms}
scrape_configs: [{job_name: self, static_configs: [{targets: [SELF]}]}]
"""
SERVERS = {
    "prometheus": lambda folder: prometheus(folder, SCRAPE),
    "victoria-metrics": lambda folder: victoria_metrics(folder, "-retentionPeriod=1d"),
}
SELF = "go_goroutines > 0"


@pytest.fixture(params=SERVERS)
def server(request, folder, keep):
    p = keep(SERVERS[request.param](folder))
    if p.name == "victoria-metrics":
        http("POST", p.url + "/api/v1/import/prometheus", b'go_goroutines{job="self"} 7\n')
        http("GET", p.url + "/internal/force_flush")
    query = p.url + "/api/v1/query?query=go_goroutines"
    until(lambda: http("GET", query).json["data"]["result"], 30)
    return p


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_an_end_while_pending_and_while_firing(start, far, box, rules, keep, server, how):
    write(rules / "r.yml", rule_file(group(
        "g", alert("Waits", SELF, **{"for": "4s"}), alert("Long", SELF, **{"for": "1h"}),
        alert("Fires", SELF), interval="500ms")))
    d = start(make_config(hook(far), backend=server), rules)

    def active(name):
        return [(a["labels"], a["activeAt"]) for a in (d.rule(name) or {}).get("alerts", ())]

    until(lambda: all(active(n) for n in ("Waits", "Long", "Fires")), 20)
    began = time.monotonic()
    assert box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Fires", 10)
    time.sleep(1)  # the outcome of that delivery reaches the disk
    before = {n: active(n) for n in ("Waits", "Long", "Fires")}
    getattr(d, how)()
    d = keep(d.again())
    until(lambda: all(active(n) for n in before), 10)
    assert {n: active(n) for n in before} == before, "pending and firing ones go on"
    assert d.rule("Waits")["state"] == "pending" and d.rule("Fires")["state"] == "firing"
    page = box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Waits", 15)
    assert page and 3 < page.at - began < 7, "it fires 4 s after it began to wait"
    time.sleep(1)
    getattr(d, how)()
    d = keep(d.again())
    asked = d.groups()["g"]["iterations"]
    until(lambda: d.groups()["g"]["iterations"] > asked + 4, 10)
    assert {n: active(n) for n in before} == before
    pages = [s.body["groupLabels"]["alertname"] for s in box.all(kind="webhook")]
    assert sorted(pages) == ["Fires", "Waits"], "each is told once"


@pytest.fixture
def spoilers(server):
    """For each way to spoil answers a line of its own to the same server."""
    made = {mode: Between(server.url) for mode in Between.MODES}
    yield made
    for p in made.values():
        p.stop()


@pytest.fixture
def daemon(start, far, box, rules, server, spoilers):
    config = yaml.safe_load(make_config(hook(far), backend=server))
    for mode, p in spoilers.items():
        config["datasources"].append({"name": mode, "url": p.url, "timeout": "1s",
                                      "max_response_bytes": 1024 * 1024})
        write(rules / f"{mode}.yml", rule_file(group(
            mode, alert("Fires", SELF, labels={"by": mode}),
            alert("Waits", SELF, labels={"by": mode}, **{"for": "1h"}),
            {"record": "g:n", "expr": "go_goroutines"}, interval="500ms", datasource=mode)))
    write(rules / "clean.yml", rule_file(group(
        "clean", alert("Clean", SELF, **{"for": "1h"}), interval="300ms")))
    d = start(yaml.safe_dump(config), rules)
    until(lambda: len(d.groups()) == len(spoilers) + 1 and
          all(r["health"] == "ok" for g in d.groups().values() for r in g["rules"]), 20)
    assert box.wait(lambda s: s.ok and len(s.body["alerts"]) == len(spoilers), 10)
    return d


def states(d):
    """{(group, rule): (state, [(labels, activeAt)])}"""
    return {(name, r["name"]): (r["state"], [(a["labels"], a["activeAt"]) for a in r["alerts"]])
            for name, g in d.groups().items() for r in g["rules"] if r["type"] == "alerting"}


def health(d):
    return {name: {r["health"] for r in g["rules"]} for name, g in d.groups().items()}


def test_spoilt_answers_cost_only_their_own_groups(daemon, box, spoilers):
    d, told = daemon, box.count()
    before = states(d)
    for mode, p in spoilers.items():
        p.mode = mode
    spoilt = {**{mode: {"err"} for mode in spoilers}, "clean": {"ok"}}
    until(lambda: health(d) == spoilt, 30, "all rules but the clean one's are in error")
    errors = {g["name"]: r["lastError"] for g in d.groups().values() for r in g["rules"]
              if r["health"] == "err"}
    assert len(errors) == len(spoilers) and all(errors.values())
    began, was = time.monotonic(), d.groups()["clean"]
    time.sleep(4)
    now, took = d.groups()["clean"], time.monotonic() - began
    assert abs(now["iterations"] - was["iterations"] - took / 0.3) <= 2, (was, now, took)
    assert now["missedIterations"] == was["missedIterations"]
    assert health(d) == spoilt and states(d) == before
    for p in spoilers.values():
        p.mode = "pass"
        p.released.set()
    until(lambda: all(h == {"ok"} for h in health(d).values()), 30, "all recover")
    assert states(d) == before
    assert box.count() == told, "nothing was told for any of it"
    assert d.metric("process_resident_memory_bytes") < 300 * 1024 * 1024


def test_a_rule_resolves_only_by_a_whole_answer(daemon, box, rules, spoilers):
    def rule():
        return daemon.groups()["cut"]["rules"][0]

    at = box.count()
    spoilers["cut"].mode = "cut"
    write(rules / "cut.yml", rule_file(group(
        "cut", alert("Fires", "go_goroutines < 0", labels={"by": "cut"}), interval="300ms",
        datasource="cut")))
    until(lambda: rule()["health"] == "err", 10)
    assert rule()["state"] == "firing"
    assert not box.wait(lambda s: True, 1.5, since=at)
    spoilers["cut"].mode = "pass"
    seen = box.wait(lambda s: "resolved" in [a["status"] for a in s.body["alerts"]], 10, at)
    assert [a["labels"]["by"] for a in seen.body["alerts"] if a["status"] == "resolved"] == ["cut"]
