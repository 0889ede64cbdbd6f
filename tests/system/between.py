"""A proxy between the daemon and a real backend, that spoils answers on demand.

    p = Between("http://127.0.0.1:9090")
    p.mode = "cut"

Modes: pass; delay (p.delay seconds); cut (half of the body, then the end); short and long
(Content-Length says less, or more, than there is); corrupt (bytes in the middle are others);
redirect (to a page for people), loop (a redirect to itself), elsewhere (to another host);
endless (a body without end); silent (takes the request and never answers); gone (refuses).
"""
import http.client
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, *args):
        pass

    def forward(self):
        owner = self.server.owner
        owner.asked += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/login"):
            return self.send(200, b"<html>Please log in</html>", kind="text/html")
        try:
            getattr(self, "mode_" + owner.mode)(owner, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = forward

    def handle(self):
        try:
            super().handle()
        except ConnectionResetError:
            pass

    def real(self, owner, body):
        c = http.client.HTTPConnection(owner.host, owner.port, timeout=10)
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() in ("content-type", "accept", "authorization")}
        c.request(self.command, self.path, body, headers)
        answer = c.getresponse()
        data = answer.read()
        c.close()
        return answer.status, data

    def send(self, status, data, length=None, kind="application/json", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def mode_pass(self, owner, body):
        self.send(*self.real(owner, body))

    def mode_delay(self, owner, body):
        answer = self.real(owner, body)
        owner.released.wait(owner.delay)
        self.send(*answer)

    def mode_cut(self, owner, body):
        status, data = self.real(owner, body)
        self.send(status, data[:len(data) // 2], length=len(data))
        self.close_connection = True

    def mode_short(self, owner, body):
        status, data = self.real(owner, body)
        self.send(status, data, length=len(data) - 9)
        self.close_connection = True

    def mode_long(self, owner, body):
        status, data = self.real(owner, body)
        self.send(status, data, length=len(data) + 100)
        self.close_connection = True

    def mode_corrupt(self, owner, body):
        status, data = self.real(owner, body)
        at = len(data) // 2
        self.send(status, data[:at] + b"\x00\xff{" + data[at + 3:])

    def mode_redirect(self, owner, body):
        self.send(302, b"", Location="/login")

    def mode_loop(self, owner, body):
        self.send(307, b"", Location=self.path)

    def mode_elsewhere(self, owner, body):
        self.send(307, b"", Location="http://127.0.0.1:1/api/v1/query")

    def mode_endless(self, owner, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        self.wfile.write(b'{"status":"success","data":{"resultType":"vector","result":[')
        while not owner.released.is_set():
            self.wfile.write(b'{"metric":{"a":"' + b"x" * 60000 + b'"},"value":[1,"1"]},')

    def mode_silent(self, owner, body):
        owner.released.wait(60)
        self.close_connection = True

    def mode_gone(self, owner, body):
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *args):
        pass


class Between:
    MODES = ["delay", "cut", "short", "long", "corrupt", "redirect", "loop", "elsewhere",
             "endless", "silent", "gone"]

    def __init__(self, url):
        at = urllib.parse.urlsplit(url)
        self.host, self.port = at.hostname, at.port
        self.mode, self.delay, self.asked = "pass", 30, 0
        self.released = threading.Event()  # ends what waits
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def stop(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
