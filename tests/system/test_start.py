"""How the daemon is started: flags, what is refused, and where it listens."""
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from programs import TOCSIND, Program, free_port, http, run, until

PLAIN = "route: {receiver: r}\nreceivers: [{name: r}]\n"


def refused(folder, *args):
    """The last words of a start that ends with 1."""
    (folder / "tocsin.yml").write_text(PLAIN)
    done = run([TOCSIND, f"--config.file={folder}/tocsin.yml", f"--storage.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{free_port()}", *args], check=False)
    assert done.returncode == 1 and done.stdout == "", done
    return done.stderr


# -- flags that Alertmanager would refuse ------------------------------------------------
@pytest.mark.parametrize("args, text", [
    (["--cluster.listen-address=foo"], "missing port in address"),
    (["--cluster.listen-address=127.0.0.1:bar"], "invalid port"),
    (["--cluster.listen-address=127.0.0.1:99999"], "invalid port"),
    (["--cluster.listen-address=::1:9094"], "too many colons"),
    (["--cluster.advertise-address=x"], "missing port in address"),
    (["--cluster.peer=10.0.0.1"], "missing port in address"),
    (["--cluster.label=" + "x" * 256], "--cluster.label is longer than 255 bytes"),
    *((["--cluster." + name + "=0s"], "--cluster." + name + " must be greater than 0")
      for name in ("peer-timeout", "peers-resolve-timeout", "gossip-interval", "pushpull-interval",
                   "tcp-timeout", "probe-timeout", "probe-interval", "reconnect-interval",
                   "reconnect-timeout")),
    (["--cluster.tls-config=/no/such/file"], "--cluster.tls-config cannot be read"),
    (["--auto-gomemlimit.ratio=2"], "--auto-gomemlimit.ratio"),
    (["--auto-gomemlimit.ratio=0"], "--auto-gomemlimit.ratio"),
    (["--auto-gomemlimit.ratio=much"], "--auto-gomemlimit.ratio"),
    (["--enable-feature=classic-mode,"], "unknown option '' for --enable-feature"),
    (["--enable-feature=,classic-mode"], "unknown option '' for --enable-feature"),
    (["--enable-feature=no-such"], "unknown option 'no-such' for --enable-feature"),
], ids=lambda v: "" if isinstance(v, str) else v[0][:60])
def test_refused_flags(folder, args, text):
    assert text in refused(folder, *args)


def test_without_a_cluster_its_flags_are_not_asked(start):
    d = start(PLAIN, args=["--cluster.gossip-interval=0s", "--cluster.label=" + "x" * 256])
    assert "--cluster" not in d.log()


@pytest.mark.parametrize("args", [
    ["--cluster.settle-timeout=0s", "--cluster.listen-address=127.0.0.1:0"],
    ["--cluster.label=" + "x" * 255, "--cluster.listen-address=[::1]:9094"]])
def test_flags_that_are_fine(folder, keep, args):
    (folder / "tocsin.yml").write_text(PLAIN)
    port = free_port()
    d = keep(Program("tocsind", [TOCSIND, f"--config.file={folder}/tocsin.yml",
                                 f"--storage.path={folder}/data",
                                 f"--web.listen-address=127.0.0.1:{port}", *args], folder))
    d.when_up(f"http://127.0.0.1:{port}/-/ready")
    assert "there is no cluster" not in d.log()


def test_peers_are_warned_about(start):
    d = start(PLAIN, args=["--cluster.peer=10.0.0.1:9094", "--cluster.peer=am-2:9094"])
    lines = [x for x in d.log().splitlines() if "there is no cluster" in x]
    assert len(lines) == 1 and "level=WARN" in lines[0]
    assert "twice" in lines[0] and "10.0.0.1:9094" in lines[0]


def test_the_event_recorder_is_warned_about(start):
    d = start(PLAIN + "event_recorder:\n  stdout_outputs: [{}]\n",
              args=["--enable-feature=event-recorder"])
    assert "event-recorder has no effect" in d.log()
    assert "tocsin.yml:4:3: event_recorder has no effect" in d.log()


