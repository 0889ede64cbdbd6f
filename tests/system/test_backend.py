"""A metrics backend that misbehaves: an error is never "nothing to report"."""
import time

import pytest

from backend import Backend
from conftest import alert, group, hook, make_config, rule_file, write
from programs import until


@pytest.fixture
def daemon(start, far, box, backend, rules):
    """One alert fires, one is pending."""
    backend.set("disk_full", ({"host": "a"}, 1))
    backend.set("slow_disk", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group(
        "g", alert("DiskFull", "disk_full"), alert("SlowDisk", "slow_disk", **{"for": "1h"}))))
    d = start(make_config(hook(far), backend=backend), rules)
    assert box.wait(lambda s: s.ok, 10)
    until(lambda: d.rule("SlowDisk")["alerts"], 5)
    return d


def states(d):
    return {n: (d.rule(n)["state"], [a["activeAt"] for a in d.rule(n)["alerts"]])
            for n in ("DiskFull", "SlowDisk")}


@pytest.mark.parametrize("mode", Backend.MISBEHAVING)
def test_an_error_keeps_the_state_and_sets_the_health(daemon, backend, box, mode):
    before = states(daemon)
    assert before["DiskFull"][0] == "firing" and before["SlowDisk"][0] == "pending"
    failures = daemon.metric("prometheus_rule_evaluation_failures_total")
    backend.mode = mode
    until(lambda: daemon.rule("DiskFull")["health"] == "err"
          and daemon.rule("SlowDisk")["health"] == "err", 10)
    asked = backend.asked("disk_full")
    until(lambda: backend.asked("disk_full") >= asked + 4, 15, "further evaluations")
    assert states(daemon) == before
    error = daemon.rule("DiskFull")["lastError"]
    assert error
    if mode == "500":
        assert "the disk of the backend is gone" in error
    if mode == "error":
        assert "found duplicate series" in error
    assert daemon.metric("prometheus_rule_evaluation_failures_total") > failures
    assert len(box.all()) == 1, "an error resolved an alert"
    backend.mode = "ok"
    until(lambda: daemon.rule("DiskFull")["health"] == "ok", 10)
    assert "lastError" not in daemon.rule("DiskFull") or not daemon.rule("DiskFull")["lastError"]
    assert states(daemon) == before
    backend.set("disk_full")
    assert box.wait(lambda s: s.body["status"] == "resolved", 10)


@pytest.mark.parametrize("mode", ["slow", "drip"])
def test_a_slow_backend_meets_the_timeout(daemon, backend, box, mode):
    before = states(daemon)
    backend.mode = mode
    until(lambda: daemon.rule("DiskFull")["health"] == "err", 10, "the 2 s timeout")
    began = time.monotonic()
    assert daemon.get("/-/healthy").status == 200
    assert time.monotonic() - began < 0.5, "the daemon waits with the query"
    assert states(daemon) == before and len(box.all()) == 1
    backend.release.set()
    backend.mode = "ok"
    until(lambda: daemon.rule("DiskFull")["health"] == "ok", 10)


def test_an_answer_over_the_ceiling_is_an_error(daemon, backend, box):
    before = states(daemon)
    backend.mode = "flood"
    until(lambda: daemon.rule("DiskFull")["health"] == "err", 20)
    backend.mode = "ok"
    assert states(daemon) == before and len(box.all()) == 1
    rss = daemon.metric("process_resident_memory_bytes")
    assert rss < 600 * 1024 * 1024, f"{rss / 1e6:.0f} MB"


def test_a_backend_that_is_gone_and_back(daemon, backend, box):
    before = states(daemon)
    backend.go_away()
    until(lambda: daemon.rule("DiskFull")["health"] == "err", 10)
    assert states(daemon) == before
    backend.come_back()
    until(lambda: daemon.rule("DiskFull")["health"] == "ok", 15)
    assert states(daemon) == before and len(box.all()) == 1


def test_a_broken_rule_does_not_hold_up_its_group(start, far, box, backend, rules):
    backend.set("fine", ({"host": "a"}, 1))
    backend.set("twins", ({"host": "a"}, 1), ({"host": "b"}, 1))
    write(rules / "r.yml", rule_file(group(
        "g",
        alert("Twins", "twins", labels={"host": "same"}),
        alert("Limited", "twins"),
        alert("Fine", "fine"), limit=1)))
    d = start(make_config(hook(far), backend=backend), rules)
    seen = box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Fine", 10)
    assert seen
    until(lambda: d.rule("Twins")["health"] == "err", 5)
    assert "labelset" in d.rule("Twins")["lastError"]
    assert "exceeded limit of 1 with 2 alerts" in d.rule("Limited")["lastError"]


