"""The journal, the delivery ledger, and what they tell: tocsin why, tocsin history."""
import base64
import concurrent.futures
import datetime
import json
import os
import re
import signal
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import endpoints
import pytest

from conftest import (alert, firing, group, hook, make_config, resolved, rule_file, write)
from programs import ROOT, TOCSIN, TOCSIND, run, until


HASH = "$2b$05$jvq3QWwkNoE9XpYjdhIFpeL0F32nvH4P0ZabwRAMBcWgs78JGh1MW"  # of "secret"


def ask(d, sql, *values):
    with sqlite3.connect(f"file:{d.storage}/tocsin.db?mode=ro", uri=True) as db:
        return db.execute(sql, values).fetchall()


def rows(d, kind):
    """[(columns, data)] of a kind, in order."""
    return [(dict(zip(("at", "reason", "group", "receiver", "integration", "delivery"), r[:6])),
             json.loads(r[6]))
            for r in ask(d, "SELECT at, reason, group_key, receiver, integration, delivery, data "
                            "FROM journal WHERE kind = ? ORDER BY id", kind)]


def post_kept(d, *alerts):
    """Posts them and waits until they are on disk: a post does not promise that."""
    last = "SELECT coalesce(max(id), 0) FROM alert_log"
    before = ask(d, last)
    d.post("/api/v2/alerts", list(alerts))
    until(lambda: ask(d, last) > before, 10, every=0.005)


def key_of(seen):
    return seen.headers["idempotency-key"]


def tool(d, *args, check=True):
    return run([TOCSIN, f"--alertmanager.url={d.url}", *args], check=check)


def why(d, query):
    return d.get("/api/v1/why?" + query).json["data"]


def verdicts(data):
    return [v for a in data["alerts"] for g in a["groups"] for v in g["verdicts"]]


class Holding(ThreadingHTTPServer):
    """Remembers a request's key as it arrives, and answers when it is let."""
    daemon_threads = True

    def __init__(self):
        self.keys, self.let = [], threading.Event()
        super().__init__(("127.0.0.1", 0), Holding.Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.server.keys.append(self.headers["Idempotency-Key"])
            self.server.let.wait(30)
            try:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # who asked is gone

        def log_message(self, *args):
            pass

    def receiver(self):
        return {"webhook_configs": [{"url": f"http://127.0.0.1:{self.server_address[1]}/"}]}


@pytest.fixture
def holding():
    server = Holding()
    yield server
    server.let.set()
    server.shutdown()
    server.server_close()


# -- the ledger ---------------------------------------------------------------------------

def test_the_intent_is_on_disk_when_the_request_arrives(start, holding):
    d = start(make_config(holding.receiver()))
    d.post("/api/v2/alerts", [firing("A")])
    key, = until(lambda: holding.keys, 10)
    assert ask(d, "SELECT id, receiver FROM open_deliveries") == [(key, "r")]
    until(lambda: [c["delivery"] for c, _ in rows(d, "sending")] == [key], 5)
    assert not rows(d, "attempt")
    holding.let.set()
    until(lambda: rows(d, "attempt"), 10)
    assert ask(d, "SELECT count(*) FROM open_deliveries") == [(0,)]


def test_killed_before_the_answer_it_comes_again_with_the_same_key(start, holding, keep):
    d = start(make_config(holding.receiver()))
    post_kept(d, firing("A"))
    key, = until(lambda: holding.keys, 10)
    d.kill()
    d = keep(d.again())
    until(lambda: len(holding.keys) == 2, 10)
    assert holding.keys[1] == key
    assert "was being sent when the daemon ended" in d.log()
    assert [c["delivery"] for c, _ in rows(d, "attempt") if c["reason"] == "delivery_unknown"] \
        == [key]
    holding.let.set()
    until(lambda: [1 for c, _ in rows(d, "attempt") if c["reason"] == "delivery_sent"], 10)
    time.sleep(1)
    assert len(holding.keys) == 2


def test_killed_after_the_answer_it_does_not_come_again(start, far, box, keep):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: s.kind == "webhook", 10)
    until(lambda: rows(d, "attempt"), 10)
    d.kill()
    at = box.count()
    d = keep(d.again())
    assert not box.wait(lambda s: s.kind == "webhook", 2, at)
    assert "was being sent" not in d.log()


@pytest.mark.parametrize("after", [0, 0.1, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18, 0.25])
def test_killed_whenever_nothing_is_lost_and_no_other_key_is_used(start, far, box, keep, after):
    d = start(make_config(hook(far)))
    post_kept(d, *(firing("A", host=str(i)) for i in range(20)))
    time.sleep(after)
    d.kill()
    d = keep(d.again())
    until(lambda: [1 for c, _ in rows(d, "attempt") if c["reason"] == "delivery_sent"], 10)
    told = box.all("webhook")
    assert told and len({key_of(s) for s in told}) == 1


