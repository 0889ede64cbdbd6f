"""vmalert's API: one rule with its history, one alert, one group, the lists; ids as vmalert's."""
import json
import shlex
import subprocess

import pytest
import yaml

from conftest import alert, group, hook, make_config, rule_file, write
from programs import Program, free_port, http, until

SEVERAL = rule_file(
    group("g", alert("A1", "up > 1", labels={"sev": "v{{ $labels.job }}", "b": "c"},
                     annotations={"s": "is {{ $value }}"}),
          alert("Waits", "up > 1", **{"for": "1h"}),
          alert("Quiet", "nothing"),
          {"record": "a:b", "expr": "up > 1", "labels": {"x": "y"}},
          interval="1s", params={"nocache": ["1"]}),
    group("other", alert("Quiet", "nothing"), interval="1s"))


@pytest.fixture
def daemon(start, far, backend, rules):
    backend.set("up > 1", ({"job": "j", "host": "a"}, 1234.57))
    write(rules / "r.yml", SEVERAL)
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: (d.rule("a:b") or {}).get("health") == "ok", 10)
    return d


def listed(url, **params):
    path = "/vmalert/api/v1/rules?" + "&".join(f"{k}={v}" for k, v in params.items())
    answer = http("GET", url + path)
    assert answer.status == 200, answer
    return answer.json


def rules_of(groups):
    return {(g["name"], r["name"]): r for g in groups["data"]["groups"] for r in g["rules"]}


def test_ids_and_fields_are_those_of_vmalert(daemon, backend, rules, folder, keep):
    port = free_port()
    v = keep(Program("vmalert", [
        "vmalert", f"-rule={rules}/r.yml", f"-datasource.url={backend.url}",
        f"-remoteWrite.url={backend.url}", "-notifier.url=http://127.0.0.1:1",
        "-disableAlertgroupLabel", f"-httpListenAddr=127.0.0.1:{port}"], folder))
    v.when_up(f"http://127.0.0.1:{port}/health")

    def all_evaluated():
        theirs = rules_of(http("GET", f"http://127.0.0.1:{port}/api/v1/rules").json)
        ours = rules_of(listed(daemon.url))
        done = all(r["lastEvaluation"] > "0002" for r in [*theirs.values(), *ours.values()])
        return len(theirs) == 5 and theirs["g", "A1"].get("alerts") and done and (theirs, ours)

    theirs, ours = until(all_evaluated, 10)
    assert theirs.keys() == ours.keys()
    for key, their in theirs.items():
        mine = ours[key]
        same = their.keys() - {"evaluationTime", "lastEvaluation", "group_id", "alerts"}
        assert {k: mine[k] for k in same} == {k: their[k] for k in same}
        assert len(mine.get("alerts", ())) == len(their.get("alerts", ()))
        for a, b in zip(mine.get("alerts", ()), their.get("alerts", ())):
            same = b.keys() - {"activeAt", "group_id", "source"}
            assert {k: a[k] for k in same} == {k: b[k] for k in same}


def test_one_rule_one_alert_one_group(daemon, backend):
    rule = rules_of(listed(daemon.url))["g", "A1"]
    for prefix in ("", "/vmalert"):
        one = daemon.get(f"{prefix}/api/v1/rule?group_id={rule['group_id']}&rule_id={rule['id']}")
        assert one.json["name"] == "A1" and one.json["max_updates_entries"] == 20
        a = rule["alerts"][0]
        got = daemon.get(f"{prefix}/api/v1/alert?group_id={a['group_id']}&alert_id={a['id']}")
        assert got.json == a and a["value"] == "1234.57" and a["stabilizing"] is False
        g = daemon.get(f"{prefix}/api/v1/group?group_id={rule['group_id']}").json
        assert (g["name"], g["interval"], g["params"]) == ("g", 1, ["nocache=1"])
        assert g["states"] == {"firing": 1, "pending": 1, "inactive": 1, "ok": 1}
    until(lambda: len(daemon.get(f"/api/v1/rule?group_id={rule['group_id']}&rule_id={rule['id']}")
                      .json["updates"]) >= 3, 10)


def test_the_ids_that_templates_know_lead_to_the_alert(start, far, backend, rules):
    backend.set("up > 1", ({"job": "j", "__name__": "up"}, 2))
    link = "/vmalert/api/v1/alert?group_id={{ $groupID }}&alert_id={{ $alertID }}"
    write(rules / "r.yml", rule_file(
        group("g", alert("A", "up > 1", annotations={"link": link}), interval="1s",
              eval_offset="500ms")))
    d = start(make_config(hook(far), backend=backend), rules,
              args=["--rules.template-functions=vmalert"])
    seen = until(lambda: (d.rule("A") or {}).get("alerts"), 10)[0]
    got = d.get(seen["annotations"]["link"])
    assert got.status == 200 and got.json["labels"] == {"alertname": "A", "job": "j"}, got


def test_the_type_that_templates_know_is_that_of_the_datasource(start, far, backend, rules):
    backend.set("up > 1", ({"job": "j"}, 2))
    write(rules / "r.yml", rule_file(
        group("g", alert("A", "up > 1", annotations={"type": "{{ $type }}"}), interval="1s",
              datasource="logs")))
    config = make_config(hook(far), backend=backend).replace(
        "datasources:", f"datasources:\n- {{name: logs, type: loki, url: '{backend.url}'}}", 1)
    d = start(config, rules, args=["--rules.template-functions=vmalert"])
    seen = until(lambda: (d.rule("A") or {}).get("alerts"), 10)[0]
    assert seen["annotations"]["type"] == "loki"


