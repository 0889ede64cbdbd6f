"""The rule directory: what is dropped, changed, moved and broken is live within a second."""
import datetime
import os
import re
import shutil
import time

import pytest

from conftest import alert, group, hook, make_config, rule_file, write
from programs import TOCSIN, TOCSIND, free_port, run, until

SOON = 1.5  # "within a second", and a little for a busy machine


@pytest.fixture
def daemon(start, far, backend, rules):
    backend.set("one", ({"host": "a"}, 1))
    backend.set("two", ({"host": "a"}, 1))
    write(rules / "first.yml", rule_file(group("first", alert("One", "one", **{"for": "1h"}))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: (d.rule("One") or {}).get("alerts"), 10)
    return d


def active_at(d, name):
    rule = d.rule(name)
    return rule["alerts"][0]["activeAt"] if rule and rule["alerts"] else None


def soon(claim, what):
    began = time.monotonic()
    until(claim, 5, what)
    took = time.monotonic() - began
    assert took < SOON, f"{what} took {took:.2f} s"


def test_drop_change_remove(daemon, rules):
    d = daemon
    since = active_at(d, "One")
    path = rules / "second.yml"
    with open(path, "w") as f:  # as cp does it, not by rename
        f.write(rule_file(group("second", alert("Two", "two"))))
    soon(lambda: d.rule("Two"), "the dropped file")
    until(lambda: active_at(d, "Two"), 5)

    with open(path, "w") as f:
        f.write(rule_file(group("second", alert("Two", "two", annotations={"summary": "new"}),
                                alert("Three", "three"))))
    soon(lambda: d.rule("Three"), "the changed file")

    os.remove(path)
    soon(lambda: "second" not in d.groups(), "the removed file")
    until(lambda: d.metric("prometheus_rule_group_rules", rule_group=f"{path};second") is None, 5)
    assert active_at(d, "One") == since, "another file's state was touched"


def test_unchanged_rules_keep_their_state_over_an_edit(daemon, rules):
    d = daemon
    since = active_at(d, "One")
    write(rules / "first.yml", rule_file(group(
        "first", alert("New", "two"),
        alert("One", "one", annotations={"summary": "edited"}, **{"for": "2h"}))))
    soon(lambda: d.rule("New"), "the edit")
    until(lambda: active_at(d, "New"), 5)
    assert active_at(d, "One") == since
    assert d.rule("One")["duration"] == 7200


@pytest.mark.parametrize("args, soon", [((), True), (["--no-rules.resolve-removed"], False)])
def test_the_alerts_of_a_removed_rule(start, far, box, backend, rules, args, soon):
    backend.set("one", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group("g", alert("One", "one"))))
    d = start(make_config(hook(far), backend=backend), rules,
              ["--rules.alert.resend-delay=1s", *args])
    assert box.wait(lambda s: s.kind == "webhook", 10)
    at = time.monotonic()
    os.remove(rules / "r.yml")
    until(lambda: not d.rule("One"), 5)
    assert box.wait(lambda s: s.kind == "webhook" and s.body["status"] == "resolved", 10)
    # as long as Prometheus's promise holds: four times the resend delay after it was sent
    assert (time.monotonic() - at < 2) == soon
    if soon:
        words = run([TOCSIN, "why", f"--alertmanager.url={d.url}", "alertname=One"]).stdout
        assert words.count("because its rule was removed") == 2, words
        words = run([TOCSIN, "history", f"--alertmanager.url={d.url}"]).stdout
        assert "is over in its rule" in words
        assert words.count("because its rule was removed") == 2, words


def is_end(seen):
    return seen.kind == "webhook" and seen.body["status"] == "resolved"


@pytest.mark.parametrize("gone_while", ["it runs", "it is down"])
@pytest.mark.parametrize("how", ["file", "rule", "moved", "broken"])
def test_the_alerts_of_a_removed_rule_over_a_kill(start, far, box, backend, rules, keep, how,
                                                  gone_while):
    """By themselves they would end after the four minutes that were promised, no sooner."""
    def change():
        if how == "file":
            os.remove(rules / "r.yml")
        elif how == "rule":
            write(rules / "r.yml", rule_file(group("g", alert("Two", "two"), interval="1s")))
        elif how == "moved":
            os.rename(rules / "r.yml", rules / "moved.yml")
        else:
            write(rules / "r.yml", BROKEN)

    backend.set("one", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group("g", alert("One", "one"), interval="1s")))
    d = start(make_config(hook(far), backend=backend), rules)
    assert box.wait(lambda s: s.kind == "webhook", 10)
    time.sleep(0.5)  # of the last batch
    if gone_while == "it is down":
        d.kill()
        change()
        gone_at = began = time.time()
    else:
        change()
        gone_at = time.time()
        time.sleep(SOON)  # less than its two intervals
        d.kill()
        began = time.time()
    d = keep(d.again())
    if how in ("moved", "broken"):
        assert not box.wait(is_end, 4)
        backend.set("one")
        assert box.wait(is_end, 5)
        return
    told = box.wait(is_end, 8)
    assert told and time.time() - began > 1.8
    ends_at = datetime.datetime.fromisoformat(told.body["alerts"][0]["endsAt"].rstrip("Z")[:19])
    assert abs(ends_at.replace(tzinfo=datetime.timezone.utc).timestamp() - gone_at) < 2
    time.sleep(0.5)
    d.kill()
    keep(d.again())
    time.sleep(3)
    assert len([s for s in box.all() if is_end(s)]) == 1