def test_a_page_leaves_though_the_disk_fails(start, far, box):
    d = start(make_config(hook(far)))
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("CREATE TRIGGER no BEFORE INSERT ON open_deliveries "
                   "BEGIN SELECT RAISE(ABORT, 'broken'); END")
    d.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: s.kind == "webhook", 5)
    assert "notifications leave before the disk has them" in d.log()
    assert "tocsin_notifications_unrecorded_total 1" in d.get("/metrics").text
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("DROP TRIGGER no")


def test_another_notification_has_another_key(start, far, box):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("A", host="a")])
    first = box.wait(lambda s: s.kind == "webhook", 10)
    at = box.count()
    d.post("/api/v2/alerts", [resolved("A", host="a")])
    last = box.wait(lambda s: s.kind == "webhook", 10, at)
    at = box.count()
    d.post("/api/v2/alerts", [firing("A", host="a")])
    again = box.wait(lambda s: s.kind == "webhook", 10, at)
    assert len({key_of(first), key_of(last), key_of(again)}) == 3


def test_a_mail_has_the_id_as_message_id(start, box):
    server = endpoints.MailServer(box)
    d = start(make_config({"email_configs": [{
        "to": "ops@example.org", "from": "tocsin@example.org", "require_tls": False,
        "smarthost": f"127.0.0.1:{server.port}"}]}))
    d.post("/api/v2/alerts", [firing("A")])
    seen = box.wait(lambda s: s.kind == "mail", 10)
    server.stop()
    (column, _), = until(lambda: rows(d, "attempt"), 10)
    assert seen.body["Message-Id"].startswith("<" + column["delivery"] + "@")


# -- the journal --------------------------------------------------------------------------

def test_rows_say_who_and_why(start, far, box):
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=Quiet", comment="known")
    d.post("/api/v2/alerts", [firing("Quiet"), firing("Loud", host="a"), firing("Loud", host="b")])
    box.wait(lambda s: s.kind == "webhook", 10)
    d.post("/-/reload")
    until(lambda: len(rows(d, "config")) == 2 and rows(d, "attempt"), 10)
    assert [k for k, in ask(d, "SELECT kind FROM journal ORDER BY id LIMIT 2")] == ["start", "config"]
    (column, data), = rows(d, "alerts")
    assert data["from"] == "127.0.0.1" and len(data["alerts"]) == 3
    assert {a["labels"]["alertname"] for a in data["alerts"]} == {"Quiet", "Loud"}
    (_, s), = rows(d, "silence")
    assert (s["id"], s["comment"], s["from"], s["change"]) == (sid, "known", "127.0.0.1", "create")
    assert rows(d, "config")[1][1]["from"] == "127.0.0.1"
    muted = [f["muted"] for _, f in rows(d, "flush") if "muted" in f]
    assert muted[0][0]["by"] == sid and muted[0][0]["reason"] == "muted_by_silence"


def test_flushes_that_decide_the_same_leave_one_row(start, far, box):
    d = start(make_config(hook(far)))
    d.silence("alertname=Quiet")
    d.post("/api/v2/alerts", [firing("Quiet")])
    time.sleep(2.5)  # some five flushes
    assert len(rows(d, "flush")) == 1
    d.post("/api/v2/alerts", [firing("Quiet", host="b")])
    last = until(lambda: rows(d, "flush")[1:], 5)[0][1]
    assert last["unchanged"] >= 3 and len(last["firing"]) == 2


def test_the_examples_of_the_manual_run(start, far, box):
    with open(os.path.join(ROOT, "man", "tocsin-journal.5")) as f:
        queries = re.findall(r"\.Bd -literal -offset indent\n(SELECT.*?)\.Ed", f.read(), re.S)
    assert len(queries) >= 4
    far.force("/hook/alerts", 500)
    d = start(make_config(hook(far)))
    d.silence("alertname=Quiet", comment="known")
    d.post("/api/v2/alerts", [firing("Quiet"), firing("Loud")])
    until(lambda: [1 for c, _ in rows(d, "attempt") if c["reason"] == "delivery_sent"], 10)
    got = [ask(d, q.strip().rstrip(";")) for q in queries]
    assert got[0][0][1:] == ("r", "webhook[0]", "delivery_retry", got[0][0][4])
    assert set(got[1]) == {("Quiet", 1), ("Loud", 1)}
    assert got[2][0][1:] == ("r", 1)
    assert [(r[1], r[5]) for r in got[3]] == [("config", None), ("silence", "known")]


def test_the_metrics_show_its_size(start, far, box):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("A")])
    until(lambda: rows(d, "attempt"), 10)
    text = d.get("/metrics").text
    n = ask(d, "SELECT count(*) FROM journal")[0][0]
    assert f"tocsin_journal_rows {n}" in text
    assert int(re.search(r"tocsin_journal_bytes (\d+)", text)[1]) > 500
    assert "tocsin_journal_oldest_timestamp_seconds 1" in text


