"""When things are scarce or late: a full disk, many at once, limits."""
import concurrent.futures
import json
import socket
import threading
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import alert, firing, group, hook, make_config, resolved, rule_file, write
from programs import BUILD, http, iso, until


def silence_body(i, **more):
    now = time.time()
    return {"matchers": [{"name": "n", "value": str(i), "isRegex": False}],
            "startsAt": iso(now), "endsAt": iso(now + 3600), "createdBy": "me",
            "comment": f"number {i} " + "x" * 2000, **more}


def test_every_answered_silence_outlives_kill_9_under_load(start, far, keep):
    d = start(make_config(hook(far)))
    answered = []

    def post(i):
        try:
            a = http("POST", d.url + "/api/v2/silences", silence_body(i), timeout=5)
        except (OSError, HTTPException):  # the daemon is gone
            return
        if a.status == 200:
            answered.append(a.json["silenceID"])

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for i in range(2000):
            pool.submit(post, i)
        until(lambda: len(answered) > 150, 20)
        d.kill()
        pool.shutdown(cancel_futures=True)
    d = keep(d.again())
    there = {s["id"] for s in d.get("/api/v2/silences").json}
    assert set(answered) <= there, f"{len(set(answered) - there)} of {len(answered)} lost"


def test_a_full_disk_is_not_called_success(start, far, folder, keep):
    """A limit on the size of files stands for the disk: what is answered 200 is there later."""
    d = start(make_config(hook(far)), before=["sh", "-c", 'trap "" XFSZ; ulimit -f 800; exec "$@"',
                                              "sh"])
    good, bad = [], []
    for i in range(400):
        a = d.post("/api/v2/silences", silence_body(i))
        (good if a.status == 200 else bad).append(a)
        if len(bad) == 3:
            break
    assert good and bad, f"{len(good)} were taken"
    assert all(500 <= a.status < 600 for a in bad), bad
    assert d.alive and d.get("/-/healthy").status == 200
    assert "level=ERROR part=store" in d.log() and d.storage in d.log()
    until(lambda: d.metric("tocsin_store_failures_total"), 5)
    d.kill()
    d = keep(d.again())
    there = {s["id"] for s in d.get("/api/v2/silences").json}
    lost = {a.json["silenceID"] for a in good} - there
    assert not lost, f"{len(lost)} of {len(good)} lost"


def test_notifications_go_on_with_a_full_disk(start, far, box):
    d = start(make_config(hook(far)), before=["sh", "-c", 'trap "" XFSZ; ulimit -f 600; exec "$@"',
                                              "sh"])
    for i in range(400):
        if d.post("/api/v2/silences", silence_body(i)).status != 200:
            break
    d.post("/api/v2/alerts", [firing("DiskFull")])
    assert box.wait(lambda s: s.ok, 10), d.log_tail()


def test_a_silence_that_ends_lets_the_alert_through(start, far, box):
    d = start(make_config(hook(far)))
    now = time.time()
    d.silence("alertname=Quiet", startsAt=iso(now), endsAt=iso(now + 2))
    d.post("/api/v2/alerts", [firing("Quiet")])
    seen = box.wait(lambda s: True, 6)
    assert seen and seen.body["groupLabels"]["alertname"] == "Quiet"
    assert time.time() - now > 1.9


def test_mute_and_active_time_intervals(start, far, box):
    always = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
    d = start(make_config(hook(far), route={"routes": [
        {"receiver": "r", "matchers": ["a=muted"], "mute_time_intervals": ["always"]},
        {"receiver": "r", "matchers": ["a=inactive"], "active_time_intervals": ["never"]},
        {"receiver": "r", "matchers": ["a=active"], "active_time_intervals": ["always"]}]},
        time_intervals=[{"name": "always", "time_intervals": always},
                        {"name": "never", "time_intervals": [{"years": ["1999"]}]}]))
    d.post("/api/v2/alerts", [firing("A", a="muted"), firing("B", a="inactive"),
                              firing("C", a="active")])
    assert box.wait(lambda s: True, 5).body["groupLabels"]["alertname"] == "C"
    assert not box.wait(lambda s: True, 1, since=1)
    until(lambda: d.metric("alertmanager_notifications_suppressed_total",
                           reason="mute_time_interval"), 5)
    assert d.metric("alertmanager_notifications_suppressed_total", reason="active_time_interval")


