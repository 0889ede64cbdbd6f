"""The daemon's manners: flags, logs, sockets, sd_notify."""
import json
import os
import re
import socket
import subprocess

import pytest

from conftest import firing, hook, make_config, write
from programs import TOCSIN, TOCSIND, Program, free_port, http, run, until

LOGFMT = re.compile(r'^(?:[a-z_]+=(?:"(?:[^"\\]|\\.)*"|[^" =]+)(?: |$))+$')


def test_version_and_help():
    for flag in ("--version", "-version"):
        done = run([TOCSIND, flag])
        assert done.stdout.startswith("tocsind, version ") and done.stderr == ""
    done = run([TOCSIND, "--help"])
    assert "--config.file" in done.stdout and "--storage.path" in done.stdout
    assert re.match(r"^tocsin, version ", run([TOCSIN, "--version"]).stdout)


@pytest.mark.parametrize("args, text", [
    (["--nonsense"], "--nonsense"),
    (["--web.listen-adress=:1"], "--web.listen-address"),
    (["stray"], "unexpected stray"),
    (["--data.retention=5x"], "5x"),
    (["--log.level=loud"], "loud"),
    (["--log.format=xml"], "xml"),
    (["--config.file"], "--config.file"),
    (["--config.file=a", "--config.file=b"], "cannot be repeated"),
    (["--web.external-url=host:8080"], "external"),
    (["--data.retention=-1h"], "retention"),
])
def test_a_bad_command_line_ends_with_1(args, text, folder):
    done = run([TOCSIND, f"--storage.path={folder}/d"]
               + ([] if "config" in args[0] else [f"--config.file={folder}/none.yml"]) + args,
               check=False)
    assert done.returncode == 1 and text in done.stderr, done
    assert done.stdout == ""


def test_a_missing_configuration_is_named(folder):
    done = run([TOCSIND, f"--config.file={folder}/none.yml", f"--storage.path={folder}/d"],
               check=False)
    assert done.returncode == 1 and f"{folder}/none.yml" in done.stderr
    assert "No such file" in done.stderr


def test_default_configuration_files(folder, keep):
    port = free_port()
    for name, receiver in (("alertmanager.yml", "old"), ("tocsin.yml", "new")):
        write(folder / name, f"route: {{receiver: {receiver}}}\nreceivers: [{{name: {receiver}}}]\n")
        p = keep(Program(name, [TOCSIND, f"--web.listen-address=127.0.0.1:{port}",
                                "--cluster.listen-address="], folder))
        url = f"http://127.0.0.1:{port}"
        p.when_up(url + "/-/ready")
        assert http("GET", url + "/api/v2/receivers").json[0]["name"] == receiver
        assert p.stop() == 0
    assert os.path.exists(folder / "data" / "tocsin.db")


def test_flags_in_all_their_forms(folder, keep, far):
    port = free_port()
    write(folder / "c.yml", make_config(hook(far)))
    p = keep(Program("tocsind", [
        TOCSIND, "-config.file", "c.yml", "-storage.path=state", "--web.listen-address",
        f"127.0.0.1:{port}", "--cluster.listen-address", "", "--cluster.peer=a:1",
        "--cluster.peer=b:2", "--cluster.settle-timeout=5s", "--data.retention", "120h",
        "--data.maintenance-interval=15m", "--alerts.gc-interval=30m", "--dispatch.start-delay=0s",
        "--silences.max-silences=100", "--silences.max-silence-size-bytes=10000",
        "--alerts.per-alertname-limit=0", "--rules.alert.resend-delay=1m", "--web.timeout=30s",
        "--web.get-concurrency=20", "--log.level=DEBUG", "--no-web.systemd-socket",
        "--dispatch.maintenance-interval=30s", "--auto-gomemlimit.ratio=0.5"], folder))
    p.when_up(f"http://127.0.0.1:{port}/-/ready")
    assert os.path.exists(folder / "state" / "tocsin.db")
    assert p.stop() == 0


def test_logs_as_logfmt(start, far, rules):
    write(rules / "bad.yml", "groups: [\n")
    d = start(make_config(hook(far)), rules)
    d.stop()
    lines = d.log().splitlines()
    assert any(f'msg="Listening on" address=127.0.0.1:{d.port}' in x for x in lines)
    for line in lines:
        assert LOGFMT.match(line), line
        assert re.match(r"^time=\d{4}-\d\d-\d\dT[\d:.]+Z level=(DEBUG|INFO|WARN|ERROR) part=\w+ ",
                        line), line


def test_logs_as_json(start, far, box, rules):
    write(rules / "bad.yml", "groups: [\n")
    far.force("/hook/alerts", 500, 'body with "quotes"\nand \x01 lines', 1)
    d = start(make_config(hook(far)), rules, args=["--log.format=json"])
    d.post("/api/v2/alerts", [firing('odd " name \\ \n \N{SNOWMAN}')])
    assert box.wait(lambda s: s.ok, 10)
    d.stop()
    records = [json.loads(x) for x in d.log().splitlines()]
    assert all({"time", "level", "part", "msg"} <= set(r) for r in records)
    assert any(r["msg"] == "Listening on" for r in records)
    assert any("bad.yml" in r.get("file", "") for r in records)