def test_the_size_is_kept(start, far, box, keep):
    d = start(make_config(hook(far)), args=["--journal.max-size=20000"])
    for i in range(200):
        d.post("/api/v2/alerts", [firing("A", host=str(i), filler="x" * 300)])
    size = "SELECT max(total) - min(total), count(*) FROM journal"
    until(lambda: ask(d, size)[0][0] <= 20000, 10)
    bytes_, n = ask(d, size)[0]
    assert bytes_ > 1000 and n > 3


def test_rows_name_the_user(start, far, folder):
    (folder / "web.yml").write_text(f"basic_auth_users:\n  me: {HASH}\n")
    headers = {"headers": {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()}}
    d = start(make_config(hook(far)), args=[f"--web.config.file={folder}/web.yml"],
              when_up=headers)
    d.post("/api/v2/alerts", [firing("A")], **headers)
    assert d.post("/-/reload", **headers).status == 200
    until(lambda: len(rows(d, "config")) == 2 and rows(d, "alerts"), 10)
    assert rows(d, "alerts")[0][1]["by"] == rows(d, "config")[1][1]["by"] == "me"
    assert d.get("/api/v1/why?alert=a%3Db").status == 401
    assert d.get("/api/v1/why?alert=alertname%3DA", **headers).json["data"]["alerts"][0]["user"] == "me"


def test_a_refused_configuration_and_rule_file_are_in_it(start, far, folder, rules):
    d = start(make_config(hook(far)), rules)
    write(rules / "r.yml", "groups: [\n")
    until(lambda: rows(d, "file"), 10)
    assert "r.yml" in rows(d, "file")[0][1]["error"] and rows(d, "file")[0][1]["change"] == "refuse"
    with open(d.config, "w") as f:
        f.write("route: {}\n")
    d.signal(signal.SIGHUP)
    refused = until(lambda: rows(d, "config")[1:], 10)[0][1]
    assert "receiver" in refused["error"] and refused["by"] == "SIGHUP"


@pytest.mark.parametrize("value, error", [
    ("0", "--journal.max-size must be greater than 0"),
    ("1G", "--journal.max-size: \"1G\" is no number"),
])
def test_a_bad_size_is_refused(value, error):
    done = run([TOCSIND, f"--journal.max-size={value}"], check=False)
    assert done.returncode != 0 and error in done.stdout + done.stderr


# -- why ----------------------------------------------------------------------------------

def test_why_tells_who_was_told_and_who_not(start, far, box):
    d = start(make_config(hook(far), route={"routes": [
        {"receiver": "page", "matchers": ['severity="page"'], "continue": True},
        {"receiver": "r", "matchers": []}]},
        more_receivers=[{"name": "page", **hook(far, "page")}]))
    far.force("/hook/page", 400, times=1000)
    d.post("/api/v2/alerts", [firing("Disk", severity="page")])
    box.wait(lambda s: s.path == "/hook/alerts", 10)
    until(lambda: len(rows(d, "attempt")) >= 2, 10)
    data = why(d, "alert=alertname=Disk")
    told = {v["receiver"]: v for v in verdicts(data)}
    assert told["r"]["told"] and not told["page"]["told"]
    assert told["page"]["cause"] == "delivery_gave_up" and "400" in told["page"]["error"]
    text = tool(d, "why", "Disk").stdout
    assert re.search(r"^  NOT told: page/webhook\[0\]: refused for good at", text, re.M)
    assert re.search(r"^  r/webhook\[0\]: told at .* answered 200$", text, re.M)
    assert json.loads(tool(d, "why", "Disk", "-o", "json").stdout)["alerts"][0]["state"] == "firing"


