#!/usr/bin/python3
"""What alerts are sent to, on loopback: Slack, PagerDuty, a webhook and a mail server.

Each one checks what it is given as the real service would, answers as it would, and keeps
everything it saw. Tests import this; run by itself it prints what arrives:

    tests/system/endpoints.py --port 8080 --mail-port 2525

    http://127.0.0.1:8080/services/T0/B0/x         Slack, incoming webhook
    http://127.0.0.1:8080/api/chat.postMessage     Slack, app token (also chat.update)
    http://127.0.0.1:8080/v2/enqueue               PagerDuty, Events API v2
    http://127.0.0.1:8080/hook/any-name            webhook

Nothing but loopback is ever listened on.
"""
import argparse
import asyncio
import email
import email.policy
import json
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse
from collections import defaultdict, deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY_MAX = 4 * 1024 * 1024


@dataclass
class Seen:
    """One thing that arrived."""

    kind: str  # slack, pagerduty, webhook, mail
    path: str  # URL path; of a mail the recipients
    status: int  # what was answered
    body: object = None  # decoded JSON; of a mail an EmailMessage
    headers: dict = field(default_factory=dict)
    raw: bytes = b""
    at: float = 0.0  # time.monotonic()
    answer: str = ""
    envelope: object = None  # of a mail: mail_from, rcpt_tos, and whether TLS and who logged in

    @property
    def ok(self):
        return self.status // 100 == 2 and not self.answer.startswith('{"ok": false')


class Box:
    """What arrived, in order. Threads put, others wait."""

    def __init__(self):
        self._changed = threading.Condition()
        self._all = []
        self.watchers = []  # called with each Seen

    def put(self, seen):
        with self._changed:
            self._all.append(seen)
            self._changed.notify_all()
        for watcher in self.watchers:
            watcher(seen)

    def all(self, kind=None, path=None, since=0):
        with self._changed:
            return [s for s in self._all[since:]
                    if (kind is None or s.kind == kind) and (path is None or s.path == path)]

    def count(self):
        with self._changed:
            return len(self._all)

    def wait(self, want, timeout=10, since=0):
        """The first Seen after `since` that want() likes, or None when time is up."""
        until = time.monotonic() + timeout
        with self._changed:
            while True:
                for seen in self._all[since:]:
                    if want(seen):
                        return seen
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)


# -- Slack -------------------------------------------------------------------------------
COLOR = re.compile(r"^(good|warning|danger|#?[0-9A-Fa-f]{3}([0-9A-Fa-f]{3})?)$")


def slack_problem(message):
    """What Slack would refuse about a message; None when it would show it."""
    if not isinstance(message, dict):
        return "invalid_payload"
    attachments = message.get("attachments", [])
    if not isinstance(attachments, list):
        return "invalid_attachments"
    if len(attachments) > 100:
        return "too_many_attachments"
    for name in ("channel", "username", "text", "icon_emoji", "icon_url", "ts"):
        if name in message and not isinstance(message[name], str):
            return "invalid_payload"
    shown = bool(message.get("text"))
    for a in attachments:
        if not isinstance(a, dict):
            return "invalid_attachments"
        for name in ("title", "title_link", "pretext", "text", "fallback", "color", "footer",
                     "image_url", "thumb_url", "callback_id"):
            if name in a and not isinstance(a[name], str):
                return "invalid_attachments"
        if a.get("color") and not COLOR.match(a["color"]):
            return "invalid_attachments"
        for part in a.get("fields", []):
            if not isinstance(part, dict) or not isinstance(part.get("short", False), bool):
                return "invalid_attachments"
        for action in a.get("actions", []):
            if not isinstance(action, dict) or not action.get("text"):
                return "invalid_attachments"
        shown = shown or any(a.get(k) for k in ("text", "fallback", "title", "pretext", "fields"))
    return None if shown else "no_text"


def slack_webhook(headers, raw):
    """Slack's answer to an incoming webhook: status, content type, text, message."""
    kind = headers.get("content-type", "").split(";")[0]
    if kind == "application/x-www-form-urlencoded":
        raw = urllib.parse.parse_qs(raw.decode(errors="replace")).get("payload", [""])[0].encode()
    try:
        message = json.loads(raw)
    except ValueError:
        return 400, "text/html", "invalid_payload", None
    problem = slack_problem(message)
    if problem:
        return 400, "text/html", problem, message
    return 200, "text/html", "ok", message