def test_moving_a_file_in_and_out(daemon, rules, folder):
    d = daemon
    outside = folder / "outside.yml"
    outside.write_text(rule_file(group("moved", alert("Moved", "two"))))
    os.rename(outside, rules / "moved.yml")
    soon(lambda: d.rule("Moved"), "the file moved in")
    os.rename(rules / "moved.yml", folder / "outside.yml")
    soon(lambda: not d.rule("Moved"), "the file moved out")


def test_an_editor_that_saves_by_rename(daemon, rules):
    d = daemon
    for i in range(5):
        (rules / "first.yml.swp").write_text("half a")
        write(rules / "first.yml", rule_file(group("first", alert(f"Edit{i}", "two"))))
        soon(lambda: d.rule(f"Edit{i}"), f"save number {i}")
    os.remove(rules / "first.yml.swp")
    assert not d.metric("tocsin_rule_file_broken")
    assert [g for g in d.groups()] == ["first"]


def test_files_of_other_names_are_left_alone(daemon, rules):
    d = daemon
    (rules / "notes.txt").write_text("not: [rules")
    (rules / ".hidden.yml").write_text("not: [rules")
    (rules / "first.yml~").write_text("not: [rules")
    write(rules / "more.yaml", rule_file(group("more", alert("More", "two"))))
    soon(lambda: d.rule("More"), "the .yaml file")
    assert not d.metric("tocsin_rule_file_broken")


def test_a_configmap_swap(start, far, backend, folder):
    """As kubelet does it: files are links through ..data, and ..data is swapped by rename."""
    backend.set("one", ({"host": "a"}, 1))
    mount = folder / "configmap"
    mount.mkdir()

    def publish(version, text):
        real = mount / f"..2026_11_21_{version}"
        real.mkdir()
        (real / "app.yml").write_text(text)
        os.symlink(real.name, mount / "..data_tmp")
        os.rename(mount / "..data_tmp", mount / "..data")
        if not os.path.lexists(mount / "app.yml"):
            os.symlink("..data/app.yml", mount / "app.yml")
        for old in mount.glob("..2026*"):
            if old != real:
                shutil.rmtree(old)

    publish(1, rule_file(group("app", alert("Kept", "one", **{"for": "1h"}), alert("V1", "one"))))
    d = start(make_config(hook(far), backend=backend), mount)
    since = until(lambda: active_at(d, "Kept"), 10)
    for version in (2, 3):
        publish(version, rule_file(group("app", alert("Kept", "one", **{"for": "1h"}),
                                         alert(f"V{version}", "one"))))
        soon(lambda: d.rule(f"V{version}"), f"version {version}")
        assert not d.rule(f"V{version - 1}")
    assert active_at(d, "Kept") == since
    assert len(d.groups()) == 1, "one file, not one for each way to reach it"


BROKEN = """\
groups:
  - name: first
    rules:
      - alert: One
        expr: one
        foor: 1h
"""


def test_a_broken_file_is_set_aside_with_its_place(daemon, rules, backend):
    d = daemon
    write(rules / "good.yml", rule_file(group("good", alert("Two", "two"))))
    until(lambda: active_at(d, "Two"), 5)
    since = active_at(d, "One")
    write(rules / "first.yml", BROKEN)
    path = str(rules / "first.yml")
    soon(lambda: d.metric("tocsin_rule_file_broken", file=path) == 1, "the metric")
    line = next(x for x in d.log().splitlines() if "rule file refused" in x)
    assert "level=WARN" in line and "part=rules" in line
    assert re.search(re.escape(path) + r":6:9: .*foor", line), line
    assert "for" in line.split("foor", 1)[1], "it suggests what was meant"

    asked = backend.asked("one"), backend.asked("two")
    until(lambda: backend.asked("one") > asked[0] + 3 and backend.asked("two") > asked[1] + 3, 10,
          "the last good version and the other file being evaluated")
    assert active_at(d, "One") == since

    shown = d.tool("rules").stdout
    assert f"{path}:6:9" in shown, shown
    assert "good" in shown and "One" in shown

    write(rules / "first.yml", rule_file(group("first", alert("One", "one", **{"for": "1h"}))))
    soon(lambda: not d.metric("tocsin_rule_file_broken"), "its repair")
    assert active_at(d, "One") == since
    assert path + ":6:9" not in d.tool("rules").stdout


