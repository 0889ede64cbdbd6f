"""The manual pages: clean mdoc, and complete."""
import glob
import os
import re

import pytest

from programs import ROOT, TOCSIN, TOCSIND, run

PAGES = sorted(glob.glob(os.path.join(ROOT, "man", "*.[1-9]")))


def source(name):
    with open(os.path.join(ROOT, "man", name)) as f:
        return f.read()


@pytest.mark.programs_not_needed
def test_the_four_pages_are_there():
    assert [os.path.basename(p) for p in PAGES] == [
        "tocsin-journal.5", "tocsin.1", "tocsin.yml.5", "tocsind.8"]


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_mandoc_finds_nothing(path):
    done = run(["mandoc", "-Tlint", "-Wwarning", path], check=False)
    assert done.returncode == 0 and done.stdout == "", done.stdout


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("path", PAGES, ids=os.path.basename)
def test_one_sentence_a_line(path):
    with open(path) as f:
        for number, line in enumerate(f, 1):
            literal = line.startswith((".", "'")) or "\\&" in line
            assert literal or not re.search(r"[a-z)]\. +[A-Z]", line), f"{path}:{number}: {line}"


def flags_of(program, *args):
    """Long flags that --help lists."""
    text = run([program, *args, "--help"]).stdout
    return {f for f in re.findall(r"--(?:\[no-\])?([a-z][a-z.-]*[a-z])", text)}


def documented(name):
    """Flags that the page's .Fl macros name."""
    text = source(name).replace("\\-", "-").replace("\\&", "")
    return {f.strip("-") for f in re.findall(r"\bFl -?([a-z][a-z.-]*[a-z])", text)}


def test_every_flag_of_the_daemon_is_in_its_manual():
    missing = flags_of(TOCSIND) - documented("tocsind.8")
    assert not missing, missing


def test_the_manual_names_no_flag_that_does_not_exist():
    extra = documented("tocsind.8") - flags_of(TOCSIND) - {"help", "version", "no"}
    assert not extra, extra


def test_every_command_of_the_tool_is_in_its_manual():
    page = source("tocsin.1")
    text = run([TOCSIN, "--help"]).stdout
    for command in re.findall(r"^  ([a-z][a-z-]*(?: [a-z-]+)?)(?:  | \[|$)", text, re.M):
        for word in command.split():
            assert re.search(rf"\b{word}\b", page), f"{command} is not in tocsin.1"


@pytest.mark.programs_not_needed
def test_every_key_of_the_configuration_is_in_its_manual():
    """The tables that the loader reads say which keys there are."""
    page = source("tocsin.yml.5")
    keys = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "src", "config", "*.c"))
                       + glob.glob(os.path.join(ROOT, "src", "receivers", "*.c"))):
        if path.endswith("config/web.c"):  # in tocsind(8)
            continue
        with open(path) as f:
            for key in re.findall(r'^\t\{"([A-Za-z0-9_]+)", FIELD_', f.read(), re.M):
                keys.setdefault(key, os.path.basename(path))
    assert len(keys) > 150
    missing = {k: f for k, f in keys.items() if f not in CHECKED_ONLY
               and not re.search(rf"(^|[ ,]){k}([ ,]|$)", page, re.M)}
    assert not missing, missing


@pytest.mark.programs_not_needed
def test_every_integration_is_in_its_manual():
    page = source("tocsin.yml.5")
    with open(os.path.join(ROOT, "src", "receivers", "list.c")) as f:
        kinds = re.findall(r"^\s+X\((\w+)\)", f.read(), re.M)
    assert len(kinds) >= 4
    assert not [k for k in kinds if not re.search(rf"[ .]{k}_configs\b", page)]


CHECKED_ONLY = {"tracing.c"}  # read so that a file loads, and without effect


@pytest.mark.programs_not_needed
def test_every_section_of_the_web_configuration_is_in_its_manual():
    page = source("tocsind.8")
    for name in ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"):
        assert f".It Ic {name}\n" in page


def test_the_example_configuration_loads(folder):
    """What can be pasted works."""
    page = source("tocsin.yml.5")
    blocks = re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", page, re.S)
    text = blocks[0].replace("\\e", "\\")
    (folder / "tocsin.yml").write_text(text)
    done = run(["timeout", "2", TOCSIND, f"--config.file={folder}/tocsin.yml",
                f"--storage.path={folder}/data", "--cluster.listen-address=",
                "--web.listen-address=127.0.0.1:0"], check=False)
    assert "Listening on" in done.stderr and "level=ERROR" not in done.stderr, done.stderr