def slack_api(method, headers, raw, counter):
    """Slack's answer to a method of its web API: HTTP 200 and ok true or false."""
    def no(error, message=None):
        return 200, "application/json; charset=utf-8", \
            json.dumps({"ok": False, "error": error}), message

    auth = headers.get("authorization", "")
    if not auth:
        return no("not_authed")
    if not re.match(r"^Bearer xox[a-z]-\S+$", auth):
        return no("invalid_auth")
    try:
        message = json.loads(raw)
    except ValueError:
        return no("invalid_json")
    if not isinstance(message, dict) or not message.get("channel"):
        return no("channel_not_found", message)
    if method == "chat.update" and not message.get("ts"):
        return no("message_not_found", message)
    problem = slack_problem(message)
    if problem:
        return no(problem, message)
    stamp = message.get("ts") or f"{1700000000 + counter}.{counter:06d}"
    answer = {"ok": True, "channel": "C0" + message["channel"].lstrip("#C").upper(), "ts": stamp,
              "message": {"type": "message", "text": message.get("text", "")}}
    return 200, "application/json; charset=utf-8", json.dumps(answer), message


def slack_plain(text):
    """mrkdwn as a person reads it."""
    text = re.sub(r"<(?:mailto:)?([^|>\s]+)\|([^>]*)>", r"\2", text)
    text = re.sub(r"<([a-z]+://[^>\s]+)>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def slack_lines(message):
    """The message as Slack would show it, in lines of plain text."""
    out = [f"{message.get('username') or 'incoming-webhook'}  APP   {message.get('channel', '')}"
           .rstrip()]
    if message.get("text"):
        out += slack_plain(message["text"]).splitlines()
    for a in message.get("attachments", []):
        if a.get("pretext"):
            out += slack_plain(a["pretext"]).splitlines()
        bar = []
        if a.get("title"):
            bar.append(slack_plain(a["title"]))
        bar += slack_plain(a.get("text", "")).splitlines()
        for f in a.get("fields") or []:
            bar.append(f"{slack_plain(f.get('title', ''))}: {slack_plain(f.get('value', ''))}")
        if a.get("actions"):
            bar.append("  ".join(f"[ {slack_plain(x.get('text', ''))} ]" for x in a["actions"]))
        if a.get("footer"):
            bar.append(slack_plain(a["footer"]))
        out += ["▌ " + line for line in bar or [slack_plain(a.get("fallback", ""))]]
    return out


# -- PagerDuty ---------------------------------------------------------------------------
SEVERITIES = ("critical", "error", "warning", "info")


def pagerduty_problems(event):
    """What Events API v2 would list under errors."""
    if not isinstance(event, dict):
        return ["Request body must be a JSON object"]
    bad = []
    key = event.get("routing_key")
    if not isinstance(key, str) or len(key) != 32:
        bad.append("'routing_key' is missing or not 32 characters long")
    action = event.get("event_action")
    if action not in ("trigger", "acknowledge", "resolve"):
        bad.append("'event_action' must be one of trigger, acknowledge, resolve")
    dedup = event.get("dedup_key", "")
    if not isinstance(dedup, str) or len(dedup) > 255:
        bad.append("'dedup_key' must be text of at most 255 characters")
    if action in ("acknowledge", "resolve") and not dedup:
        bad.append("'dedup_key' is needed for this event_action")
    payload = event.get("payload")
    if action == "trigger":
        if not isinstance(payload, dict):
            return bad + ["'payload' is missing or blank"]
        if not isinstance(payload.get("summary"), str) or not payload["summary"]:
            bad.append("'payload.summary' is missing or blank")
        elif len(payload["summary"]) > 1024:
            bad.append("'payload.summary' is longer than 1024 characters")
        if not isinstance(payload.get("source"), str) or not payload["source"]:
            bad.append("'payload.source' is missing or blank")
        if payload.get("severity") not in SEVERITIES:
            bad.append("'payload.severity' must be one of " + ", ".join(SEVERITIES))
        if "timestamp" in payload and not isinstance(payload["timestamp"], str):
            bad.append("'payload.timestamp' must be text")
        if not isinstance(payload.get("custom_details", {}), dict):
            bad.append("'payload.custom_details' must be an object")
    for name, must in (("links", "href"), ("images", "src")):
        for item in event.get(name) or []:
            if not isinstance(item, dict) or not item.get(must):
                bad.append(f"'{name}' needs {must}")
    return bad


def pagerduty(headers, raw):
    def answer(code, **members):
        return code, "application/json", json.dumps(members)

    if len(raw) > 512 * 1024:
        return answer(413, status="payload too large", message="512 KB at most") + (None,)
    if headers.get("content-type", "").split(";")[0] != "application/json":
        return answer(400, status="invalid event", message="Content-Type must be application/json",
                      errors=[]) + (None,)
    try:
        event = json.loads(raw)
    except ValueError as e:
        return answer(400, status="invalid event", message="JSON cannot be parsed",
                      errors=[str(e)]) + (None,)
    bad = pagerduty_problems(event)
    if bad:
        return answer(400, status="invalid event", message="Event object is invalid",
                      errors=bad) + (event,)
    return answer(202, status="success", message="Event processed",
                  dedup_key=event.get("dedup_key", "")) + (event,)


def pagerduty_lines(event):
    p = event.get("payload") or {}
    details = p.get("custom_details") or {}
    out = [f"{event['event_action'].upper()}  {p.get('severity', '')}  {p.get('summary', '')}",
           f"source       {p.get('source', '')}",
           f"dedup key    {event.get('dedup_key', '')}"]
    for name in ("class", "component", "group"):
        if p.get(name):
            out.append(f"{name:12} {p[name]}")
    for name in sorted(details):
        value = details[name]
        if isinstance(value, list):
            value = ", ".join(v.get("labels", {}).get("alertname", "?") if isinstance(v, dict)
                              else str(v) for v in value) or "none"
        lines = str(value).rstrip().splitlines() or ["none"]
        out.append(f"{name:12} {lines[0]}")
        out += [" " * 13 + line for line in lines[1:]]
    if event.get("client_url"):
        out.append(f"client       {event.get('client', '')} {event['client_url']}")
    return out


# -- HTTP --------------------------------------------------------------------------------
class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written one after the other
    server_version = "endpoints"
    timeout = 60

    def log_message(self, *args):
        pass

    def _body(self):
        n = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(min(n, BODY_MAX))

    def _send(self, status, kind, text, extra=()):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_POST(self):
        owner = self.server.owner
        raw = self._body()
        path = self.path.split("?")[0]
        headers = {k.lower(): v for k, v in self.headers.items()}
        at = time.monotonic()
        forced = owner.next_forced(path)
        body = None
        extra = ()
        if path.startswith("/services/"):
            kind = "slack"
            status, ctype, text, body = slack_webhook(headers, raw)
        elif path in ("/api/chat.postMessage", "/api/chat.update"):
            kind = "slack"
            status, ctype, text, body = slack_api(path[5:], headers, raw, owner.box.count() + 1)
        elif path == "/v2/enqueue":
            kind = "pagerduty"
            status, ctype, text, body = pagerduty(headers, raw)
        else:
            kind, status, ctype, text = "webhook", 200, "text/plain", ""
            try:
                body = json.loads(raw)
            except ValueError:
                status, text = 400, "not JSON"
        if forced:
            status, text, wait = forced
            ctype = "text/plain"
            time.sleep(wait)
        owner.box.put(Seen(kind, path, status, body, headers, raw, at, text))
        self._send(status, ctype, text, extra)

    do_PUT = do_POST

    def do_GET(self):
        self._send(200, "text/plain", "endpoints\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True


class HttpEndpoints:
    """Slack, PagerDuty and webhooks on one loopback port."""

    def __init__(self, box=None, port=0):
        self.box = box or Box()
        self._forced = defaultdict(deque)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.slack = f"{self.url}/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
        self.slack_api = f"{self.url}/api/chat.postMessage"
        self.pagerduty = f"{self.url}/v2/enqueue"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def hook(self, name="alerts"):
        return f"{self.url}/hook/{name}"

    def force(self, path, status, text="", times=1, wait=0.0):
        """The next answers on that path, whatever is sent."""
        with self._lock:
            self._forced[path].extend([(status, text, wait)] * times)

    def next_forced(self, path):
        with self._lock:
            return self._forced[path].popleft() if self._forced[path] else None

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Redirecting:
    """Answers by path what it is told to: {path: (status, location)} or a function of headers and
    body that gives that; 200 elsewhere. seen: what came, as (method, Host, path, headers, body)."""

    def __init__(self, answers=()):
        self.answers, self.seen = dict(answers), []
        outer = self

        class Handler(_Handler):
            def do_POST(self):
                raw = self._body()
                headers = {k.lower(): v for k, v in self.headers.items()}
                outer.seen.append((self.command, headers["host"], self.path, headers, raw))
                answer = outer.answers.get(self.path, (200, None))
                status, where = answer(headers, raw) if callable(answer) else answer
                self._send(status, "application/json", '{"success": true, "access_token": "tok"}',
                           [("Location", where)] if where else [])

            do_GET = do_PUT = do_POST

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


# -- mail --------------------------------------------------------------------------------
class MailServer:
    """An SMTP server on loopback. tls: a server ssl.SSLContext, then STARTTLS is offered (and
    with implicit=True spoken from the first byte). users: {name: password}, then AUTH is
    offered and demanded. refuse: recipients answered with 550."""

    def __init__(self, box=None, port=0, tls=None, implicit=False, users=None, refuse=()):
        self.box = box or Box()
        self.users = users
        self.refuse = set(refuse)
        self._tls = tls
        self._implicit = implicit
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(port, started), daemon=True)
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError("mail server did not start")

    def _session(self):
        from aiosmtpd.smtp import SMTP
        options = {"hostname": "mail.example.org", "enable_SMTPUTF8": True, "loop": self._loop,
                   "timeout": 30}
        if self._tls and not self._implicit:
            options.update(tls_context=self._tls, require_starttls=True)
        if self.users is not None:
            options.update(authenticator=self._login, auth_required=True,
                           auth_require_tls=bool(self._tls) and not self._implicit)
        return SMTP(self, **options)

    def _login(self, server, session, envelope, mechanism, data):
        from aiosmtpd.smtp import AuthResult
        good = (mechanism in ("PLAIN", "LOGIN")
                and self.users.get(data.login.decode()) == data.password.decode())
        return AuthResult(success=good, auth_data=data.login.decode() if good else None,
                          handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refuse:
            return "550 5.1.1 no such mailbox here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        raw = envelope.original_content or envelope.content
        message = email.message_from_bytes(raw, policy=email.policy.default)
        who = {"from": envelope.mail_from, "to": list(envelope.rcpt_tos),
               "tls": session.ssl is not None or self._implicit, "hello": session.host_name,
               "user": session.auth_data if session.authenticated else None}
        self.box.put(Seen("mail", ",".join(envelope.rcpt_tos), 250, message, {}, raw,
                          time.monotonic(), "250 OK", who))
        return "250 OK"

    def _run(self, port, started):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(self._loop.create_server(
            self._session, "127.0.0.1", port,
            ssl=self._tls if self._implicit else None))
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        self._loop.run_forever()
        server.close()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def stop(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class StallingMail:
    """An SMTP server that says nothing more from a word of the client on: "" (no greeting), EHLO,
    STARTTLS (it agrees and then does not shake hands), MAIL, RCPT, DATA, "." (the verdict on the
    message), QUIT. refuse: a word answered with 550. heard: the words of all dialogues."""

    def __init__(self, at, refuse=None):
        self.at, self.refuse, self.heard = at, refuse, []
        self._open = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                s, _ = self._server.accept()
            except OSError:
                return
            self._open.append(s)
            threading.Thread(target=self._talk_to, args=(s,), daemon=True).start()

    def _talk_to(self, s):
        try:
            self._talk(s)
        except ConnectionError:
            pass  # the client hung up, as it may

    def _talk(self, s):
        answers = {"EHLO": "250-mail.example.org\r\n250 STARTTLS", "STARTTLS": "220 go ahead",
                   "DATA": "354 go ahead", "QUIT": "221 bye"}
        if self.at == "":
            return
        s.sendall(b"220 mail.example.org\r\n")
        in_message = False
        for line in s.makefile("rb"):
            word = line.decode(errors="replace").split(None, 1)[0] if line.strip() else ""
            if in_message and word != ".":
                continue
            self.heard.append(word)
            if word == self.refuse:
                s.sendall(b"550 no\r\n")
                continue
            if word == self.at:
                if word == "STARTTLS":
                    s.sendall(b"220 go ahead\r\n")
                return
            in_message = word == "DATA"
            s.sendall((answers.get(word, "250 ok") + "\r\n").encode())

    def stop(self):
        for s in [self._server, *self._open]:
            s.close()


def mail_part(message, kind):
    """Decoded text of the text/plain or text/html part, or None."""
    for part in message.walk():
        if part.get_content_type() == kind:
            return part.get_content()
    return None


def mail_lines(message):
    out = [f"{name + ':':9}{message[name]}" for name in ("From", "To", "Subject") if message[name]]
    text = mail_part(message, "text/plain")
    if text:
        out += [""] + text.rstrip().splitlines()
    return out


def server_context(cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def lines_of(seen):
    """Anything that arrived, as people would see it."""
    if not seen.ok:
        return [f"refused with {seen.status}: {seen.answer}", seen.raw[:400].decode(errors="replace")]
    if seen.kind == "slack":
        return slack_lines(seen.body)
    if seen.kind == "pagerduty":
        return pagerduty_lines(seen.body)
    if seen.kind == "mail":
        return mail_lines(seen.body)
    return json.dumps(seen.body, indent=2).splitlines()


def main():
    p = argparse.ArgumentParser(description="Slack, PagerDuty, webhook and mail, on loopback.")
    p.add_argument("--port", type=int, default=8080)
    p.add_argument("--mail-port", type=int, default=2525)
    args = p.parse_args()
    box = Box()
    http = HttpEndpoints(box, args.port)
    mail = MailServer(box, args.mail_port)
    box.watchers.append(lambda seen: print("\n".join(
        [f"-- {time.strftime('%H:%M:%S')} {seen.kind} {seen.path}"] + lines_of(seen)) + "\n",
        flush=True))
    print(f"slack      {http.slack}\nslack app  {http.slack_api}\npagerduty  {http.pagerduty}\n"
          f"webhook    {http.hook()}\nmail       {mail.address}\n", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