def test_why_of_a_rule_has_its_place_and_its_value(start, far, box, backend, rules):
    backend.set("disk > 90", ({"host": "a"}, 97.5))
    write(rules / "disk.yml", rule_file(group("disk", alert("Disk", "disk > 90", **{"for": "1h"}))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: (d.rule("Disk") or {}).get("alerts"), 10)
    data = why(d, "alert={alertname=\"Disk\"}")
    one = data["alerts"][0]
    assert one["state"] == "pending" and one["cause"] == "still_pending"
    assert one["rule"]["query"] == "disk > 90" and float(one["rule"]["value"]) == 97.5
    assert one["rule"]["file"].endswith("disk.yml") and one["rule"]["line"] > 0
    backend.set("disk > 90")
    until(lambda: not (d.rule("Disk") or {}).get("alerts"), 10)
    gone = why(d, "alert=" + one["fingerprint"])["alerts"][0]  # out of the journal
    assert gone["cause"] == "pending_dropped" and gone["labels"]["host"] == "a"


def test_why_of_an_alert_that_has_gone(start, far, box):
    d = start(make_config(hook(far)), args=["--alerts.gc-interval=300ms"])
    d.post("/api/v2/alerts", [firing("Disk", host="a")])
    box.wait(lambda s: s.kind == "webhook", 10)
    at = box.count()
    d.post("/api/v2/alerts", [resolved("Disk", host="a")])
    assert box.wait(lambda s: s.kind == "webhook", 10, at)
    until(lambda: 'alertmanager_alerts{state="active"} 0' in d.get("/metrics").text, 10)
    time.sleep(1)
    text = tool(d, "why", "Disk", "host=~a|b").stdout
    assert "is resolved" in text and "r/webhook[0]: told at" in text
    assert "and of its end at" in text


def test_why_of_a_past_time(start, far, box):
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=Disk", comment="not yet")
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: rows(d, "flush"), 10)
    then = time.time()
    time.sleep(0.5)
    d.delete(f"/api/v2/silence/{sid}")
    box.wait(lambda s: s.kind == "webhook", 10)
    until(lambda: rows(d, "attempt"), 10)
    v, = verdicts(why(d, f"alert=alertname=Disk&at={then:.3f}"))
    assert not v["told"] and (v["cause"], v["by"]) == ("muted_by_silence", sid)
    assert "not yet" in v["text"]
    assert verdicts(why(d, "alert=alertname=Disk"))[0]["told"]


def test_why_of_a_past_time_says_when_the_configuration_is_another(start, far, box):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: rows(d, "attempt"), 10)
    time.sleep(0.2)
    then = f"{time.time():.3f}"
    d.post("/-/reload")  # the same
    until(lambda: len(rows(d, "config")) == 2, 10)
    assert "configChangedAt" not in why(d, f"alert=alertname=Disk&at={then}")["alerts"][0]
    with open(d.config, "w") as f:
        f.write(make_config(hook(far), route={"group_wait": "1s"}))
    assert d.post("/-/reload").status == 200
    until(lambda: len(rows(d, "config")) == 3, 10)
    assert "configChangedAt" in why(d, f"alert=alertname=Disk&at={then}")["alerts"][0]
    text = tool(d, "why", "Disk", "--at", "1h").stdout
    assert "No alert matches" in text  # there was none then
    assert "As of" in d.get(f"/api/v1/why?alert=alertname=Disk&at={then}").json["data"]["text"][0]


def test_why_of_a_notification_and_of_a_silence(start, far, box):
    far.force("/hook/alerts", 503)
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=Quiet", comment="known")
    d.post("/api/v2/alerts", [firing("Loud", host="a"), firing("Quiet")])
    until(lambda: [1 for c, _ in rows(d, "attempt") if c["reason"] == "delivery_sent"], 10)
    key = key_of(box.all("webhook")[-1])
    n = why(d, "notification=" + key)["notification"]
    assert [a["outcome"] for a in n["attempts"]] == ["delivery_retry", "delivery_sent"]
    assert [a["labels"]["alertname"] for a in n["firing"]] == ["Loud"]
    assert "attempt 1: failed" in tool(d, "why", "--notification", key).stdout
    s = why(d, "silence=" + sid)["silence"]
    assert s["createdBy"] == "pytest" and s["changes"][0]["from"] == "127.0.0.1"
    assert [a["labels"]["alertname"] for a in s["muted"]] == ["Quiet"]
    assert "Alerts that it matches now, 1" in tool(d, "why", "--silence", sid).stdout
    assert d.get("/api/v1/why?notification=00").status == 404
    assert tool(d, "why", "--silence", "none", check=False).returncode == 1


def test_why_of_a_notification_names_each_of_its_alerts(start, far, box):
    """Their labels lie in rows of their own, and are long."""
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=Many")
    hosts = [c * 9000 for c in "abcde"]
    for i, host in enumerate(hosts):
        d.post("/api/v2/alerts", [firing("Many", host=host)])
        until(lambda: len(rows(d, "alerts")) == i + 1, 10)
    until(lambda: rows(d, "flush"), 10)
    d.delete(f"/api/v2/silence/{sid}")
    key = key_of(box.wait(lambda s: s.kind == "webhook", 10))
    for i in range(40):
        d.post("/api/v2/alerts", [firing("Other", i=str(i), k=str(k)) for k in range(10)])
    n = why(d, "notification=" + key)["notification"]
    assert sorted(a["labels"]["host"] for a in n["firing"]) == hosts
    muted = why(d, "silence=" + sid)["silence"]["muted"]
    assert sorted(a["labels"]["host"] for a in muted) == hosts


def without_times(text):
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? UTC", "TIME", text)
    return re.sub(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)


