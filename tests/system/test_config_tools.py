"""The commands that read configurations say what Debian's amtool says."""
import json
import os
import re
import shutil
import subprocess

import pytest

from conftest import hook, make_config

BUILD = os.environ.get("TOCSIN_BUILD", "build")
TOCSIN = os.path.join(os.path.abspath(BUILD), "tocsin")
TOCSIND = os.path.join(os.path.abspath(BUILD), "tocsind")
AMTOOL = shutil.which("amtool")

ROUTES = """
route:
  receiver: d
  routes:
  - matchers: [x=1]
    receiver: a
    routes:
    - {matchers: [q=w], continue: true, receiver: aa}
    - {receiver: ab}
  - {match_re: {x: "[12]"}, receiver: b}
receivers: [{name: d}, {name: a}, {name: aa}, {name: ab}, {name: b}]
"""


def run(program, *words, **more):
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=30, **more)


@pytest.fixture
def routes(tmp_path):
    path = tmp_path / "routes.yml"
    path.write_text(ROUTES)
    return str(path)


@pytest.mark.parametrize("words", [
    ["config", "routes", "show"],
    ["config", "routes"],
    ["config", "routes", "test", "x=1", "q=w"],
    ["config", "routes", "test", "x=1", "q=w", "--tree"],
    ["config", "routes", "test", "x=1", "--verify.receivers=ab"],
    ["config", "routes", "test", "x=1", "--verify.receivers=b"],
    ["config", "routes", "test"],
    ["config", "routes", "test", "x!=1"],
])
def test_routes_as_amtool(routes, words):
    ours, theirs = (run(p, *words, "--config.file=" + routes) for p in (TOCSIN, AMTOOL))
    assert ours.returncode == theirs.returncode
    assert ours.stdout == theirs.stdout.replace("\u00a0", " ")


def test_check_config_as_amtool(routes):
    ours, theirs = (run(p, "check-config", routes) for p in (TOCSIN, AMTOOL))
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    with open(routes, encoding="utf-8") as text:
        ours = run(TOCSIN, "check-config", stdin=text)
    assert ours.returncode == 0 and "Checking '/dev/stdin'  SUCCESS" in ours.stdout


def test_check_config_names_every_mistake_with_its_place(tmp_path):
    path = tmp_path / "bad.yml"
    path.write_text("route: {reciever: a}\nreceivers:\n- {name: a, colour: red}\n")
    done = run(TOCSIN, "check-config", str(path))
    assert done.returncode == 1
    assert f"{path}:1:9: field reciever not found in type route (did you mean receiver?)" \
        in done.stdout
    assert f"{path}:3:13: field colour not found in type receiver" in done.stdout
    assert "failed to validate 1 file(s)" in done.stderr


def test_check_config_reads_the_templates(tmp_path):
    (tmp_path / "broken.tmpl").write_text('{{ define "x" }}\n{{ nope }}{{ end }}')
    path = tmp_path / "c.yml"
    path.write_text("route: {receiver: a}\nreceivers: [{name: a}]\ntemplates: ['*.tmpl']\n")
    done = run(TOCSIN, "check-config", str(path))
    assert done.returncode == 1
    assert "broken.tmpl:2:" in done.stdout and 'function "nope" not defined' in done.stdout


def test_import_says_what_is_wrong_with_its_input(tmp_path):
    path = tmp_path / "s.json"
    path.write_text("{not json")
    done = run(TOCSIN, "silence", "import", str(path))
    assert done.returncode == 1 and "couldn't unmarshal input data, is it JSON?" in done.stderr
    path.write_text(json.dumps([{"id": ""}]))
    done = run(TOCSIN, "--alertmanager.url=http://127.0.0.1:1", "silence", "import", str(path))
    assert done.returncode == 1 and "couldn't import 1 out of 1 silences" in done.stderr


# -- JSON, the name amtool, the shell's completion ----------------------------------------
def as_json(*words, code=0):
    done = run(TOCSIN, "-o", "json", *words)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_json_of_the_offline_commands(routes, tmp_path):
    tree = as_json("config", "routes", "show", "--config.file=" + routes)
    assert tree["receiver"] and tree["matchers"] == [] and tree["continue"] is False
    assert tree["routes"][0]["matchers"] == ['x="1"']
    test = ["config", "routes", "test", "--config.file=" + routes, "x=1", "q=w"]
    plain = run(TOCSIN, *test).stdout.strip()
    assert as_json(*test) == {"receivers": plain.split(","), "ok": True}
    assert as_json(*test, "--verify.receivers=nobody", code=1)["ok"] is False
    assert as_json("check-config", routes)["ok"] is True
    bad = tmp_path / "bad.yml"
    bad.write_text("route: {reciever: a}\nreceivers:\n- {name: a, colour: red}\n")
    got = as_json("check-config", str(bad), code=1)
    assert got["file"] == str(bad) and not got["ok"] and len(got["mistakes"]) >= 2
    assert as_json("template", "render", "--template.glob=none", "--template.text=a\"b") == {
        "text": 'a"b'}


def test_json_of_a_new_silence(start, far):
    d = start(make_config(hook(far)))
    words = ["--alertmanager.url=" + d.url, "silence", "add", "a=b", "-c", "x"]
    assert as_json(*words)["silenceID"] == d.get("/api/v2/silences").json[0]["id"]


