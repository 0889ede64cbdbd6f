"""What is left after the end, expected or not: silences, pending timers, what was said."""
import os
import signal
import time

from conftest import (alert, firing, group, hook, make_config, resolved, rule_file, statuses,
                      write)
from programs import TOCSIND, free_port, run, until


def test_a_silence_is_there_after_kill_9(start, far, keep):
    d = start(make_config(hook(far)))
    ids = []
    for i in range(5):
        ids.append(d.silence(f"alertname=A{i}", comment=f"number {i}"))
        d.kill()  # at once: the answer promised that it is on disk
        d = keep(d.again())
        assert d.get(f"/api/v2/silence/{ids[-1]}").json["comment"] == f"number {i}"
    found = {s["id"]: s for s in d.get("/api/v2/silences").json}
    assert set(found) == set(ids)
    assert all(s["status"]["state"] == "active" and s["createdBy"] == "pytest"
               for s in found.values())


def test_an_expired_silence_stays_expired_after_kill_9(start, far, keep):
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=A")
    assert d.delete(f"/api/v2/silence/{sid}").status == 200
    d.kill()
    d = keep(d.again())
    assert d.get(f"/api/v2/silence/{sid}").json["status"]["state"] == "expired"


def test_a_silence_still_silences_after_kill_9(start, far, box, keep):
    d = start(make_config(hook(far)))
    d.silence("alertname=Quiet")
    d.kill()
    d = keep(d.again())
    d.post("/api/v2/alerts", [firing("Quiet"), firing("Loud")])
    assert box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Loud", 5)
    assert not box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Quiet", 1)
    assert d.alerts(alertname="Quiet")[0]["status"]["state"] == "suppressed"


def pending_rule(backend, rules, hold):
    backend.set("disk_full", ({"host": "a"}, 1))
    write(rules / "disk.yml", rule_file(group("disk", alert("DiskFull", "disk_full",
                                                            **{"for": hold}))))


def test_a_pending_alert_keeps_its_start_over_kill_9(start, far, box, backend, rules, keep):
    pending_rule(backend, rules, "6s")
    d = start(make_config(hook(far), backend=backend), rules)
    a = until(lambda: (d.rule("DiskFull") or {}).get("alerts"), 10)[0]
    assert a["state"] == "pending"
    began = time.monotonic()
    active_at = a["activeAt"]
    time.sleep(2.5)
    d.kill()
    d = keep(d.again())
    a = until(lambda: (d.rule("DiskFull") or {}).get("alerts"), 10)[0]
    assert a["activeAt"] == active_at
    assert a["state"] == "pending"
    seen = box.wait(lambda s: s.kind == "webhook", 15)
    assert seen
    took = seen.at - began
    assert 5 < took < 8.5, f"fired {took:.1f} s after it became pending, for is 6 s"
    assert d.rule("DiskFull")["alerts"][0]["activeAt"] == active_at


def test_a_pending_alert_keeps_its_start_over_a_clean_stop(start, far, backend, rules, keep):
    pending_rule(backend, rules, "1h")
    d = start(make_config(hook(far), backend=backend), rules)
    a = until(lambda: (d.rule("DiskFull") or {}).get("alerts"), 10)[0]
    assert d.stop() == 0
    d = keep(d.again())
    b = until(lambda: (d.rule("DiskFull") or {}).get("alerts"), 10)[0]
    assert b["activeAt"] == a["activeAt"] and b["state"] == "pending"


def test_nothing_is_said_twice_over_kill_9(start, far, box, backend, rules, keep):
    backend.set("disk_full", ({"host": "a"}, 1))
    write(rules / "disk.yml", rule_file(group("disk", alert("DiskFull", "disk_full"))))
    d = start(make_config(hook(far), backend=backend), rules)
    assert box.wait(lambda s: s.ok, 10)
    time.sleep(1)  # an outcome that was on its way to the disk may be said again, older ones not
    d.kill()
    d = keep(d.again())
    until(lambda: d.alerts(alertname="DiskFull"), 10)
    asked = backend.asked("disk_full")
    until(lambda: backend.asked("disk_full") > asked + 8, 10)  # several evaluations and flushes
    assert len(box.all()) == 1, "the same notification came twice"
    backend.set("disk_full")
    seen = box.wait(lambda s: s.body["status"] == "resolved", 10)
    assert seen, "what was announced was forgotten: no resolved message"
    assert statuses(seen) == {"a": "resolved"}