def test_the_manual_has_what_is_said_of_notifications_and_silences(start, far, box):
    far.force("/hook/alerts", 503)
    d = start(make_config({}, route={"receiver": "oncall"}, more_receivers=[
        {"name": "oncall", **hook(far)}]))
    sid = d.silence("alertname=DiskFull", comment="new disks are on their way", author="ann")
    d.post("/api/v2/alerts", [firing("DiskFull", host="db1"), firing("NodeDown", node="n7")])
    until(lambda: [1 for c, _ in rows(d, "attempt") if c["reason"] == "delivery_sent"], 10)
    until(lambda: [1 for _, data in rows(d, "flush") if "muted" in data], 10)
    with open(os.path.join(ROOT, "man", "tocsin.1")) as f:
        said = without_times(f.read().replace("\\e", "\\"))
    for option, name in ("notification", key_of(box.all("webhook")[0])), ("silence", sid):
        text = tool(d, "why", f"--{option}={name}").stdout
        assert f"$ tocsin why --{option}=ID\n" + without_times(text) + ".Ed\n" in said, text


class Dropping(Holding.Handler):
    """Takes the request and says nothing."""
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.close_connection = True
        self.connection.shutdown(2)


def test_why_of_who_may_have_been_told(start, holding):
    holding.RequestHandlerClass = Dropping
    d = start(make_config(holding.receiver()))
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: rows(d, "attempt"), 10)
    assert rows(d, "attempt")[0][1]["inDoubt"] == 1
    data = why(d, "alert=alertname=Disk")
    v, = verdicts(data)
    assert "told" not in v and v["inDoubtAt"] and v["cause"] == "delivery_retry"
    text = data["alerts"][0]["text"]
    assert "perhaps the receiver was told: no answer came" in text[0]
    assert text[1].startswith("  perhaps told: r/webhook[0]: sending fails")


def trim(d, before):
    """Takes away what is older than the first row of that kind."""
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("DELETE FROM journal WHERE id < "
                   "(SELECT min(id) FROM journal WHERE kind = ?)", (before,))


def test_why_of_what_a_trimmed_journal_has_only_a_part_of(start, far, box):
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=Quiet", comment="known")
    unused = d.silence("alertname=Nothing")
    d.post("/api/v2/alerts", [firing("Loud"), firing("Quiet")])
    until(lambda: rows(d, "attempt") and len(rows(d, "flush")) == 2, 10)
    key = key_of(box.all("webhook")[0])
    assert "delivered at" in tool(d, "why", "--notification", key).stdout.split("\n")[0]
    lines = tool(d, "why", "--silence", sid).stdout.split("\n")
    assert "it kept 1 alert back" in lines[0]
    assert "It kept nothing from anybody so far." in tool(d, "why", "--silence", unused).stdout

    trim(d, "flush")
    text = tool(d, "why", "--silence", sid).stdout
    assert "it kept at least 1 alert back" in text and "those before are not known" in text
    trim(d, "attempt")
    s = why(d, "silence=" + sid)
    assert "what it kept back is not known" in s["text"][0] and "knownSince" in s["silence"]
    assert not [line for line in s["text"] if "kept nothing" in line]
    n = why(d, "notification=" + key)
    assert n["notification"]["outcome"] == "delivery_sent" and "delivered at" in n["text"][0]
    assert "firing" not in n["notification"] and "decidedAt" not in n["notification"]
    assert "It told of 1 firing and 0 resolved alerts; of which is not known" in n["text"][-1]
    for what in "notification", "silence":
        answer = d.get(f"/api/v1/why?{what}=00")
        assert answer.status == 404 and "the journal goes back to" in answer.json["error"]


def test_why_of_who_was_told_before_the_journal_begins(start, far, box):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: len(rows(d, "flush")) == 2, 10)  # the latter: nothing is new
    then = time.time()
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("DELETE FROM journal WHERE id < "
                   "(SELECT max(id) FROM journal WHERE kind = 'flush')")
    data = why(d, f"alert=alertname=Disk&at={then:.3f}")
    v, = verdicts(data)
    assert v["cause"] == "held_nothing_new" and "told" not in v
    assert "the receiver was told before; when is not known" in data["alerts"][0]["text"][0]
    assert "NOT told anew: " in data["alerts"][0]["text"][1]


def test_why_of_a_notification_without_what_is_over(start, far, box):
    quiet = hook(far)
    quiet["webhook_configs"][0]["send_resolved"] = False
    d = start(make_config(quiet))
    d.post("/api/v2/alerts", [firing("Disk", host="a"), firing("Disk", host="b")])
    assert box.wait(lambda s: s.kind == "webhook", 10)
    at = box.count()
    d.post("/api/v2/alerts", [resolved("Disk", host="a"), firing("Disk", host="c")])
    seen = box.wait(lambda s: s.kind == "webhook", 10, at)
    until(lambda: len(rows(d, "attempt")) == 2, 10)
    n = why(d, "notification=" + key_of(seen))["notification"]
    assert n["resolved"] == [] and sorted(a["labels"]["host"] for a in n["firing"]) == ["b", "c"]


