"""A remote write receiver on loopback that reads what it gets, and misbehaves on demand.

    r = Receiver()
    r.mode = 500                how it answers from now on
    r.series("job:up:sum")      {labels as a sorted tuple: [(seconds, value)]}

Modes: a status; "hang" (no answer until r.release is set). r.refuse is a set of metric names
that make a request be answered with 400. The value of a stale marker is None.
Reads snappy and protobuf by itself: nothing here is shared with what it tests.
"""
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STALE = 0x7ff0000000000002


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def unsnap(data):
    """A snappy block without its compression."""
    want, at = varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:
            n = tag >> 2
            if n >= 60:
                size = n - 59
                n = int.from_bytes(data[at:at + size], "little")
                at += size
            out += data[at:at + n + 1]
            at += n + 1
            continue
        if tag & 3 == 1:
            n, offset = 4 + (tag >> 2 & 7), (tag >> 5) << 8 | data[at]
            at += 1
        else:
            size = 2 if tag & 3 == 2 else 4
            n, offset = 1 + (tag >> 2), int.from_bytes(data[at:at + size], "little")
            at += size
        assert 0 < offset <= len(out)
        for _ in range(n):
            out.append(out[-offset])
    assert len(out) == want, (len(out), want)
    return bytes(out)


def fields(data):
    """[(number, value)] of a message; bytes for what has a length, int for the rest."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = int.from_bytes(data[at:at + 8], "little"), at + 8
        else:
            assert key & 7 == 2, key
            n, at = varint(data, at)
            value, at = data[at:at + n], at + n
        yield key >> 3, value


def write_request(body):
    """[(labels as a tuple of pairs, seconds, value)]"""
    out = []
    for number, series in fields(unsnap(body)):
        assert number == 1
        labels, samples = [], []
        for kind, inner in fields(series):
            part = dict(fields(inner))
            if kind == 1:
                labels.append((part[1].decode(), part[2].decode()))
            else:
                bits, ms = part.get(1, 0), part.get(2, 0)
                value = None if bits == STALE else struct.unpack("<d", struct.pack("<Q", bits))[0]
                samples.append((ms / 1000, value))
        assert labels == sorted(labels, key=lambda p: p[0].encode()), labels
        assert len({n for n, _ in labels}) == len(labels) and all(v for _, v in labels), labels
        out += [(tuple(labels), at, value) for at, value in samples]
    return out


def message(*pairs):
    """A protobuf message of (number, value): int, float, or the bytes of what has a length."""
    def number(n):
        out = bytearray()
        while n > 0x7f:
            out.append(n & 0x7f | 0x80)
            n >>= 7
        return bytes(out) + bytes([n])

    out = b""
    for key, value in pairs:
        if isinstance(value, float):
            out += number(key << 3 | 1) + struct.pack("<d", value)
        elif isinstance(value, int):
            out += number(key << 3) + number(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            out += number(key << 3 | 2) + number(len(value)) + value
    return out


def snap(data):
    """A snappy block of literals."""
    pieces = [data[i:i + 60] for i in range(0, len(data), 60)]
    return message((0, len(data)))[1:] + b"".join(bytes([len(p) - 1 << 2]) + p for p in pieces)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def log_message(self, *args):
        pass

    def do_POST(self):
        r = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if r.gone:
            self.close_connection = True
            return
        status, text = r.saw(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
        if status == "hang":
            r.release.wait(60)
            self.close_connection = True
            return
        try:
            self.send_response(status)
            for name, value in r.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    allow_reuse_address = True


class Receiver:
    def __init__(self):
        self._lock = threading.Lock()
        self.requests = []  # (path, headers, status, [samples])
        self.mode = 204
        self.refuse = set()
        self.headers = {}
        self.release = threading.Event()
        self._port = 0
        self.come_back()
        self.url = f"http://127.0.0.1:{self._port}/api/v1/write"

    def come_back(self):
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.owner = self
        self._port = self._server.server_address[1]
        self.gone = False
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def go_away(self):
        self.gone = True
        self._server.shutdown()
        self._server.server_close()

    def saw(self, path, headers, body):
        samples = write_request(body)
        with self._lock:
            status = self.mode
            if any(dict(labels)["__name__"] in self.refuse for labels, _, _ in samples):
                status = 400
            self.requests.append((path, headers, status, samples))
        return status, b"" if status in (204, "hang") else b"out of order sample\n"

    def count(self, status):
        with self._lock:
            return sum(1 for r in self.requests if r[2] == status)

    def series(self, name, **labels):
        """What was accepted of that metric: {labels: [(seconds, value)]}, in order of arrival."""
        out = {}
        with self._lock:
            for _, _, status, samples in self.requests:
                for key, at, value in samples if status in (200, 202, 204) else ():
                    have = dict(key)
                    if have["__name__"] == name and labels.items() <= have.items():
                        out.setdefault(key, []).append((at, value))
        return out

    def stop(self):
        self.release.set()
        if not self.gone:
            self.go_away()
