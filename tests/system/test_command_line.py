"""amtool against tocsind, tocsin against tocsind, tocsin against Debian's Alertmanager.

The same steps for all three: what a person types must not depend on who is where.
"""
import json
import os
import re
import time

import pytest

import programs
from conftest import firing, hook, make_config
from programs import TOCSIN, http, run, until

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
PLAIN = "route: {receiver: r, group_wait: 1s}\nreceivers: [{name: r}]\n"


class Pair:
    """A client program and the server it talks to."""

    def __init__(self, client, server, folder):
        self.client, self.server, self.folder = client, server, str(folder)
        self.url = server.url

    def __call__(self, *args, check=True):
        return run([self.client, f"--alertmanager.url={self.url}", *args], check,
                   HOME=self.folder)

    def post(self, alerts):
        assert programs.http("POST", self.url + "/api/v2/alerts", alerts).status == 200

    def silences(self):
        return programs.http("GET", self.url + "/api/v2/silences").json


@pytest.fixture(params=["amtool-tocsind", "tocsin-tocsind", "tocsin-alertmanager"])
def pair(request, folder, keep, far):
    client, server = request.param.split("-")
    if server == "tocsind":
        running = keep(programs.Tocsind(folder, PLAIN))
    else:
        running = keep(programs.alertmanager(folder, PLAIN))
    p = Pair(TOCSIN if client == "tocsin" else "amtool", running, folder)
    p.name = request.param
    return p


def table(text):
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line.strip()]