# -- help and version --------------------------------------------------------------------
def test_help_in_all_its_forms():
    short, long_ = run([TOCSIND, "--help"]).stdout, run([TOCSIND, "--help-long"]).stdout
    assert short == long_ and "--config.file" in short
    manual = run([TOCSIND, "--help-man"]).stdout
    assert manual.startswith(".TH tocsind 8") and "config.file" in manual
    text = run(["mandoc", "-Tascii"], stdin=manual).stdout
    assert "--web.listen-address" in re.sub(".\b", "", text)


def test_the_version_has_the_lines_of_alertmanager():
    ours = run([TOCSIND, "--version"]).stdout.splitlines()
    theirs = run(["prometheus-alertmanager", "--version"]).stdout.splitlines()
    assert ours[0].startswith("tocsind, version ")
    names = [x.split(":")[0] for x in ours[1:]]
    assert names == [x.split(":")[0] for x in theirs[1:]] + ["  tags"]
    assert ours[4] == theirs[4]


# -- unix sockets ------------------------------------------------------------------------
def curl(*args):
    return subprocess.run(["curl", "-sS", "--max-time", "10", *args], capture_output=True, text=True)


def at_sockets(folder, keep, *args):
    (folder / "tocsin.yml").write_text(PLAIN)
    return keep(Program("tocsind", [TOCSIND, f"--config.file={folder}/tocsin.yml",
                                    f"--storage.path={folder}/data", *args], folder))


def test_a_unix_socket(folder, keep):
    path = folder / "web.sock"
    d = at_sockets(folder, keep, f"--web.listen-address=unix:{path}",
                   f"--web.listen-address=127.0.0.1:{free_port()}")
    until(path.exists, 10)
    answer = curl("--unix-socket", path, "http://localhost/-/ready")
    assert (answer.returncode, answer.stdout) == (0, "OK"), answer
    answer = curl("--unix-socket", path, "-H", "Content-Type: application/json", "-d",
                  '[{"labels":{"alertname":"A"}}]', "http://localhost/api/v2/alerts")
    assert answer.returncode == 0 and answer.stdout == ""
    answer = curl("--unix-socket", path, "http://localhost/api/v2/alerts")
    assert '"alertname":"A"' in answer.stdout
    assert f"address=unix:{path}" in d.log()
    assert d.stop() == 0
    assert not path.exists()


def test_a_unix_socket_that_a_killed_daemon_left(folder, keep):
    path = folder / "web.sock"
    d = at_sockets(folder, keep, f"--web.listen-address=unix:{path}")
    until(path.exists, 10)
    d.kill()
    assert path.exists()
    d = at_sockets(folder, keep, f"--web.listen-address=unix:{path}")
    until(lambda: curl("--unix-socket", path, "http://localhost/-/ready").stdout == "OK", 10)


def test_a_file_is_not_taken_for_a_socket(folder):
    (folder / "precious").write_text("text")
    assert "precious" in refused(folder, f"--web.listen-address=unix:{folder}/precious")
    assert (folder / "precious").read_text() == "text"


# -- sockets from systemd ----------------------------------------------------------------
# Becomes the daemon with these descriptors at 3, 4, ...
PASS = """
import os, sys
fds = [int(n) for n in sys.argv[1].split(",")]
high = [os.dup(os.dup2(fd, 50 + i)) and 50 + i for i, fd in enumerate(fds)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.closerange(3 + len(fds), 200)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(fds))
os.execv(sys.argv[2], sys.argv[2:])
"""