@pytest.mark.parametrize("text, place", [
    ("groups: [", r":\d+:\d+: "),
    ("groups:\n  - name: a\n\trules: []\n", r":3:1: "),
    ("groups:\n  - rules: []\n", r":2:\d+: "),
    ("groups:\n  - name: a\n    rules:\n      - alert: B\n", r":4:\d+: "),
    ("groups:\n  - name: a\n    rules:\n      - {alert: B, expr: one, for: 5x}\n", r":4:\d+: "),
    ("groups:\n  - name: a\n    rules:\n      - {alert: B, expr: one, labels: {a: '{{ .x'}}\n",
     r":4:\d+: "),
    ("groups:\n  - {name: a, rules: []}\n  - {name: a, rules: []}\n", r":3:\d+: "),
    ("groups:\n  - name: a\n    rules:\n      - {alert: B, expr: rate(one)}\n",
     r":4:31: .*could not parse expression: 1:6: parse error: expected type range vector"),
    ("groups:\n  - name: a\n    rules:\n      - alert: B\n        expr: |\n          one\n"
     "            == on (a two\n", r":7:22: .*2:12: parse error: "),
    ("just text", r":1:1: "),
    ("\x00\x01\x02", r":1:\d+: "),
])
def test_each_kind_of_mistake_has_a_place(daemon, rules, text, place):
    d = daemon
    path = rules / "bad.yml"
    write(path, text)
    until(lambda: d.metric("tocsin_rule_file_broken", file=str(path)) == 1, 5)
    line = [x for x in d.log().splitlines() if "rule file refused" in x][-1]
    assert re.search(re.escape(str(path)) + place, line), line
    assert d.rule("One"), "the other file does not notice"
    os.remove(path)
    soon(lambda: not d.metric("tocsin_rule_file_broken"), "its removal")


VMALERT = rule_file(group("g", alert(
    "V", "one", **{"for": "1h"}, labels={"team": "{{ $expr }}-{{ $for }}"}, annotations={
        "all": "{{ $expr }} {{ $for }} {{ $type }} {{ $labels.alertgroup }} {{ $labels.team }}",
        "asked": '{{ (query "one" | first).Value }}',
        "wrong": "{{ .Nope }}"})))


def test_templates_with_what_vmalert_knows(start, far, backend, rules):
    backend.set("one", ({"host": "a"}, 1))
    write(rules / "v.yml", VMALERT)
    d = start(make_config(hook(far), backend=backend), rules,
              args=["--rules.template-functions=vmalert"])
    until(lambda: (d.rule("V") or {}).get("alerts"), 10)
    seen = d.rule("V")["alerts"][0]
    assert seen["labels"]["team"] == "one-0s"
    assert seen["annotations"]["all"] == "one 1h0m0s prometheus g one-0s"
    assert seen["annotations"]["asked"] == "1"
    assert seen["annotations"]["wrong"].startswith("error evaluating template: template: :1:")


def test_templates_with_what_prometheus_knows(daemon, rules):
    write(rules / "v.yml", VMALERT)
    until(lambda: daemon.metric("tocsin_rule_file_broken", file=str(rules / "v.yml")) == 1, 5)
    assert 'undefined variable \\"$expr\\"' in daemon.log()


def test_template_functions_of_nobody():
    done = run([TOCSIND, "--rules.template-functions=go"], check=False)
    assert done.returncode != 0
    assert '"go" is not prometheus or vmalert' in done.stderr


def test_a_file_that_is_unreadable_or_huge(daemon, rules):
    d = daemon
    os.symlink("nowhere", rules / "dangling.yml")
    (rules / "folder.yml").mkdir()
    write(rules / "huge.yml", "# " + "x" * (17 * 1024 * 1024) + "\n")
    until(lambda: d.metric("tocsin_rule_file_broken", file=str(rules / "huge.yml")) == 1, 5)
    assert d.rule("One") and d.alive


