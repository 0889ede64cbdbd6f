"""Every node of a file or request, replaced by each thing that it is not."""
import copy
import json

import yaml

from conftest import alert, firing, group, hook, make_config, rule_file, write
from programs import iso, until

INSTEAD = [None, "text", "", 5, -1.5, True, [], {}, [None], ["text"], [[]], [{}], {"a": "b"},
           {"a": None}, {"a": {"b": []}}, "{{ .x", "\N{SNOWMAN}", "1h", "a=b", 2 ** 70]

HTTP = {"basic_auth": {"username": "u", "password": "p"}, "follow_redirects": True,
        "tls_config": {"server_name": "x", "insecure_skip_verify": False, "min_version": "TLS12"},
        "proxy_url": "http://127.0.0.1:1", "no_proxy": "a", "http_headers": {
            "X-A": {"values": ["b"], "secrets": ["c"]}}}
OAUTH = {"oauth2": {"client_id": "a", "client_secret": "b", "token_url": "http://127.0.0.1:1/t",
                    "scopes": ["x"], "endpoint_params": {"a": "b"}}}

FULL = {
    "global": {"resolve_timeout": "5m", "smtp_smarthost": "localhost:25", "smtp_from": "a@b.c",
               "smtp_require_tls": False, "smtp_tls_config": {"server_name": "x"},
               "slack_api_url": "http://127.0.0.1:1/", "evaluation_interval": "10s",
               "external_labels": {"a": "b"}, "http_config": HTTP},
    "templates": ["*.none"],
    "route": {"receiver": "r", "group_by": ["a", "b"], "group_wait": "30s", "group_interval": "5m",
              "repeat_interval": "4h", "routes": [
                  {"receiver": "s", "matchers": ["a=b"], "continue": True, "group_by": ["..."],
                   "labels": {"x": "{{ .Status }}"}, "mute_time_intervals": ["t"],
                   "active_time_intervals": ["u"], "routes": [{"match": {"c": "d"}}]},
                  {"match_re": {"e": "f|g"}, "fallback_receiver": "s"}]},
    "receivers": [
        {"name": "r", "labels": {"team": "x"},
         "webhook_configs": [{"url": "http://127.0.0.1:1/", "http_config": OAUTH, "max_alerts": 3,
                              "timeout": "1s", "payload": {"a": ["{{ .Status }}", 1, {"b": None}]}}],
         "slack_configs": [{"channel": "#x", "fields": [{"title": "a", "value": "b", "short": True}],
                            "actions": [{"type": "button", "text": "t", "name": "n", "confirm": {
                                "text": "q", "title": "w"}}], "mrkdwn_in": ["text"]}],
         "email_configs": [{"to": "a@b.c", "headers": {"X": "y"}, "threading": {
             "enabled": True, "thread_by_date": "daily"}, "tls_config": {"server_name": "x"}}],
         "pagerduty_configs": [{"routing_key": "k", "details": {"a": "b"}, "images": [
             {"src": "a", "alt": "b", "href": "c"}], "links": [{"href": "a", "text": "b"}]}]},
        {"name": "s"}],
    "inhibit_rules": [{"name": "n", "source_matchers": ["a=b"], "target_match": {"c": "d"},
                       "target_match_re": {"e": "f"}, "equal": ["g"]}],
    "time_intervals": [{"name": "t", "time_intervals": [{
        "times": [{"start_time": "08:00", "end_time": "17:00"}], "weekdays": ["monday:friday"],
        "days_of_month": ["1:5", "-3:-1"], "months": ["may:june", 1], "years": ["2020:2030"],
        "location": "UTC"}]}],
    "mute_time_intervals": [{"name": "u", "time_intervals": []}],
    "tracing": {"endpoint": "localhost:1", "client_type": "grpc", "headers": {
        "x": {"values": ["y"]}}, "tls_config": {"server_name": "x"}},
    "event_recorder": {"file_outputs": [{"path": "x"}], "webhook_outputs": [
        {"url": "http://127.0.0.1:1/", "timeout": "1s"}], "kafka_outputs": [
            {"brokers": ["a:1"], "topic": "t"}], "stdout_outputs": [{}]},
    "rule_files": ["none/*.yml"],
    "datasources": [{"name": "d", "type": "prometheus", "url": "http://127.0.0.1:1",
                     "timeout": "1s", "params": {"a": "b"}, "basic_auth": {"username": "u"}}],
    "alerting": {"alert_relabel_configs": [{"source_labels": ["a"], "action": "drop", "regex": "b"}],
                 "alertmanagers": [{"static_configs": [{"targets": ["localhost:1"]}]}]},
    "remote_write": [{"url": "http://127.0.0.1:1/", "headers": {"a": "b"},
                      "queue_config": {"capacity": 10}, "write_relabel_configs": [
                          {"source_labels": ["a"], "regex": "b", "target_label": "c"}]}],
}