def test_log_level(start, far):
    d = start(make_config(hook(far)), args=["--log.level=error"])
    d.stop()
    assert d.log() == ""


def test_it_listens_where_it_is_told(start, far, keep, folder):
    second = free_port()
    d = start(make_config(hook(far)), args=[f"--web.listen-address=127.0.0.1:{second}"])
    assert http("GET", f"http://127.0.0.1:{second}/-/healthy").status == 200
    (folder / "other").mkdir()
    write(folder / "other" / "tocsin.yml", make_config(hook(far)))
    done = run([TOCSIND, f"--config.file={folder}/other/tocsin.yml",
                f"--storage.path={folder}/other/data", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{d.port}"], check=False)
    assert done.returncode == 1 and str(d.port) in done.stderr, "the address is in use"


def test_two_daemons_do_not_share_a_storage(start, far):
    d = start(make_config(hook(far)))
    done = run([TOCSIND, f"--config.file={d.config}", f"--storage.path={d.storage}",
                f"--web.listen-address=127.0.0.1:{free_port()}", "--cluster.listen-address="],
               check=False, timeout=30)
    assert done.returncode == 1 and d.storage in done.stderr
    assert d.get("/-/healthy").status == 200


def test_it_tells_systemd(folder, far, keep):
    address = str(folder / "notify")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(address)
    s.settimeout(10)
    write(folder / "tocsin.yml", make_config(hook(far)))
    p = keep(Program("tocsind", [TOCSIND, f"--web.listen-address=127.0.0.1:{free_port()}",
                                 "--cluster.listen-address="], folder,
                     env={"NOTIFY_SOCKET": address}))
    def told(word):
        text = ""
        while word not in text:
            text = s.recv(4096).decode()
    told("READY=1")
    p.signal(1)
    told("RELOADING=1")
    told("READY=1")
    p.stop()
    told("STOPPING=1")
    s.close()


def test_a_socket_from_systemd(folder, far, keep):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(16)
    port = listener.getsockname()[1]
    write(folder / "tocsin.yml", make_config(hook(far)))
    # LISTEN_PID has to be the daemon's own: the shell writes it and becomes the daemon.
    code = ("import os,sys; os.dup2(int(sys.argv[1]), 3); os.environ['LISTEN_PID']=str(os.getpid());"
            "os.environ['LISTEN_FDS']='1'; os.execv(sys.argv[2], sys.argv[2:])")
    log = open(folder / "log", "wb")
    p = subprocess.Popen(["/usr/bin/python3", "-c", code, str(listener.fileno()), TOCSIND,
                          "--web.systemd-socket", "--cluster.listen-address="],
                         cwd=folder, pass_fds=[listener.fileno()], stdout=log, stderr=log)
    try:
        assert http("GET", f"http://127.0.0.1:{port}/-/ready").status == 200
        p.terminate()
        assert p.wait(10) == 0
    finally:
        p.kill()
        p.wait()
        listener.close()
        log.close()


def test_limits_on_silences(start, far):
    d = start(make_config(hook(far)), args=["--silences.max-silences=2"])
    d.silence("a=1")
    d.silence("a=2")
    body = {"matchers": [{"name": "a", "value": "3", "isRegex": False}],
            "startsAt": "2020-01-01T00:00:00Z", "endsAt": "2120-01-01T00:00:00Z",
            "createdBy": "me", "comment": "c"}
    assert d.post("/api/v2/silences", body).status == 400
    assert len(d.get("/api/v2/silences").json) == 2


def test_an_alertmanager_file_runs_as_it_is(start, far, box, rules):
    """What a user of Alertmanager has: nothing of ours in it, classic matchers included."""
    d = start(f"""\
global:
  resolve_timeout: 5m
  slack_api_url: '{far.slack}'
templates: ['*.tmpl']
route:
  receiver: team
  group_by: ['alertname', cluster]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 3h
  routes:
    - match_re: {{service: ^(foo1|foo2)$}}
      receiver: team
      routes:
        - match: {{severity: critical}}
          receiver: pager
inhibit_rules:
  - source_match: {{severity: critical}}
    target_match: {{severity: warning}}
    equal: ['alertname']
receivers:
  - name: team
    slack_configs: [{{channel: '#team', send_resolved: true}}]
  - name: pager
    pagerduty_configs: [{{routing_key: 0123456789abcdef0123456789abcdef, url: '{far.pagerduty}'}}]
""")
    d.post("/api/v2/alerts", [firing("A", service="foo1", severity="critical"), firing("B")])
    assert box.wait(lambda s: s.kind == "pagerduty" and s.ok, 10)
    assert box.wait(lambda s: s.kind == "slack" and s.ok, 10)
