"""Starting and stopping programs for the demo and the system tests.

Each program has its own process group and its log in a file. Nothing is ever stopped by
name: only what was started here, by its id.
"""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("TOCSIN_BUILD") or os.path.join(ROOT, "build"))
TOCSIND = os.path.join(BUILD, "tocsind")
TOCSIN = os.path.join(BUILD, "tocsin")


class Late(Exception):
    """Something did not happen in time."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(claim, timeout=10, what="", every=0.02):
    """Waits until claim() is truthy and returns that; Late when time is up."""
    end = time.monotonic() + timeout
    while True:
        got = claim()
        if got:
            return got
        if time.monotonic() > end:
            raise Late(f"{what or 'it'} did not happen within {timeout:g} s")
        time.sleep(every)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:300]}"


def http(method, url, body=None, headers=(), timeout=10, context=None):
    """One request. Any HTTP status is an Answer; no answer raises OSError."""
    headers = dict(headers)
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        *([urllib.request.HTTPSHandler(context=context)] if context else []))
    try:
        with opener.open(request, timeout=timeout) as r:
            return Answer(r.status, r.headers, r.read())
    except urllib.error.HTTPError as e:
        return Answer(e.code, e.headers, e.read())


class Program:
    def __init__(self, name, argv, folder, env=None):
        self.name, self.argv = name, [str(a) for a in argv]
        self.log_path = os.path.join(str(folder), name + ".log")
        self._log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            self.argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            cwd=str(folder), start_new_session=True, env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.process.pid

    @property
    def alive(self):
        return self.process.poll() is None

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def log_tail(self, lines=15):
        return "\n".join(self.log().splitlines()[-lines:])

    def signal(self, number):
        if self.alive:
            os.kill(self.pid, number)

    def kill(self):
        """kill -9, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self, timeout=15):
        """SIGTERM, SIGKILL if that does not help; the exit status (negative: the signal)."""
        if self.alive:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self._log.close()
        return self.process.returncode

    def when_up(self, url, timeout=20, **how):
        """Waits until url answers 200."""
        def up():
            if not self.alive:
                raise Late(f"{self.name} ended with status {self.process.returncode}:")
            try:
                return http("GET", url, timeout=2, **how).status == 200
            except OSError:
                return False

        try:
            until(up, timeout, f"{self.name} at {url}")
        except Late as e:
            raise Late(f"{e}\n{self.log_tail()}") from None
        return self


METRIC = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?$')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


def metrics(text):
    """[(name, {label: value}, number)] of a metrics page; ValueError on a line out of form."""
    out = []
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        m = METRIC.match(line)
        if not m:
            raise ValueError(f"not a sample: {line!r}")
        out.append((m[1], dict(LABEL.findall(m[2] or "")), float(m[3])))
    return out


class Tocsind(Program):
    """The daemon on a free loopback port. Restarting keeps port, folder and storage."""

    def __init__(self, folder, config=None, rules=None, args=(), port=None, web="", name="tocsind",
                 wait=True, scheme="http", when_up=None, before=None):
        self.folder = str(folder)
        self.config = os.path.join(self.folder, "tocsin.yml")
        self.storage = os.path.join(self.folder, "data")
        self.port = port or free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}{web}"
        self._given = (rules, args, web, name, scheme, when_up)
        if config is not None:
            with open(self.config, "w") as f:
                f.write(config)
        argv = [*(before or ()), TOCSIND, f"--config.file={self.config}", f"--storage.path={self.storage}",
                f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="]
        if rules:
            argv += ["--rules", str(rules)]
        super().__init__(name, argv + list(args), self.folder)
        if wait:
            self.when_up(self.url + "/-/ready", **(when_up or {}))

    def again(self, args=None):
        """A new daemon in place of one that ended: same port, same storage."""
        rules, old, web, name, scheme, when_up = self._given
        return Tocsind(self.folder, None, rules, old if args is None else args, self.port, web,
                       name, True, scheme, when_up)

    # -- what it says
    def get(self, path, **how):
        return http("GET", self.url + path, **how)

    def post(self, path, body=None, **how):
        return http("POST", self.url + path, body, **how)

    def delete(self, path, **how):
        return http("DELETE", self.url + path, **how)

    def alerts(self, **labels):
        return [a for a in self.get("/api/v2/alerts").json
                if all(a["labels"].get(k) == v for k, v in labels.items())]

    def groups(self):
        """Rule groups by name, as /api/v1/rules shows them."""
        return {g["name"]: g for g in self.get("/api/v1/rules").json["data"]["groups"]}

    def rule(self, name):
        """The rule of that name, or None."""
        for group in self.groups().values():
            for rule in group["rules"]:
                if rule["name"] == name:
                    return rule
        return None

    def metric(self, name, **labels):
        """The sum of the samples that carry these labels; None when there is none."""
        found = [v for n, l, v in metrics(self.get("/metrics").text)
                 if n == name and all(l.get(k) == w for k, w in labels.items())]
        return sum(found) if found else None

    def silence(self, *matchers, minutes=10, comment="test", author="pytest", **more):
        """Posts a silence on name=value matchers; its id."""
        now = time.time()
        pairs = [m.split("=", 1) for m in matchers]
        body = {"matchers": [{"name": n, "value": v, "isRegex": False, "isEqual": True}
                             for n, v in pairs],
                "startsAt": iso(now), "endsAt": iso(now + 60 * minutes),
                "createdBy": author, "comment": comment, **more}
        answer = self.post("/api/v2/silences", body)
        assert answer.status == 200, answer
        return answer.json["silenceID"]

    def tool(self, *args, check=True, program=None, timeout=20):
        """Runs tocsin (or amtool) against this daemon; CompletedProcess."""
        return run([program or TOCSIN, f"--alertmanager.url={self.url}", *args], check, timeout,
                   HOME=self.folder)


def run(argv, check=True, timeout=20, stdin=None, **env):
    done = subprocess.run([str(a) for a in argv], input=stdin, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **env})
    if check:
        assert done.returncode == 0, \
            f"{' '.join(map(str, argv))}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"


