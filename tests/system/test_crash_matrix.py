"""The real daemon with a real SQLite, killed or failed at each of its calls to the storage folder
and to the network, and what is there afterwards.

One workload is counted first; then it runs again and again, each time with one fault point. Here a
sample of the points, always the same; all of them, and the table for tests/faults/README.md:

    CRASH_POINTS=all CRASH_TABLE=table.md /usr/bin/python3 -m pytest -q tests/system/test_crash_matrix.py
"""
import concurrent.futures
import errno
import glob
import os
import random
import re
import shutil
import sqlite3
import time
from collections import Counter, defaultdict
from http.client import HTTPException

import pytest

from conftest import firing, hook, make_config, resolved
from endpoints import Box, HttpEndpoints
from faults import KILL_AFTER, KILL_BEFORE, KINDS, NETWORK, SHORT, STORAGE, Faults
from programs import BUILD, Late, Tocsind, iso, until

pytestmark = pytest.mark.skipif("address" in BUILD, reason="sanitizers load before the shim")

ALL = os.environ.get("CRASH_POINTS") == "all"
KILLS, FAILURES, POWER = (0, 0, 0) if ALL else (60, 40, 40)
AT_ONCE = 4  # runs side by side: they wait more than they compute
GONE = (OSError, HTTPException, ValueError)


class Ended(Exception):
    """The daemon is gone."""