@pytest.mark.parametrize("query, error", [
    ("", "what to explain is missing"),
    ("alert=a%3D~(", "alert: "),
    ("alert=a%3Db&at=yesterday", "at: \"yesterday\" is no time"),
    ("notification=a&silence=b", "one thing is explained at a time"),
    ("notification=a&alert=a%3Db", "one thing is explained at a time"),
])
def test_why_says_what_is_wrong_with_the_question(start, far, query, error):
    d = start(make_config(hook(far)))
    answer = d.get("/api/v1/why?" + query)
    assert answer.status == 400 and error in answer.json["error"]


def test_reading_the_journal_takes_no_place_from_other_requests(start, far):
    """Of so many at a time all are answered, where one GET request is."""
    d = start(make_config(hook(far)), args=["--web.get-concurrency=1"])
    post_kept(d, *[firing(f"A{i}") for i in range(500)])
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = pool.map(lambda _: d.get("/api/v1/history?limit=5000").status, range(12))
    assert set(answers) == {200}


def test_why_names_what_rules_do_when_there_is_no_alert(start, far, backend, rules):
    write(rules / "r.yml", rule_file(group("g", alert("Down", "up == 0"))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: (d.rule("Down") or {}).get("lastEvaluation", "0001")[:4] != "0001", 10)
    assert why(d, "alert=alertname=Down")["cause"] == "rule_without_series"
    assert why(d, "alert=alertname=Other")["cause"] == "alert_unknown"
    assert "gave no such series" in tool(d, "why", "Down").stdout


def last(d, alert, **params):
    """The lines of its explanation."""
    query = "&".join(f"{k}={v}" for k, v in params.items())
    return why(d, f"alert={alert}&{query}")["text"]


def test_why_says_that_a_trimmed_journal_does_not_tell(start, far, box):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: rows(d, "attempt"), 10)
    time.sleep(0.3)
    d.post("/api/v2/alerts", [firing("Other")])
    until(lambda: len(rows(d, "attempt")) == 2, 10)
    then = time.time()
    fingerprint = rows(d, "alerts")[0][1]["alerts"][0]["fingerprint"]
    assert verdicts(why(d, f"alert={fingerprint}&at={then:.3f}"))[0]["told"]
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("DELETE FROM journal WHERE id < (SELECT max(id) FROM journal)")
    assert verdicts(why(d, f"alert={fingerprint}"))[0]["told"]  # the daemon remembers
    data = why(d, f"alert={fingerprint}&at={then:.3f}")
    assert data["alerts"][0]["cause"] == "not_known"
    assert "not known" in data["text"][0] and "has nothing before" in data["text"][1]
    assert f"Disk {fingerprint}: " in data["text"][0]  # what it is the daemon knows
    assert why(d, f"alert=alertname=Never&at={then:.3f}")["cause"] == "not_known"


def test_a_journal_that_took_the_place_of_a_damaged_one_does_not_know_what_was_before(start, far):
    d = start(make_config(hook(far)))
    assert why(d, "alert=alertname=Never")["cause"] == "alert_unknown"
    data = json.dumps({"change": "replaced", "error": "file is not a database"})
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("UPDATE journal SET data = ? WHERE id = 1", (data,))
    answer = why(d, "alert=alertname=Never")
    assert answer["cause"] == "not_known" and "NOBODY" not in answer["text"][0]
    assert "the journal has nothing of it" in answer["text"][1]
    text = tool(d, "history", "--kind=daemon").stdout
    assert "the journal was damaged and begins anew here" in text
    assert "file is not a database" in text


def test_why_of_now_needs_no_journal(start, far, box):
    d = start(make_config(hook(far)))
    sid = d.silence("alertname=Quiet", comment="known")
    d.post("/api/v2/alerts", [firing("Quiet")])
    until(lambda: rows(d, "flush"), 10)
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        db.execute("DELETE FROM journal")
    data = why(d, "alert=alertname=Quiet")
    v, = verdicts(data)
    assert "NOBODY was told since 2" in data["alerts"][0]["text"][0]
    assert (v["cause"], v["by"]) == ("muted_by_silence", sid) and "knownSince" in v