def test_expressions_of_another_dialect(start, far, backend, rules):
    write(rules / "a.yml", rule_file(group("a", alert("A", "one default 0"))))
    d = start(make_config(hook(far), backend=backend), rules,
              ["--no-rules.check-expressions"])
    assert d.rule("A") and d.metric("tocsin_rule_file_broken", file=str(rules / "a.yml")) is None


def test_the_daemon_starts_with_a_broken_file(start, far, backend, rules):
    write(rules / "bad.yml", BROKEN)
    write(rules / "good.yml", rule_file(group("good", alert("Two", "two"))))
    d = start(make_config(hook(far), backend=backend), rules)
    assert d.rule("Two") and not d.rule("One")
    assert d.metric("tocsin_rule_file_broken", file=str(rules / "bad.yml")) == 1
    write(rules / "bad.yml", BROKEN.replace("foor", "for"))
    soon(lambda: d.rule("One"), "its repair")


@pytest.mark.parametrize("broken_while", ["it runs", "it is down"])
def test_the_last_good_version_outlives_a_restart(start, far, backend, rules, keep, broken_while):
    backend.set("one", ({"host": "a"}, 1))
    good = rule_file(group("g", alert("One", "one", **{"for": "1h"})))
    write(rules / "f.yml", good)
    write(rules / "gone.yml", rule_file(group("h", alert("Gone", "one"))))
    d = start(make_config(hook(far), backend=backend), rules)
    active_at = until(lambda: d.rule("One")["alerts"], 8)[0]["activeAt"]
    until(lambda: d.rule("Gone"), 5)
    until(lambda: d.metric("tocsin_store_queue_length") == 0, 5)
    time.sleep(0.5)  # of the last batch
    if broken_while == "it runs":
        write(rules / "f.yml", BROKEN)
        until(lambda: d.metric("tocsin_rule_file_broken", file=str(rules / "f.yml")) == 1, 5)
        d.kill()
    else:
        d.kill()
        write(rules / "f.yml", BROKEN)
    (rules / "gone.yml").unlink()
    for _ in range(2):
        d = keep(d.again())
        assert d.metric("tocsin_rule_file_broken", file=str(rules / "f.yml")) == 1
        assert until(lambda: d.rule("One")["alerts"], 5)[0]["activeAt"] == active_at
        assert "its last good version goes on" in d.log() and not d.rule("Gone")
        d.kill()
    (rules / "f.yml").unlink()
    d = keep(d.again())
    write(rules / "f.yml", BROKEN)
    until(lambda: d.metric("tocsin_rule_file_broken", file=str(rules / "f.yml")) == 1, 5)
    assert not d.rule("One")


def test_rule_files_of_the_configuration(start, far, backend, folder):
    (folder / "etc").mkdir()
    write(folder / "etc" / "a.rules.yml", rule_file(group("a", alert("A", "one"))))
    config = make_config(hook(far), backend=backend, rule_files=["etc/*.rules.yml"])
    d = start(config)
    assert d.rule("A")
    write(folder / "etc" / "b.rules.yml", rule_file(group("b", alert("B", "one"))))
    soon(lambda: d.rule("B"), "a new file that the glob matches")


def test_rule_files_of_the_configuration_go_together(start, far, backend, folder, rules):
    """As in Prometheus a broken one refuses the reload; those of --rules stand for themselves."""
    etc = folder / "etc"
    etc.mkdir()
    write(etc / "a.yml", rule_file(group("a", alert("A", "one"))))
    write(etc / "gone.yml", rule_file(group("gone", alert("Gone", "one"))))
    d = start(make_config(hook(far), backend=backend, rule_files=["etc/*.yml"]), rules)
    write(etc / "bad.yml", BROKEN)
    soon(lambda: d.metric("tocsin_rule_files_broken") == 1, "the broken one")
    write(etc / "a.yml", rule_file(group("a", alert("A", "two"))))
    write(etc / "new.yml", rule_file(group("new", alert("New", "one"))))
    (etc / "gone.yml").unlink()
    write(rules / "own.yml", rule_file(group("own", alert("Own", "one"))))
    soon(lambda: d.rule("Own"), "one of the directory")
    answer = d.post("/-/reload")
    assert answer.status == 500 and str(etc / "bad.yml") in answer.text
    assert answer.text.startswith("the configuration is in force, but rule files are refused:\n")
    assert d.metric("alertmanager_config_last_reload_successful") == 1
    assert d.metric("prometheus_config_last_reload_successful") == 0
    assert d.metric("vmalert_config_last_reload_successful") == 0
    assert d.rule("A")["query"] == "one" and d.rule("Gone") and not d.rule("New")
    assert "waits until its broken neighbours are mended" in d.log()
    write(etc / "bad.yml", BROKEN.replace("foor", "for"))
    soon(lambda: d.rule("New"), "all, once it is mended")
    assert d.metric("prometheus_config_last_reload_successful") == 1
    assert d.metric("vmalert_config_last_reload_successful") == 1
    assert d.rule("A")["query"] == "two" and d.rule("One") and not d.rule("Gone")
    assert d.post("/-/reload").status == 200


