"""SIGHUP and /-/reload: a good configuration takes over, a bad one changes nothing."""
import signal

import pytest

from conftest import firing, hook, make_config, write
from programs import TOCSIND, free_port, run, until


@pytest.fixture
def daemon(start, far):
    return start(make_config(hook(far, "old")))


def test_a_good_configuration_takes_over(daemon, far, box):
    write(daemon.config, make_config(hook(far, "new")))
    hash_before = daemon.metric("alertmanager_config_hash")
    assert daemon.post("/-/reload").status == 200
    assert daemon.metric("alertmanager_config_last_reload_successful") == 1
    assert daemon.metric("alertmanager_config_hash") != hash_before
    daemon.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: True, 5).path == "/hook/new"


def test_sighup_reloads(daemon, far, box):
    write(daemon.config, make_config({"name": "r", **hook(far, "new")}))
    before = daemon.metric("alertmanager_config_hash")
    daemon.signal(signal.SIGHUP)
    until(lambda: daemon.metric("alertmanager_config_hash") != before, 5)
    daemon.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: True, 5).path == "/hook/new"


BAD = [
    ("not yaml: [", r":1:\d+"),
    ("", ""),
    ("route: {receiver: r}\nreceivers: [{name: other}]\n", "1:"),
    ("global: text\nroute: {receiver: r}\nreceivers:\n  - name: r\n"
     "    slack_configs: [{api_url: 'http://localhost/', channel: x}]\n", ":1:9"),
    ("route: {receiver: r, group_wiat: 1s}\nreceivers: [{name: r}]\n", "group_wait"),
    ("route: {receiver: r}\nreceivers: [{name: r}]\ntemplates: [broken.tmpl]\n", "broken.tmpl"),
    ("route: {receiver: r}\nreceivers:\n  - name: r\n    webhook_configs: [{url: 'ftp://x'}]\n",
     "4:"),
]


@pytest.mark.parametrize("text, names", BAD)
def test_a_bad_configuration_changes_nothing(daemon, far, box, folder, text, names):
    (folder / "broken.tmpl").write_text('{{ define "x" }}{{ if }}{{ end }}')
    write(daemon.config, text)
    answer = daemon.post("/-/reload")
    assert answer.status == 500
    assert answer.text.startswith("failed to reload config: ")
    until(lambda: daemon.metric("alertmanager_config_last_reload_successful") == 0, 5)
    assert daemon.config in answer.text or names in answer.text
    daemon.signal(signal.SIGHUP)
    daemon.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: True, 5).path == "/hook/old", "the old configuration is in force"
    write(daemon.config, make_config(hook(far, "old")))
    assert daemon.post("/-/reload").status == 200
    assert daemon.metric("alertmanager_config_last_reload_successful") == 1


def test_alerts_and_silences_outlive_a_reload(daemon, far, box):
    sid = daemon.silence("alertname=Quiet")
    daemon.post("/api/v2/alerts", [firing("Quiet"), firing("Loud")])
    assert box.wait(lambda s: True, 5)
    for _ in range(3):
        assert daemon.post("/-/reload").status == 200
    assert {a["labels"]["alertname"] for a in daemon.alerts()} == {"Quiet", "Loud"}
    assert daemon.get(f"/api/v2/silence/{sid}").json["status"]["state"] == "active"
    assert not box.wait(lambda s: True, 1.5, since=1), "a reload is no reason to say it again"


@pytest.mark.parametrize("text, names", BAD[:4])
def test_the_daemon_does_not_start_with_a_bad_configuration(folder, text, names):
    path = folder / "tocsin.yml"
    path.write_text(text)
    done = run([TOCSIND, f"--config.file={path}", f"--storage.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{free_port()}", "--cluster.listen-address="],
               check=False)
    assert done.returncode == 1
    assert str(path) in done.stderr


def test_all_mistakes_are_told_at_once(folder):
    path = folder / "tocsin.yml"
    path.write_text("global: {resolve_timeuot: 5m}\nroute: {receiver: r, group_wait: 5}\n"
                    "receivers: [{name: r, slck_configs: []}]\n")
    done = run([TOCSIND, f"--config.file={path}", f"--storage.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{free_port()}", "--cluster.listen-address="],
               check=False)
    assert done.returncode == 1
    for word in (":1:10", "resolve_timeout", ":2:", ":3:", "slack_configs"):
        assert word in done.stderr, done.stderr