class Run:
    """One workload, with what was promised on the way and what has to be there in the end."""

    def __init__(self, folder, at=None, what=None, name=""):
        os.mkdir(folder)
        self.folder, self.name = folder, name
        self.loses_power = name.startswith("no power")
        self.is_kill = what in (KILL_BEFORE, KILL_AFTER)
        self.faults = Faults(folder, self.loses_power)
        if at:
            self.faults.fail(at[0], what, at[1], 1)
        self.box = Box()
        self.far = HttpEndpoints(self.box)
        self.config = make_config(hook(self.far), route={"group_wait": "50ms",
                                                         "group_interval": "100ms"})
        self.silences = {}  # id: (alertname, states it may have)
        self.posted = {}  # alertname: the alert as it was posted last, unless that is enough
        self.problems = []
        self.done = []
        self.daemon = None

    # -- one step, tried until it works or the daemon is gone
    def ask(self, method, path, body=None, may_fail=False):
        end = time.monotonic() + 15
        while True:
            if not self.daemon.alive:
                raise Ended()
            try:
                answer = getattr(self.daemon, method)(path, *([body] if body is not None else []),
                                                      timeout=10)
                if answer.status == 200:
                    return answer
                if answer.status < 500:
                    raise Late(f"{method} {path}: {answer}")
            except GONE:
                pass
            if time.monotonic() > end:
                raise Late(f"{method} {path} was not answered within 15 s")
            time.sleep(0.02)

    def silence(self, name):
        now = time.time()
        body = {"matchers": [{"name": "alertname", "value": name, "isRegex": False}],
                "startsAt": iso(now), "endsAt": iso(now + 3600), "createdBy": "matrix",
                "comment": f"for {name}"}
        sid = self.ask("post", "/api/v2/silences", body).json["silenceID"]
        self.silences[sid] = (name, {"active"})
        return sid

    def expire(self, name):
        """All of them: one whose answer was never heard may be there, too."""
        for s in self.ask("get", "/api/v2/silences").json:
            if s["comment"] != f"for {name}" or s["status"]["state"] == "expired":
                continue
            self.silences[s["id"]] = (name, {"active", "expired"})  # asked, not answered yet
            self.ask("delete", f"/api/v2/silence/{s['id']}")
            self.silences[s["id"]] = (name, {"expired"})

    def post(self, *alerts):
        for a in alerts:
            self.posted[a["labels"]["alertname"]] = a
        self.ask("post", "/api/v2/alerts", list(alerts))
        if self.is_kill and not self.loses_power:  # it was answered: never again
            for a in alerts:
                del self.posted[a["labels"]["alertname"]]

    def told(self, name, status="firing"):
        """Waits for the page; posts again meanwhile, as Prometheus does, unless a posted alert
        has to be on the disk."""
        def is_told():
            return any(s.ok and s.body["status"] == status and
                       s.body["groupLabels"]["alertname"] == name for s in self.box.all())

        end, again = time.monotonic() + 15, time.monotonic() + 1
        while not is_told():
            if not self.daemon.alive:
                raise Ended()
            if time.monotonic() > end:
                raise Late(f"nobody was told {name} {status}")
            if time.monotonic() > again and name in self.posted:
                self.post(self.posted[name])
                again = time.monotonic() + 1
            time.sleep(0.01)

    # -- the workload
    STEPS = (
        ("hush", lambda r: r.silence("Hushed")),
        ("hush for a while", lambda r: r.silence("Later")),
        ("alerts", lambda r: r.post(firing("Loud"), firing("Hushed"), firing("Later"))),
        ("loud", lambda r: r.told("Loud")),
        ("reload", lambda r: r.ask("post", "/-/reload", b"")),
        ("speak", lambda r: r.expire("Later")),
        ("later", lambda r: r.told("Later")),
        ("second", lambda r: r.post(firing("Second"))),
        ("second told", lambda r: r.told("Second")),
        ("over", lambda r: r.post(resolved("Loud"))),
        ("resolved", lambda r: r.told("Loud", "resolved")),
    )

    def work(self):
        for name, step in self.STEPS:
            if name not in self.done:
                step(self)
                self.done.append(name)

    def first_life(self):
        """True: all was done and the daemon ended as asked."""
        self.daemon = self.faults.tocsind(self.folder, self.config, wait=False)
        try:
            until(lambda: not self.daemon.alive or self.is_up(), 20, "the start")
            self.work()
            self.status = self.daemon.stop()
            return self.status == 0
        except Ended:
            self.daemon.process.wait(10)
            self.status = self.daemon.process.returncode
            return False

    def is_up(self):
        try:
            return self.daemon.get("/-/ready", timeout=5).status == 200
        except GONE:
            return False

    def second_life(self):
        """Without faults: the rest of the work, after what was not answered was posted again."""
        self.answered = self.box.count()
        if self.loses_power:
            self.faults.lose_power()
        self.check_database()
        self.faults.clear()
        self.daemon = Tocsind(self.folder, None, port=self.daemon.port)
        self.check_silences()
        if self.posted:
            self.ask("post", "/api/v2/alerts", list(self.posted.values()))
        self.work()
        time.sleep(0.5)  # for what would come too much
        self.check_silences()
        self.check_journal()
        self.daemon.stop()
        self.check_database()
        self.check_pages()

    # -- what has to be true
    def check(self, claim, what):
        if not claim:
            self.problems.append(what)

    def check_silences(self):
        there = {s["id"]: s for s in self.ask("get", "/api/v2/silences").json}
        for sid, (name, states) in self.silences.items():
            s = there.get(sid)
            self.check(s, f"the acknowledged silence of {name} is lost")
            if s:
                self.check(s["status"]["state"] in states,
                           f"the silence of {name} is {s['status']['state']}, not {states}")
                self.check(s["comment"] == f"for {name}" and s["createdBy"] == "matrix" and
                           s["matchers"][0]["value"] == name, f"another silence: {s}")

    def check_database(self):
        """Of a copy: looking must not mend what the daemon has to."""
        copy = os.path.join(self.folder, "copy")
        shutil.rmtree(copy, ignore_errors=True)
        os.mkdir(copy)
        for path in glob.glob(os.path.join(self.folder, "data", "tocsin.db*")):
            shutil.copy(path, copy)
        path = os.path.join(copy, "tocsin.db")
        if not os.path.exists(path):
            return
        db = sqlite3.connect(path)
        said = db.execute("pragma integrity_check").fetchall()
        self.check(said == [("ok",)], f"integrity_check: {said}")
        db.close()

    def check_journal(self):
        answer = self.daemon.get("/api/v1/history")
        self.check(answer.status == 200, f"the history: {answer}")
        self.check(self.journal("select count(*) from journal") > 3, "the journal is empty")

    def journal(self, sql):
        db = sqlite3.connect(f"file:{self.folder}/data/tocsin.db?mode=ro", uri=True)
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()

    def check_pages(self):
        keys, said = Counter(), defaultdict(set)
        # unanswered: found open at the next start, the reload came before the answer was read, or
        # the network broke before
        unheard = self.daemon.log().count("was being sent when the daemon ended")
        unheard += self.journal("select count(*) from journal where reason = 'delivery_canceled'")
        unheard += sum(self.faults.met(kind) for kind in NETWORK)
        for s in self.box.all():
            if not s.ok:
                continue
            key = s.headers.get("idempotency-key")
            self.check(key, "a page without an Idempotency-Key")
            keys[key] += 1
            said[s.body["groupLabels"]["alertname"], s.body["status"]].add(key)
        self.repeated = sum(n - 1 for n in keys.values())
        self.check(self.repeated <= unheard,
                   f"{self.repeated} repeated, {unheard} had no recorded answer")
        for page in ("Loud", "firing"), ("Loud", "resolved"), ("Later", "firing"), \
                ("Second", "firing"):
            self.check(page in said, f"nobody was told {page}")
        for page, of in said.items():
            self.check(len(of) == 1, f"{page} was told under {len(of)} keys")
            self.check(page[0] != "Hushed", "what a silence covered was told")

    def end(self):
        if self.daemon and self.daemon.alive:
            self.daemon.kill()
        self.far.stop()
        if not self.problems:
            shutil.rmtree(self.folder, ignore_errors=True)
        return self


def counted(folder):
    """{kind: calls} of the workload without a fault."""
    run = Run(os.path.join(folder, "counted"))
    try:
        assert run.first_life(), run.daemon.log_tail()
        run.check_database()
        run.check_pages()
        assert not run.problems, run.problems
        return {k: run.faults.calls(k) for k in KINDS}
    finally:
        run.end()


