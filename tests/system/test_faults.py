"""Faults that last: what the daemon says, what it still does, and that it recovers by itself.
Faults that happen once are in test_crash_matrix.py."""
import contextlib
import errno
import glob
import os
import shutil
import sqlite3
import subprocess
import time

import pytest

from conftest import alert, firing, group, hook, make_config, resolved, rule_file, write
from faults import KILL_BEFORE, SHORT, Faults
from programs import BUILD, TOCSIND, Tocsind, free_port, http, iso, run, until

pytestmark = pytest.mark.skipif("address" in BUILD, reason="sanitizers load before the shim")


@pytest.fixture
def faults(folder):
    return Faults(folder)


def ask_for_silence(d, name):
    now = time.time()
    return d.post("/api/v2/silences", {
        "matchers": [{"name": "alertname", "value": name, "isRegex": False}],
        "startsAt": iso(now), "endsAt": iso(now + 600), "createdBy": "me", "comment": name},
        timeout=20)


def cpu_seconds(d):
    with open(f"/proc/{d.pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def is_whole(path):
    db = sqlite3.connect(path)
    said = db.execute("pragma integrity_check").fetchall()
    db.close()
    return said == [("ok",)]


def has_outcomes(path):
    """How each delivery ended has reached the disk."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute("SELECT count(*) FROM open_deliveries").fetchall() == [(0,)]


def told(box, name, timeout=10):
    return box.wait(lambda s: s.ok and s.body["groupLabels"]["alertname"] == name, timeout)


def serves_without_its_disk(d, box, name):
    """Nothing is acknowledged that is not on the disk; people are told all the same."""
    answer = ask_for_silence(d, name)
    assert answer.status // 100 == 5 and "disk" in answer.text, answer
    lines = [x for x in d.log().splitlines() if "level=ERROR" in x and "part=store" in x]
    assert lines and d.storage in lines[0] and "err=" in lines[0], lines
    assert len(lines) < 5, "one line for each time it begins to fail"
    assert d.metric("tocsin_store_failures_total") > 0
    d.post("/api/v2/alerts", [firing(f"Told{name}")])
    assert told(box, f"Told{name}"), d.log_tail()
    assert d.metric("tocsin_notifications_unrecorded_total") > 0
    assert d.get("/api/v2/alerts").status == 200 and d.get("/-/healthy").status == 200


def recovers(d, name):
    until(lambda: "state is on disk again" in d.log(), 10)
    assert ask_for_silence(d, name).status == 200


def comments(d):
    return {s["comment"] for s in d.get("/api/v2/silences").json}


@pytest.mark.parametrize("kind, what", [
    ("write", errno.ENOSPC), ("write", errno.EIO), ("write", errno.EROFS), ("write", errno.EDQUOT),
    ("sync", errno.EIO), ("sync", errno.ENOSPC),
], ids=lambda x: x if isinstance(x, str) else errno.errorcode[x])
def test_a_disk_that_fails_for_a_while(folder, faults, far, box, keep, kind, what):
    d = keep(faults.tocsind(folder, make_config(hook(far))))
    assert ask_for_silence(d, "before").status == 200
    faults.fail(kind, what)
    serves_without_its_disk(d, box, "during")
    # a commit that is not synced survives a kill
    assert d.metric("tocsin_posts_unrecorded_total") == (1 if kind == "write" else 0)
    faults.clear()
    recovers(d, "after")
    d.kill()
    assert is_whole(os.path.join(d.storage, "tocsin.db"))
    d = keep(Tocsind(folder, None, port=d.port))
    assert {"before", "after"} <= comments(d)
    d.post("/api/v2/alerts", [firing("Toldduring")])
    time.sleep(1)
    assert len([s for s in box.all() if s.body["groupLabels"]["alertname"] == "Toldduring"]) == 1


def test_short_writes_are_made_whole(folder, faults, far, box, keep):
    d = keep(faults.tocsind(folder, make_config(hook(far))))
    faults.fail("write", SHORT)
    for i in range(5):
        assert ask_for_silence(d, str(i)).status == 200
    d.kill()
    assert is_whole(os.path.join(d.storage, "tocsin.db"))
    assert comments(keep(Tocsind(folder, None, port=d.port))) == set("01234")


# -- real file systems -------------------------------------------------------------------
@pytest.fixture
def small_disk(folder):
    """The storage folder, on a file system of its own."""
    path = str(folder / "data")
    os.mkdir(path)
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", path],
                                     capture_output=True).returncode:
        pytest.skip("needs to mount")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_disk_that_is_full_for_a_while(start, small_disk, far, box, keep):
    d = start(make_config(hook(far)))
    assert ask_for_silence(d, "before").status == 200
    with open(os.path.join(small_disk, "ballast"), "wb", 0) as f:
        try:
            while True:
                f.write(b"x" * 4096)
        except OSError as e:
            assert e.errno == errno.ENOSPC
    answer = until(lambda: next((a for a in [ask_for_silence(d, "during" + "x" * 5000)]
                                 if a.status != 200), None), 10)
    assert answer.status // 100 == 5
    serves_without_its_disk(d, box, "during")
    os.unlink(os.path.join(small_disk, "ballast"))
    recovers(d, "after")
    d.kill()
    d = keep(d.again())
    assert {"before", "after"} <= comments(d)


def test_a_full_disk_at_the_start_is_named(folder, small_disk, far):
    with open(os.path.join(small_disk, "ballast"), "wb") as f:
        f.write(b"x" * ((1 << 20) - 4096))
    refuses_to_start(folder, far, small_disk)


def test_a_read_only_folder_is_named(folder, small_disk, far):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    refuses_to_start(folder, far, small_disk)


def refuses_to_start(folder, far, storage):
    (folder / "tocsin.yml").write_text(make_config(hook(far)))
    done = run([TOCSIND, f"--config.file={folder}/tocsin.yml", f"--storage.path={storage}",
                f"--web.listen-address=127.0.0.1:{free_port()}", "--cluster.listen-address="],
               check=False)
    last = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "level=ERROR" in last and storage in last, done.stderr


def damage(path):
    with open(path, "r+b") as f:
        size = os.fstat(f.fileno()).st_size
        f.seek(4096)
        f.write(os.urandom(size - 4096))


def test_a_database_that_is_damaged_while_it_runs(start, far, box, keep, backend, rules):
    """Another takes its place, with all that was in it but the journal."""
    write(rules / "r.yml", rule_file(group("g", alert("Rule", "up", **{"for": "1h"}), interval="100ms")))
    backend.set("up", ({"host": "a"}, 1))
    d = start(make_config(hook(far), backend=backend), rules)
    for i in range(50):
        assert ask_for_silence(d, f"{i} " + "x" * 2000).status == 200
    d.post("/api/v2/alerts", [firing("Before")])
    assert told(box, "Before"), d.log_tail()
    pending = until(lambda: d.get("/api/v1/alerts").json["data"]["alerts"], 5)[0]["activeAt"]
    path = os.path.join(d.storage, "tocsin.db")
    assert d.stop() == 0
    d = keep(d.again())  # what is in the file now is not in memory
    damage(path)
    assert ask_for_silence(d, "during").status == 200, "answered when the new file has it"
    until(lambda: "another takes its place" in d.log(), 10)
    assert glob.glob(path + ".damaged-*")
    d.post("/api/v2/alerts", [firing("A")])
    assert told(box, "A"), d.log_tail()
    assert d.get("/-/healthy").status == 200 and len(comments(d)) == 51
    until(lambda: has_outcomes(path))  # else A may be told again
    d.kill()
    seen = box.count()
    write(rules / "r.yml", "groups: [\n")  # its last good version was kept, too
    d = keep(d.again())
    assert len(glob.glob(path + ".damaged-*")) == 1
    assert len(comments(d)) == 51 and is_whole(path)
    d.post("/api/v2/alerts", [firing("Before"), firing("A"), firing("B")])
    assert told(box, "B"), d.log_tail()
    time.sleep(0.3)
    assert box.count() == seen + 1, "who was told is known"
    assert [a["activeAt"] for a in d.get("/api/v1/alerts").json["data"]["alerts"]] == [pending]


def test_a_database_that_is_damaged_at_the_start(start, far, box, keep):
    """What can be read of it goes into the new one."""
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Before")])
    assert told(box, "Before") and ask_for_silence(d, "known").status == 200
    path = os.path.join(d.storage, "tocsin.db")
    assert d.stop() == 0
    db = sqlite3.connect(path)
    page, size = (db.execute(f"pragma {x}").fetchone()[0] for x in ("page_size", "page_count"))
    at = db.execute("select rootpage from sqlite_schema where name = 'open_deliveries'").fetchone()[0]
    db.close()
    assert at <= size
    with open(path, "r+b") as f:
        f.seek((at - 1) * page)
        f.write(os.urandom(page))
    d = keep(d.again())
    until(lambda: glob.glob(path + ".damaged-*"), 10)
    assert d.metric("tocsin_store_renewals_total") == 1
    d.kill()
    d = keep(d.again())
    assert len(glob.glob(path + ".damaged-*")) == 1 and comments(d) == {"known"}
    d.post("/api/v2/alerts", [firing("Before"), firing("B")])
    assert told(box, "B")
    time.sleep(0.3)
    assert box.count() == 2, "who was told is known"


@pytest.mark.parametrize("what", ["removed", "truncated", "replaced"])
def test_a_database_that_goes(start, far, box, keep, what):
    d = start(make_config(hook(far)))
    assert ask_for_silence(d, "before").status == 200
    path = os.path.join(d.storage, "tocsin.db")
    if what == "removed":
        os.unlink(path)
    elif what == "truncated":
        os.truncate(path, 0)
    else:
        with open(path + "2", "wb") as f:
            f.write(b"something else" * 1000)
        os.rename(path + "2", path)
    assert ask_for_silence(d, "after").status == 200
    d.kill()
    d = keep(d.again())
    assert comments(d) == {"before", "after"} and is_whole(path)


def test_damage_that_only_a_reader_meets(start, far, box, keep):
    d = start(make_config(hook(far)))
    for i in range(300):
        d.post("/api/v2/alerts", [firing(f"A{i}", filler="x" * 3000)])
    path = os.path.join(d.storage, "tocsin.db")
    assert d.stop() == 0
    db = sqlite3.connect(path)
    page = db.execute("pragma page_size").fetchone()[0]
    at = db.execute("select rootpage from sqlite_schema where name = 'journal_at'").fetchone()[0]
    db.close()
    d = keep(d.again())
    with open(path, "r+b") as f:
        for i in range(at, at + 20):
            f.seek(i * page)
            f.write(os.urandom(page))
    d.get("/api/v1/history?limit=5000")
    until(lambda: d.metric("tocsin_store_renewals_total") == 1, 10)
    until(lambda: glob.glob(path + ".damaged-*"), 10)
    assert d.get("/api/v1/history").status == 200
    d.kill()
    d = keep(d.again())
    assert is_whole(path) and len(d.get("/api/v2/alerts").json) == 300


def test_damage_while_nothing_can_be_written(folder, faults, far, box, keep):
    d = keep(faults.tocsind(folder, make_config(hook(far))))
    assert ask_for_silence(d, "before").status == 200
    path = os.path.join(d.storage, "tocsin.db")
    faults.fail("write", errno.ENOSPC)
    os.truncate(path, 0)
    answer = ask_for_silence(d, "during")
    assert answer.status == 500, answer
    time.sleep(2.5)
    faults.clear()
    assert until(lambda: ask_for_silence(d, "after").status == 200, 10)
    d.kill()
    d = keep(Tocsind(folder, None, port=d.port))
    assert comments(d) >= {"before", "after"} and is_whole(path)


def test_killed_while_a_new_database_is_filled(folder, far, box, keep):
    """At any call of it: the damaged one is read, or the new one has all."""
    for n in range(1, 60, 4):
        where = folder / str(n)
        where.mkdir()
        faults = Faults(where)
        d = keep(faults.tocsind(where, make_config(hook(far))))
        for i in range(30):
            assert ask_for_silence(d, f"{i}").status == 200
        path = os.path.join(d.storage, "tocsin.db")
        until(lambda: "tocsin_store_renewals_total 0" in d.get("/metrics").text, 5)
        shutil.copy(path, path + ".copy")
        os.rename(path + ".copy", path)  # another file, with the old log beside it
        faults.fail("write", KILL_BEFORE, faults.calls("write") + n, 1)
        try:
            ask_for_silence(d, "one more")
            until(lambda: not d.alive or glob.glob(path + ".damaged-*"), 10)
        except OSError:
            pass
        if d.alive:
            d.kill()
        d = keep(Tocsind(where, None, port=d.port))
        assert comments(d) >= {f"{i}" for i in range(30)}, n
        d.kill()


# -- descriptors, the network ------------------------------------------------------------
def test_no_descriptor_for_a_client_is_no_busy_loop(folder, faults, far, box, keep, backend, rules):
    write(rules / "r.yml", rule_file(group("g", alert("Rule", "up"))))
    d = keep(faults.tocsind(folder, make_config(hook(far), backend=backend), rules=rules))
    backend.set("up")
    faults.fail("accept", errno.EMFILE)
    spent = cpu_seconds(d)
    backend.set("up", ({"host": "a"}, 1))
    try:
        http("GET", d.url + "/-/healthy", timeout=1.5)
        assert False, "accepted without a descriptor"
    except OSError:
        pass
    assert told(box, "Rule"), "what rules find is told meanwhile"
    assert cpu_seconds(d) - spent < 0.5, "a busy loop"
    faults.clear()
    assert until(lambda: d.get("/-/healthy").status == 200, 5)
    assert d.metric("tocsin_web_accept_failures_total") > 0


@pytest.mark.parametrize("kind, what", [
    ("socket", errno.EMFILE), ("connect", errno.ECONNREFUSED), ("connect", errno.ENETUNREACH),
    ("connect", errno.EADDRNOTAVAIL),
], ids=lambda x: x if isinstance(x, str) else errno.errorcode[x])
def test_a_network_that_fails_for_a_while(folder, faults, far, box, keep, kind, what):
    d = keep(faults.tocsind(folder, make_config(hook(far))))
    faults.fail(kind, what)
    d.post("/api/v2/alerts", [firing("A")])
    until(lambda: d.metric("alertmanager_notification_requests_failed_total"), 10)
    assert "will try again" in d.log() and not box.count()
    assert ask_for_silence(d, "meanwhile").status == 200
    faults.clear()
    assert told(box, "A", 20), d.log_tail()
    time.sleep(0.5)
    assert box.count() == 1


def test_what_sends_cannot_be_loaded_for_a_while(folder, faults, far, box, keep):
    """libcrypto and libcurl are loaded by the first who has something to send."""
    faults.fail("load", errno.ENOENT)
    d = keep(faults.tocsind(folder, make_config(hook(far))))
    assert d.get("/-/ready").status == 200 and not faults.met("load")
    d.post("/api/v2/alerts", [firing("A")])
    assert until(lambda: "cannot be loaded: not there.so" in d.log(), 10), d.log_tail()
    assert "will try again" in d.log()
    faults.clear()
    assert told(box, "A", 20), d.log_tail()


@pytest.mark.parametrize("receiver, loads", [(True, True), (False, False)],
                         ids=["receiver", "nobody"])
def test_what_sends_is_there_before_the_first_message(folder, far, start, receiver, loads):
    """While an alert waits for its group, so that the message does not wait for the library."""
    d = start(make_config(hook(far) if receiver else {}, {"group_wait": "1h"}))

    def is_loaded():
        with open(f"/proc/{d.process.pid}/maps") as f:
            return "libcurl" in f.read()

    assert not is_loaded()
    d.post("/api/v2/alerts", [firing("A")])
    if loads:
        until(is_loaded, 5)
    else:
        time.sleep(0.5)
        assert not is_loaded()


@pytest.mark.parametrize("library", ["libcrypto", "libssl", "libcurl", "snappy"])
def test_a_library_that_is_not_there(folder, faults, far, box, keep, backend, library):
    """It serves, pages rules and says what is missing; and sends once it is there."""
    backend.set("up", ({"host": "a"}, 1))
    faults.library = library
    faults.fail("load", errno.ENOENT)
    (folder / "rules").mkdir()
    write(folder / "rules" / "r.yml", rule_file(*(
        group(n, alert(n, "up"), {"record": "x:y", "expr": "up"}) for n in "AB")))
    strange = {"url": far.hook("strange").replace("http:", "https:"),
               "http_config": {"tls_config": {"server_name": "strange"}}}
    d = keep(faults.tocsind(folder, make_config(
        {"webhook_configs": [{"url": far.hook("alerts")}, strange]}, backend=backend,
        remote_write=[{"url": far.hook("write")}]), rules=folder / "rules"))
    d.post("/api/v2/alerts", [firing("A")])
    until(lambda: library in d.log() and "cannot be loaded: not there.so" in d.log(), 10)
    assert faults.met("load")
    for _ in range(3):
        page = d.get("/api/v1/rules?group_limit=1")
        assert page.status == (500 if library == "libcrypto" else 200), page
        assert d.get("/-/ready").status == 200 and d.get("/metrics").status == 200
        assert len(d.get("/api/v1/rules").json["data"]["groups"]) == 2
    if library == "libcrypto":
        assert "libcrypto.so.3 cannot be loaded" in page.json["error"]
    if library == "snappy":
        assert d.metric("vmalert_remotewrite_errors_total") > 0
    faults.clear()
    assert told(box, "A", 20), d.log_tail()
    token = d.get("/api/v1/rules?group_limit=1").json["data"]["groupNextToken"]
    page = d.get(f"/api/v1/rules?group_limit=1&group_next_token={token}").json["data"]
    assert [g["name"] for g in page["groups"]] == ["B"]
    until(lambda: "SSL" in d.log(), 10)  # the one that speaks no TLS was asked


# -- the clock ---------------------------------------------------------------------------
@pytest.mark.parametrize("seconds", [3600, -3600], ids=["forward", "back"])
def test_a_wall_clock_that_is_set(folder, faults, far, box, keep, seconds):
    """More of it, with a pretended clock, is in the engine's plays."""
    d = keep(faults.tocsind(folder, make_config(hook(far))))
    d.post("/api/v2/alerts", [firing("Before")])
    assert told(box, "Before")
    faults.step_clock(seconds)
    d.post("/api/v2/alerts", [firing("After")])
    assert told(box, "After", 5)
    until(lambda: "the wall clock was set" in d.log(), 5)
    time.sleep(1.5)
    pages = [(s.body["groupLabels"]["alertname"], s.body["status"]) for s in box.all()]
    assert sorted(pages) == [("After", "firing"), ("Before", "firing")], pages
    end = {"endsAt": iso(time.time() + seconds)}
    d.post("/api/v2/alerts", [{**resolved("Before"), **end}])
    assert box.wait(lambda s: s.body["status"] == "resolved", 5)