def test_what_was_posted_is_not_announced_again(start, far, box, keep):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Posted", host="a")])
    assert box.wait(lambda s: s.ok, 10)
    time.sleep(1)
    d.kill()
    d = keep(d.again())
    d.post("/api/v2/alerts", [firing("Posted", host="a")])  # as Prometheus does each minute
    assert not box.wait(lambda s: True, 2, since=1)
    d.post("/api/v2/alerts", [resolved("Posted", host="a")])
    assert box.wait(lambda s: s.body["status"] == "resolved", 5)


def test_what_ended_while_nobody_ran_is_resolved(start, far, box, backend, rules, keep):
    backend.set("disk_full", ({"host": "a"}, 1))
    write(rules / "disk.yml", rule_file(group("disk", alert("DiskFull", "disk_full"))))
    d = start(make_config(hook(far), backend=backend), rules)
    assert box.wait(lambda s: s.ok, 10)
    time.sleep(1)
    d.kill()
    backend.set("disk_full")
    keep(d.again())
    assert box.wait(lambda s: s.body["status"] == "resolved", 10)


def test_a_failing_delivery_goes_on_after_kill_9(start, far, box, keep):
    far.force("/hook/alerts", 503, "not now", 1000)
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Posted")])
    assert box.wait(lambda s: s.status == 503, 10)
    d.kill()
    far._forced.clear()
    d = keep(d.again())
    d.post("/api/v2/alerts", [firing("Posted")])
    assert box.wait(lambda s: s.ok, 10)


def test_sigterm_and_sigint_end_with_0(start, far, keep):
    d = start(make_config(hook(far)))
    assert d.stop() == 0
    d = keep(d.again())
    d.signal(signal.SIGINT)
    assert d.process.wait(10) == 0


def test_sigterm_lets_a_delivery_finish(start, far, box):
    far.force("/hook/alerts", 200, "", 1, wait=1.0)
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Posted")])
    until(lambda: far._forced["/hook/alerts"] == type(far._forced["/hook/alerts"])(), 10)
    began = time.monotonic()
    assert d.stop() == 0
    assert time.monotonic() - began < 10
    assert [s.status for s in box.all()] == [200]


def test_sigterm_does_not_wait_for_ever(start, far):
    far.force("/hook/alerts", 200, "", 1, wait=50)
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Posted")])
    until(lambda: not far._forced["/hook/alerts"], 10)
    began = time.monotonic()
    status = d.stop(30)
    assert status == 0 and time.monotonic() - began < 20


def test_a_damaged_state_file_is_set_aside(start, far, folder):
    """People are told of alerts even so; the file is kept for whoever wants to mend it."""
    (folder / "data").mkdir()
    (folder / "data" / "tocsin.db").write_bytes(b"this is no database" * 500)
    d = start(make_config(hook(far)))
    assert any("tocsin.db" in x and ("WARN" in x or "ERROR" in x) for x in d.log().splitlines())
    kept = [p for p in (folder / "data").iterdir()
            if p.read_bytes().startswith(b"this is no database")]
    assert len(kept) == 1
    d.silence("a=b")


def test_a_storage_path_that_cannot_be_written_is_named(far, folder):
    (folder / "tocsin.yml").write_text(make_config(hook(far)))
    (folder / "file").write_text("")
    done = run([TOCSIND, f"--config.file={folder}/tocsin.yml",
                f"--storage.path={folder}/file/data", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{free_port()}"], check=False)
    assert done.returncode == 1 and os.path.join(str(folder), "file") in done.stderr