def test_what_the_backend_is_asked(start, far, backend, rules, folder):
    backend.set("fine", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group("g", alert("Fine", "fine"), interval="300ms",
                                           query_offset="10s")))
    (folder / "password").write_text("from file\n")
    config = make_config(hook(far), datasources=[{
        "name": "main", "url": backend.url + "/sub/path/", "timeout": "3s",
        "basic_auth": {"username": "me", "password_file": "password"},
        "http_headers": {"X-Scope-OrgID": {"values": ["tenant-1"]}}}])
    start(config, rules)
    until(lambda: backend.asked("fine") >= 3, 10)
    path, params, headers = backend.queries[-1]
    assert path == "/sub/path/api/v1/query"
    assert headers["authorization"] == "Basic bWU6ZnJvbSBmaWxl"
    assert headers["x-scope-orgid"] == "tenant-1"
    assert 9 < time.time() - float(params["time"]) < 12, "query_offset"
    times = [float(p["time"]) for _, p, _ in backend.queries]
    steps = {round(b - a, 3) for a, b in zip(times, times[1:])}
    assert all(abs(s / 0.3 - round(s / 0.3)) < 0.01 for s in steps), f"on the grid: {steps}"


@pytest.mark.parametrize("kind, more, params, headers", [
    ("thanos", {}, {"dedup": "true", "partial_response": "false"}, {}),
    ("thanos", {"partial_response_strategy": "warn"}, {"partial_response": "true"}, {}),
    ("thanos", {"params": {"dedup": ["false"]}}, {"dedup": "false"}, {}),
    ("mimir", {"tenant": "team-a"}, {}, {"x-scope-orgid": "team-a"}),
    ("mimir", {"source_tenants": ["a", "b"]}, {}, {"x-scope-orgid": "a|b"}),
    ("prometheus", {"params": {"p": ["group"]}}, {"p": "group", "q": "source"}, {}),
])
def test_what_a_kind_of_backend_is_asked(start, far, backend, rules, kind, more, params, headers):
    write(rules / "r.yml", rule_file(group("g", alert("A", "a"), **more)))
    start(make_config(hook(far), datasources=[{
        "name": "main", "type": kind, "url": backend.url,
        "params": {"p": "source", "q": "source"}}]), rules)
    path, asked, head = until(lambda: backend.queries and backend.queries[0], 10)
    assert head.get("content-type") == "application/x-www-form-urlencoded"
    assert path == "/api/v1/query"
    assert {k: asked.get(k) for k in params} == params
    assert {k: head.get(k) for k in headers} == headers


def test_a_query_in_the_address(start, far, backend, rules):
    backend.set("a > 1", ({"host": "a"}, 2))
    write(rules / "r.yml", rule_file(group("g", alert("A", "a > 1"))))
    d = start(make_config(hook(far), datasources=[{
        "name": "main", "url": backend.url, "http_method": "get", "params": {"p": "q"}}]), rules)
    until(lambda: (d.rule("A") or {}).get("state") == "firing", 10)
    path, asked, head = backend.queries[0]
    assert (path, asked["query"], asked["p"]) == ("/api/v1/query", "a > 1", "q")
    assert "content-type" not in head and head.get("content-length", "0") == "0"


def test_aligned_queries(start, far, backend, rules):
    write(rules / "r.yml", rule_file(
        group("aligned", alert("A", "a"), interval="300ms", eval_alignment=True),
        group("not", alert("B", "b"), interval="300ms", eval_alignment=False),
        group("nor", alert("C", "c"), interval="300ms")))
    start(make_config(hook(far), backend=backend), rules)
    until(lambda: all(backend.asked(x) > 3 for x in "abc"), 10)
    rests = {p["query"]: round(float(p["time"]) * 1000) % 300 for _, p, _ in backend.queries}
    assert rests["a"] == 0 and (rests["b"] or rests["c"])


def test_rules_of_a_group_at_the_same_time(start, far, box, backend, rules):
    many = [alert(f"A{i}", f"m{i}", annotations={"q": '{{ with query "other" }}{{ len . }}{{ end }}'})
            for i in range(6)]
    for i in range(6):
        backend.set(f"m{i}", ({"host": f"h{i}"}, i))
    backend.set("other", ({"a": "b"}, 1))
    write(rules / "r.yml", rule_file(
        group("at_once", *many, {"record": "r", "expr": "m1"}, interval="2s", concurrency=10),
        group("three", *many, interval="4s", concurrency=3),
        group("in_turn", *many, interval="20s")))
    backend.mode, backend.delay = "slow", 0.3
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: (d.groups()["three"]["evaluationTime"] > 0 and
                   d.groups()["at_once"]["evaluationTime"] > 0), 20)
    took = {name: g["evaluationTime"] for name, g in d.groups().items()}
    assert 0.6 <= took["at_once"] < 1.1 and 1.2 <= took["three"] < 1.8, took
    assert all(r["health"] == "ok" for r in d.groups()["at_once"]["rules"])
    for i, rule in enumerate(d.groups()["at_once"]["rules"][:6]):
        a = rule["alerts"][0]
        assert a["labels"]["host"] == f"h{i}" and a["annotations"] == {"q": "1"}
    # a group that changes, and one that goes, while queries are out
    write(rules / "r.yml", rule_file(group("at_once", *many[:2], interval="2s", concurrency=10)))
    until(lambda: len(d.groups()) == 1, 10)
    backend.mode = "500"
    until(lambda: all(r["health"] == "err" for r in d.groups()["at_once"]["rules"]), 10)