def one(folder, point):
    kind, n, what, name = point
    run = Run(os.path.join(folder, f"{kind}-{n}-{name}"), (kind, n), what, name)
    try:
        run.ended = run.first_life()
        run.met = run.faults.met(kind)
        run.check(run.ended or run.met, f"ended with {run.status} although nothing was met")
        if what in (KILL_BEFORE, KILL_AFTER) and run.met:
            run.check(run.status == -9, f"ended with {run.status}, not killed")
        if what not in (KILL_BEFORE, KILL_AFTER):
            run.check(run.ended or run.status == 1, f"ended with {run.status}")
            run.check(run.ended or "level=ERROR" in run.daemon.log(), "no word of why it ended")
        run.second_life()
    except (Late, AssertionError, *GONE) as e:
        run.problems.append(f"{type(e).__name__}: {e}")
    run.point = point
    return run.end()


ERRORS = {kind: [(errno.ENOSPC, "ENOSPC"), (errno.EIO, "EIO"), (errno.EROFS, "EROFS")]
          for kind in STORAGE}
ERRORS["write"].append((SHORT, "short"))
ERRORS["read"] = [(errno.EIO, "EIO")]
ERRORS["map"] = [(errno.ENOMEM, "ENOMEM"), (errno.EIO, "EIO")]
ERRORS["open"].append((errno.EMFILE, "EMFILE"))
ERRORS.update(socket=[(errno.EMFILE, "EMFILE")], connect=[(errno.ECONNREFUSED, "ECONNREFUSED")],
              send=[(errno.ECONNRESET, "ECONNRESET"), (errno.EPIPE, "EPIPE")],
              receive=[(errno.ECONNRESET, "ECONNRESET")],
              accept=[(errno.EMFILE, "EMFILE"), (errno.ECONNABORTED, "ECONNABORTED")],
              load=[(errno.ENOENT, "ENOENT")])


def kill_points(calls):
    return [(kind, n, what, name) for kind in KINDS for n in range(1, calls[kind] + 1)
            for what, name in ((KILL_BEFORE, "killed before"), (KILL_AFTER, "killed after"))]


def power_points(calls):
    return [(kind, n, KILL_BEFORE, "no power before") for kind in KINDS
            for n in range(1, calls[kind] + 1)] + \
        [("sync", n, KILL_AFTER, "no power after") for n in range(1, calls["sync"] + 1)]


def failure_points(calls):
    return [(kind, n, what, name) for kind in KINDS for n in range(1, calls[kind] + 1)
            for what, name in ERRORS[kind]]


def sample(points, n):
    """n of them, the same each time: half spread over the kinds, half as they come."""
    if not n or n >= len(points):
        return points
    chance = random.Random(6)
    chance.shuffle(points := list(points))
    seen = Counter()
    ranks = []
    for p in points:
        seen[p[0]] += 1
        ranks.append((seen[p[0]], p))
    spread = [p for _, p in sorted(ranks, key=lambda x: x[0])[:n // 2]]
    return spread + [p for p in points if p not in spread][:n - len(spread)]


CHECKED = {
    "killed": "silences, pages and keys, database, journal",
    "failed": "served on or ended with a reason; the rest as above",
    "no power": "as killed, but for alerts: they are posted again",
}


def write_table(calls, runs):
    rows = defaultdict(lambda: [0, 0, 0, 0])
    for r in runs:
        kind, _, what, name = r.point
        checked = CHECKED[re.match("killed|no power|", name)[0] or "failed"]
        row = rows[KINDS.index(kind), name, checked]
        row[0] += 1
        row[1] += bool(r.met)
        row[2] += getattr(r, "repeated", 0)
        row[3] += bool(r.problems)
    lines = ["| call | calls | fault | points | met | checked | repeated, same key | wrong |",
             "|---|---|---|---|---|---|---|---|"]
    for (kind, name, checked), (n, met, repeated, wrong) in sorted(rows.items()):
        lines.append(f"| {KINDS[kind]} | {calls[KINDS[kind]]} | {name} | {n} | {met} | {checked} "
                     f"| {repeated} | {wrong} |")
    with open(os.environ["CRASH_TABLE"], "a") as f:
        f.write("\n".join(lines) + "\n\n")


def matrix(folder, points_of, n):
    calls = counted(folder)
    assert calls["write"] > 20 and calls["sync"] > 5 and calls["send"] > 10, calls
    points = sample(points_of(calls), n)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = list(pool.map(lambda p: one(folder, p), points))
    if os.environ.get("CRASH_TABLE"):
        write_table(calls, runs)
    wrong = [f"{r.point}: {'; '.join(r.problems)}" for r in runs if r.problems]
    assert not wrong, f"{len(wrong)} of {len(runs)} in {folder}\n" + "\n".join(wrong[:40])


def test_killed_at_any_call_it_loses_nothing(folder):
    matrix(str(folder), kill_points, KILLS)


def test_without_power_at_any_call_it_loses_nothing(folder):
    """Only what was synced is left."""
    matrix(str(folder), power_points, POWER)


def test_a_call_that_fails_once_loses_nothing(folder):
    matrix(str(folder), failure_points, FAILURES)