def test_the_history_of_a_rule(start, far, backend, rules):
    backend.set("up > 1", ({"host": "it's"}, 2), ({"host": "b"}, 2))
    write(rules / "r.yml", rule_file(
        group("g", alert("A", "up > 1", update_entries_limit=3), interval="200ms",
              headers=["X-Api-Key: hush", "X-Plain: seen"])))
    config = make_config(hook(far), backend=backend).replace(
        backend.url, backend.url.replace("//", "//me:hush@"))
    d = start(config, rules)
    rule = until(lambda: rules_of(listed(d.url)).get(("g", "A")), 10)

    def updates():
        return d.get(f"/api/v1/rule?group_id={rule['group_id']}&rule_id={rule['id']}").json["updates"]

    until(lambda: len(updates()) == 3, 10)
    last = updates()
    assert [u["time"] for u in last] == sorted((u["time"] for u in last), reverse=True)
    assert last[0]["samples"] == 2 and last[0]["error"] is None
    assert last[0]["series_fetched"] is None and last[0]["duration"] >= 0
    assert "hush" not in d.get(f"/api/v1/rule?group_id={rule['group_id']}&rule_id={rule['id']}").text
    command = last[0]["curl"].replace("me:<secret>@", "")
    assert "X-Plain: seen" in command and "X-Api-Key: <secret>" in command
    done = subprocess.run(shlex.split(command) + ["-s", "--noproxy", "*"], capture_output=True,
                          text=True, timeout=10)
    assert "it's" in done.stdout, (command, done)
    backend.mode = "500"
    until(lambda: all(u["error"] for u in updates()), 10)
    assert "the disk of the backend is gone" in updates()[0]["error"]
    assert rules_of(listed(d.url))["g", "A"]["health"] == "err"
    assert len(updates()) == 3


@pytest.mark.parametrize("params, names", [
    ({"type": "record"}, {"a:b"}),
    ({"rule_name[]": "Quiet"}, {"Quiet"}),
    ({"rule_group[]": "other"}, {"Quiet"}),
    ({"search": "WAI"}, {"Waits"}),
    ({"search": "OTHER"}, {"Quiet"}),
    ({"state": "firing,pending"}, {"A1", "Waits"}),
    ({"filter": "normal"}, {"Quiet"}),
    ({"state": "recovering"}, set()),
    ({"datasource_type": "graphite"}, set()),
    ({"match[]": "%7Bx=%22y%22%7D"}, {"a:b"}),
])
def test_the_list_is_filtered(daemon, params, names):
    assert {name for _, name in rules_of(listed(daemon.url, **params))} == names


def test_pages(daemon):
    first = listed(daemon.url, group_limit=1)
    assert (first["page"], first["total_pages"], first["total_groups"], first["total_rules"]) \
        == (1, 2, 2, 5)
    assert [g["name"] for g in first["data"]["groups"]] == ["g"]
    second = listed(daemon.url, group_limit=1, page_num=2)
    assert [g["name"] for g in second["data"]["groups"]] == ["other"]
    for query in ("page_num=2", "group_limit=1&page_num=3", "group_limit=x", "type=foo"):
        a = daemon.get("/vmalert/api/v1/rules?" + query)
        assert a.status == 400 and a.json["errorType"] == 400 and a.json["error"], query


def test_the_alerts(daemon):
    alerts = daemon.get("/vmalert/api/v1/alerts").json["data"]["alerts"]
    assert [a["id"] for a in alerts] == sorted(a["id"] for a in alerts)
    assert {(a["name"], a["state"]) for a in alerts} == {("A1", "firing"), ("Waits", "pending")}
    only = daemon.get("/vmalert/api/v1/alerts?match[]=%7Balertname=%22Waits%22%7D").json
    assert [a["name"] for a in only["data"]["alerts"]] == ["Waits"]


def test_what_is_not_there(daemon):
    known = rules_of(listed(daemon.url))["g", "A1"]["group_id"]
    for path, status in (("rule", 400), ("rule?group_id=x", 400), ("rule?group_id=1", 404),
                         (f"rule?group_id={known}", 400), (f"rule?group_id={known}&rule_id=1", 404),
                         (f"alert?group_id={known}&alert_id=1", 404), ("group?group_id=-1", 400),
                         ("group?group_id=99999999999999999999", 400)):
        a = daemon.get("/api/v1/" + path)
        assert (a.status, a.json["errorType"]) == (status, status), path


def test_a_template_that_fails_is_an_error_of_its_rule(start, far, backend, rules):
    backend.set("up", ({"job": "j"}, 1))
    spec = yaml.safe_load(rule_file(group("g", alert("Bad", "up", annotations={
        "s": '{{ humanize "abc" }}',
        "fine": "{{ $isPartial }}"}), interval="1s")))
    write(rules / "r.yml", json.dumps({"kind": "VMRule", "spec": spec}))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: (d.rule("Bad") or {}).get("health") == "err", 10)
    bad = d.rule("Bad")
    assert bad["lastError"].startswith("error evaluating template: template: :")
    assert bad["alerts"][0]["state"] == "firing"
    assert bad["alerts"][0]["annotations"] == {"s": bad["lastError"], "fine": "false"}