def test_half_a_file_is_not_taken(daemon, rules):
    """Somebody writes in place, slowly; what is there meanwhile is a good file, too."""
    d = daemon
    until(lambda: d.rule("One")["alerts"], 8)
    active_at = d.rule("One")["alerts"][0]["activeAt"]
    whole = rule_file(group("first", alert("One", "one", **{"for": "1h"}), alert("Late", "two")))
    half = rule_file(group("first", alert("Other", "two")))
    for first, last in ((half, whole), ("", whole)):
        with open(rules / "first.yml", "w") as f:
            f.write(first)
            f.flush()
            write(rules / "neighbour.yml", rule_file(group("n", alert("N" + str(len(first)), "one"))))
            soon(lambda: d.rule("N" + str(len(first))), "the neighbour")
            time.sleep(6)  # longer than the pause between looks
            assert d.rule("One") and not d.rule("Other")
            f.seek(0)
            f.truncate()
            f.write(last)
        soon(lambda: d.rule("Late"), "the whole file")
        assert d.rule("One")["alerts"][0]["activeAt"] == active_at


def test_rules_may_be_a_file_or_come_later(start, far, backend, folder):
    later, alone = folder / "x" / "later", folder / "alone.rules"
    write(alone, rule_file(group("alone", alert("Alone", "one"))))
    d = start(make_config(hook(far), backend=backend), args=[f"--rules={later}", f"--rules={alone}"])
    assert d.rule("Alone")
    assert f'msg="there are no rules here (yet)" path={later}' in d.log()
    assert str(alone) not in d.log().split("there are no rules")[1].splitlines()[0]
    later.mkdir(parents=True)
    write(later / "new.yml", rule_file(group("later", alert("Later", "one"))))
    soon(lambda: d.rule("Later"), "a file in a folder made later")


def test_a_link_follows_its_target(daemon, rules, folder):
    d = daemon
    target = folder / "target"
    target.mkdir()
    write(target / "t.yml", rule_file(group("t", alert("Before", "one"))))
    (rules / "t.yml").symlink_to(target / "t.yml")
    soon(lambda: d.rule("Before"), "the link")
    write(target / "t.yml", rule_file(group("t", alert("After", "one"))))
    soon(lambda: d.rule("After"), "a change behind the link")


def test_a_file_emptied_and_filled_again_keeps_its_state(daemon, rules):
    d = daemon
    until(lambda: d.rule("One")["alerts"], 8)
    active_at = d.rule("One")["alerts"][0]["activeAt"]
    whole = (rules / "first.yml").read_text()
    (rules / "first.yml").write_text("")
    time.sleep(1)
    assert d.rule("One")
    (rules / "first.yml").write_text(whole)
    time.sleep(1)
    assert d.rule("One")["alerts"][0]["activeAt"] == active_at
    (rules / "first.yml").write_text("")  # and one that stays empty has no rules
    until(lambda: not d.rule("One"), 12)


def test_what_is_no_file_stops_nobody(daemon, rules):
    d = daemon
    os.mkfifo(rules / "pipe.yml")
    write(rules / "new.yml", rule_file(group("new", alert("New", "one"))))
    soon(lambda: d.rule("New"), "a new file beside a pipe")
    text = d.log()
    assert "pipe.yml: is not a regular file" in text


def test_many_files_at_once(daemon, rules):
    d = daemon
    for i in range(200):
        (rules / f"many{i:03d}.yml").write_text(rule_file(group(f"many{i}", alert(f"M{i}", "x"))))
    until(lambda: len(d.groups()) == 201, 5, "201 groups")
    for i in range(200):
        os.remove(rules / f"many{i:03d}.yml")
    until(lambda: len(d.groups()) == 1, 5, "one group left")


def test_without_datasource_the_mistake_is_told(far, folder, rules):
    write(rules / "a.yml", rule_file(group("a", alert("A", "one"))))
    (folder / "tocsin.yml").write_text(make_config(hook(far)))
    done = run(["timeout", "3", TOCSIND, f"--config.file={folder}/tocsin.yml", f"--rules={rules}",
                f"--storage.path={folder}/data", "--cluster.listen-address=",
                f"--web.listen-address=127.0.0.1:{free_port()}"], check=False)
    assert "datasource" in done.stderr