def passed(folder, sockets, *args):
    (folder / "tocsin.yml").write_text(PLAIN)
    log = open(folder / "tocsind.log", "ab")
    fds = [s.fileno() for s in sockets]
    return subprocess.Popen(
        [sys.executable, "-c", PASS, ",".join(map(str, fds)), TOCSIND, "--web.systemd-socket",
         f"--config.file={folder}/tocsin.yml", f"--storage.path={folder}/data", *args],
        pass_fds=fds, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def test_sockets_from_systemd(folder):
    tcp, unix = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    port, path = tcp.getsockname()[1], str(folder / "passed.sock")
    unix.bind(path)
    unix.listen()
    d = passed(folder, [tcp, unix])
    try:
        tcp.close()
        unix.close()
        until(lambda: curl(f"http://127.0.0.1:{port}/-/ready").stdout == "OK", 10)
        assert curl("--unix-socket", path, "http://localhost/-/ready").stdout == "OK"
        log = (folder / "tocsind.log").read_text()
        assert f'msg="Listening on" address=127.0.0.1:{port}' in log
        assert f'msg="Listening on" address=unix:{path}' in log
        os.kill(d.pid, signal.SIGTERM)
        assert d.wait(10) == 0
        assert os.path.exists(path), "it is systemd's"
    finally:
        d.kill()
        d.wait()


@pytest.mark.parametrize("kind", ["file", "not listening", "datagrams"])
def test_what_systemd_passed_is_looked_at(folder, kind):
    if kind == "file":
        thing = open(folder / "file", "w")
    elif kind == "datagrams":
        thing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        thing.bind(("127.0.0.1", 0))
    else:
        thing = socket.socket()
    listening = socket.create_server(("127.0.0.1", 0))
    d = passed(folder, [listening, thing])
    try:
        assert d.wait(10) == 1
    finally:
        d.kill()
        d.wait()
        thing.close()
        listening.close()
    assert "descriptor 4 is no " in (folder / "tocsind.log").read_text()


def test_systemd_passed_nothing(folder):
    assert "systemd passed no socket" in refused(folder, "--web.systemd-socket")


# -- client certificates -----------------------------------------------------------------
@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A CA, a client certificate of it, and one of nobody's: paths by name."""
    d = tmp_path_factory.mktemp("ca")

    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=d)

    def key_and_cert(name, *more):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-keyout", f"{name}.key", "-subj", f"/CN={name}", *more)

    key_and_cert("ca", "-x509", "-days", "2", "-out", "ca.pem")
    key_and_cert("stranger", "-x509", "-days", "2", "-out", "stranger.pem")
    key_and_cert("client", "-out", "client.csr")
    (d / "san.cnf").write_text("subjectAltName=DNS:client.example.org\n")
    openssl("x509", "-req", "-in", "client.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", "2", "-out", "client.pem", "-extfile", "san.cnf")
    return d


POLICIES = {  # which of none, client, stranger are let in
    "NoClientCert": (True, True, True),
    "RequestClientCert": (True, True, True),
    "RequireAnyClientCert": (False, True, True),
    "RequireClientCert": (False, True, True),
    "VerifyClientCertIfGiven": (True, True, False),
    "RequireAndVerifyClientCert": (False, True, False),
}


def tls_daemon(folder, keep, certificate, more):
    (folder / "web.yml").write_text("tls_server_config:\n  cert_file: %s\n  key_file: %s\n%s" %
                                    (*certificate, more))
    port = free_port()
    d = at_sockets(folder, keep, f"--web.listen-address=127.0.0.1:{port}",
                   f"--web.config.file={folder}/web.yml")
    until(lambda: "Listening on" in d.log(), 10)

    def let_in(authority, who):
        client = ["--cert", f"{authority}/{who}.pem", "--key", f"{authority}/{who}.key"]
        answer = curl("--cacert", certificate[0], *(client if who else []),
                      f"https://127.0.0.1:{port}/-/ready")
        assert (answer.returncode == 0) == (answer.stdout == "OK"), answer
        return answer.returncode == 0
    return let_in


@pytest.mark.parametrize("policy", POLICIES)
def test_client_certificates(folder, keep, certificate, authority, policy):
    ca = f"  client_ca_file: {authority}/ca.pem\n" if policy != "NoClientCert" else ""
    let_in = tls_daemon(folder, keep, certificate, f"  client_auth_type: {policy}\n{ca}")
    assert tuple(let_in(authority, who) for who in (None, "client", "stranger")) == POLICIES[policy]


@pytest.mark.parametrize("name, is_in", [("client.example.org", True), ("other.example.org", False)])
def test_names_of_client_certificates(folder, keep, certificate, authority, name, is_in):
    let_in = tls_daemon(folder, keep, certificate,
                        "  client_auth_type: RequireAndVerifyClientCert\n"
                        f"  client_ca_file: {authority}/ca.pem\n"
                        f"  client_allowed_sans: [{name}]\n")
    assert let_in(authority, "client") == is_in
    assert not let_in(authority, None)
