"""Loki, VictoriaLogs and Graphite beside Prometheus: each group asks its own."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest

from conftest import alert, group, hook, make_config, rule_file, write
from programs import until


def vector(metric):
    return {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": metric, "value": [time.time(), "7"]}]}}


ANSWERS = {
    "/loki/api/v1/query": lambda: vector({"app": "shop"}),
    "/select/logsql/stats_query": lambda: vector({"__name__": "errors", "app": "shop"}),
    "/render": lambda: [{"target": "shop.load", "tags": {"name": "shop.load", "dc": "x"},
                         "datapoints": [[7, 1], [None, 2]]}],
    "/api/v1/query": lambda: vector({"job": "node"}),
}


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.server.seen.append((self.path, form, dict(self.headers)))
            good = self.path in ANSWERS and self.path not in self.server.broken
            body = json.dumps(ANSWERS[self.path]()).encode() if good else b"out of order\n"
            self.send_response(200 if good else 502)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    s = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    s.seen, s.broken, s.daemon_threads = [], set(), True
    threading.Thread(target=s.serve_forever, daemon=True).start()
    s.url = f"http://127.0.0.1:{s.server_port}"
    yield s
    s.shutdown()


def test_each_group_asks_its_own_datasource(start, far, box, server, rules):
    kinds = {"prometheus": "up == 0", "loki": 'sum(rate({app="shop"}[1m])) > 1',
             "victorialogs": "error | stats by (app) count() errors", "graphite": "shop.*"}
    write(rules / "all.yml", rule_file(*(
        group(kind, alert(kind.title(), expr, labels={"kind": kind}),
              **({"headers": ["X-Scope-OrgID: me"]} if kind == "loki" else {}),
              **({"type": "graphite"} if kind == "graphite" else {"datasource": kind}))
        for kind, expr in kinds.items())))
    d = start(make_config(hook(far), route={"group_by": ["..."]}, datasources=[
        {"name": kind, "type": kind, "url": server.url, "timeout": "2s"} for kind in kinds]),
        rules)
    want = {"prometheus": {"job": "node"}, "loki": {"app": "shop"},
            "victorialogs": {"app": "shop", "stats_result": "errors"},
            "graphite": {"name": "shop.load", "dc": "x"}}
    for kind, labels in want.items():
        seen = box.wait(lambda s: s.ok and s.body["commonLabels"].get("kind") == kind, 10)
        assert seen, d.log_tail()
        got = dict(seen.body["commonLabels"])
        assert got.pop("alertname") == kind.title() and got.pop("kind") == kind
        assert got == labels
    path, form, headers = next(x for x in server.seen if x[0].startswith("/loki"))
    assert form["query"] == [kinds["loki"]] and headers["X-Scope-OrgID"] == "me"

    server.broken.add("/render")  # costs its own group only
    until(lambda: d.rule("Graphite")["health"] == "err", 10)
    assert "status 502: out of order" in d.rule("Graphite")["lastError"]
    assert d.rule("Graphite")["state"] == "firing"
    assert all(d.rule(k.title())["health"] == "ok" for k in ("prometheus", "loki", "victorialogs"))


def test_a_group_whose_type_nobody_answers(start, far, server, rules):
    write(rules / "g.yml", rule_file(group("g", alert("G", "a.b"), type="graphite"),
                                     group("p", alert("P", "up"))))
    d = start(make_config(hook(far), datasources=[
        {"name": "p", "type": "prometheus", "url": server.url}]), rules)
    until(lambda: d.rule("G")["health"] == "err" and d.rule("P")["health"] == "ok", 10)
    assert "no datasource of the group's type is configured" in d.rule("G")["lastError"]


# -- answers that are not whole ----------------------------------------------------------

@pytest.mark.parametrize("strategy", ["abort", "warn"])
def test_warnings_and_partial_answers(start, far, backend, rules, strategy):
    """Thanos warns, a VictoriaMetrics cluster says isPartial; a group says what it takes."""
    backend.set("up", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group(
        "g", alert("A", "up", annotations={"part": "{{ $isPartial }}"}),
        partial_response_strategy=strategy)))
    d = start(make_config(hook(far), backend=backend), rules,
              ["--rules.template-functions=vmalert"])

    def answers(**members):
        backend.mutation = lambda text: json.dumps({**json.loads(text), **members})

    def with_warnings():
        return d.metric("thanos_rule_evaluation_with_warnings_total", strategy=strategy)

    until(lambda: d.rule("A")["alerts"], 10)
    assert "lastWarning" not in d.rule("A") and with_warnings() == 0
    answers(warnings=["store-1 is away", "and store-2"])
    until(lambda: d.rule("A").get("lastWarning") == "store-1 is away (and 1 more)", 5)
    assert d.rule("A")["health"] == "ok" and with_warnings() > 0
    assert "store-1 is away" in d.tool("rules").stdout
    until(lambda: with_warnings() > 3, 5)
    assert d.log().count("the backend warned") == 1
    answers(isPartial=True)
    if strategy == "warn":
        until(lambda: d.rule("A").get("lastWarning") == "the answer is partial", 5)
        assert d.rule("A")["health"] == "ok"
        assert d.rule("A")["alerts"][0]["annotations"] == {"part": "true"}
    else:
        until(lambda: d.rule("A").get("lastError") == "the answer is partial", 5)
        assert d.rule("A")["state"] == "firing"
    backend.mutation = None
    until(lambda: "lastWarning" not in d.rule("A") and d.rule("A")["health"] == "ok", 5)
    assert "store" not in d.tool("rules").stdout