def places(node, path=()):
    """Paths of all nodes below, the top itself last."""
    items = node.items() if isinstance(node, dict) else \
        enumerate(node) if isinstance(node, list) else ()
    for key, kid in items:
        yield from places(kid, path + (key,))
    yield path


def variants(tree):
    for path in places(tree):
        for thing in INSTEAD:
            if not path:
                yield path, thing
                continue
            out = copy.deepcopy(tree)
            at = out
            for key in path[:-1]:
                at = at[key]
            at[path[-1]] = thing
            yield path, out


def test_configurations(start, folder, far):
    d = start(make_config(hook(far)))
    path = folder / "tocsin.yml"
    path.write_text(yaml.safe_dump(FULL))
    assert d.post("/-/reload").status == 200, "the whole is good"
    n = {200: 0, 500: 0}
    for where, tree in variants(FULL):
        path.write_text(json.dumps(tree, ensure_ascii=False))  # JSON is YAML
        a = d.post("/-/reload", timeout=10)
        assert a.status in n, (where, a)
        n[a.status] += 1
        if a.status == 500:
            assert str(path) in a.text or "failed to parse templates" in a.text, (where, a)
    assert n[500] > 1000 and n[200] > 100, n
    assert d.get("/-/healthy").status == 200


def test_rule_files(start, far, backend, rules):
    tree = {"groups": [{"name": "g", "interval": "1m", "query_offset": "1m", "limit": 5,
                        "labels": {"a": "b"}, "params": {"a": ["b"]}, "headers": ["A: b"],
                        "datasource": "main", "rules": [
                            {"alert": "A", "expr": "x", "for": "1m", "keep_firing_for": "2m",
                             "labels": {"c": "d"}, "annotations": {"e": "{{ $value }}"}},
                            {"record": "r", "expr": "y", "labels": {"z": "w"}}]}]}
    write(rules / "kept.yml", rule_file(group("kept", alert("Kept", "one"))))
    n = 0
    for n, (_, variant) in enumerate(variants(tree), 1):
        (rules / f"v{n:04}.yml").write_text(yaml.safe_dump(variant, allow_unicode=True))
    d = start(make_config(hook(far), backend=backend), rules)
    assert n > 300
    broken = d.metric("tocsin_rule_file_broken")
    assert n / 3 < broken < n, f"{broken} of {n} are refused"
    until(lambda: d.rule("Kept")["health"] == "ok", 10)
    for line in d.log().splitlines():
        if "rule file refused" in line:
            assert ".yml:" in line, line


def test_requests(start, far):
    d = start(make_config(hook(far)))
    alerts = [{**firing("A", a="b"), "startsAt": iso(1.7e9), "endsAt": iso(4e9)}]
    silence = {"id": "", "matchers": [{"name": "a", "value": "b", "isRegex": False,
                                       "isEqual": True}],
               "startsAt": iso(1.7e9), "endsAt": iso(4e9), "createdBy": "me", "comment": "c",
               "annotations": {"a": "b"}}
    for path, tree in (("/api/v2/alerts", alerts), ("/api/v2/silences", silence)):
        assert d.post(path, tree).status == 200
        for where, body in variants(tree):
            a = d.post(path, json.dumps(body).encode(),
                       headers={"Content-Type": "application/json"})
            assert a.status == 200 or 400 <= a.status < 500, (where, body, a)
    json.loads(d.get("/api/v2/alerts").body)
    assert d.get("/-/healthy").status == 200


def test_backend_answers(start, far, backend, rules):
    tree = {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"__name__": "one", "host": "a"}, "value": [1, "1"]}]},
        "warnings": ["w"], "infos": ["i"]}
    texts = [json.dumps(v) for _, v in variants(tree)]
    backend.set("one", ({"host": "a"}, 1))
    many = [alert(f"A{i}", "one") for i in range(20)]
    write(rules / "r.yml", rule_file(group("g", alert("A", "one"), *many, interval="10ms")))
    d = start(make_config(hook(far), backend=backend), rules)
    left = list(texts)
    backend.mutation = lambda text: left.pop() if left else text
    until(lambda: not left, 60)
    until(lambda: d.rule("A")["health"] == "ok", 10)
    assert d.get("/-/healthy").status == 200
