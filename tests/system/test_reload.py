"""SIGHUP and /-/reload: a good configuration takes over, a bad one changes nothing."""
import re
import signal
import subprocess

import pytest

from conftest import alert, firing, group, hook, make_config, rule_file, write
from programs import TOCSIND, free_port, http, run, until


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


def test_what_rule_files_may_say_changes(start, far, backend, rules):
    write(rules / "r.yml", rule_file(group("g", {"record": "http.requests", "expr": "one"}),
                                     group("h", alert("Two", "two"))))
    path = str(rules / "r.yml")
    d = start(make_config(hook(far), backend=backend), rules)
    assert d.rule("http.requests")
    write(d.config, make_config(hook(far), backend=backend,
                                global_={"metric_name_validation_scheme": "legacy"}))
    answer = d.post("/-/reload")
    assert answer.status == 500 and "invalid recording rule name: http.requests" in answer.text
    assert d.metric("tocsin_rule_file_broken", file=path) == 1
    assert d.rule("http.requests"), "its last good version runs"
    write(d.config, make_config(hook(far), backend=backend))
    assert d.post("/-/reload").status == 200
    assert d.metric("tocsin_rule_file_broken", file=path) is None
    write(d.config, make_config(hook(far), backend=backend).replace("prometheus", "loki"))
    write(rules / "l.yml", rule_file(group("l", alert("Log", '{a="b"} |= "c"'))))
    assert d.post("/-/reload").status == 200 and d.rule("Log")
    write(d.config, make_config(hook(far), backend=backend))
    assert d.post("/-/reload").status == 500
    assert d.metric("tocsin_rule_file_broken", file=str(rules / "l.yml")) == 1


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
    # Until its answer was read the notification may not have arrived.
    until(lambda: daemon.metric("alertmanager_notification_latency_seconds_count",
                                integration="webhook") == 1, 5)
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


# -- what only shows when a configuration is taken over ----------------------------------
def hook_with(http):
    return {"webhook_configs": [{"url": "http://127.0.0.1:1/", "http_config": http}]}


OAUTH = {"client_id": "a", "token_url": "http://127.0.0.1:1/"}
ROCKET = {"api_url": "http://127.0.0.1:1/", "channel": "#x"}
UNUSABLE = [
    (hook_with({"tls_config": {"ca_file": "nope"}}), {}, r":\d+:\d+: .*CA cert .*nope"),
    (hook_with({"tls_config": {"ca": "hello"}}), {}, "no certificate in it"),
    (hook_with({"tls_config": {"cert_file": "CERT", "key_file": "OTHER"}}), {},
     "does not belong to"),
    (hook_with({"tls_config": {"cert_file": "CERT", "key_file": "nope"}}), {}, "client key"),
    (hook_with({"oauth2": {**OAUTH, "tls_config": {"ca_file": "nope"}}}), {}, "CA cert"),
    ({"incidentio_configs": [{"url": "http://127.0.0.1:1/", "alert_source_token_file": "nope"}]},
     {}, r"nope: cannot open"),
    ({"rocketchat_configs": [{**ROCKET, "token_id": "x", "token_file": "nope"}]}, {}, "nope"),
    ({"rocketchat_configs": [{**ROCKET, "token": "x", "token_id_file": "nope"}]}, {}, "nope"),
    ({}, {"templates": ["["]}, "syntax error in pattern"),
    ({}, {"datasources": [{"name": "d", "type": "prometheus", "url": "http://127.0.0.1:1",
                           "tls_config": {"ca_file": "nope"}}]}, "CA cert"),
]


@pytest.fixture
def pems(folder, certificate):
    other = folder / "other.pem"
    other.write_bytes(subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        check=True, capture_output=True).stdout)
    return {"CERT": certificate[0], "OTHER": str(other)}


def with_pems(text, pems):
    for word, path in pems.items():
        text = text.replace(word, path)
    return text


@pytest.mark.parametrize("receiver, top, words", UNUSABLE)
def test_what_cannot_be_used_is_refused(daemon, far, box, pems, receiver, top, words):
    good = make_config(hook(far, "old"))
    write(daemon.config, with_pems(make_config(receiver, **top), pems))
    answer = daemon.post("/-/reload")
    assert answer.status == 500
    assert re.search(re.escape(daemon.config) + r":\d+:\d+: ", answer.text), answer.text
    assert re.search(words, answer.text), answer.text
    daemon.post("/api/v2/alerts", [firing("A")])
    assert box.wait(lambda s: True, 5).path == "/hook/old", "the old configuration is in force"
    write(daemon.config, good)
    assert daemon.post("/-/reload").status == 200


def test_the_daemon_does_not_start_with_what_cannot_be_used(folder):
    path = folder / "tocsin.yml"
    path.write_text(make_config(UNUSABLE[0][0]))
    done = run([TOCSIND, f"--config.file={path}", f"--storage.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{free_port()}", "--cluster.listen-address="],
               check=False)
    assert done.returncode == 1
    assert re.search(r"tocsin.yml:\d+:\d+: .*CA cert .*nope", done.stderr), done.stderr


def test_a_receiver_that_nobody_uses_may_be_broken(start, far):
    d = start(make_config(hook(far), more_receivers=[{"name": "idle", **UNUSABLE[0][0]}]))
    assert re.search("skipping creation of receiver not referenced .* receiver=idle", d.log())


def test_material_that_is_good_is_taken(start, certificate):
    cert, key = certificate
    start(make_config(hook_with({"tls_config": {"ca_file": cert, "cert_file": cert,
                                                "key_file": key}})))


def test_intervals_that_surprise_are_told(start, far):
    d = start(make_config(hook(far), route={"repeat_interval": "200h"}))
    assert re.search(r"tocsin.yml:\d+:\d+: repeat_interval is greater than", d.log())
    write(d.config, make_config(hook(far), route={"repeat_interval": "100ms"}))
    assert d.post("/-/reload").status == 200
    assert "repeat_interval is less than group_interval" in d.log()