def test_silence_add_query_expire(pair):
    sid = pair("silence", "add", "alertname=DiskFull", "host=~web.*", "--author=me",
               "--comment=disk ordered", "--duration=2h").stdout.strip()
    assert UUID.match(sid), sid
    rows = table(pair("silence", "query").stdout)
    assert rows[0] == ["ID", "Matchers", "Ends At", "Created By", "Comment"]
    assert rows[1][0] == sid
    assert rows[1][1] == 'alertname="DiskFull" host=~"web.*"'
    assert rows[1][3:] == ["me", "disk ordered"]
    assert re.match(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$", rows[1][2])
    assert pair("silence").stdout == pair("silence", "query").stdout, "query is the default"
    assert pair("silence", "query", "-q").stdout.split() == [sid]
    assert pair("silence", "query", "-q", "--created-by=nobody").stdout.split() == []
    assert pair("silence", "query", "-q", "--within=1h").stdout.split() == []
    assert pair("silence", "query", "-q", "--within=3h").stdout.split() == [sid]
    assert pair("silence", "query", "-q", "alertname=DiskFull").stdout.split() == [sid]

    got = json.loads(pair("silence", "query", "-o", "json").stdout)
    assert [s["id"] for s in got] == [sid]
    assert got[0]["matchers"][1] == {"isEqual": True, "isRegex": True, "name": "host",
                                     "value": "web.*"}
    rows = table(pair("silence", "query", "-o", "extended").stdout)
    assert rows[0] == ["ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By",
                       "Comment"]
    assert rows[1][1] == '{alertname="DiskFull",host=~"web.*"}'

    assert pair("silence", "expire", sid).stdout == ""
    assert pair("silence", "query", "-q").stdout.split() == []
    assert pair("silence", "query", "-q", "--expired").stdout.split() == [sid]
    assert pair.silences()[0]["status"]["state"] == "expired"


def test_silence_add_takes_an_alert_name_for_short(pair):
    sid = pair("silence", "add", "DiskFull", "-c", "x", "-d", "1d").stdout.strip()
    s = [x for x in pair.silences() if x["id"] == sid][0]
    assert s["matchers"] == [{"isEqual": True, "isRegex": False, "name": "alertname",
                              "value": "DiskFull"}]


def test_silence_update(pair):
    sid = pair("silence", "add", "a=b", "-c", "first", "-d", "1h").stdout.strip()
    before = pair.silences()[0]["endsAt"]
    out = pair("silence", "update", "-d", "3h", "-c", "second", sid).stdout
    rows = table(out)
    new = rows[1][0] if UUID.match(rows[1][0]) else sid
    now = [s for s in pair.silences() if s["status"]["state"] == "active"]
    assert len(now) == 1 and now[0]["comment"] == "second" and now[0]["endsAt"] > before
    assert now[0]["id"] in (sid, new)


def test_silence_add_refuses(pair):
    for args, words in ((["a=b"], "comment required by config"),
                        (["-c", "x"], "no matchers specified"),
                        (["a=b", "-c", "x", "-d", "0s"], "silence duration must be greater than 0"),
                        (["a=b", "-c", "x", "--end", "2001-01-01T00:00:00Z"],
                         "silence cannot start after it ends"),
                        (["a=b", "c~=d", "-c", "x"], "")):
        done = pair("silence", "add", *args, check=False)
        assert done.returncode == 1 and words in done.stderr, (args, done)
        assert done.stdout == ""
    assert pair.silences() == []
    done = pair("silence", "expire", "947e3b36-87e0-41eb-a1d1-1584b90e8250", check=False)
    assert done.returncode == 1 and done.stderr


def test_alert_add_and_query(pair):
    pair("alert", "add", "alertname=Load", "host=a", "--annotation=summary=load too high",
         "--generator-url=http://prometheus.example.org/")
    pair("alert", "add", "Other", "host=b")
    out = until(lambda: (lambda o: o if "Load" in o and "Other" in o else None)(
        pair("alert", "query").stdout), 10)
    rows = table(out)
    assert rows[0] == ["Alertname", "Starts At", "Summary", "State"]
    load = [r for r in rows if r[0] == "Load"][0]
    assert load[2:] == ["load too high", "active"]
    assert [r[0] for r in table(pair("alert", "query", "host=b").stdout)][1:] == ["Other"]
    assert [r[0] for r in table(pair("alert", "Other").stdout)][1:] == ["Other"]
    got = json.loads(pair("alert", "query", "-o", "json", "alertname=Load").stdout)
    assert got[0]["labels"] == {"alertname": "Load", "host": "a"}
    assert 'alertname="Load" host="a"' in pair("alert", "query", "-o", "extended").stdout

    pair("silence", "add", "alertname=Load", "-c", "x")
    until(lambda: "Load" not in pair("alert", "query").stdout, 10)
    assert "Load" in pair("alert", "query", "-s").stdout
    assert "Other" not in pair("alert", "query", "-s").stdout


def test_a_bad_flag_and_nobody_there(pair):
    done = pair("silence", "query", "--nonsense", check=False)
    assert done.returncode == 1 and "unknown long flag '--nonsense'" in done.stderr
    done = run([pair.client, "--alertmanager.url=http://127.0.0.1:1", "silence", "query"], False,
               HOME=pair.folder)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr


def test_its_configuration_file(pair, folder):
    d = folder / ".config" / "prometheus"  # where Debian's amtool looks
    d.mkdir(parents=True)
    (d / "amtool.yml").write_text(
        f"alertmanager.url: {pair.url}\nauthor: from-file\noutput: json\nunknown: key\n")
    sid = run([pair.client, "silence", "add", "a=b", "-c", "x"], HOME=str(folder)).stdout.strip()
    s = [x for x in pair.silences() if x["id"] == sid][0]
    assert s["createdBy"] == "from-file"
    out = run([pair.client, "silence", "query"], HOME=str(folder)).stdout
    assert json.loads(out)[0]["id"] == sid
    out = run([pair.client, "silence", "query", "-o", "simple"], HOME=str(folder)).stdout
    assert out.startswith("ID ")


def test_json_output_of_many(pair):
    pair.post([{"labels": {"alertname": f"A{i}", "odd": 'q"\\\n\t\N{SNOWMAN}'}} for i in range(50)])
    got = json.loads(pair("alert", "query", "-o", "json").stdout)
    assert len(got) == 50 and got[0]["labels"]["odd"] == 'q"\\\n\t\N{SNOWMAN}'


def test_amtool_shows_our_configuration(start, far):
    d = start(make_config(
        {"slack_configs": [{"api_url": far.slack, "channel": "#x"}]},
        route={"routes": [{"receiver": "r", "matchers": ["a=b"]}]}))
    out = d.tool("config", "show", program="amtool").stdout
    assert "receiver: r" in out and "<secret>" in out and far.slack not in out
    out = d.tool("cluster", "show", program="amtool", check=False)
    assert "disabled" in out.stdout


def test_amtool_reads_our_routes(folder, keep):
    d = keep(programs.Tocsind(folder, """\
route: {receiver: r, routes: [{receiver: s, matchers: ['a="b"']}]}
receivers: [{name: r}, {name: s}]
"""))
    out = d.tool("config", "routes", "show", program="amtool").stdout
    assert '{a="b"}  receiver: s' in out
    assert d.tool("config", "routes", "test", "a=b", program="amtool").stdout.strip() == "s"


def test_tocsin_has_a_default_and_an_environment_variable(start, far):
    d = start(make_config(hook(far)))
    out = run([TOCSIN, "silence", "add", "a=b", "-c", "x"], HOME=d.folder, TOCSIN_URL=d.url)
    assert UUID.match(out.stdout.strip())
    done = run([TOCSIN, "rules"], check=False, HOME=d.folder, TOCSIN_URL="http://127.0.0.1:1")
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr
    for args in (["--help"], ["silence", "--help"], ["--version"]):
        done = run([TOCSIN, *args])
        assert done.stdout and not done.stderr


def test_a_silence_made_by_amtool_silences(start, far, box):
    d = start(make_config(hook(far)))
    d.tool("silence", "add", "alertname=Quiet", "-c", "x", program="amtool")
    d.post("/api/v2/alerts", [firing("Quiet"), firing("Loud")])
    assert box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Loud", 5)
    time.sleep(0.5)
    assert len(box.all()) == 1


def test_silences_move_from_an_alertmanager_to_us(start, far, folder, keep):
    """As the README says: query at the old one, import at the new one."""
    d = start(make_config(hook(far)))
    old = keep(programs.alertmanager(folder, PLAIN))
    for i in range(3):
        run(["amtool", f"--alertmanager.url={old.url}", "silence", "add", f"a={i}", "-c", f"c{i}"],
            HOME=str(folder))
    out = run(["amtool", f"--alertmanager.url={old.url}", "silence", "query", "-o", "json"],
              HOME=str(folder)).stdout
    run(["amtool", f"--alertmanager.url={d.url}", "silence", "import", "--force"], stdin=out,
        HOME=str(folder))
    assert sorted(s["comment"] for s in d.get("/api/v2/silences").json) == ["c0", "c1", "c2"]


def test_silences_stay_when_the_binary_is_changed(start, far, folder, keep):
    """Our daemon begins in the data directory of Debian's Alertmanager."""
    old = keep(programs.alertmanager(folder, PLAIN))
    for args in (["a=b", "-c", "plain"], ['x=~"y|z"', 'n!="1"', 'r!~"q"', "-c", "odd \u2603"],
                 ["gone=yes", "-c", "over"]):
        run(["amtool", f"--alertmanager.url={old.url}", "silence", "add", *args], HOME=str(folder))
    over = [s["id"] for s in http("GET", old.url + "/api/v2/silences").json if s["comment"] == "over"]
    run(["amtool", f"--alertmanager.url={old.url}", "silence", "expire", *over], HOME=str(folder))
    before = {s["id"]: s for s in http("GET", old.url + "/api/v2/silences").json}
    old.stop()
    with open(folder / "alertmanager-data" / "silences", "rb") as f:
        whole = f.read()
    for cut, lost in ((len(whole), 0), (len(whole) - 10, 1)):
        own = folder / f"cut{cut}"
        (own / "data").mkdir(parents=True)
        (own / "data" / "silences").write_bytes(whole[:cut])
        for _ in range(2):  # the second time from our own state
            d = keep(programs.Tocsind(own, make_config(hook(far))))
            after = {s["id"]: s for s in d.get("/api/v2/silences").json}
            assert len(after) == len(before) - lost
            assert all({**before[i], "matchers": 0} == {**s, "matchers": 0} for i, s in after.items())
            assert all(sorted(map(str, before[i]["matchers"])) == sorted(map(str, s["matchers"]))
                       for i, s in after.items())
            d.stop()
            assert d.log().count("silences taken over from Alertmanager") == 1
            assert d.log().count("ends within a silence") == lost


def test_json_of_what_had_none(start):
    d = start(PLAIN)
    added = json.loads(d.tool("alert", "add", "Disk", "host=a", "--annotation=k=v", "-o",
                              "json").stdout)
    assert added[0]["labels"] == {"alertname": "Disk", "host": "a"}
    assert added[0]["annotations"] == {"k": "v"}
    assert d.tool("alert", "add", "Other").stdout == ""
    ids = {d.silence(f"a={i}") for i in range(3)}
    assert set(json.loads(d.tool("silence", "query", "-q", "-o", "json").stdout)) == ids
    assert set(d.tool("silence", "query", "-q").stdout.split()) == ids
    assert json.loads(d.tool("silence", "query", "-q", "-o", "json", "a=nothing").stdout) == []
    done = d.tool("silence", "update", "-q", "-o", "json", "--comment=x", sorted(ids)[0])
    assert len(json.loads(done.stdout)) == 1


def test_under_the_name_amtool_these_print_what_amtool_does(start, folder):
    d = start(PLAIN)
    os.symlink(TOCSIN, folder / "amtool")
    sid = d.silence("a=b")
    assert d.tool("alert", "add", "Disk", "-o", "json", program=folder / "amtool").stdout == ""
    quiet = d.tool("silence", "query", "-q", "-o", "json", program=folder / "amtool")
    assert quiet.stdout.split() == [sid]