def test_why_of_a_past_time_is_under_the_configuration_of_then(start, far, box):
    d = start(make_config(hook(far), route={"group_wait": "300ms", "group_interval": "2s"}))
    d.post("/api/v2/alerts", [firing("Disk")])
    time.sleep(0.1)
    waiting = f"{time.time():.3f}"
    until(lambda: rows(d, "attempt"), 10)
    d.post("/api/v2/alerts", [firing("Disk", host="b")])
    time.sleep(0.2)
    joined = f"{time.time():.3f}"
    until(lambda: len(rows(d, "attempt")) == 2, 10)
    told = f"{time.time():.3f}"

    def check(route):
        for at, want in ((waiting, "group_wait"), (joined, "group_interval")):
            v, = [v for a in why(d, f"alert=alertname=Disk&at={at}")["alerts"]
                  for g in a["groups"] for v in g["verdicts"]
                  if not v["told"]]
            assert (v["cause"], v["receiver"]) == (want, "r")
        one = why(d, f"alert=alertname=Disk&at={told}")["alerts"][0]
        assert bool(one["routes"]) == route
        assert [v["told"] for g in one["groups"] for v in g["verdicts"]] == [True]

    check(route=True)
    with open(d.config, "w") as f:
        f.write(make_config(hook(far), route={"receiver": "new", "group_by": ["host"]},
                            more_receivers=[{"name": "new", **hook(far, "new")}]))
    assert d.post("/-/reload").status == 200
    until(lambda: len(rows(d, "config")) == 2, 10)
    check(route=False)
    assert any("under the configuration of then" in line
               for line in last(d, "alertname=Disk", at=told))


def test_why_of_the_end(start, far, box):
    off = hook(far, "off")
    off["webhook_configs"][0]["send_resolved"] = False
    d = start(make_config(hook(far), route={"routes": [
        {"receiver": "off", "matchers": [], "continue": True}, {"receiver": "r", "matchers": []}]},
        more_receivers=[{"name": "off", **off}]))
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: len(rows(d, "attempt")) == 2, 10)
    d.post("/api/v2/alerts", [resolved("Disk")])
    until(lambda: len(rows(d, "attempt")) == 3, 10)
    time.sleep(1)
    ends = {v["receiver"]: v["end"] for v in verdicts(why(d, "alert=alertname=Disk"))}
    assert ends["r"]["told"] and not ends["off"]["told"]
    assert ends["off"]["cause"] == "held_resolved_unwanted"
    assert "    NOT told of its end: send_resolved is off" in last(d, "alertname=Disk")


def test_why_names_the_rule_file_that_is_refused(start, far, rules):
    d = start(make_config(hook(far)), rules)
    write(rules / "bad.yml", rule_file(group("g", alert("Down", "up =="))))
    until(lambda: rows(d, "file"), 10)
    data = why(d, "alert=alertname=Down")
    assert data["cause"] == "rule_file_refused"
    assert "bad.yml" in data["text"][1] and "is refused" in data["text"][1]
    assert why(d, "alert=alertname=Other")["cause"] == "alert_unknown"


def test_why_of_an_alert_that_a_ceiling_dropped(start, far):
    d = start(make_config(hook(far)), args=["--alerts.max-alerts=1", "--alerts.max-labels=3"])
    d.post("/api/v2/alerts", [firing("First")])
    d.post("/api/v2/alerts", [firing("Second")])
    d.post("/api/v2/alerts", [firing("Third", a="1", b="2", c="3")])
    until(lambda: len(rows(d, "alerts")) == 3, 10)
    assert [c["alerts"][0]["change"] for _, c in rows(d, "alerts")] == ["new", "dropped", "dropped"]
    second = why(d, "alert=alertname=Second")["alerts"][0]
    assert second["cause"] == "ceiling" and "--alerts.max-alerts" in second["refusedFor"]
    third = why(d, "alert=alertname=Third")["alerts"][0]
    assert "4 labels, at most 3 are allowed" in third["refusedFor"]
    assert "is dropped" in tool(d, "history", "Second").stdout


# -- history ------------------------------------------------------------------------------

def test_history_lists_and_filters(start, far, box):
    d = start(make_config(hook(far)))
    d.silence("alertname=Quiet")
    d.post("/api/v2/alerts", [firing("Loud", host="a"), firing("Quiet", host="b")])
    until(lambda: rows(d, "attempt"), 10)

    def kinds(query=""):
        return [e["kind"] for e in d.get("/api/v1/history?" + query).json["data"]["entries"]]

    assert kinds() == ["daemon", "config", "silence", "alert", "alert", "notification"]
    assert kinds("filter=alertname=Loud") == ["alert", "notification"]
    assert kinds("filter=alertname=Quiet") == ["alert"]
    assert kinds("kind=silence&kind=config") == ["config", "silence"]
    assert kinds("receiver=r") == ["notification"]
    assert kinds("limit=1") == ["notification"]
    assert kinds(f"start={time.time() + 5:.0f}") == []
    assert d.get("/api/v1/history?kind=x").status == 400
    assert kinds("receiver=r&kind=config") == []
    unknown = tool(d, "history", "--receiver=nobody", check=False)
    assert unknown.returncode == 1 and 'nothing is known of "nobody"' in unknown.stderr
    backwards = tool(d, "history", "--start=1h", "--end=2h", check=False)
    assert backwards.returncode == 1 and "start: is after end" in backwards.stderr
    assert tool(d, "why", "Loud", "--silence=x", check=False).returncode == 1
    text = tool(d, "history", "Loud").stdout
    assert re.search(r'alert +\{alertname="Loud", host="a"\} fires, posted by 127.0.0.1', text)
    assert len(json.loads(tool(d, "history", "-o", "json", "--start", "1h").stdout)["entries"]) == 6
    assert "There is more before this" in tool(d, "history", "--limit", "1").stdout


