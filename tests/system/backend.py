"""A metrics backend that speaks Prometheus's query API, on loopback, and misbehaves on demand.

    b = Backend()
    b.set("disk_full", ({"host": "a"}, 1))     what the expression disk_full gives
    b.mode = "cut"                             how it answers from now on

Modes: ok; 500; 429; error (200 with status error); html; garbage; truncated (whole HTTP, half
the JSON); cut (the connection ends in the middle of the body); reset (before any answer);
slow (after b.delay seconds); drip (a byte now and then); string and matrix (wrong result
types); badvalue; samelabels (two samples with the same labels); flood (endless body).
"""
import json
import socket
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written one after the other
    timeout = 60

    def log_message(self, *args):
        pass

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.answer({**dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)),
                     **dict(urllib.parse.parse_qsl(raw))})

    def do_GET(self):
        self.answer(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))

    def answer(self, params):
        b = self.server.owner
        if b.gone:
            self.close_connection = True
            return
        b.saw(self.path.split("?")[0], params, {k.lower(): v for k, v in self.headers.items()})
        mode = b.mode
        if b.names and self.path.startswith("/api/v1/label/__name__/values"):
            self.send(200, json.dumps({"status": "success", "data": b.names(params["match[]"])}))
            return
        try:
            getattr(self, "mode_" + mode.replace("500", "fail").replace("429", "busy"))(b, params)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def send(self, status, data, kind="application/json", length=None):
        data = data if isinstance(data, bytes) else data.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def good(self, b, params):
        return json.dumps({"status": "success", "data": {
            "resultType": "vector", "result": b.vector(params.get("query", ""))}})

    def mode_ok(self, b, params):
        text = self.good(b, params)
        self.send(200, b.mutation(text) if b.mutation else text)

    def mode_fail(self, b, params):
        self.send(500, json.dumps({"status": "error", "errorType": "internal",
                                   "error": "the disk of the backend is gone"}))

    def mode_busy(self, b, params):
        self.send(429, "too many requests\n", "text/plain")

    def mode_error(self, b, params):
        self.send(200, json.dumps({"status": "error", "errorType": "execution",
                                   "error": "found duplicate series"}))

    def mode_html(self, b, params):
        self.send(200, "<html><body>Please log in</body></html>", "text/html")

    def mode_garbage(self, b, params):
        self.send(200, bytes(range(256)) * 4)

    def mode_truncated(self, b, params):
        text = self.good(b, params)
        self.send(200, text[:len(text) * 2 // 3])

    def mode_cut(self, b, params):
        text = self.good(b, params)
        self.send(200, text[:len(text) // 2], length=len(text))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def mode_reset(self, b, params):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def mode_slow(self, b, params):
        b.release.wait(b.delay)
        self.mode_ok(b, params)

    def mode_drip(self, b, params):
        text = self.good(b, params).encode()
        self.send(200, text[:1], length=len(text))
        for i in range(1, len(text)):
            if b.release.wait(0.2):
                break
            self.wfile.write(text[i:i + 1])
            self.wfile.flush()
        self.close_connection = True

    def mode_string(self, b, params):
        self.send(200, json.dumps({"status": "success", "data": {
            "resultType": "string", "result": [time.time(), "hello"]}}))

    def mode_matrix(self, b, params):
        self.send(200, json.dumps({"status": "success", "data": {
            "resultType": "matrix", "result": []}}))

    def mode_badvalue(self, b, params):
        self.send(200, json.dumps({"status": "success", "data": {
            "resultType": "vector", "result": [{"metric": {}, "value": [1, "12abc"]}]}}))

    def mode_samelabels(self, b, params):
        self.send(200, json.dumps({"status": "success", "data": {
            "resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1, "1"]},
                                               {"metric": {"a": "b"}, "value": [1, "2"]}]}}))

    def mode_flood(self, b, params):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b'{"status":"success","data":{"resultType":"vector","result":[')
        block = b'{"metric":{"a":"' + b"x" * 65000 + b'"},"value":[1,"1"]},'
        for _ in range(b.flood_bytes // len(block)):
            if b.release.is_set():
                return
            self.wfile.write(block)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True


class Backend:
    MISBEHAVING = ["500", "429", "error", "html", "garbage", "truncated", "cut", "reset",
                   "string", "matrix", "badvalue", "samelabels"]

    def __init__(self):
        self._lock = threading.Lock()
        self._vectors = {}
        self.queries = []  # (path, params, headers)
        self.mode = "ok"
        self.names = None  # the metrics it knows, of those that a match[] asks for
        self.mutation = None  # what is made of a good answer
        self.gone = False
        self.delay = 30
        self.flood_bytes = 80 * 1024 * 1024
        self.release = threading.Event()  # ends what is being slow
        self._port = 0
        self.come_back()
        self.url = f"http://127.0.0.1:{self._port}"

    def come_back(self):
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.owner = self
        self._port = self._server.server_address[1]
        self.gone = False
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def go_away(self):
        """Nobody listens any more, and open connections end."""
        self.gone = True
        self._server.shutdown()
        self._server.server_close()

    def set(self, expr, *samples):
        """samples: (labels, value) each; none: the expression gives nothing."""
        with self._lock:
            self._vectors[expr] = [
                {"metric": dict(labels), "value": [int(time.time()), f"{value:g}"]}
                for labels, value in samples]

    def vector(self, expr):
        with self._lock:
            return self._vectors.get(expr, [])

    def saw(self, path, params, headers):
        with self._lock:
            self.queries.append((path, params, headers))

    def asked(self, expr):
        """How often that expression was asked for."""
        with self._lock:
            return sum(1 for _, p, _ in self.queries if p.get("query") == expr)

    def stop(self):
        self.release.set()
        if not self.gone:
            self.go_away()