def test_debug_logs_each_evaluation(start, far, backend, rules):
    backend.set("a", ({"host": "a"}, 1), ({"host": "b"}, 1))
    write(rules / "r.yml", rule_file(
        group("g", alert("A", "a", debug=True), alert("B", "a")),
        group("h", alert("C", "a"), alert("D", "a", debug=False), debug=True)))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: backend.asked("a") > 12, 10)
    lines = [line for line in d.log().splitlines() if "msg=evaluated" in line]
    assert all(sum(f": {n}: 2 samples" in line for line in lines) >= 2 for n in "AC")
    assert not any(f": {n}: " in line for line in lines for n in "BD")


@pytest.mark.parametrize("wanted", [True, False])
def test_a_histogram_is_never_dropped_in_silence(start, far, backend, rules, wanted):
    backend.mutation = lambda text: (
        '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},'
        '"histogram":[1,{"count":"10","sum":"5.5","buckets":[[0,"1","3","10"]]}]}]}}')
    write(rules / "r.yml", rule_file(group("g", alert("A", "h", annotations={"is": "{{ $value }}"}),
                                         {"record": "r", "expr": "h"})))
    d = start(make_config(hook(far), backend=backend,
                          remote_write=[{"url": "http://127.0.0.1:1/write",
                                         "send_native_histograms": wanted}]), rules)
    until(lambda: (d.rule("r") or {}).get("health") == ("err" if wanted else "ok"), 10)
    if wanted:
        assert "native histogram" in d.rule("r")["lastError"]
        assert "not exponential" in d.rule("r")["lastError"]
    else:
        until(lambda: "native histograms are not written" in d.log(), 10)
        until(lambda: d.metric("prometheus_remote_storage_samples_dropped_total",
                               reason="native_histogram"), 10)
    until(lambda: d.rule("A")["alerts"], 10)
    assert d.rule("A")["alerts"][0]["value"] == "0e+00"
    assert d.rule("A")["alerts"][0]["annotations"] == {"is": "{count:10, sum:5.5, (1,3]:10}"}


def test_a_bearer_token_from_a_file_is_read_anew(start, far, backend, rules, folder):
    backend.set("fine", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group("g", alert("Fine", "fine"))))
    token = folder / "token"
    token.write_text("one\n")
    start(make_config(hook(far), datasources=[{
        "name": "main", "url": backend.url,
        "authorization": {"credentials_file": str(token)}}]), rules)
    until(lambda: backend.queries, 10)
    assert backend.queries[-1][2]["authorization"] == "Bearer one"
    write(token, "two\n")
    until(lambda: backend.queries[-1][2]["authorization"] == "Bearer two", 10)


def test_keep_firing_for_and_for(start, far, box, backend, rules):
    backend.set("flap", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group("g", alert("Flap", "flap", keep_firing_for="2s",
                                                      **{"for": "1s"}))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: d.rule("Flap")["state"] == "pending", 10)
    assert box.wait(lambda s: s.body["status"] == "firing", 10)
    backend.set("flap")
    gone = time.monotonic()
    seen = box.wait(lambda s: s.body["status"] == "resolved", 10)
    assert seen and 1.7 < seen.at - gone < 4, seen and seen.at - gone


def test_two_datasources(start, far, box, rules, backend):
    other = Backend()
    try:
        backend.set("x", ({"from": "first"}, 1))
        other.set("x", ({"from": "second"}, 1))
        write(rules / "r.yml", rule_file(group("a", alert("First", "x")),
                                         group("b", alert("Second", "x"), datasource="second")))
        start(make_config(hook(far), datasources=[{"name": "first", "url": backend.url},
                                                  {"name": "second", "url": other.url}]), rules)
        for name, where in (("First", "first"), ("Second", "second")):
            seen = box.wait(lambda s: s.body["groupLabels"]["alertname"] == name, 10)
            assert seen.body["alerts"][0]["labels"]["from"] == where
    finally:
        other.stop()


@pytest.mark.parametrize("concurs", [True, False])
def test_rules_that_need_nothing_of_each_other(start, far, backend, rules, concurs):
    backend.mode, backend.delay = "slow", 30
    write(rules / "r.yml", rule_file(group(
        "g", {"record": "a:x", "expr": "a"}, {"record": "b:x", "expr": "a:x"},
        *({"record": f"c{i}:x", "expr": f"c{i}"} for i in range(4)))))
    start(make_config(hook(far), backend=backend), rules,
          ["--rules.max-concurrent-evals=2",
           *(["--enable-feature=concurrent-rule-eval"] if concurs else [])])
    until(lambda: backend.asked("a"), 10)
    time.sleep(0.5)
    asked = [e for e in ("a", "a:x", "c0", "c1", "c2", "c3") if backend.asked(e)]
    assert asked == (["a", "c0", "c1"] if concurs else ["a"])
