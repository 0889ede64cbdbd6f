"""Remote write: to real servers, and to a receiver that misbehaves."""
import calendar
import json
import time

import pytest
import yaml

from conftest import alert, group, hook, make_config, rule_file, write
from programs import http, prometheus, until, victoria_metrics
from receiver import Receiver, message, snap

STEP = 0.2  # evaluation_interval of make_config


@pytest.fixture
def receiver():
    r = Receiver()
    yield r
    r.stop()


@pytest.fixture
def other():
    r = Receiver()
    yield r
    r.stop()


def record(name, expr, **more):
    return {"record": name, "expr": expr, **more}


RULES = rule_file(group("g", record("a:depth:sum", "depth", labels={"level": "total"}),
                        alert("Deep", "deep", labels={"severity": "page"})))


@pytest.fixture
def begin(start, far, backend, rules):
    """begin(remote_write, ...): a daemon with one recording and one alerting rule."""
    backend.set("depth", ({"q": "a"}, 5), ({"q": "b"}, 7))
    backend.set("deep", ({"q": "a"}, 1))
    write(rules / "r.yml", RULES)

    def run(*remotes, args=(), **more):
        return start(make_config(hook(far), backend=backend, remote_write=list(remotes),
                                 **more), rules, args)
    return run


def ask(url, expr):
    """{labels without __name__: value} of an instant query."""
    answer = http("POST", url + "/api/v1/query", f"query={expr}".encode(),
                  {"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 200, answer
    return {tuple(sorted((n, v) for n, v in r["metric"].items() if n != "__name__")):
            float(r["value"][1]) for r in answer.json["data"]["result"]}


def total(d, name, **labels):
    return d.metric(f"prometheus_remote_storage_{name}", **labels)


def assert_whole(samples, step=STEP):
    """One sample a slot, in order, from the first to the last."""
    times = [at for at, _ in samples]
    gaps = [round((b - a) / step, 2) for a, b in zip(times, times[1:])]
    assert gaps and set(gaps) == {1.0}, gaps


# -- real servers ------------------------------------------------------------------------

def real_prometheus(folder):
    p = prometheus(folder, "global: {}\n", "--web.enable-remote-write-receiver")
    return p, p.url + "/api/v1/write"


def real_victoria(folder):
    p = victoria_metrics(folder)
    return p, p.url + "/api/v1/write"


@pytest.mark.parametrize("server", [real_prometheus, real_victoria])
def test_real_servers_take_it(begin, backend, folder, keep, server):
    p, url = server(folder)
    keep(p)
    began = time.time()
    d = begin({"url": url, "name": "main"},
              global_={"external_labels": {"cluster": "eu", "severity": "outer"}})
    want = {(("cluster", "eu"), ("level", "total"), ("q", q), ("severity", "outer")): v
            for q, v in (("a", 5), ("b", 7))}
    until(lambda: ask(p.url, "a:depth:sum") == want, 20, "the recorded series")
    labels = (("alertname", "Deep"), ("cluster", "eu"), ("q", "a"), ("severity", "page"))
    assert ask(p.url, "ALERTS") == {tuple(sorted((*labels, ("alertstate", "firing")))): 1}
    since = ask(p.url, "ALERTS_FOR_STATE")
    assert list(since) == [labels] and began - 2 < since[labels] < time.time()
    # Ends are seen at once, not after the five minutes that a series is looked back for.
    backend.set("depth", ({"q": "a"}, 6))
    backend.set("deep")
    until(lambda: list(ask(p.url, "a:depth:sum").values()) == [6], 10, "the end of one series")
    until(lambda: not ask(p.url, "ALERTS") and not ask(p.url, "ALERTS_FOR_STATE"), 10)
    assert total(d, "samples_failed_total") == 0 == total(d, "samples_dropped_total")
    assert total(d, "samples_total", remote_name="main", url=url) > 0


def zigzag(n):
    return -2 * n - 1 if n < 0 else 2 * n


def push_histogram(url, name, count, schema=0):
    """A native histogram, of now, on both sides of zero."""
    deltas = b"".join(message((0, zigzag(d)))[1:] for d in (count, 1, -1))
    h = message(
        (1, 3 * count + 4), (3, 5.5), (4, zigzag(schema)), (5, 0.001), (6, 2),
        (8, message((1, zigzag(1)), (2, 1))), (9, message((0, zigzag(1)))[1:]),
        (11, message((1, zigzag(-1)), (2, 2))), (11, message((1, zigzag(3)), (2, 1))),
        (12, deltas), (15, int(time.time() * 1000)))
    series = message((1, message((1, "__name__"), (2, name))), (4, h))
    answer = http("POST", url + "/api/v1/write", snap(message((1, series))),
                  {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                   "X-Prometheus-Remote-Write-Version": "0.1.0"})
    assert answer.status == 204, answer


def test_native_histograms_are_written_as_they_were(start, far, folder, keep, rules):
    p = keep(prometheus(folder, "global: {}\n", "--web.enable-remote-write-receiver",
                        "--enable-feature=native-histograms"))

    def shown(expr):
        result = http("GET", p.url + "/api/v1/query?query=" + expr).json["data"]["result"]
        return [r["histogram"][1] for r in result]

    push_histogram(p.url, "h", 3)
    push_histogram(p.url, "fine", 3, schema=3)
    until(lambda: shown("h") and shown("fine"), 10)
    write(rules / "r.yml", rule_file(group(
        "g", record("h:copy", "h"), record("fine:copy", "fine"), record("h:twice", "h + h"),
        alert("Has", "h", annotations={"is": "{{ $value }}"}))))
    d = start(make_config(hook(far), backend=p,
                          remote_write=[{"url": p.url + "/api/v1/write",
                                         "send_native_histograms": True}]), rules)
    until(lambda: shown("h:copy") and shown("fine:copy") and shown("h:twice"), 20)
    assert shown("h:copy") == shown("h") and len(shown("h")[0]["buckets"]) == 5
    assert shown("fine:copy") == shown("fine")
    assert shown("h:twice")[0]["count"] == str(2 * int(shown("h")[0]["count"]))
    has = d.rule("Has")["alerts"][0]
    assert has["value"] == "0e+00"
    assert has["annotations"]["is"] == \
        "{count:13, sum:5.5, [-2,-1):1, [-0.001,0.001]:2, (0.25,0.5]:3, (0.5,1]:4, (8,16]:3}"
    assert total(d, "samples_failed_total") == 0
    for how in ((), ("--since=2s",)):
        assert "{count:13, sum:5.5, [-2,-1):1, " in \
            d.tool("query", "--url", p.url, *how, "h").stdout
    write(rules / "r.yml", rule_file(group("g", record("h:copy", "h > 99"),
                                           record("fine:copy", "fine"))))
    until(lambda: not shown("h:copy") and not shown("h:twice"), 10, "the end of its series")
    assert total(d, "samples_failed_total") == 0


@pytest.fixture
def with_histograms(folder, keep):
    p = keep(prometheus(folder, "global: {}\n", "--web.enable-remote-write-receiver",
                        "--enable-feature=native-histograms"))
    push_histogram(p.url, "h", 3)
    return p


HISTOGRAM_RULES = rule_file(group("g", record("n:before", "vector(1)"), record("h:copy", "h"),
                                  record("n:after", "vector(2)")))


def assert_numbers_arrive(p):
    def last(name):
        answer = http("GET", f"{p.url}/api/v1/query?query=timestamp({name})").json
        return float(answer["data"]["result"][0]["value"][1])
    until(lambda: ask(p.url, "n:before") and ask(p.url, "n:after"), 20)
    before = last("n:after")
    until(lambda: last("n:after") > before, 20, "the next sample")


def test_a_receiver_without_native_histograms_gets_the_numbers(start, far, folder, keep, rules,
                                                               receiver, with_histograms):
    (folder / "to").mkdir()
    p, url = real_prometheus(folder / "to")
    keep(p)
    write(rules / "r.yml", HISTOGRAM_RULES)
    d = start(make_config(hook(far), backend=with_histograms, remote_write=[
        {"name": "on", "url": url, "send_native_histograms": True},
        {"name": "off", "url": receiver.url}]), rules)
    assert_numbers_arrive(p)
    until(lambda: total(d, "samples_failed_total", remote_name="on") > 1, 20)
    assert_numbers_arrive(p)
    assert total(d, "samples_dropped_total", remote_name="off", reason="native_histogram") > 0
    assert total(d, "samples_failed_total", remote_name="off") == 0
    assert d.log().count("native histograms are not written") == 1
    assert d.log().count("samples refused by the receiver are dropped") == 1


def test_a_group_that_goes(begin, folder, keep, rules):
    p, url = real_prometheus(folder)
    keep(p)
    begin({"url": url})
    until(lambda: ask(p.url, "a:depth:sum") and ask(p.url, "ALERTS"), 20)
    write(rules / "r.yml", rule_file(group("g", record("a:depth:sum", "depth"))))
    until(lambda: not ask(p.url, "ALERTS"), 10, "the end of a rule's series")
    until(lambda: (("q", "a"),) in ask(p.url, "a:depth:sum"), 10)
    (rules / "r.yml").unlink()
    until(lambda: not ask(p.url, "a:depth:sum"), 10, "the end of a group's series")


# -- what is sent ------------------------------------------------------------------------

def test_the_request(begin, receiver, folder):
    (folder / "password").write_text("secret\n")
    d = begin({"url": receiver.url, "headers": {"X-Scope-OrgID": "t"},
               "basic_auth": {"username": "me", "password_file": "password"}})
    until(lambda: receiver.series("a:depth:sum"), 10)
    path, headers, _, samples = receiver.requests[0]
    assert path == "/api/v1/write"
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["content-encoding"] == "snappy"
    assert headers["x-prometheus-remote-write-version"] == "0.1.0"
    assert headers["user-agent"].startswith("Tocsin/")
    assert headers["x-scope-orgid"] == "t"
    assert headers["authorization"] == "Basic bWU6c2VjcmV0"
    assert "retry-attempt" not in headers
    assert (("__name__", "a:depth:sum"), ("level", "total"), ("q", "a")) in \
        [labels for labels, _, _ in samples]
    until(lambda: total(d, "samples_total") >= 20, 10)
    for samples in receiver.series("a:depth:sum").values():
        assert_whole(samples)
    assert total(d, "sent_batch_duration_seconds_count") > 0
    assert 0 <= time.time() - total(d, "queue_highest_sent_timestamp_seconds") < 5


def test_markers_on_the_wire(begin, receiver, backend):
    begin({"url": receiver.url})
    until(lambda: receiver.series("ALERTS"), 10)
    backend.mode = "500"
    time.sleep(3 * STEP)
    seen = receiver.series("a:depth:sum", q="b")
    time.sleep(3 * STEP)
    assert receiver.series("a:depth:sum", q="b") == seen, "written although the query failed"
    backend.set("depth", ({"q": "a"}, 5))
    backend.mode = "ok"

    def last():
        [samples] = receiver.series("a:depth:sum", q="b").values()
        return samples[-1][1]

    until(lambda: last() is None, 10, "a stale marker")
    time.sleep(3 * STEP)
    [samples] = receiver.series("a:depth:sum", q="b").values()
    assert [v for _, v in samples].count(None) == 1


def test_series_are_relabelled_for_each_remote(begin, receiver, other):
    d = begin({"url": receiver.url, "name": "some", "write_relabel_configs": [
                   {"action": "drop", "source_labels": ["__name__"], "regex": "ALERTS.*"},
                   {"source_labels": ["cluster", "q"], "separator": "/", "target_label": "where"},
                   {"action": "labeldrop", "regex": "cluster|level"}]},
              {"url": other.url, "name": "all"},
              global_={"external_labels": {"cluster": "eu"}})
    until(lambda: other.series("ALERTS") and receiver.series("a:depth:sum"), 10)
    assert sorted(receiver.series("a:depth:sum")) == [
        (("__name__", "a:depth:sum"), ("q", q), ("where", "eu/" + q)) for q in "ab"]
    assert not receiver.series("ALERTS") and not receiver.series("ALERTS_FOR_STATE")
    assert (("__name__", "a:depth:sum"), ("cluster", "eu"), ("level", "total"), ("q", "a")) in \
        other.series("a:depth:sum")
    assert total(d, "samples_dropped_total", remote_name="some", reason="dropped_series") > 0
    assert total(d, "samples_dropped_total", remote_name="all") == 0


def test_nothing_without_remotes(start, far, backend, rules):
    write(rules / "r.yml", RULES)
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: d.rule("Deep")["health"] == "ok", 10)
    assert total(d, "samples_total") is None


# -- a receiver that misbehaves ----------------------------------------------------------

@pytest.mark.parametrize("how", [500, 503, 429, "gone"])
def test_nothing_is_lost_while_a_receiver_fails(begin, receiver, how):
    d = begin({"url": receiver.url})
    until(lambda: receiver.series("a:depth:sum"), 10)
    if how == "gone":
        receiver.go_away()
    else:
        receiver.mode = how
    until(lambda: total(d, "samples_retried_total") > 0, 10)
    time.sleep(1)
    assert total(d, "samples_pending") > 5
    if how == "gone":
        receiver.come_back()
    receiver.mode = 204
    until(lambda: total(d, "samples_pending") <= 4, 15, "the queue to empty")
    time.sleep(2 * STEP)
    for name in ("a:depth:sum", "ALERTS", "ALERTS_FOR_STATE"):
        for samples in receiver.series(name).values():
            assert_whole(samples)
    assert total(d, "samples_failed_total") == 0 == total(d, "samples_dropped_total")
    if how != "gone":
        attempts = [h.get("retry-attempt") for _, h, s, _ in receiver.requests if s == how]
        assert attempts[:3] == [None, "1", "2"], attempts
    assert d.log().count("samples cannot be sent") == 1
    assert d.log().count("samples are taken again") == 1


def test_retry_after_is_heard(begin, receiver):
    d = begin({"url": receiver.url})
    until(lambda: receiver.series("ALERTS"), 10)
    receiver.headers = {"Retry-After": "3"}
    receiver.mode = 503
    until(lambda: receiver.count(503), 5)
    receiver.headers, receiver.mode = {}, 204
    asked = len(receiver.requests)
    time.sleep(1.5)
    assert len(receiver.requests) == asked
    until(lambda: total(d, "samples_pending") <= 4, 10)
    for samples in receiver.series("a:depth:sum").values():
        assert_whole(samples)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_is_refused_is_dropped_and_counted(begin, receiver, other, status):
    receiver.mode = status
    d = begin({"url": receiver.url, "name": "bad"}, {"url": other.url, "name": "good"})
    until(lambda: total(d, "samples_failed_total", remote_name="bad") >= 12, 10)
    assert total(d, "samples_pending", remote_name="bad") <= 8
    assert total(d, "samples_retried_total") == 0
    assert total(d, "samples_total", remote_name="bad") == 0
    assert total(d, "samples_failed_total", remote_name="good") == 0
    for samples in other.series("a:depth:sum").values():
        assert_whole(samples)
    assert f"server returned HTTP status {status}: out of order sample" in d.log()
    assert d.log().count("refused by the receiver") == 1


def test_one_bad_series_takes_no_other_with_it(begin, receiver):
    receiver.refuse = {"ALERTS_FOR_STATE"}
    d = begin({"url": receiver.url})
    until(lambda: len(list(receiver.series("ALERTS").values() or [[]])[0]) > 5, 10)
    for name in ("a:depth:sum", "ALERTS"):
        for samples in receiver.series(name).values():
            assert_whole(samples)
    assert not receiver.series("ALERTS_FOR_STATE")
    assert total(d, "samples_failed_total") > 0


def test_one_that_hangs_holds_nobody_up(begin, receiver, other, box):
    receiver.mode = "hang"
    d = begin({"url": receiver.url, "name": "hangs", "remote_timeout": "1s"},
              {"url": other.url, "name": "good"})
    assert box.wait(lambda s: s.ok, 10)
    until(lambda: total(d, "samples_retried_total", remote_name="hangs"), 10, "the timeout")
    began = time.monotonic()
    assert d.get("/-/healthy").status == 200
    assert time.monotonic() - began < 0.5
    assert d.metric("prometheus_rule_group_iterations_missed_total") == 0
    for samples in other.series("a:depth:sum").values():
        assert_whole(samples)
    receiver.release.set()
    receiver.mode = 204
    until(lambda: total(d, "samples_pending", remote_name="hangs") <= 4, 15)
    for samples in receiver.series("a:depth:sum").values():
        assert_whole(samples)


def test_a_full_queue_drops_the_oldest(begin, receiver):
    receiver.mode = 500
    d = begin({"url": receiver.url, "queue_config": {"capacity": 12, "max_samples_per_send": 4}})
    until(lambda: total(d, "samples_dropped_total", reason="queue_full") > 10, 15)
    assert total(d, "samples_pending") <= 16
    assert d.log().count("the queue is full") == 1
    dropped = time.time()
    receiver.mode = 204
    until(lambda: total(d, "samples_pending") <= 4, 15)
    times = [at for v in receiver.series("a:depth:sum").values() for at, _ in v]
    assert any(at > dropped - 1 for at in times), "the newest were kept"


# -- stops and reloads -------------------------------------------------------------------

def test_a_stop_sends_what_waits(begin, receiver):
    receiver.mode = 500
    d = begin({"url": receiver.url, "queue_config": {"max_backoff": "500ms"}})
    until(lambda: (total(d, "samples_pending") or 0) > 8, 10)
    d.signal(15)
    time.sleep(0.3)
    assert d.alive
    receiver.mode = 204
    d.process.wait(5)
    assert d.process.returncode == 0
    for samples in receiver.series("a:depth:sum").values():
        assert_whole(samples)
        assert all(v is not None for _, v in samples), "a stop ends no series"


def test_a_stop_waits_no_longer_than_it_may(begin, receiver):
    receiver.mode = "hang"
    d = begin({"url": receiver.url}, args=["--shutdown.timeout=1s"])
    until(lambda: (total(d, "samples_pending") or 0) > 0, 10)
    began = time.monotonic()
    d.signal(15)
    d.process.wait(5)
    assert time.monotonic() - began < 2.5
    assert "samples could not be sent" in d.log()


def test_a_reload_keeps_the_queue(begin, receiver, other):
    receiver.mode = 500
    d = begin({"url": receiver.url, "queue_config": {"max_backoff": "500ms"}})
    until(lambda: (total(d, "samples_pending") or 0) > 8, 10)
    with open(d.config) as f:
        config = yaml.safe_load(f)
    config["remote_write"] = [{"url": other.url}, {"url": receiver.url, "name": "renamed"}]
    write(d.config, json.dumps(config))
    assert d.post("/-/reload").status == 200
    receiver.mode = 204
    until(lambda: total(d, "samples_pending", remote_name="renamed") <= 4, 10)
    for samples in receiver.series("a:depth:sum").values():
        assert_whole(samples)
    until(lambda: other.series("a:depth:sum"), 10)
    config["remote_write"] = []
    write(d.config, json.dumps(config))
    assert d.post("/-/reload").status == 200
    assert total(d, "samples_pending") is None


def test_a_remote_keeps_its_queue_beside_a_new_one(begin, receiver, far, backend):
    old, new = ({"url": receiver.url, "name": n} for n in ("old", "new"))
    d = begin(old)
    until(lambda: (total(d, "bytes_total", remote_name="old") or 0) > 1000, 10)
    sent = total(d, "bytes_total", remote_name="old")
    write(d.config, make_config(hook(far), backend=backend, remote_write=[new, old]))
    assert d.post("/-/reload").status == 200
    assert total(d, "bytes_total", remote_name="old") >= sent
    assert total(d, "bytes_total", remote_name="new") < sent


def test_a_restart_ends_what_resolved_meanwhile(begin, receiver, backend, keep):
    d = begin({"url": receiver.url})
    until(lambda: receiver.series("ALERTS"), 10)
    d.stop()
    backend.set("deep")
    keep(d.again())

    def last():
        return list(receiver.series("ALERTS").values())[0][-1][1]

    until(lambda: last() is None, 10, "a stale marker")


# -- moving in ---------------------------------------------------------------------------

def active_at(d, name):
    at = d.rule(name)["alerts"][0]["activeAt"]
    return calendar.timegm(time.strptime(at[:19], "%Y-%m-%dT%H:%M:%S"))


def test_pending_alerts_of_prometheus_go_on(start, far, folder, keep, rules):
    rule = rule_file(group("g", alert("Slow", "vector(1)", labels={"a": "b", "c": "{{ $value }}"},
                                      **{"for": "1h"})))
    p = keep(prometheus(folder, "global: {evaluation_interval: 500ms}\n"
                        "rule_files: [prometheus-rules.yml]\n",
                        "--web.enable-remote-write-receiver", rules=rule))
    [since] = until(lambda: list(ask(p.url, "ALERTS_FOR_STATE").values()), 20)
    time.sleep(3)
    write(rules / "r.yml", rule)
    config = make_config(hook(far), backend=p, global_={"external_labels": {"cluster": "eu"}},
                         remote_write=[{"url": p.url + "/api/v1/write"}])
    d = start(config, rules)
    # The alert begins as a new one; its past is asked for after the first evaluation.
    until(lambda: "go on waiting" in d.log(), 10)
    assert abs(active_at(d, "Slow") - since) <= 2 < time.time() - since
    until(lambda: (("a", "b"), ("alertname", "Slow"), ("c", "1"), ("cluster", "eu")) in
          ask(p.url, "ALERTS_FOR_STATE"), 10)
    # A new rule of a storage that is not empty begins by itself.
    d.stop()
    write(rules / "s.yml", rule_file(group("s", alert("Later", "vector(1)", **{"for": "1h"}))))
    d = keep(d.again())
    until(lambda: d.rule("Later") and d.rule("Later")["alerts"], 10)
    assert d.log().count("go on waiting") == 1
    assert abs(active_at(d, "Slow") - since) <= 2
