"""What somebody with bad intent, or a broken client, sends: floods, giants, bombs, expressions that
blow up, line breaks where they would mean something. Each has a ceiling, a clear answer, and others
are served meanwhile."""
import gzip
import json
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from conftest import alert, firing, group, hook, make_config, resolved, rule_file, write
from endpoints import MailServer, _Server
from programs import BUILD, iso, until

SANITIZED = "address" in BUILD


def dial(d, timeout=10):
    return socket.create_connection(("127.0.0.1", d.port), timeout)


def cpu_seconds(d):
    with open(f"/proc/{d.pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def rss_kb(d):
    with open(f"/proc/{d.pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


# -- connections -------------------------------------------------------------------------
def test_a_flood_of_idle_connections_keeps_nobody_out(start, far, box):
    d = start(make_config(hook(far)), args=["--web.max-connections=200"])
    flood = []
    for _ in range(900):
        flood.append(dial(d))
    began = time.monotonic()
    assert d.post("/api/v2/alerts", [firing("A")]).status == 200
    assert d.get("/api/v2/alerts").status == 200
    assert time.monotonic() - began < 5
    assert box.wait(lambda s: s.ok, 10)
    assert d.metric("tocsin_web_clients_cut_off_total") > 500
    for s in flood:
        s.close()


def test_a_client_with_an_answer_to_get_is_not_cut_off_for_others(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h"}),
              args=["--web.max-connections=50"])
    for i in range(0, 6000, 1000):
        d.post("/api/v2/alerts", [firing("A", n=str(n), text="x" * 500)
                                  for n in range(i, i + 1000)])
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", d.port))
    reader.sendall(b"GET /api/v2/alerts HTTP/1.0\r\n\r\n")
    got = reader.recv(1000)
    flood = [dial(d) for _ in range(300)]
    until(lambda: d.metric("tocsin_web_clients_cut_off_total"), 10)
    while piece := reader.recv(1 << 20):
        got += piece
    assert len(json.loads(got.split(b"\r\n\r\n", 1)[1])) == 6000
    for s in (*flood, reader):
        s.close()


@pytest.mark.skipif(SANITIZED, reason="needs few descriptors")
def test_pages_go_out_when_clients_hold_all_descriptors(start, far, box):
    d = start(make_config(hook(far)), before=["prlimit", "--nofile=80:80"])
    flood = []
    for _ in range(400):
        flood.append(dial(d))
    spent = cpu_seconds(d)
    time.sleep(1)
    assert cpu_seconds(d) - spent < 0.5, "a busy loop"
    assert d.post("/api/v2/alerts", [firing("A")]).status == 200
    assert box.wait(lambda s: s.ok, 10), d.log_tail()
    d.silence("a=b")
    for s in flood:
        s.close()


# -- bodies ------------------------------------------------------------------------------
def test_bodies_too_large_to_be_read(start, far):
    d = start(make_config(hook(far)), args=["--web.max-body-bytes=100000"])
    assert d.post("/api/v2/alerts", b"[" + b" " * 200000 + b"]").status == 413
    s = dial(d)
    s.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")
    assert re.match(rb"HTTP/1.1 (400|413)", s.recv(1000) or b"HTTP/1.1 400")
    s = dial(d)
    s.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    got = b""
    try:
        for _ in range(50):
            s.sendall(b"2000\r\n" + b" " * 0x2000 + b"\r\n")
        got = s.recv(1000)
    except OSError:
        pass
    assert not got or b" 413 " in got.split(b"\r\n")[0]
    assert d.get("/-/healthy").status == 200


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/silences"])
@pytest.mark.parametrize("body", [
    b"[" * 1000000, b"[" * 1000000 + b"]" * 1000000, b'{"a":' * 500000,
    b'[{"labels":' + b"[" * 500000 + b"]" * 500000 + b"}]",
    b'[{"labels":{"alertname":"a"},"x":' + b'{"a":' * 300000 + b"1" + b"}" * 300000 + b"}]",
    b'{"matchers":' + b"[" * 500000 + b"]" * 500000 + b"}",
], ids=["lists", "closed lists", "maps", "in labels", "in an unknown field", "in matchers"])
def test_bodies_nested_too_deeply(start, far, path, body):
    d = start(make_config(hook(far)))
    answer = d.post(path, body, headers={"Content-Type": "application/json"})
    assert answer.status in (400, 422), answer
    assert answer.body and len(answer.body) < 2000
    assert d.get("/-/healthy").status == 200


def test_a_compressed_bomb_stays_compressed(start, far, box):
    """Requests are never decompressed: what is no JSON is answered so."""
    d = start(make_config(hook(far)))
    bomb = gzip.compress(b" " * (256 << 20), 9)
    before = rss_kb(d)
    answer = d.post("/api/v2/alerts", bomb, headers={"Content-Type": "application/json",
                                                     "Content-Encoding": "gzip"})
    assert answer.status == 400
    assert rss_kb(d) - before < 32 * 1024
    d.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: s.ok, 10)


class Bomber:
    """Answers everything with a bomb, compressed or plain and endless."""

    def __init__(self, endless=False):
        outer = self
        self.asked = 0
        bomb = gzip.compress(b" " * (256 << 20), 9)

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                outer.asked += 1
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(200)
                if not endless:
                    self.send_header("Content-Encoding", "gzip")
                    self.send_header("Content-Length", str(len(bomb)))
                self.end_headers()
                try:
                    if not endless:
                        self.wfile.write(bomb)
                    for _ in range(512 * endless):
                        self.wfile.write(b" " * (1 << 20))
                except OSError:
                    pass

            do_GET = do_POST

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.mark.parametrize("endless", [False, True], ids=["compressed", "endless"])
def test_bombs_as_answers_of_backends_and_receivers(start, far, box, rules, endless):
    bomber = Bomber(endless)
    write(rules / "r.yml", rule_file(group("g", alert("A", "up"))))
    d = start(make_config({"webhook_configs": [{"url": bomber.url}, {"url": far.hook()}]},
                          datasources=[{"name": "main", "type": "prometheus", "url": bomber.url}]),
              rules)
    before = rss_kb(d)
    d.post("/api/v2/alerts", [firing("B")])
    assert box.wait(lambda s: s.ok, 10)
    until(lambda: bomber.asked > 2 and d.rule("A")["health"] == "err", 10)
    assert SANITIZED or rss_kb(d) - before < 160 * 1024
    bomber.stop()


# -- floods of labels, alerts, silences --------------------------------------------------
LARGE = "x" * 300000


@pytest.mark.parametrize("labels, annotations, says", [
    ({f"l{i}": "v" for i in range(2000)}, {}, "2001 labels, at most 1000"),
    ({}, {f"a{i}": "v" for i in range(2000)}, "2000 annotations, at most 1000"),
    ({"l": LARGE}, {}, "at most 262144"),
    ({}, {"a": LARGE}, "at most 262144"),
    ({"l" * 300000: "v"}, {}, "at most 262144"),
], ids=["many labels", "many annotations", "a long label", "a long annotation", "a long name"])
def test_alerts_too_large(start, far, box, labels, annotations, says):
    d = start(make_config(hook(far)))
    answer = d.post("/api/v2/alerts", [
        {"labels": {"alertname": "Large", **labels}, "annotations": annotations},
        firing("Small")])
    assert answer.status == 400 and says in answer.text and len(answer.body) < 1000
    assert box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Small", 10)
    assert not d.alerts(alertname="Large")
    assert d.metric("tocsin_alerts_too_large_total") == 1
    assert d.metric("alertmanager_alerts_invalid_total") == 1


def test_ceilings_on_an_alert_are_flags(start, far):
    d = start(make_config(hook(far)), args=["--alerts.max-labels=0",
                                            "--alerts.max-alert-size-bytes=0"])
    assert d.post("/api/v2/alerts", [{"labels": {f"l{i}": LARGE for i in range(10)}}]).status == 200
    assert d.post("/api/v2/alerts", [{"labels": {f"l{i}": "v" for i in range(5000)}}]).status == 200


def test_a_flood_of_alerts_ends_at_a_ceiling(start, far, box):
    d = start(make_config(hook(far), route={"group_by": ["alertname"]}),
              args=["--alerts.max-alerts=500"])
    for i in range(0, 5000, 500):
        assert d.post("/api/v2/alerts", [firing("Flood", i=str(n))
                                         for n in range(i, i + 500)]).status == 200
    assert len(d.alerts()) == 500
    assert d.metric("alertmanager_alerts_limited_total") == 4500
    assert len([line for line in d.log().splitlines() if "ceiling on alerts" in line]) == 1


def test_a_flood_of_one_name_costs_little(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h"}),
              args=["--alerts.per-alertname-limit=100"])
    for i in range(0, 20000, 2000):
        d.post("/api/v2/alerts", [firing(f"A{n}") for n in range(i, i + 2000)])
    spent = cpu_seconds(d)
    d.post("/api/v2/alerts", [firing("F", n=str(n)) for n in range(4000)])
    assert len(d.alerts(alertname="F")) == 100
    assert SANITIZED or cpu_seconds(d) - spent < 0.7


def test_one_that_ends_makes_room_for_another_of_its_name(start, far):
    d = start(make_config(hook(far)), args=["--alerts.per-alertname-limit=2"])
    d.post("/api/v2/alerts", [firing("F", n=n) for n in "abc"])
    d.post("/api/v2/alerts", [firing("F", n="d"), resolved("F", n="a"), firing("F", n="e")])
    assert {a["labels"]["n"] for a in d.alerts(alertname="F")} == {"b", "e"}


@pytest.mark.parametrize("args, n, comment, says", [
    (["--silences.max-silences=20"], 21, "c", "maximum number of silences"),
    (["--silences.max-silence-size-bytes=1000"], 1, "c" * 2000, "maximum size"),
    ([], 1, "c" * 1100000, "maximum size"),
], ids=["many", "a large one", "the ceiling nobody set"])
def test_floods_of_silences_end_at_a_ceiling(start, far, args, n, comment, says):
    d = start(make_config(hook(far)), args=args)
    now = time.time()
    for i in range(n):
        answer = d.post("/api/v2/silences", {
            "matchers": [{"name": "n", "value": str(i), "isRegex": False}], "startsAt": iso(now),
            "endsAt": iso(now + 3600), "createdBy": "me", "comment": comment})
    assert answer.status == 400 and says in answer.text


# -- expressions that blow up ------------------------------------------------------------
BLOWS_UP = "(x+x+)+y"
HARD = "x" * 60 + "yz"


@pytest.mark.parametrize("equal", [True, False], ids=["=~", "!~"])
def test_a_silence_that_cannot_be_decided_mutes_nobody(start, far, box, equal):
    d = start(make_config(hook(far)))
    now = time.time()
    assert d.post("/api/v2/silences", {
        "matchers": [{"name": "x", "value": BLOWS_UP, "isRegex": True, "isEqual": equal},
                     {"name": "alertname", "value": "A", "isRegex": False}],
        "startsAt": iso(now), "endsAt": iso(now + 600), "createdBy": "me",
        "comment": "c"}).status == 200
    d.post("/api/v2/alerts", [firing("A", x=HARD)])
    assert box.wait(lambda s: s.ok, 10), "muted by accident"
    assert d.metric("tocsin_regex_gave_up_total") > 0


@pytest.mark.parametrize("op", ["=~", "!~"])
def test_an_inhibition_that_cannot_be_decided_mutes_nobody(start, far, box, op):
    d = start(make_config(hook(far), inhibit_rules=[
        {"source_matchers": ["alertname=Source"], "target_matchers": [f'x{op}"{BLOWS_UP}"',
                                                                      "alertname=Target"]}]))
    d.post("/api/v2/alerts", [firing("Source"), firing("Target", x=HARD)])
    assert box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Target", 10)


@pytest.mark.parametrize("op", ["=~", "!~"])
def test_a_route_that_cannot_be_decided_loses_nothing(start, far, box, op):
    d = start(make_config(hook(far), route={"routes": [
        {"receiver": "other", "matchers": [f'x{op}"{BLOWS_UP}"']}]},
        more_receivers=[{"name": "other"}]))
    d.post("/api/v2/alerts", [firing("A", x=HARD)])
    assert box.wait(lambda s: s.ok, 10)


def test_filters_that_blow_up_leave_time_for_others(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h"}))
    d.post("/api/v2/alerts", [firing("A", x=HARD, n=str(n)) for n in range(200)])
    began = time.monotonic()
    answer = d.get("/api/v2/alerts?filter=x%3D~%22(x%2Bx%2B)%2By%22")
    assert answer.status == 200 and answer.json == []
    assert time.monotonic() - began < (30 if SANITIZED else 5)
    assert d.get("/api/v2/alerts?filter=" + "a" * 70000).status == 400
    assert d.get("/api/v2/alerts?filter=x%3D~%22" + "(" * 20000 + ")" * 20000 + "%22").status == 400


@pytest.mark.parametrize("expression", [
    "((((a{1000}){1000}){1000}){1000}){1000}", "(" * 30000 + ")" * 30000, "[" * 60000,
    "(a?){1000}" * 500, "|".join(f"({i}.*)*" for i in range(8000)), "x" * 100000,
    "(?:a|" * 10000 + "b" + ")" * 10000, "\\pL" * 10000,
], ids=["repeats", "groups", "classes", "optional", "alternatives", "long", "nested", "properties"])
def test_expressions_that_are_costly_to_compile(start, far, expression):
    d = start(make_config(hook(far)))
    now, began = time.time(), time.monotonic()
    answer = d.post("/api/v2/silences", {
        "matchers": [{"name": "x", "value": expression, "isRegex": True}], "startsAt": iso(now),
        "endsAt": iso(now + 600), "createdBy": "me", "comment": "c"})
    assert answer.status in (200, 400)
    assert time.monotonic() - began < (20 if SANITIZED else 3)
    d.post("/api/v2/alerts", [firing("A", x="a" * 5000, n=str(n)) for n in range(20)])
    assert d.get("/-/healthy").status == 200
    assert time.monotonic() - began < (30 if SANITIZED else 5)


# -- line breaks and their like ----------------------------------------------------------
def test_no_header_comes_into_a_mail_from_labels(start, folder, box):
    mail = MailServer(box)
    d = start(make_config({"email_configs": [{
        "to": "ops@example.org", "from": "tocsin@example.org",
        "smarthost": f"127.0.0.1:{mail.port}", "require_tls": False, "hello": "localhost",
        "headers": {"Subject": "{{ .CommonLabels.nasty }}", "X-Team": "{{ .CommonLabels.nasty }}"},
        "text": "{{ .CommonLabels.nasty }}", "html": ""}]}))
    nasty = "a\r\nBcc: thief@example.org\r\n\r\nbody\r\n.\r\nQUIT\r\n\u202e\u00e9"
    d.post("/api/v2/alerts", [firing("A", nasty=nasty)])
    seen = box.wait(lambda s: s.kind == "mail", 10)
    assert seen, d.log_tail()
    assert seen.envelope["to"] == ["ops@example.org"]
    assert "Bcc" not in seen.body and "thief" not in "".join(
        v for k, v in seen.body.items() if k not in ("Subject", "X-Team"))
    head = seen.raw.split(b"\r\n\r\n", 1)[0]
    assert all(re.match(rb"[A-Za-z-]+:|[ \t]", line) for line in head.split(b"\r\n"))
    assert not re.search(rb"[\x80-\xff]", head), "only ASCII in headers"
    mail.stop()


@pytest.mark.parametrize("key", ["to", "from"])
@pytest.mark.parametrize("nasty", [
    "a@example.org>\r\nRCPT TO:<thief@example.org", "a@example.org\r\nDATA", "a@example.org\nBcc: x",
    "<a@example.org> SIZE=1", "a b@example.org", "a@example.org\x00b"])
def test_no_command_comes_into_a_mail_dialogue_from_labels(start, box, key, nasty):
    mail = MailServer(box)
    address = {"to": "ops@example.org", "from": "tocsin@example.org",
               key: "{{ .CommonLabels.who }}"}
    d = start(make_config({"email_configs": [{
        **address, "smarthost": f"127.0.0.1:{mail.port}", "require_tls": False,
        "hello": "localhost"}]}))
    d.post("/api/v2/alerts", [firing("A", who=nasty)])
    until(lambda: box.count() or "level=ERROR" in d.log() or "level=WARN" in d.log(), 10)
    for s in box.all():
        assert "thief@example.org" not in s.envelope["to"], s.envelope
        assert "Bcc" not in s.body
    assert d.get("/-/healthy").status == 200
    mail.stop()


@pytest.mark.parametrize("nasty", ["x\r\nX-Evil: 1", "x\nX-Evil: 1", "x HTTP/1.1\r\nX-Evil: 1\r\n\r\n"])
def test_no_header_comes_into_a_request_from_labels(start, far, box, nasty):
    """URLs of webhooks are templates."""
    d = start(make_config({"webhook_configs": [
        {"url": far.url + "/hook/{{ .CommonLabels.nasty }}"}, {"url": far.hook("plain")}]}),
        args=["--compatibility=0.34"])
    d.post("/api/v2/alerts", [firing("A", nasty=nasty)])
    assert box.wait(lambda s: s.path == "/hook/plain", 10)
    until(lambda: box.count() > 1 or "level=ERROR" in d.log() or "level=WARN" in d.log(), 10)
    for s in box.all():
        assert "x-evil" not in s.headers
        assert s.status == 200


# -- memory ------------------------------------------------------------------------------
@pytest.mark.skipif(SANITIZED, reason="sanitizers need all the address space")
def test_a_limit_on_memory_ends_with_a_clear_line(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h"}),
              before=["prlimit", f"--as={400 << 20}"])
    try:
        for i in range(0, 400000, 1000):
            d.post("/api/v2/alerts", [firing("A", n=str(n), text="x" * 2000)
                                      for n in range(i, i + 1000)])
    except OSError:
        pass
    assert d.process.wait(10) == 1, d.log_tail()
    assert "out of memory" in d.log_tail(3)
