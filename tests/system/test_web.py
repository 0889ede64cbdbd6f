"""The HTTP side: wrong bodies, limits, slow and many clients, TLS and passwords."""
import base64
import json
import socket
import ssl
import time

import pytest

from conftest import alert, firing, group, hook, make_config, rule_file
from programs import TOCSIN, TOCSIND, free_port, http, metrics, run, until

# bcrypt of "secret"
HASH = "$2b$05$jvq3QWwkNoE9XpYjdhIFpeL0F32nvH4P0ZabwRAMBcWgs78JGh1MW"


@pytest.fixture
def daemon(start, far):
    return start(make_config(hook(far)))


SILENCE = {"matchers": [{"name": "a", "value": "b", "isRegex": False}],
           "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2120-01-01T00:00:00Z",
           "createdBy": "me", "comment": "c"}


def without(key, **more):
    return {**{k: v for k, v in SILENCE.items() if k != key}, **more}


def test_a_good_silence_is_taken(daemon):
    assert daemon.post("/api/v2/silences", SILENCE).status == 200


@pytest.mark.parametrize("path", ["/api/v2/alerts", "/api/v2/silences"])
@pytest.mark.parametrize("body", [
    b"", b"{", b"[", b"nonsense", b"[{]", b'"text"', b"12", b"true", b"[1]", b"[null]", b"{}",
    b"[[]]", b'[{"labels":[]}]', b'[{"labels":{"a":1}}]', b'[{"labels":{"a":{}}}]', b"\xff\xfe\x00",
    b"\x00" * 1000, b"[" * 100000, b'{"a":' * 100000, b'[{"labels":{}}]',
    b'[{"labels":{"a":"b"},"startsAt":"yesterday"}]', b'[{"labels":{"a":"b"},"startsAt":7}]',
    b'[{"labels":{"a":"b"},"generatorURL":"foo bar"}]',
    b'[{"labels":{"alertname":"x","":"y"}}]', b'{"matchers":[]}', b'{"matchers":"a"}',
    json.dumps(without("comment")).encode(), json.dumps(without("matchers", matchers=[])).encode(),
    json.dumps(without("matchers", matchers=[{"name": "a", "value": "b"}])).encode(),
    json.dumps(without("matchers", matchers=[{"name": "a", "value": "(", "isRegex": True}])).encode(),
    json.dumps(without("matchers", matchers=[{"name": "a", "value": "", "isRegex": False}])).encode(),
    json.dumps(without("endsAt", endsAt="2019-01-01T00:00:00Z")).encode(),
    json.dumps(without("endsAt", endsAt="2020-02-01T00:00:00Z")).encode(),
    json.dumps({**SILENCE, "id": "947e3b36-87e0-41eb-a1d1-1584b90e8250"}).encode(),
], ids=lambda b: repr(b[:40]) if isinstance(b, bytes) else b)
def test_wrong_bodies(daemon, path, body):
    answer = daemon.post(path, body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status < 500, answer
    assert answer.body
    assert daemon.alive and daemon.get("/-/healthy").status == 200
    assert daemon.get("/api/v2/alerts").json == [] and daemon.get("/api/v2/silences").json == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""])
def test_wrong_content_types(daemon, kind):
    for path in ("/api/v2/alerts", "/api/v2/silences"):
        answer = daemon.post(path, b"[]", headers={"Content-Type": kind})
        assert answer.status in (400, 415), answer


@pytest.mark.parametrize("method, path, status, text", [
    ("GET", "/api/v2/alerts?filter=foo", 400, "bad matcher format: foo"),
    ("GET", "/api/v2/alerts?filter=a=~%22(%22", 400, ""),
    ("GET", "/api/v2/alerts?filter=", 400, "bad matcher format: "),
    ("GET", "/api/v2/alerts?receiver=%5B", 400, "failed to parse receiver param"),
    ("GET", "/api/v2/alerts?active=foo", 200, ""),
    ("GET", "/api/v2/alerts?filter=%ff%00", 400, ""),
    ("GET", "/api/v2/alerts/groups?receiver=%5B", 400, ""),
    ("GET", "/api/v2/silence/foo", 422, "must be of type uuid"),
    ("GET", "/api/v2/silence/947e3b36-87e0-41eb-a1d1-1584b90e8250", 404, ""),
    ("DELETE", "/api/v2/silence/947e3b36-87e0-41eb-a1d1-1584b90e8250", 404, ""),
    ("GET", "/api/v2/nope", 404, "was not found"),
    ("PUT", "/api/v2/alerts", 405, "405"),
    ("GET", "/-/reload", 405, "Method Not Allowed"),
    ("GET", "/api/v1/status", 410, "deprecated"),
    ("GET", "/nothing/here", 404, "404 page not found"),
    ("GET", "/-/healthy", 200, "OK"),
    ("GET", "/-/ready", 200, "OK"),
])
def test_answers_of_the_management_and_api_paths(daemon, method, path, status, text):
    answer = http(method, daemon.url + path)
    assert answer.status == status, answer
    assert text in answer.text


