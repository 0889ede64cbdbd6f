"""The rule directory under torture: what happens to some files, no other file notices.

TOCSIN_TORTURE is how many seconds it lasts (20), TOCSIN_TORTURE_SEED what it is made of.
"""
import json
import os
import random
import shutil
import time

import pytest

from conftest import alert, group, hook, make_config, rule_file, write
from programs import until

SECONDS = float(os.environ.get("TOCSIN_TORTURE", "20"))
SEED = int(os.environ.get("TOCSIN_TORTURE_SEED", "1"))
INTERVAL = 0.5
BYSTANDERS = 4


class Torturer:
    """Does one bad thing to one of its files at a time; the last word is a good file."""

    def __init__(self, rules, folder, rng):
        self.rules, self.rng, self.aside = rules, rng, folder / "aside"
        self.aside.mkdir()
        self.names = [f"victim{i}.yml" for i in range(6)]
        self.deeds = [getattr(self, n) for n in dir(self) if n.startswith("do_")]
        self.n = 0
        self.done = {}

    def good(self):
        self.n += 1
        return rule_file(group(f"v{self.n % 7}", alert(f"V{self.n % 5}", "one"),
                               alert("W", "two", **{"for": "1h"})))

    def clear(self, path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.remove(path)

    def step(self):
        path = str(self.rules / self.rng.choice(self.names))
        deed = self.rng.choice(self.deeds)
        self.done[deed.__name__] = self.done.get(deed.__name__, 0) + 1
        deed(path)

    def replace(self, path, text):
        self.clear(path)
        write(path, text)

    def do_good(self, path):
        self.replace(path, self.good())

    def do_invalid(self, path):
        self.replace(path, self.rng.choice([
            "groups: [{name: g, rules: [{alert: A, expr: 'up ==='}]}]", "groups: {", "\t- x",
            "groups: [{name: g}, {name: g}]", "x: y", "- - -", "\x00\xff", "groups: [1, 2]",
            "a: &a [*a]", "a: &a [1]\nb: [" + "*a, " * 1000 + "]"]))

    def do_half_written(self, path):
        """Written slowly in place: it is left as it is, or finished by a later deed."""
        self.clear(path)
        text = self.good()
        with open(path, "w") as f:
            f.write(text[:len(text) // 2])
            f.flush()
            time.sleep(self.rng.choice([0, 0.05, 0.2]))
            if self.rng.random() < 0.7:
                f.write(text[len(text) // 2:])

    def do_emptied(self, path):
        self.replace(path, "")

    def do_removed(self, path):
        self.clear(path)

    def do_renamed(self, path):
        other = str(self.rules / self.rng.choice(self.names))
        if os.path.lexists(path) and other != path:
            self.clear(other)
            os.rename(path, other)

    def do_moved_out_and_in(self, path):
        away = str(self.aside / "away")
        if os.path.lexists(path):
            self.clear(away)
            shutil.move(path, away)
            shutil.move(away, path)

    def do_symlink_swapped(self, path):
        """As the kubelet updates a ConfigMap: a link to a folder is replaced."""
        self.n += 1
        version = self.aside / f"..v{self.n}"
        version.mkdir()
        (version / "f.yml").write_text(self.good())
        link = self.aside / "..data"
        beside = self.aside / "..data_tmp"
        os.symlink(version.name, beside)
        os.rename(beside, link)
        self.clear(path)
        os.symlink(link / "f.yml", path)

    def do_dangling_link(self, path):
        self.clear(path)
        os.symlink("/nowhere/at/all", path)

    def do_link_to_itself(self, path):
        self.clear(path)
        os.symlink(path, path)

    def do_directory(self, path):
        self.clear(path)
        os.mkdir(path)

    def do_fifo(self, path):
        self.clear(path)
        os.mkfifo(path)

    def do_device(self, path):
        self.clear(path)
        os.symlink("/dev/zero", path)

    def do_huge(self, path):
        self.clear(path)
        with open(path, "w") as f:
            f.write("groups:\n")
            f.truncate(self.rng.choice([17, 64, 512]) * 1024 * 1024)

    def do_many_rules(self, path):
        self.replace(path, json.dumps({"groups": [{"name": "many", "interval": "1h", "rules": [
            {"alert": f"A{i}", "expr": "one"} for i in range(2000)]}]}))


def bystanders(d):
    """{group: (file, iterations, missed, alerts)} of the files that nobody touches."""
    return {name: (g["iterations"], g["missedIterations"],
                   [[(a["labels"]["host"], a["state"], a["activeAt"]) for a in r["alerts"]]
                    for r in g["rules"]], [r["health"] for r in g["rules"]])
            for name, g in d.groups().items() if name.startswith("bystander")}


@pytest.mark.parametrize("seed", [SEED])
def test_files_that_nobody_touches_do_not_notice(start, far, box, backend, rules, folder, seed):
    for expr in ("one", "two"):
        backend.set(expr, ({"host": "a"}, 1))
    for i in range(BYSTANDERS):
        write(rules / f"bystander{i}.yml", rule_file(group(
            f"bystander{i}", alert("One", "one", labels={"by": str(i)}),
            alert("Two", "two", labels={"by": str(i)}, **{"for": "1h"}),
            interval=f"{INTERVAL * 1000:.0f}ms")))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: len(bystanders(d)) == BYSTANDERS and
          all(g[0] >= 2 for g in bystanders(d).values()), 20)
    before, began = bystanders(d), time.monotonic()
    torturer = Torturer(rules, folder, random.Random(seed))
    while time.monotonic() - began < SECONDS:
        torturer.step()
        time.sleep(torturer.rng.choice([0, 0.01, 0.1, 0.3]))
        assert d.alive
    after, took = bystanders(d), time.monotonic() - began
    for name, (iterations, missed, alerts, health) in after.items():
        ran = iterations - before[name][0]
        assert abs(ran - took / INTERVAL) <= 2, f"{name} ran {ran} times in {took:.1f} s"
        assert missed == before[name][1], f"{name} missed {missed}"
        assert alerts == before[name][2], name
        assert health == ["ok", "ok"], name
    assert len(torturer.done) > len(torturer.deeds) * 0.7, torturer.done
    # Once all is well again on disk, it is so in here.
    for name in torturer.names:
        torturer.do_good(str(rules / name))
    until(lambda: d.metric("tocsin_rule_files_broken") == 0, 15, "all files are good again")
    until(lambda: {g["file"] for g in d.groups().values()} >=
          {str(rules / n) for n in torturer.names}, 15)
    pages = [s.body for s in box.all(kind="webhook") for a in s.body["alerts"]
             if a["labels"].get("by")]
    assert all(p["status"] == "firing" for p in pages)
