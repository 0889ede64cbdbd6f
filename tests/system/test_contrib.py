"""What is shipped beside the programs."""
import os
import re
import shutil

import pytest

from programs import BUILD, ROOT, TOCSIND, run

UNIT = os.path.join(ROOT, "contrib", "systemd", "tocsind.service")


def unit():
    with open(UNIT) as f:
        return f.read()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_systemd_takes_the_unit(folder):
    text = unit().replace("ExecStart=tocsind", f"ExecStart={TOCSIND}")
    text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)  # the pages are not installed
    (folder / "tocsind.service").write_text(text)
    done = run(["systemd-analyze", "verify", str(folder / "tocsind.service")], check=False)
    assert done.returncode == 0 and "tocsind.service" not in done.stderr, done.stderr


@pytest.mark.programs_not_needed
def test_the_unit_is_hardened():
    lines = unit().splitlines()
    for line in ("Type=notify", "DynamicUser=yes", "StateDirectory=tocsin", "ProtectSystem=strict",
                 "NoNewPrivileges=yes", "SystemCallFilter=@system-service",
                 "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "CapabilityBoundingSet="):
        assert line in lines
    assert not any(x.startswith("MemoryDenyWriteExecute") for x in lines)


def test_its_flags_exist():
    known = run([TOCSIND, "--help"]).stdout
    for flag in re.findall(r"--[a-z][a-z.-]+", re.search(r"^ExecStart=.*", unit(), re.M)[0]):
        assert flag in known


def test_make_install_puts_everything_in_its_place(folder):
    # OUT is where the programs under test are, so that nothing is built anew.
    out = os.path.relpath(BUILD, ROOT)
    if not os.path.exists(os.path.join(BUILD, "tocsin.a")):
        out = "build/plain"
    if not os.path.exists(os.path.join(ROOT, out, "tocsin.a")):
        pytest.skip("not built with make")
    run(["make", "-s", "-C", ROOT, "-o", f"{out}/tocsind", "-o", f"{out}/tocsin", "install",
         f"OUT={out}", f"DESTDIR={folder}/dest", "PREFIX=/usr"], timeout=60)
    for path in ("bin/tocsind", "bin/tocsin", "share/man/man8/tocsind.8", "share/man/man1/tocsin.1",
                 "share/man/man5/tocsin.yml.5", "share/tocsin/rules/node.yml",
                 "lib/systemd/system/tocsind.service"):
        assert (folder / "dest" / "usr" / path).is_file(), path
