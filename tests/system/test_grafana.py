"""What Grafana's alert list asks of a data source of type Prometheus, and what it reads."""
from datetime import datetime
from numbers import Number

import pytest

from conftest import alert, group, hook, make_config, rule_file, write
from programs import until

STATES = {"firing", "pending", "inactive"}


@pytest.fixture
def daemon(start, far, backend, rules):
    backend.set("up", ({"job": "j", "host": "a"}, 1), ({"job": "j", "host": "b"}, 2))
    for name in ("a", "b"):
        write(rules / f"{name}.yml", rule_file(
            group("g", alert("Up", "up", labels={"severity": "page"}, annotations={"s": "{{ $value }}"}),
                  alert("Waits", "up", **{"for": "1h"}), alert("Quiet", "none"),
                  {"record": "up:sum", "expr": "up", "labels": {"x": "y"}}),
            group("h", alert("Quiet", "none"))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: all(r["health"] == "ok" for g in groups(d) for r in g["rules"]), 10)
    return d


def groups(d, query=""):
    answer = d.get("/api/v1/rules" + query)
    assert answer.status == 200 and answer.json["status"] == "success", answer
    return answer.json["data"]["groups"]


def texts(found):
    return all(isinstance(k, str) and isinstance(v, str) for k, v in found.items())


def check_alert(a):
    assert texts(a["labels"]) and texts(a["annotations"])
    assert a["state"] in STATES - {"inactive"} and float(a["value"]) in (1, 2)
    assert datetime.fromisoformat(a["activeAt"].replace("Z", "+00:00")[:19])


def check_rule(r):
    assert r["type"] in ("alerting", "recording") and r["health"] == "ok"
    assert isinstance(r["name"], str) and isinstance(r["query"], str)
    assert isinstance(r["evaluationTime"], Number) and r["lastEvaluation"][:2] == "20"
    assert texts(r.get("labels", {}))
    if r["type"] == "alerting":
        assert r["state"] in STATES and isinstance(r["duration"], Number)
        assert texts(r["annotations"])
        for a in r["alerts"]:
            check_alert(a)


def test_it_takes_us_for_a_prometheus(daemon):
    info = daemon.get("/api/v1/status/buildinfo").json
    assert info["status"] == "success" and info["data"]["version"][0].isdigit()
    assert "features" not in info["data"], "else it would be asked to edit rules"
    assert daemon.get("/api/v1/status/flags").status == 404, "else it would be a Thanos"


def test_it_finds_rules_and_alerts(daemon):
    found = groups(daemon)
    assert [(g["file"].rsplit("/", 1)[1], g["name"]) for g in found] == [
        ("a.yml", "g"), ("a.yml", "h"), ("b.yml", "g"), ("b.yml", "h")]
    for g in found:
        assert isinstance(g["interval"], Number) and isinstance(g["evaluationTime"], Number)
        for r in g["rules"]:
            check_rule(r)
    up, waits, quiet, record = found[0]["rules"]
    assert [r["state"] for r in (up, waits, quiet)] == ["firing", "pending", "inactive"]
    assert {a["labels"]["host"] for a in up["alerts"]} == {"a", "b"}
    assert waits["duration"] == 3600 and quiet["alerts"] == []
    assert record["type"] == "recording" and record["labels"] == {"x": "y"}
    alerts = daemon.get("/api/v1/alerts").json["data"]["alerts"]
    assert len(alerts) == 8 and {a["state"] for a in alerts} == {"firing", "pending"}
    for a in alerts:
        check_alert(a)


def test_it_asks_page_after_page(daemon):
    seen, token = [], ""
    for _ in range(4):
        data = daemon.get("/api/v1/rules?group_limit=1" + token).json["data"]
        seen += [(g["file"], g["name"]) for g in data["groups"]]
        token = data.get("groupNextToken") and "&group_next_token=" + data["groupNextToken"]
        if not token:
            break
    assert seen == [(g["file"], g["name"]) for g in groups(daemon)]


def test_it_asks_for_one_group_or_rule(daemon):
    file = groups(daemon)[2]["file"]
    found = groups(daemon, f"?file[]={file}&rule_group[]=g")
    assert [(g["file"], g["name"]) for g in found] == [(file, "g")]
    assert [r["name"] for g in groups(daemon, "?rule_name[]=Waits") for r in g["rules"]] == [
        "Waits", "Waits"]
    found = groups(daemon, "?exclude_alerts=true&type=alert")
    assert all(not r.get("alerts") for g in found for r in g["rules"])
    assert len(groups(daemon, "?dashboard_uid=x")) == 4, "what it has of its own is passed over"
