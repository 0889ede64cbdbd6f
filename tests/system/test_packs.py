"""The shipped rule packs: well-formed, and about metrics that exist."""
import glob
import os
import re

import pytest
import yaml

from programs import ROOT, http, node_exporter, run, Tocsind

PACKS = sorted(glob.glob(os.path.join(ROOT, "rules", "**", "*.yml"), recursive=True))
PACKS = [p for p in PACKS if not p.endswith("_test.yml")]
WORDS = re.compile(r"\b((?:node|alertmanager|prometheus|tocsin|process)_[a-zA-Z0-9_]+)\b")

# Only with hardware that a test machine may not have; shown to the exporter as files.
HARDWARE = {
    "mdadm": {"node_md_disks", "node_md_disks_required"},
    "edac": {"node_edac_correctable_errors_total", "node_edac_uncorrectable_errors_total"},
    "bonding": {"node_bonding_slaves", "node_bonding_active"},
    "hwmon": {"node_hwmon_temp_celsius", "node_hwmon_temp_crit_celsius"},
}
# Only with systemd running: taken on trust from the exporter's documentation.
TRUSTED = {"node_systemd_unit_state"}
# Collectors of the kernel that containers and small kernels may lack.
KERNEL = {"conntrack": "node_nf_conntrack_", "pressure": "node_pressure_", "timex": "node_timex_"}


def rules_of(path):
    with open(path) as f:
        return [r for g in yaml.safe_load(f)["groups"] for r in g["rules"]]


def metrics_of(path):
    return {w for r in rules_of(path) for w in WORDS.findall(r["expr"])}


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("path", PACKS, ids=os.path.basename)
def test_promtool_takes_it(path):
    out = run(["promtool", "check", "rules", path]).stdout
    assert "SUCCESS" in out and "duplicate" not in out, out


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("path", PACKS, ids=os.path.basename)
def test_every_alert_says_what_is_wrong_and_what_to_do(path):
    names = [r["alert"] for r in rules_of(path) if "alert" in r]
    assert len(names) == len(set(names))
    for r in rules_of(path):
        if "alert" not in r:
            continue
        assert r["labels"]["severity"] in ("critical", "warning", "info"), r["alert"]
        for name in ("summary", "description", "runbook"):
            assert r["annotations"].get(name, "").strip(), f"{r['alert']} has no {name}"
        assert "{{" in r["annotations"]["summary"], f"{r['alert']}: which one?"


def fake_machine(folder):
    """proc and sys with a degraded RAID, a bond, ECC memory and a sensor."""
    proc, sys = folder / "proc", folder / "sys"
    files = {
        proc / "mdstat": "Personalities : [raid1]\nmd0 : active raid1 sdb1[1](F) sda1[0]\n"
                         "      1000 blocks super 1.2 [2/1] [U_]\n\nunused devices: <none>\n",
        sys / "class/net/bonding_masters": "bond0\n",
        sys / "class/net/bond0/bonding/slaves": "eth0 eth1\n",
        sys / "class/net/bond0/lower_eth0/bonding_slave/mii_status": "up\n",
        sys / "class/net/bond0/lower_eth1/bonding_slave/mii_status": "down\n",
        sys / "class/hwmon/hwmon0/name": "coretemp\n",
        sys / "class/hwmon/hwmon0/temp1_input": "41000\n",
        sys / "class/hwmon/hwmon0/temp1_crit": "90000\n",
    }
    for name in ("ce_count", "ue_count", "ce_noinfo_count", "ue_noinfo_count"):
        files[sys / "devices/system/edac/mc/mc0" / name] = "1\n"
        files[sys / "devices/system/edac/mc/mc0/csrow0" / name] = "1\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return [f"--path.procfs={proc}", f"--path.sysfs={sys}", "--collector.disable-defaults",
            *(f"--collector.{c}" for c in HARDWARE)]


@pytest.mark.programs_not_needed
def test_the_node_exporter_exports_what_the_pack_asks_for(folder, keep):
    page = http("GET", keep(node_exporter(folder)).url + "/metrics").text
    for name in ("proc", "sys"):
        (folder / name).mkdir()
    second = folder / "hardware"
    second.mkdir()
    page += http("GET", keep(node_exporter(second, *fake_machine(folder))).url + "/metrics").text
    there = set(re.findall(r"^([a-zA-Z_][a-zA-Z0-9_]*)[{ ]", page, re.M))
    lacking = {c for c, prefix in KERNEL.items()
               if not any(name.startswith(prefix) for name in there)}
    wanted = metrics_of(os.path.join(ROOT, "rules", "node.yml"))
    missing = {w for w in wanted - there - TRUSTED
               if not any(w.startswith(KERNEL[c]) for c in lacking)}
    assert not missing, missing
    assert set.union(*HARDWARE.values()) <= wanted


def test_we_export_what_our_own_pack_asks_for(start, far, backend, rules):
    from conftest import alert, group, hook, make_config, rule_file, write
    write(rules / "good.yml", rule_file(group("g", alert("A", "one"))))
    write(rules / "bad.yml", "groups: [")
    d = start(make_config(hook(far), backend=backend), rules)
    assert isinstance(d, Tocsind)
    there = set(re.findall(r"^([a-zA-Z_][a-zA-Z0-9_]*)[{ ]", d.get("/metrics").text, re.M))
    missing = metrics_of(os.path.join(ROOT, "rules", "tocsin.yml")) - there
    assert not missing, missing
