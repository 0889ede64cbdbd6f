"""The journal, the delivery ledger, and what they tell: tocsin why, tocsin history."""
import base64
import concurrent.futures
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


@pytest.mark.parametrize("query, error", [
    ("", "what to explain is missing"),
    ("alert=a%3D~(", "alert: "),
    ("alert=a%3Db&at=yesterday", "at: \"yesterday\" is no time"),
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
    text = tool(d, "history", "Loud").stdout
    assert re.search(r'alert +\{alertname="Loud", host="a"\} fires, posted by 127.0.0.1', text)
    assert len(json.loads(tool(d, "history", "-o", "json", "--start", "1h").stdout)["entries"]) == 6
    assert "There is more before this" in tool(d, "history", "--limit", "1").stdout
