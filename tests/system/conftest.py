"""Fixtures: the daemon on free ports in a temporary folder, and what surrounds it.

Environment: TOCSIN_BUILD is the folder with tocsind and tocsin (build/ when unset).
"""
import os
import re
import socket
import subprocess
import sys
import time

import pytest
import yaml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import backend as backend_module  # noqa: E402
import endpoints  # noqa: E402
import programs  # noqa: E402

WRONG_IN_LOG = re.compile(r"(\bBUG\b|Assertion|AddressSanitizer|runtime error:|LeakSanitizer).*")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, "report_" + call.when, outcome.get_result())


def pytest_collection_modifyitems(config, items):
    # What needs a minute of waiting is begun first and looked at last.
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)


def pytest_configure(config):
    config.addinivalue_line("markers", "last: runs after all others")
    config.addinivalue_line("markers", "programs_not_needed: runs without tocsind and tocsin")


@pytest.fixture(autouse=True)
def _programs(request):
    if not request.node.get_closest_marker("programs_not_needed"):
        for path in (programs.TOCSIND, programs.TOCSIN):
            assert os.access(path, os.X_OK), f"{path} is not there: run make first"


@pytest.fixture
def keep(request):
    """keep(program): it is stopped at the end; its log is shown when the test failed."""
    running = []

    def add(program):
        running.append(program)
        return program

    yield add
    failed = getattr(request.node, "report_call", None) is None or request.node.report_call.failed
    problems = []
    for p in reversed(running):
        crashed = not p.alive and p.process.returncode in (-6, -7, -8, -11)
        p.stop()
        wrong = WRONG_IN_LOG.search(p.log())
        if failed or crashed or wrong:
            print(f"\n-- {p.name} (status {p.process.returncode}), end of its log\n{p.log_tail(60)}")
        if crashed or wrong:
            problems.append(f"{p.name}: status {p.process.returncode} {wrong[0] if wrong else ''}")
    assert not problems, problems


@pytest.fixture
def box():
    return endpoints.Box()


@pytest.fixture
def far(box):
    """Slack, PagerDuty and webhooks."""
    server = endpoints.HttpEndpoints(box)
    yield server
    server.stop()


@pytest.fixture
def web():
    """A server that remembers what it was asked, and answers as told."""
    server = endpoints.Redirecting()
    yield server
    server.stop()


@pytest.fixture
def backend():
    b = backend_module.Backend()
    yield b
    b.stop()


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def rules(folder):
    """The rule directory."""
    path = folder / "rules"
    path.mkdir()
    return path


def make_config(receiver, route=None, backend=None, **top):
    """Configuration text: one receiver called r with these integrations, quick timings."""
    config = {
        "global": {"evaluation_interval": "200ms", **top.pop("global_", {})},
        "route": {"receiver": "r", "group_by": ["alertname"], "group_wait": "200ms",
                  "group_interval": "400ms", "repeat_interval": "1h", **(route or {})},
        "receivers": [{"name": "r", **receiver}, *top.pop("more_receivers", [])],
        **top,
    }
    if backend:
        config["datasources"] = [{"name": "main", "type": "prometheus", "url": backend.url,
                                  "timeout": "2s"}]
    return yaml.safe_dump(config, sort_keys=False)


def hook(far, name="alerts", **more):
    return {"webhook_configs": [{"url": far.hook(name), **more}]}


def rule_file(*groups):
    return yaml.safe_dump({"groups": list(groups)}, sort_keys=False)


def group(name, *rules, **more):
    return {"name": name, **more, "rules": list(rules)}


def alert(name, expr, **more):
    return {"alert": name, "expr": expr, **more}


def write(path, text):
    """Writes beside it and renames, so that no half file is ever seen."""
    beside = str(path) + ".tmp~"
    with open(beside, "w") as f:
        f.write(text)
    os.rename(beside, path)


@pytest.fixture
def start(folder, keep):
    """start(config, ...): a running daemon."""
    def begin(config, rules=None, args=(), **more):
        return keep(programs.Tocsind(folder, config, rules, args, **more))
    return begin


def statuses(seen):
    """{alertname or host: status} of a webhook's alerts."""
    return {a["labels"].get("host", a["labels"].get("alertname")): a["status"]
            for a in seen.body["alerts"]}


def firing(name, **labels):
    """An alert to post."""
    return {"labels": {"alertname": name, **labels}, "annotations": {"summary": f"{name} summary"},
            "generatorURL": "http://prometheus.example.org/graph"}


def resolved(name, **labels):
    return {**firing(name, **labels), "endsAt": programs.iso(time.time() - 0.001)}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(cert, key) paths of a throwaway certificate for localhost and 127.0.0.1."""
    d = tmp_path_factory.mktemp("tls")
    cert, key = str(d / "cert.pem"), str(d / "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="session")
def slow_client(request, tmp_path_factory):
    """A client that stops in the middle: begun first, looked at by the last test."""
    if not any("test_a_slow_client_is_cut_off" in i.nodeid for i in request.session.items):
        yield None
        return
    folder = tmp_path_factory.mktemp("slow")
    d = programs.Tocsind(folder, "route: {receiver: r}\nreceivers: [{name: r}]\n")
    s = socket.create_connection(("127.0.0.1", d.port), 5)
    s.sendall(b"POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[")
    yield s, time.monotonic()
    s.close()
    d.stop()


@pytest.fixture(autouse=True)
def _begin_slow_client(slow_client):
    pass