def node_exporter(folder, *args):
    """Debian's node exporter on a free loopback port."""
    port = free_port()
    p = Program("node-exporter", ["prometheus-node-exporter",
                                  f"--web.listen-address=127.0.0.1:{port}", *args], folder)
    p.address = f"127.0.0.1:{port}"
    p.url = f"http://{p.address}"
    return p.when_up(p.url + "/metrics")


def prometheus(folder, config, *args, rules=None):
    """Debian's Prometheus on a free loopback port, its data under folder."""
    port = free_port()
    path = os.path.join(str(folder), "prometheus.yml")
    if rules is not None:
        with open(os.path.join(str(folder), "prometheus-rules.yml"), "w") as f:
            f.write(rules)
    with open(path, "w") as f:
        f.write(config.replace("SELF", f"127.0.0.1:{port}"))
    p = Program("prometheus", ["prometheus", f"--config.file={path}",
                               f"--storage.tsdb.path={folder}/prometheus-data",
                               f"--web.listen-address=127.0.0.1:{port}",
                               "--log.level=warn", *args], folder)
    p.address = f"127.0.0.1:{port}"
    p.url = f"http://{p.address}"
    return p.when_up(p.url + "/-/ready")


def victoria_metrics(folder, *args):
    """Debian's VictoriaMetrics on a free loopback port, its data under folder."""
    port = free_port()
    p = Program("victoria-metrics", ["victoria-metrics",
                                     f"-storageDataPath={folder}/victoria-data",
                                     f"-httpListenAddr=127.0.0.1:{port}",
                                     "-search.latencyOffset=0s", "-loggerLevel=WARN",
                                     "-memory.allowedBytes=128MiB", *args], folder)
    p.address = f"127.0.0.1:{port}"
    p.url = f"http://{p.address}"
    return p.when_up(p.url + "/health")


def exporter(name, folder, *args, flag="--web.listen-address", env=None, wait=True):
    """One of Debian's exporters on a free loopback port."""
    port = free_port()
    p = Program(name, [name, f"{flag}=127.0.0.1:{port}", *args], folder, env)
    p.address = f"127.0.0.1:{port}"
    p.url = f"http://{p.address}"
    return p.when_up(p.url + "/metrics") if wait else p


def redis(folder, name, *args):
    """Debian's Redis on a free loopback port; it keeps nothing unless args say so."""
    port = free_port()
    home = os.path.join(str(folder), name)
    os.mkdir(home)
    p = Program(name, ["redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", home,
                       "--save", "", *args], folder)
    p.port, p.address = port, f"127.0.0.1:{port}"
    return p


class Postgres(Program):
    """Debian's PostgreSQL on a Unix socket. It never runs as root: then as user postgres."""

    def __init__(self, folder, *settings):
        # Not under folder: the path of a socket is short, and that user has to get in.
        self.socket = tempfile.mkdtemp(prefix="tocsin-pg-")
        self._as = []
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.socket, user.pw_uid, user.pw_gid)
            self._as = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                        "--clear-groups"]
        self.programs = max(glob.glob("/usr/lib/postgresql/*/bin"),
                            key=lambda p: int(p.split("/")[-2]))
        data = os.path.join(self.socket, "data")
        run([*self._as, f"{self.programs}/initdb", "-D", data, "-U", "postgres", "-A", "trust",
             "-E", "UTF8", "--no-locale", "--no-sync"], timeout=60)
        settings = ("listen_addresses=", f"unix_socket_directories={self.socket}", "fsync=off",
                    "shared_buffers=16MB", *settings)
        super().__init__("postgres", [*self._as, f"{self.programs}/postgres", "-D", data,
                                      *(x for s in settings for x in ("-c", s))], folder)
        until(lambda: run([f"{self.programs}/pg_isready", "-h", self.socket], check=False)
              .returncode == 0, 20, "PostgreSQL takes connections")

    def sql(self, *statements):
        return run([f"{self.programs}/psql", "-h", self.socket, "-U", "postgres", "-At",
                    *(x for s in statements for x in ("-c", s))]).stdout

    def stop(self, timeout=15):
        self.signal(signal.SIGINT)  # SIGTERM would wait for its clients
        status = super().stop(timeout)
        shutil.rmtree(self.socket, ignore_errors=True)
        return status


def alertmanager(folder, config):
    """Debian's Alertmanager on a free loopback port."""
    port = free_port()
    path = os.path.join(str(folder), "alertmanager.yml")
    with open(path, "w") as f:
        f.write(config)
    p = Program("alertmanager", ["prometheus-alertmanager", f"--config.file={path}",
                                 f"--storage.path={folder}/alertmanager-data",
                                 f"--web.listen-address=127.0.0.1:{port}",
                                 "--cluster.listen-address="], folder)
    p.address = f"127.0.0.1:{port}"
    p.url = f"http://{p.address}"
    return p.when_up(p.url + "/-/ready")


def built():
    """Says what is missing and ends when the programs are not there."""
    for path in (TOCSIND, TOCSIN):
        if not os.access(path, os.X_OK):
            sys.exit(f"{path} is not there: run make first")
