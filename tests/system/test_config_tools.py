"""The commands that read configurations say what Debian's amtool says."""
import json
import os
import shutil
import subprocess

import pytest

BUILD = os.environ.get("TOCSIN_BUILD", "build")
TOCSIN = os.path.join(os.path.abspath(BUILD), "tocsin")
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
