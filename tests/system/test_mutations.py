"""Requests, rule files and backend answers, each a little wrong, many times. The seed is
fixed, so that a failure comes again; TOCSIN_SEED and TOCSIN_ROUNDS change it."""
import json
import os
import random
import urllib.parse
from http.client import HTTPException

from conftest import alert, firing, group, hook, make_config, rule_file, write
from programs import http, iso, until

SEED = int(os.environ.get("TOCSIN_SEED", "1"))
ROUNDS = int(os.environ.get("TOCSIN_ROUNDS", "1500"))

PIECES = [b"\x00", b"\xff", b"\xf0\x9f\x94\xa5", b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",",
          b"null", b"true", b"-1", b"1e999", b"99999999999999999999", b"\\ud800", b"\\u0000",
          b"{{", b"}}", b"%", b"\r\n", b"'", b"&", b"*", b"!", b"- ", b"? ", b"<<: ", b"\t", b"",
          b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"1969-12-31T23:59:59-14:00",
          b"=~\"(((\"", b"a" * 3000]


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0:
            data[at:at + rng.randrange(8)] = b""
        elif what == 1:
            data[at:at] = rng.choice(PIECES)
        elif what == 2 and data:
            data[at % len(data)] = rng.randrange(256)
        else:
            to = rng.randrange(len(data) + 1)
            data[at:at] = data[to:to + rng.randrange(40)]
    return bytes(data)


def test_requests(start, far):
    rng = random.Random(SEED)
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("A", x="1"), firing("B", x="2")])
    sid = d.silence("never=there")
    alerts = json.dumps([{**firing("M", a="b"), "startsAt": iso(1.7e9), "endsAt": iso(4e9)}])
    silence = json.dumps({"matchers": [{"name": "never", "value": "x|y", "isRegex": True,
                                        "isEqual": True}], "startsAt": iso(1.7e9),
                          "endsAt": iso(4e9), "createdBy": "me", "comment": "c", "id": ""})
    queries = ["/api/v2/alerts?filter=a%3D~%22b.*%22&receiver=r&active=true",
               "/api/v2/alerts/groups?filter=x!%3D1&muted=false", "/api/v2/silences?filter=a%3Db",
               f"/api/v2/silence/{sid}", "/api/v2/receivers?receiver_matchers=name%3Dr",
               "/api/v1/rules?type=alert&rule_name[]=x", "/metrics", "/-/ready"]
    for i in range(ROUNDS):
        try:
            if i % 3 == 0:
                a = d.post("/api/v2/alerts", mutate(rng, alerts.encode()),
                           headers={"Content-Type": "application/json"}, timeout=5)
            elif i % 3 == 1:
                a = d.post("/api/v2/silences", mutate(rng, silence.encode()),
                           headers={"Content-Type": "application/json"}, timeout=5)
            else:
                path = mutate(rng, rng.choice(queries)[1:].encode())
                path = urllib.parse.quote_from_bytes(path, safe="/?&=%[]!~-_.")
                a = http("GET", f"{d.url}/{path}", timeout=5)
        except (HTTPException, ValueError) as e:
            assert d.alive, (i, e)
            continue
        assert a.status < 500, (i, a)
    assert d.alive and d.get("/-/healthy").status == 200
    json.loads(d.get("/api/v2/alerts").body)
    json.loads(d.get("/api/v2/alerts/groups").body)
    json.loads(d.get("/api/v2/silences").body)


def test_rule_files(start, far, backend, rules):
    rng = random.Random(SEED)
    backend.set("one", ({"host": "a"}, 1))
    good = rule_file(group("kept", alert("Kept", "one")))
    write(rules / "kept.yml", good)
    text = rule_file(
        group("g", alert("A", "one", labels={"a": "{{ $labels.host }}"},
                         annotations={"s": "{{ $value | humanize }} {{ range query \"one\" }}{{ . }}"
                                           "{{ end }}"}, **{"for": "1h30m"}),
              {"record": "a:b:c", "expr": "sum(one)", "labels": {"x": "y"}},
              interval="1s", limit=10, query_offset="1m", labels={"team": "t"})).encode()
    d = start(make_config(hook(far), backend=backend), rules)
    path = rules / "mutated.yml"
    for i in range(ROUNDS // 40):
        path.write_bytes(mutate(rng, text))
        marker = rules / "marker.yml"
        write(marker, rule_file(group(f"m{i}", alert("M", "one"))))
        until(lambda: f"m{i}" in d.groups(), 5, f"round {i}")  # it was read after the mutation
    assert d.rule("Kept")["health"] == "ok"


def test_backend_answers(start, far, backend, rules):
    rng = random.Random(SEED)
    backend.set("one", ({"host": "a", "zone": "\N{SNOWMAN}"}, 1.5), ({"host": "b"}, 2))
    many = [alert(f"A{i}", "one", annotations={"s": "{{ $labels.host }} {{ $value }}"})
            for i in range(20)]
    write(rules / "r.yml", rule_file(group("g", alert("A", "one"), *many, interval="10ms")))
    d = start(make_config(hook(far), backend=backend), rules)
    backend.mutation = lambda text: mutate(rng, text.encode())
    asked = backend.asked("one")
    until(lambda: backend.asked("one") > asked + ROUNDS // 5, 60)
    assert d.alive and d.get("/-/healthy").status == 200
    backend.mutation = None
    until(lambda: d.rule("A")["health"] == "ok", 10)


def test_configurations(start, far, backend, folder):
    rng = random.Random(SEED)
    d = start(make_config(hook(far, "old"), backend=backend))
    text = make_config(
        {**hook(far), "slack_configs": [{"api_url": far.slack, "channel": "#x", "fields": [
            {"title": "a", "value": "{{ .Status }}"}]}],
         "email_configs": [{"to": "a@b.c", "from": "d@e.f", "smarthost": "localhost:25"}]},
        route={"routes": [{"matchers": ['a=~"b|c"', "d!=e"], "group_by": ["..."],
                           "mute_time_intervals": ["t"]}]},
        inhibit_rules=[{"source_matchers": ["a=b"], "target_matchers": ["c=d"], "equal": ["x"]}],
        time_intervals=[{"name": "t", "time_intervals": [{
            "weekdays": ["monday:friday"], "days_of_month": ["1:-1"], "months": ["may:june"],
            "times": [{"start_time": "08:00", "end_time": "17:00"}]}]}], backend=backend).encode()
    for i in range(ROUNDS // 5):
        (folder / "tocsin.yml").write_bytes(mutate(rng, text))
        a = d.post("/-/reload", timeout=5)
        assert a.status in (200, 500), (i, a)
        if a.status == 500:
            assert a.text.startswith("failed to reload config: ")
    assert d.alive and d.get("/api/v2/status").json["config"]["original"]