@pytest.fixture
def named_amtool(tmp_path):
    path = tmp_path / "amtool"
    path.symlink_to(os.path.abspath(TOCSIN))
    return str(path)


def test_under_the_name_amtool_it_is_amtool(named_amtool, routes, tmp_path):
    (tmp_path / ".config" / "tocsin").mkdir(parents=True)
    (tmp_path / ".config" / "tocsin" / "config.yml").write_text("output: json\n")
    more = {"env": {**os.environ, "HOME": str(tmp_path), "TOCSIN_URL": "http://127.0.0.1:1"}}
    done = run(named_amtool, "silence", "query", **more)
    assert done.returncode == 1
    assert done.stderr == "amtool: error: required flag --alertmanager.url not provided\n"
    done = run(named_amtool, "config", "routes", **more)
    assert done.returncode == 1 and done.stderr == (
        "amtool: error: You have to specify one of --config.file or --alertmanager.url flags.\n")
    for words in (["config", "routes"], ["config", "routes", "test", "x=1", "-ojson"]):
        ours, theirs = (run(p, *words, "--config.file=" + routes, **more)
                        for p in (named_amtool, AMTOOL))
        assert (ours.returncode, ours.stdout) == (
            theirs.returncode, theirs.stdout.replace("\u00a0", " "))


def test_help_and_completion():
    for words in (["help"], ["--help-long"], ["help", "silence", "add"]):
        assert run(TOCSIN, *words).stdout.startswith("usage: tocsin")
    assert "--duration" in run(TOCSIN, "help", "silence", "add").stdout
    bash = run(TOCSIN, "--completion-script-bash").stdout + """
    COMP_WORDS=(%s silence e); COMP_CWORD=2; _tocsin_complete; echo "${COMPREPLY[@]}"
    COMP_WORDS=(%s silence add --dur); COMP_CWORD=3; _tocsin_complete; echo "${COMPREPLY[@]}"
    COMP_WORDS=(%s c); COMP_CWORD=1; _tocsin_complete; echo "${COMPREPLY[@]}"
    """ % (TOCSIN, TOCSIN, TOCSIN)
    assert run("bash", "-c", bash).stdout.split("\n")[:3] == [
        "expire", "--duration", "check-config check config cluster"]


BROKEN = """
route: {receiver: r}
receivers:
- name: r
  webhook_configs:
  - url: http://h:1/{{ .Bad
  - url: http://h:1/{{ .Worse
  slack_configs:
  - api_url: http://h:1/
    channel: '#a'
    title: '{{ nope }}'
    nonsense: 1
"""


def test_mistakes_of_fields_and_of_templates_are_told_together(folder):
    """The daemon's start names them all, and so does check-config."""
    places = {"6:10: invalid template syntax", "7:10: invalid template syntax",
              '11:12: template: :1: function "nope" not defined', "12:5: field nonsense not found"}
    path = folder / "tocsin.yml"
    path.write_text(BROKEN)
    for words in ((TOCSIND, f"--config.file={path}", f"--storage.path={folder}/data"),
                  (TOCSIN, "check-config", path)):
        done = run(*words)
        told = (done.stdout + done.stderr).replace('\\"', '"')
        assert done.returncode == 1 and not {p for p in places if f"tocsin.yml:{p}" not in told}, told


def test_a_receiver_that_is_no_map_does_not_hide_the_rest(folder):
    path = folder / "tocsin.yml"
    path.write_text(BROKEN.replace("  slack_configs:\n", "  email_configs: [x, {to: '{{ nope }}'}]\n"
                                   "  slack_configs:\n  - [1]\n"))
    told = run(TOCSIN, "check-config", path)
    assert told.returncode == 1 and told.stdout.count('"nope"') == 2, told


def test_check_config_reads_the_rule_files(tmp_path):
    config = tmp_path / "tocsin.yml"
    config.write_text(ROUTES + "rule_files: ['rules/*.yml', gone.yml]\n"
                      "datasources: [{name: g, type: graphite, url: 'http://127.0.0.1:1'}]\n")
    (tmp_path / "rules").mkdir()
    good, bad = tmp_path / "rules" / "good.yml", tmp_path / "rules" / "bad.yml"
    good.write_text("groups: [{name: g, rules: [{alert: A, expr: 'alias(a.b, \"c\")'}]}]\n")
    bad.write_text("groups:\n- name: g\n  type: prometheus\n  rules:\n"
                   "  - {alert: A, expr: 'up ==='}\n  - {alert: B, exp: up}\n")
    done = run(TOCSIN, "check-config", str(config))
    assert done.returncode == 1
    places = re.findall(re.escape(str(bad)) + r":(\d+):\d+: ", done.stdout)
    assert places == ["5", "6", "6"], done.stdout
    assert "gone.yml\" is not there" in done.stdout and "1 rules in 2 rule files" in done.stdout
    as_json = json.loads(run(TOCSIN, "--output=json", "check-config", str(config)).stdout)
    assert not as_json["ok"] and len(as_json["mistakes"]) == 4
    bad.unlink()
    config.write_text(ROUTES + "rule_files: ['rules/*.yml', 'none/*.yml']\n"
                      "datasources: [{name: g, type: graphite, url: 'http://127.0.0.1:1'}]\n")
    done = run(TOCSIN, "check-config", str(config))
    assert done.returncode == 0 and "1 rules in 1 rule files" in done.stdout, done