def test_history_tells_ends_that_come_by_themselves_and_of_how_many(start, far, box):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [alert_until("Disk", 1, host="a"), alert_until("Disk", 60, host="b")])
    until(lambda: len(rows(d, "attempt")) == 2, 10)
    lines = tool(d, "history", "Disk").stdout
    assert re.search(r'host="a"} is over', lines)
    assert len(re.findall("is over", lines)) == 1
    assert re.search(r"delivered \(2 firing, 0 resolved\), group", lines)
    assert re.search(r"delivered \(1 firing, 1 resolved\), group", lines)


def alert_until(name, seconds, **labels):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return {**firing(name, **labels), "endsAt": at.isoformat()}


def test_history_of_silences_and_of_what_is_about_no_alert(start, far):
    d = start(make_config(hook(far)))
    quiet = d.silence("alertname=Quiet")
    d.silence("alertname=Other")
    every = d.silence("host=a")
    d.post("/api/v2/alerts", [firing("Loud", host="a")])
    until(lambda: rows(d, "alerts") and len(rows(d, "silence")) == 3, 10)

    def silences(name):
        answer = d.get(f"/api/v1/history?kind=silence&filter=alertname={name}").json["data"]
        return [e["silence"] for e in answer["entries"]]

    assert silences("Quiet") == [quiet]  # there never was such an alert
    assert silences("Loud") == [every]
    for kind in "config", "daemon":
        answer = d.get(f"/api/v1/history?kind={kind}&filter=alertname=Loud")
        assert answer.status == 400 and "about no alerts" in answer.json["error"]


def test_history_of_a_notification_whose_flush_was_before(start, far, box):
    far.force("/hook/alerts", 503, times=2)
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Disk")])
    until(lambda: len(rows(d, "attempt")) == 3, 10)
    start_ = rows(d, "attempt")[0][0]["at"] + 1
    entries = d.get(f"/api/v1/history?filter=alertname=Disk&start={start_ / 1000:.3f}").json["data"]
    assert [e["reason"] for e in entries["entries"]] == ["delivery_retry", "delivery_sent"]


def test_history_has_a_ceiling_and_goes_on_page_after_page(start, far):
    d = start(make_config(hook(far)))
    labels = {"alertname": "Big", "filler": "x" * 30000}
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        at = int(time.time() * 1000)
        for i in range(30):  # 1.2 MB each
            data = json.dumps({"alerts": [
                {"change": "new", "fingerprint": f"{i * 40 + k:016x}",
                 "labels": {**labels, "i": str(i * 40 + k)}} for k in range(40)]})
            db.execute("INSERT INTO journal (at, kind, reason, data) "
                       "VALUES (?, 'alerts', 'none', ?)", (at + i, data))
    answer = d.get("/api/v1/history?kind=alert&limit=5000")
    data = answer.json["data"]
    assert len(answer.text) < 17 * 1024 * 1024 and data["isCut"] and data["readTo"]
    told = [int(e["labels"]["i"]) for e in data["entries"]]
    assert told == list(range(told[0], 1200)) and told[0] % 40 == 0 and len(told) > 400
    assert not [e for e in data["entries"] if "xxx" in e["text"]]
    pages = json.loads(tool(d, "history", "-o", "json", "--kind=alert", "--limit=5000").stdout)
    assert [int(e["labels"]["i"]) for e in pages["entries"]] == list(range(1200))
    lines = tool(d, "history", "--kind=alert", "--limit=5000").stdout.split("\n")
    assert len([line for line in lines if line.endswith(" fires")]) == 1200
    assert '{alertname="Big", ' in lines[0]


def test_history_finds_what_is_rare_in_a_long_journal(start, far):
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("Rare")])
    until(lambda: rows(d, "alerts"), 10)
    labels = {"alertname": "Common", "filler": "x" * 300}
    data = json.dumps({"alerts": [{"change": "new", "fingerprint": f"{i:016x}", "labels": labels}
                                  for i in range(20)]})
    with sqlite3.connect(f"{d.storage}/tocsin.db") as db:
        at = int(time.time() * 1000)
        db.executemany("INSERT INTO journal (at, kind, reason, data) "
                       "VALUES (?, 'alerts', 'none', ?)",
                       ((at, data) for _ in range(4000)))  # 30 MB
    answer = d.get("/api/v1/history?kind=alert&filter=alertname=Rare&limit=1").json["data"]
    assert [e["change"] for e in answer["entries"]] == ["new"]