def test_an_odd_character_costs_no_other_alert(daemon):
    """As the peers take it: halves of surrogates and bytes that are no UTF-8 are U+FFFD."""
    body = (rb'[{"labels":{"alertname":"Good"}},{"labels":{"alertname":"Odd","x":"a\u0000b",'
            rb'"y":"\ud800z","w":"\\u0000","v":"\uDC00","u":"\ud83d\ude00","t":"' + b"\xff"
            + rb'"}}]')
    assert daemon.post("/api/v2/alerts", body, headers={"Content-Type": "application/json"}).status == 200
    assert daemon.alerts(alertname="Good")
    got = daemon.alerts(alertname="Odd")[0]["labels"]
    assert got == {"alertname": "Odd", "x": "a\ufffdb", "y": "\ufffdz", "w": "\\u0000",
                   "v": "\ufffd", "u": "\U0001f600", "t": "\ufffd"}


ALLOW = "Access-Control-Allow-Origin"


def test_pages_of_other_origins_get_nothing(daemon):
    for path in ("/api/v2/alerts", "/api/v1/rules", "/metrics"):
        assert ALLOW not in daemon.get(path, headers={"Origin": "https://evil.example"}).headers
    answer = http("OPTIONS", daemon.url + "/api/v2/silences", headers={
        "Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    assert answer.status == 200 and ALLOW not in answer.headers
    assert daemon.post("/-/reload", headers={"Origin": "https://evil.example"}).status == 403
    assert daemon.post("/-/reload", headers={"Origin": daemon.url}).status == 200
    assert daemon.post("/-/reload").status == 200
    assert http("OPTIONS", daemon.url + "/api/v2/silences").status == 405


def test_pages_of_a_named_origin(start, far):
    d = start(make_config(hook(far)), args=[r"--web.cors.origin=https?://(a|b)\.example",
                                            "--compatibility=0.34"])
    good, bad = "https://a.example", "https://a.example.evil"
    assert d.get("/api/v2/alerts", headers={"Origin": good}).headers[ALLOW] == good
    assert ALLOW not in d.get("/api/v2/alerts", headers={"Origin": bad}).headers
    assert d.post("/-/reload", headers={"Origin": good}).status == 200
    for method, headers, allowed in (("POST", "content-type", True), ("DELETE", "", False),
                                     ("GET", "Accept, X-Requested-With", True),
                                     ("GET", "authorization", False)):
        answer = http("OPTIONS", d.url + "/api/v2/silences", headers={
            "Origin": good, "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers})
        assert answer.status == 204 and (ALLOW in answer.headers) == allowed, (method, headers)
        assert "Access-Control-Request-Method" in answer.headers["Vary"]


def test_a_wrong_origin_expression_ends_the_start(far, folder):
    from programs import TOCSIND
    (folder / "tocsin.yml").write_text(make_config(hook(far)))
    done = run([TOCSIND, f"--config.file={folder}/tocsin.yml", f"--storage.path={folder}/data",
                "--web.cors.origin=("], check=False)
    assert done.returncode == 1 and "--web.cors.origin: " in done.stderr


def test_the_metrics_page_is_in_form(daemon, far):
    daemon.post("/api/v2/alerts", [firing("A")])
    page = daemon.get("/metrics")
    assert page.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    names = {n for n, _, _ in metrics(page.text)}
    for name in ("alertmanager_build_info", "alertmanager_alerts",
                 "alertmanager_notifications_total", "alertmanager_notifications_failed_total",
                 "alertmanager_config_last_reload_successful", "alertmanager_config_hash",
                 "alertmanager_silences", "process_resident_memory_bytes"):
        assert name in names, name
    types = [x.split()[2] for x in page.text.splitlines() if x.startswith("# TYPE ")]
    assert len(types) == len(set(types)), "each family once"
    checked = run(["promtool", "check", "metrics"], check=False, stdin=page.text)
    assert "error" not in checked.stderr.lower(), checked.stderr


def raw(daemon, data, timeout=10):
    """Sends bytes as they are; all that comes back until the other side closes."""
    s = socket.create_connection(("127.0.0.1", daemon.port), timeout)
    out = b""
    try:
        s.sendall(data)
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            out += piece
    except (ConnectionResetError, BrokenPipeError):
        pass
    finally:
        s.close()
    return out


def test_a_body_over_the_ceiling_gets_413(daemon):
    length = 1 << 30
    s = socket.create_connection(("127.0.0.1", daemon.port), 20)
    s.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              b"Content-Length: %d\r\n\r\n[" % length)
    answer = s.recv(4096)
    s.close()
    assert answer.startswith(b"HTTP/1.1 413"), answer
    assert daemon.get("/-/healthy").status == 200


def test_an_endless_chunked_body_gets_413(daemon):
    s = socket.create_connection(("127.0.0.1", daemon.port), 20)
    s.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n")
    block = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    answer = b""
    try:
        for _ in range(200):
            s.sendall(block)
    except OSError:
        pass
    try:
        answer = s.recv(4096)
    except OSError:
        pass
    s.close()
    assert not answer or answer.startswith(b"HTTP/1.1 413"), answer
    rss = daemon.metric("process_resident_memory_bytes")
    assert rss < 400 * 1024 * 1024, f"{rss / 1e6:.0f} MB after an endless body"


@pytest.mark.parametrize("data", [
    b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
    b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n",
    b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET /%zz/../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /api/v2/alerts?" + b"filter=a%3Db&" * 3000 + b" HTTP/1.1\r\nHost: x\r\n"
    b"Connection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200000 + b"\r\n\r\n",
], ids=range(10))
def test_malformed_http(daemon, data):
    s = socket.create_connection(("127.0.0.1", daemon.port), 5)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        answer = s.recv(4096)
        assert not answer or b" 4" in answer[:12] or b" 3" in answer[:12] or \
            b" 200" in answer[:13] or b" 501" in answer[:13] or b" 505" in answer[:13], answer
    except OSError:
        pass
    s.close()
    assert daemon.alive and daemon.get("/-/healthy").status == 200


def test_300_idle_connections_stop_nobody(daemon):
    idle = []
    for i in range(300):
        s = socket.create_connection(("127.0.0.1", daemon.port), 5)
        s.sendall([b"", b"GET /api/v2/al", b"POST /api/v2/alerts HTTP/1.1\r\nContent-Le",
                   b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Content-Length: 1000\r\n\r\n["][i % 4])
        idle.append(s)
    began = time.monotonic()
    for i in range(20):
        assert daemon.post("/api/v2/alerts", [firing(f"A{i}")]).status == 200
        assert daemon.get("/api/v2/alerts").status == 200
    assert time.monotonic() - began < 3
    for s in idle:
        s.close()
    assert daemon.get("/-/ready").status == 200


def test_keep_alive_serves_many_requests_on_one_connection(daemon):
    s = socket.create_connection(("127.0.0.1", daemon.port), 5)
    f = s.makefile("rb")
    for _ in range(50):
        s.sendall(b"GET /api/v2/receivers HTTP/1.1\r\nHost: x\r\n\r\n")
        assert f.readline().startswith(b"HTTP/1.1 200")
        length = 0
        while (line := f.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        assert json.loads(f.read(length)) [0]["name"] == "r"
    s.close()


@pytest.mark.last
def test_a_slow_client_is_cut_off(slow_client):
    s, since = slow_client
    s.settimeout(max(1, since + 75 - time.monotonic()))
    try:
        s.recv(4096)  # an answer such as 408, or the end
        left = b"" if s.recv(4096) == b"" else b"more"
    except ConnectionResetError:
        left = b""
    assert left == b""


def seconds_until_cut(s, drip, most=8):
    """Drips over and over; how long until the other side ends the connection."""
    began = time.monotonic()
    s.settimeout(0.05)
    while time.monotonic() - began < most:
        try:
            s.sendall(drip)
            if s.recv(16) == b"":
                break
        except TimeoutError:
            pass
        except OSError:
            break
        time.sleep(0.05)
    s.close()
    return time.monotonic() - began


@pytest.mark.parametrize("kind", ["header", "body", "second request", "handshake"])
def test_a_client_that_drips_is_cut_off(start, far, folder, certificate, kind):
    """Each of them sends a byte now and then, so that no silence gives it away."""
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: %s, key_file: %s}\n" % certificate)
    tls = kind == "handshake"
    context = client_context(certificate[0]) if tls else None
    d = start(make_config(hook(far)), args=["--web.timeout=1s"] + (
        [f"--web.config.file={folder}/web.yml"] if tls else []),
        **({"scheme": "https", "when_up": {"context": context}} if tls else {}))
    s = socket.create_connection(("127.0.0.1", d.port), 5)
    s.sendall({"header": b"GET / HTTP/1.1\r\nX: ", "handshake": b"\x16\x03\x01\x02\x00",
               "body": b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n",
               "second request": b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n"}[kind])
    if kind == "second request":
        assert s.recv(4096).startswith(b"HTTP/1.1 200")
        s.sendall(b"GET / HTTP/1.1\r\nX: ")
    assert 0.5 < seconds_until_cut(s, b"\x01" if tls else b"x") < 5
    assert d.get("/-/healthy", context=context).status == 200


def test_a_client_that_takes_its_answer_too_slowly_is_cut_off(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h"}), args=["--web.timeout=1s"])
    for i in range(0, 20000, 2000):
        d.post("/api/v2/alerts", [firing("A", n=str(n), text="x" * 300)
                                  for n in range(i, i + 2000)])
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.connect(("127.0.0.1", d.port))
    s.settimeout(5)
    s.sendall(b"GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n")
    got, began = b"", time.monotonic()
    while time.monotonic() - began < 3:
        got += s.recv(1000)
        time.sleep(0.1)
    while piece := s.recv(1 << 20):
        got += piece
    s.close()
    assert len(got) < 8000000 < len(d.get("/api/v2/alerts").text)


def test_a_client_that_makes_way_is_not_cut_off(start, far):
    """Three times the timeout, but always more than the least pace."""
    d = start(make_config(hook(far)), args=["--web.timeout=1s"])
    body = json.dumps([firing("Long", text="x" * 150000)]).encode()
    s = socket.create_connection(("127.0.0.1", d.port), 5)
    s.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body))
    for i in range(0, len(body), 5000):
        s.sendall(body[i:i + 5000])
        time.sleep(0.1)
    assert s.recv(4096).startswith(b"HTTP/1.1 200")
    s.close()


# -- prefix, TLS, passwords --------------------------------------------------------------
def test_a_route_prefix(start, far, box):
    d = start(make_config(hook(far)), args=["--web.external-url=https://alerts.example.org/am/"],
              web="/am")
    assert http("GET", f"http://127.0.0.1:{d.port}/api/v2/status").status == 404
    assert d.get("/api/v2/status").status == 200
    d.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: True, 5).body["externalURL"] == "https://alerts.example.org/am"
    assert "A" in until(lambda: d.tool("alert", "query").stdout, 5)


def client_context(cert):
    return ssl.create_default_context(cafile=cert)


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_tls_and_basic_auth(start, far, folder, certificate):
    cert, key = certificate
    (folder / "web.yml").write_text(
        f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}\n"
        f"basic_auth_users:\n  me: {HASH}\n")
    context = client_context(cert)
    d = start(make_config(hook(far)), args=[f"--web.config.file={folder}/web.yml"], scheme="https",
              when_up={"context": context, "headers": basic("me", "secret")})
    ok = {"context": context, "headers": basic("me", "secret")}
    assert d.get("/api/v2/status", **ok).status == 200
    for headers in ({}, basic("me", "wrong"), basic("you", "secret"), basic("", ""),
                    {"Authorization": "Basic !!"}, {"Authorization": "Bearer secret"}):
        for path in ("/api/v2/alerts", "/metrics", "/-/healthy", "/"):
            answer = d.get(path, context=context, headers=headers)
            assert answer.status == 401 and answer.text == "Unauthorized\n", (path, headers)
            assert answer.headers["WWW-Authenticate"] == "Basic"
    with pytest.raises(OSError):
        http("GET", f"http://127.0.0.1:{d.port}/-/ready", timeout=3)
    with pytest.raises(ssl.SSLError), pytest.warns(DeprecationWarning):
        old = client_context(cert)
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        s = old.wrap_socket(socket.create_connection(("127.0.0.1", d.port)),
                            server_hostname="localhost")
        s.close()
    (folder / "http.yml").write_text(f"basic_auth: {{username: me, password: secret}}\n"
                                     f"tls_config: {{ca_file: {cert}}}\n")
    for program in (TOCSIN, "amtool"):
        d.tool(f"--http.config.file={folder}/http.yml", "silence", "add", "a=b", "-c", "x",
               program=program)
    assert len(d.get("/api/v2/silences", **ok).json) == 2


def test_idle_tls_handshakes_stop_nobody(start, far, folder, certificate):
    cert, key = certificate
    (folder / "web.yml").write_text(f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}\n")
    context = client_context(cert)
    d = start(make_config(hook(far)), args=[f"--web.config.file={folder}/web.yml"], scheme="https",
              when_up={"context": context})
    idle = [socket.create_connection(("127.0.0.1", d.port), 5) for _ in range(100)]
    for s in idle[::2]:
        s.sendall(b"\x16\x03\x01\x02")
    began = time.monotonic()
    for _ in range(5):
        assert d.get("/-/ready", context=context).status == 200
    assert time.monotonic() - began < 3
    for s in idle:
        s.close()


@pytest.mark.parametrize("text", ["nonsense: 1\n", "tls_server_config: {cert_file: missing.pem}\n",
                                  "basic_auth_users: {me: plain}\n", "a: [\n"])
def test_a_bad_web_configuration_ends_the_start(far, folder, text):
    from programs import TOCSIND
    (folder / "web.yml").write_text(text)
    (folder / "tocsin.yml").write_text(make_config(hook(far)))
    done = run([TOCSIND, f"--config.file={folder}/tocsin.yml", f"--storage.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{free_port()}", "--cluster.listen-address=",
                f"--web.config.file={folder}/web.yml"], check=False)
    assert done.returncode == 1 and "web.yml" in done.stderr


def test_long_lists_of_silences_come_in_pieces(daemon):
    ids = [daemon.silence(f"a={i}", minutes=10 + i, comment="x" * 20000) for i in range(20)]
    gone = daemon.silence("a=gone")
    daemon.delete(f"/api/v2/silence/{gone}")
    answer = daemon.get("/api/v2/silences")
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert [s["id"] for s in answer.json] == [*ids, gone]
    assert [s["id"] for s in daemon.get("/api/v2/silences?active=false").json] == [gone]
    assert daemon.get("/api/v2/silences?filter=a%3Dnothing").text == "[]\n"
    assert len(daemon.get("/api/v2/silences?filter=a%3D7").json) == 1


def test_long_lists_of_rules_come_in_pieces(start, far, rules, backend):
    for i in range(30):
        (rules / f"f{i:02}.yml").write_text(rule_file(group(f"g{i:02}", alert(
            f"A{i:02}", "vector(1)", annotations={"text": "x" * 10000}))))
    d = start(make_config(hook(far), backend=backend), rules=rules)
    answer = until(lambda: (a := d.get("/api/v1/rules")) and len(a.json["data"]["groups"]) == 30
                   and a, 10)
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert [g["name"] for g in answer.json["data"]["groups"]] == [f"g{i:02}" for i in range(30)]
    one = d.get("/api/v1/rules?rule_group[]=g07").json["data"]["groups"]
    assert [g["name"] for g in one] == ["g07"]
    assert d.get("/api/v1/rules?rule_name[]=none").json["data"]["groups"] == []
    assert d.get("/api/v1/alerts").json["status"] == "success"


@pytest.mark.parametrize("cert, words", [("nope", "nope: No such file or directory"),
                                         ("web.yml", "web.yml: no start line")])
def test_a_certificate_that_cannot_be_used_is_named(folder, certificate, cert, words):
    (folder / "web.yml").write_text("tls_server_config: {cert_file: %s, key_file: %s}\n"
                                    % (cert, certificate[1]))
    (folder / "tocsin.yml").write_text("route: {receiver: r}\nreceivers: [{name: r}]\n")
    done = run([TOCSIND, f"--config.file={folder}/tocsin.yml",
                         f"--storage.path={folder}/data", "--cluster.listen-address=",
                         f"--web.listen-address=127.0.0.1:{free_port()}",
                         f"--web.config.file={folder}/web.yml"], check=False)
    assert done.returncode == 1 and words in done.stderr, done.stderr
