"""Paths and headers: what is not written as it should be (spec/api.md 1 and 8).

The same questions go to Debian's Alertmanager, so that its answers are the measure.
"""
import http.client

import pytest

import programs
from programs import Tocsind

PLAIN = "route: {receiver: r}\nreceivers: [{name: r}]\n"


def ask(server, method, path, headers=(), body=None):
    """(status, headers, body) without following anything, the path as it is."""
    c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    c.request(method, path, body=body, headers=dict(headers))
    r = c.getresponse()
    out = r.status, r.headers, r.read().decode()
    c.close()
    return out


def both(tmp_path_factory, *args):
    """tocsind and Debian's Alertmanager with these flags."""
    folder = tmp_path_factory.mktemp("paths")
    ours = Tocsind(folder, PLAIN, args=args, wait=False)
    (folder / "alertmanager.yml").write_text(PLAIN)
    port = programs.free_port()
    theirs = programs.Program("alertmanager", [
        "prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager-data", f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=", *args], folder)
    theirs.port = port
    for server in (ours, theirs):
        server.when_up(f"http://127.0.0.1:{server.port}"
                       + ("/am" if args else "") + "/-/ready")
    yield ours, theirs
    for server in (ours, theirs):
        server.stop()


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    yield from both(tmp_path_factory)


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory):
    yield from both(tmp_path_factory, "--web.route-prefix=/am/")


def same(servers, method, path, headers=(), body=None):
    ours, theirs = (ask(s, method, path, headers, body) for s in servers)
    shown = ours[0], ours[1]["Location"], ours[1]["Allow"], ours[1]["Content-Type"]
    assert shown == (theirs[0], theirs[1]["Location"], theirs[1]["Allow"],
                     theirs[1]["Content-Type"])
    if theirs[0] != 200:
        assert ours[2] == theirs[2]
    return ours


@pytest.mark.parametrize("path", [
    "/-/healthy", "/-/healthy/", "//-/healthy", "/a/../-/healthy", "/./metrics", "//metrics?a=b&c",
    "/api/v2", "/api/v2/", "/metrics/", "/-/HEALTHY", "/api/v1", "/nope", "/nope/", "/..",
    "/api/v2/alerts/", "//api/v2/alerts", "/-/reload", "/-/reload/", "/api/v2/nope/../alerts",
    "/api/v2/silence/x/", "/a//b/./c/..", "/.//\\evil.example"])
def test_get(plain, path):
    same(plain, "GET", path)


@pytest.mark.parametrize("method, path", [
    ("POST", "/-/reload/"), ("PUT", "/-/reload"), ("OPTIONS", "/-/reload"), ("OPTIONS", "/metrics"),
    ("OPTIONS", "/-/ready"), ("POST", "/-/ready"), ("PUT", "/"), ("OPTIONS", "/"), ("POST", "/nope"),
    ("POST", "/metrics"), ("OPTIONS", "/nope"), ("POST", "/metrics/"), ("DELETE", "/-/healthy/")])
def test_other_methods(plain, method, path):
    same(plain, method, path)


def test_a_post_keeps_its_method_on_the_way(plain):
    """Alertmanager 0.25 says 301 here, which makes a GET of it."""
    status, headers, _ = ask(plain[0], "POST", "//-/reload")
    assert (status, headers["Location"]) == (307, "/-/reload")
    assert ask(plain[0], "POST", "/api/v2")[0] == 307


@pytest.mark.parametrize("path", ["/", "/am", "/am/-/healthy/", "/amx", "/x", "/am//metrics",
                                  "/am/api/v2", "/api/v2", "//am", "/am/nope", "/metrics"])
def test_get_under_a_prefix(prefixed, path):
    same(prefixed, "GET", path)


@pytest.mark.parametrize("method, path", [("POST", "/"), ("OPTIONS", "/"), ("POST", "/am"),
                                          ("POST", "/am/-/reload/"), ("OPTIONS", "/am/")])
def test_other_methods_under_a_prefix(prefixed, method, path):
    same(prefixed, method, path)


@pytest.mark.parametrize("kind", [
    "a;;/", "/", "a/", "a/b c", "a b", "application/json;", "application/json; charset=utf-8",
    "Application/JSON; a=b", "application/json; a=b; a=c", 'application/json; a="b',
    'application/json; a="b\\"c";;', "application/json; =b", "application/json; a", "Text/Plain; x=y",
    "application/json ;charset=utf-8 ", ";", "application/jsonx", 'application/json; a=""'])
def test_content_types(plain, kind):
    same(plain, "POST", "/api/v2/alerts", {"Content-Type": kind}, "[]")


def test_nothing_leads_to_another_host(plain):
    for path in ("//evil.example", "//evil.example/..", "/\\evil.example/.", "/.//evil.example//",
                 "/x/..//evil.example", "/%2fevil.example/"):
        status, headers, _ = ask(plain[0], "GET", path)
        where = headers["Location"] or "/x"
        assert where[0] == "/" and where[1:2] not in ("/", "\\"), (path, where)