def test_a_limit_on_alerts_of_one_name(start, far):
    d = start(make_config(hook(far)), args=["--alerts.per-alertname-limit=3"])
    d.post("/api/v2/alerts", [firing("Flood", i=str(i)) for i in range(10)])
    d.post("/api/v2/alerts", [firing("Other")])
    assert len(d.alerts(alertname="Flood")) == 3 and len(d.alerts(alertname="Other")) == 1


def vm_kb(d, what):
    with open(f"/proc/{d.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith(what))


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/alerts/groups"])
def test_a_long_answer_never_sits_in_memory(start, far, path):
    d = start(make_config(hook(far), route={"group_wait": "1h", "group_by": ["alertname"]}),
              args=["--web.get-concurrency=2"])
    for i in range(0, 30000, 1000):
        d.post("/api/v2/alerts", [firing(f"A{n % 3}", n=str(n), text="x" * 500)
                                  for n in range(i, i + 1000)])
    before = vm_kb(d, "VmRSS")
    seen = d.get(path).json
    if path.endswith("groups"):
        assert [len(g["alerts"]) for g in seen] == [10000] * 3
        seen = [a for g in seen for a in g["alerts"]]
    assert {a["labels"]["n"] for a in seen} == {str(n) for n in range(30000)}
    if "address" not in BUILD:  # whose sanitizer keeps freed memory for a while
        assert vm_kb(d, "VmHWM") - before < 8 * 1024, "of an answer of 25 MB"
    for _ in range(5):  # they leave in the middle, and their places are free again
        s = socket.create_connection(("127.0.0.1", d.port), 5)
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert s.recv(100)
        s.close()
    until(lambda: d.get("/api/v2/receivers").status == 200, 5)
    assert d.get("/api/v2/alerts?filter=n=%227%22").json[0]["labels"]["n"] == "7"


def test_what_changes_during_a_long_answer_does_not_break_it(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h", "group_by": ["n"]}))
    for i in range(0, 20000, 1000):
        d.post("/api/v2/alerts", [firing("A", n=str(n), text="x" * 500)
                                  for n in range(i, i + 1000)])
    for path in "/api/v2/alerts", "/api/v2/alerts/groups":
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", d.port))
        s.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        got = s.recv(1000)
        for i in range(0, 20000, 1000):  # some end, and the routes are others
            d.post("/api/v2/alerts", [resolved("A", n=str(n), text="x" * 500)
                                      for n in range(i, i + 1000, 7)])
        write(d.config, make_config(hook(far), route={
            "group_wait": "1h", "group_by": ["n", "text"] if path.endswith("s") else ["n"]}))
        assert d.post("/-/reload").status == 200
        while piece := s.recv(1 << 20):
            got += piece
        s.close()
        assert len(json.loads(got.split(b"\r\n\r\n", 1)[1])) > 100


def test_a_start_delay_gathers(start, far, box):
    d = start(make_config(hook(far)), args=["--dispatch.start-delay=2s"])
    began = time.monotonic()
    d.post("/api/v2/alerts", [firing("A", host="a")])
    seen = box.wait(lambda s: True, 6)
    assert seen and seen.at - began > 1


def test_thousands_of_alerts(start, far, box):
    d = start(make_config(hook(far)))
    began = time.monotonic()
    for i in range(0, 10000, 1000):
        body = [firing(f"A{n % 50}", n=str(n), host=f"h{n % 7}") for n in range(i, i + 1000)]
        assert d.post("/api/v2/alerts", body).status == 200
    assert len(d.get("/api/v2/alerts").json) == 10000
    until(lambda: len({json.dumps(s.body["groupLabels"]) for s in box.all()}) == 50, 20)
    assert time.monotonic() - began < 20
    groups = d.get("/api/v2/alerts/groups").json
    assert len(groups) == 50 and sum(len(g["alerts"]) for g in groups) == 10000


def test_many_series_of_one_rule(start, far, box, backend, rules):
    backend.set("many", *[({"i": str(i)}, i) for i in range(5000)])
    write(rules / "m.yml", rule_file(group("m", alert("Many", "many"), interval="1s")))
    d = start(make_config(hook(far, max_alerts=10), backend=backend), rules)
    seen = box.wait(lambda s: True, 15)
    assert seen and seen.body["truncatedAlerts"] == 4990
    assert len(d.rule("Many")["alerts"]) == 5000
    began = time.monotonic()
    assert d.get("/-/healthy").status == 200
    assert time.monotonic() - began < 1


def test_rules_as_json_and_the_broken_ones_alone(start, far, backend, rules):
    write(rules / "good.yml", rule_file(group("g", alert("Good", "one"))))
    write(rules / "bad.yml", "groups: [{name: x, rules: [{alert: A, expr: b, fro: 1m}]}]\n")
    d = start(make_config(hook(far), backend=backend), rules)
    assert "Good" in json.dumps(json.loads(d.tool("rules", "-o", "json").stdout))
    assert "Good" in d.tool("rules", "-o", "extended").stdout
    out = d.tool("rules", "--broken").stdout
    assert f"{rules}/bad.yml:1:" in out and "Good" not in out


class Slow(BaseHTTPRequestHandler):
    """Receiver and backend at one address: the one takes its time, the other answers."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/api/v1/query"):
            self.server.queries.append(time.monotonic())
            answer = (b'{"status":"success","data":{"resultType":"vector","result":'
                      b'[{"metric":{"a":"b"},"value":[1,"1"]}]}}')
        else:
            self.server.closing.wait(self.server.latency)
            self.server.told.append((time.monotonic(), json.loads(body)["groupKey"]))
            answer = b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


@pytest.fixture
def slow():
    class Server(ThreadingHTTPServer):
        request_queue_size = 1000
        daemon_threads = True
    s = Server(("127.0.0.1", 0), Slow)
    s.queries, s.told, s.latency, s.closing = [], [], 1, threading.Event()
    s.url = f"http://127.0.0.1:{s.server_address[1]}"
    threading.Thread(target=s.serve_forever, daemon=True).start()
    yield s
    s.closing.set()
    s.shutdown()
    s.server_close()


def slow_config(url, rules=""):
    return ("route: {receiver: r, group_by: [alertname], group_wait: 0s, group_interval: 10s}\n"
            f"receivers: [{{name: r, webhook_configs: [{{url: '{url}/hook'}}]}}]\n"
            f"datasources: [{{name: d, url: '{url}'}}]\n" + rules)


def test_a_slow_receiver_is_told_all_in_time(start, slow):
    d = start(slow_config(slow.url))
    d.post("/api/v2/alerts", [firing(f"A{i}") for i in range(200)])
    until(lambda: len(slow.told) >= 200, 6)
    time.sleep(0.3)
    assert len(slow.told) == len({key for _, key in slow.told}) == 200
    assert slow.told[-1][0] - slow.told[0][0] < 3


def test_receivers_that_hang_hold_up_no_queries(start, slow, folder):
    slow.latency = 30
    rules = folder / "r.yml"
    rules.write_text("groups: [{name: g, interval: 500ms, rules: [{alert: Q, expr: up}]}]\n")
    d = start(slow_config(slow.url, f"rule_files: ['{rules}']\n"))
    d.post("/api/v2/alerts", [firing(f"A{i}") for i in range(100)])
    until(lambda: slow.queries, 5)
    before = len(slow.queries)
    until(lambda: len(slow.queries) >= before + 4, 5)
