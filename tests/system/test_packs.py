"""The shipped rule packs: well-formed, and about metrics that exist."""
import glob
import os
import re
import threading
from http import server

import pytest
import yaml

from conftest import hook, make_config, write
from endpoints import server_context
from programs import (ROOT, Late, Postgres, Program, Tocsind, exporter, free_port, http,
                      metrics, node_exporter, prometheus, redis, run, until)

PACKS = sorted(glob.glob(os.path.join(ROOT, "rules", "**", "*.yml"), recursive=True))
PACKS = [p for p in PACKS if not p.endswith("_test.yml")]
# What is no metric in an expression: strings and ranges, labels, words and functions.
ASIDE = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^]]*\]')
LABELS = re.compile(r"\{[^}]*\}|\b(?:on|ignoring|by|without|group_left|group_right)\s*\([^)]*\)")
WORDS = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)\b(?!\s*\()")
SELECTED = re.compile(r'\b(\w+)\s*(?:=~|!~|!=|=)\s*"')
SHOWN = re.compile(r"\$labels\.(\w+)")
KEYWORDS = {"and", "or", "unless", "on", "ignoring", "by", "without", "bool", "offset"}

# Only with hardware that a test machine may not have; shown to the exporter as files.
HARDWARE = {
    "mdadm": {"node_md_disks", "node_md_disks_required"},
    "edac": {"node_edac_correctable_errors_total", "node_edac_uncorrectable_errors_total"},
    "bonding": {"node_bonding_slaves", "node_bonding_active"},
    "hwmon": {"node_hwmon_temp_celsius", "node_hwmon_temp_crit_celsius"},
}
# Only with systemd running: taken on trust from the exporter's documentation.
TRUSTED = {"node_systemd_unit_state"}
# Newer PostgreSQL exporters than Debian 12's.
TRUSTED_POSTGRES = {"pg_replication_lag_seconds", "pg_replication_is_replica",
                    "pg_database_wraparound_age_datfrozenxid_seconds"}
# No cAdvisor in Debian 12, and no cluster here: the names are taken on trust from the
# documentation of cAdvisor, kube-state-metrics and Kubernetes. Those of a service's own
# requests are an example.
ON_TRUST = {
    "containers.yml": """
        container_cpu_cfs_periods_total container_cpu_cfs_throttled_periods_total
        container_fs_usage_bytes container_last_seen container_memory_swap
        container_memory_working_set_bytes container_network_receive_errors_total
        container_network_receive_packets_dropped_total container_network_receive_packets_total
        container_network_transmit_errors_total container_oom_events_total
        container_pressure_io_stalled_seconds_total
        container_pressure_memory_stalled_seconds_total container_scrape_error
        container_spec_memory_limit_bytes container_start_time_seconds container_threads
        container_threads_max machine_memory_bytes""",
    "kubernetes.yml": """
        apiserver_request_duration_seconds_bucket apiserver_request_total
        kube_daemonset_status_desired_number_scheduled kube_daemonset_status_number_ready
        kube_deployment_spec_replicas kube_deployment_status_replicas_available
        kube_deployment_status_replicas_updated
        kube_horizontalpodautoscaler_spec_max_replicas
        kube_horizontalpodautoscaler_spec_min_replicas
        kube_horizontalpodautoscaler_status_desired_replicas kube_job_failed
        kube_node_status_condition kube_pod_container_status_last_terminated_reason
        kube_pod_container_status_restarts_total kube_pod_container_status_waiting_reason
        kube_pod_status_phase kube_pod_status_ready kube_statefulset_replicas
        kube_statefulset_status_replicas_ready kube_statefulset_status_replicas_updated
        kubelet_volume_stats_available_bytes kubelet_volume_stats_capacity_bytes
        kubelet_volume_stats_inodes kubelet_volume_stats_inodes_free""",
    "slo-burn-rate.yml": """
        http_requests_total http_request_duration_seconds_bucket
        http_request_duration_seconds_count""",
}
# Collectors of the kernel that containers and small kernels may lack.
KERNEL = {"conntrack": "node_nf_conntrack_", "pressure": "node_pressure_", "timex": "node_timex_"}


def rules_of(path):
    with open(path) as f:
        return [r for g in yaml.safe_load(f)["groups"] for r in g["rules"]]


def words_of(rule):
    return set(WORDS.findall(LABELS.sub(" ", ASIDE.sub(" ", rule["expr"])))) - KEYWORDS


def metrics_of(name):
    """The metrics that a pack asks for, but for those it records, and up."""
    rules = rules_of(os.path.join(ROOT, "rules", name))
    return set.union(*map(words_of, rules)) - {"up"} - {r.get("record") for r in rules}


def names_on(*pages):
    return {w for p in pages for w in re.findall(r"^([a-zA-Z_][a-zA-Z0-9_]*)[{ ]", p, re.M)}


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("path", PACKS, ids=os.path.basename)
def test_promtool_takes_it(path):
    out = run(["promtool", "check", "rules", path]).stdout
    assert "SUCCESS" in out and "duplicate" not in out, out


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("path", sorted(glob.glob(os.path.join(os.path.dirname(__file__), "packs", "*.yml"))),
                         ids=os.path.basename)
def test_promtool_sees_alerts_begin_and_end(path):
    run(["promtool", "test", "rules", path], timeout=60)


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
    there = names_on(page)
    lacking = {c for c, prefix in KERNEL.items()
               if not any(name.startswith(prefix) for name in there)}
    wanted = metrics_of("node.yml")
    missing = {w for w in wanted - there - TRUSTED
               if not any(w.startswith(KERNEL[c]) for c in lacking)}
    assert not missing, missing
    assert set.union(*HARDWARE.values()) <= wanted


def test_we_export_what_our_own_pack_asks_for(start, far, backend, rules):
    from conftest import alert, group, rule_file
    write(rules / "good.yml", rule_file(group("g", alert("A", "one"))))
    write(rules / "bad.yml", "groups: [")
    d = start(make_config(hook(far), backend=backend), rules)
    assert isinstance(d, Tocsind)
    missing = metrics_of("tocsin.yml") - names_on(d.get("/metrics").text)
    assert not missing, missing


# -- real exporters, of real servers, scraped by a real Prometheus --------------------------
SCRAPE = """\
global: {scrape_interval: 500ms, evaluation_interval: 500ms}
alerting: {alertmanagers: [{static_configs: [{targets: ["NOBODY"]}]}]}
rule_files: [prometheus-rules.yml]
remote_write:
  - url: http://SELF/api/v1/write
    queue_config: {batch_send_deadline: 500ms}
    write_relabel_configs:
      - {source_labels: [__name__], regex: up, action: keep}
      - {target_label: __name__, replacement: copied}
scrape_configs:
  - {job_name: prometheus, static_configs: [{targets: ["SELF"]}]}
  - {job_name: node, static_configs: [{targets: ["NODE"]}]}
  - {job_name: postgres, static_configs: [{targets: ["POSTGRES"]}]}
  - {job_name: pushgateway, honor_labels: true, static_configs: [{targets: ["PUSHGATEWAY"]}]}
  - {job_name: blackbox, static_configs: [{targets: ["BLACKBOX"]}]}
  - job_name: blackbox-web
    metrics_path: /probe
    params: {module: [web]}
    static_configs: [{targets: [WEB]}]
    relabel_configs: &through
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "BLACKBOX"}
  - job_name: redis
    metrics_path: /scrape
    static_configs: [{targets: [REDIS]}]
    relabel_configs:
      - {source_labels: [__address__], target_label: __param_target}
      - {source_labels: [__param_target], target_label: instance}
      - {target_label: __address__, replacement: "EXPORTER"}
"""
MODULES = """\
modules:
  web: {prober: http, timeout: 2s, http: {tls_config: {insecure_skip_verify: true}}}
"""


class Page:
    """An https page."""

    class Handler(server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    def __init__(self, cert, key):
        self.server = server.ThreadingHTTPServer(("127.0.0.1", 0), self.Handler)
        self.server.socket = server_context(cert, key).wrap_socket(self.server.socket,
                                                                   server_side=True)
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Farm:
    """Everything that a pack is about and Debian has, begun at once."""

    def __init__(self, folder, certificate):
        self.folder, self.running = folder, []
        try:
            self._begin(*certificate)
        except BaseException:
            self.stop()
            raise

    def add(self, program):
        self.running.append(program)
        return program

    def _begin(self, cert, key):
        folder, add = self.folder, self.add
        # Servers: an https page, a Redis with a replica, one of a cluster, a PostgreSQL.
        page = add(Page(cert, key))
        first = add(redis(folder, "redis", "--repl-diskless-sync-delay", "0"))
        self.redis = [first, add(redis(folder, "replica", "--replicaof", "127.0.0.1", first.port,
                                       "--appendonly", "yes")),
                      add(redis(folder, "cluster", "--cluster-enabled", "yes",
                                "--cluster-port", free_port()))]
        (folder / "blackbox.yml").write_text(MODULES)
        self.blackbox = add(exporter("prometheus-blackbox-exporter", folder,
                                     f"--config.file={folder}/blackbox.yml",
                                     "--timeout-offset=0.1", wait=False))
        self.pushgateway = add(exporter("prometheus-pushgateway", folder, wait=False))
        self.redis_exporter = add(exporter("prometheus-redis-exporter", folder, "-redis.addr=",
                                           flag="-web.listen-address", wait=False))
        self.node = add(node_exporter(folder))
        p = add(Postgres(folder, "archive_mode=on", "archive_command=false"))
        p.sql("SELECT pg_create_physical_replication_slot('wal', true)",
              "SELECT pg_create_physical_replication_slot('left', true)", "SELECT pg_switch_wal()")
        (folder / "wal").mkdir()
        add(Program("receivewal", [f"{p.programs}/pg_receivewal", "-h", p.socket, "-U", "postgres",
                                   "-D", f"{folder}/wal", "-S", "wal"], folder))
        self.postgres = add(exporter(
            "prometheus-postgres-exporter", folder, wait=False,
            env={"DATA_SOURCE_NAME": f"host={p.socket} user=postgres sslmode=disable"}))
        self.web = [page.url, self.node.url + "/"]

        text = SCRAPE
        for word, value in (("NOBODY", f"127.0.0.1:{free_port()}"), ("NODE", self.node.address),
                            ("POSTGRES", self.postgres.address), ("BLACKBOX", self.blackbox.address),
                            ("EXPORTER", self.redis_exporter.address),
                            ("PUSHGATEWAY", self.pushgateway.address),
                            ("[WEB]", str(self.web)),
                            ("[REDIS]", str([f"redis://{r.address}" for r in self.redis]))):
            text = text.replace(word, value)
        self.prometheus = add(prometheus(
            folder, text, "--web.enable-remote-write-receiver", "--storage.remote.flush-deadline=1s",
            rules="groups: [{name: g, rules: [{record: one, expr: vector(1)}]}]\n"))
        for p in (self.blackbox, self.pushgateway, self.redis_exporter, self.postgres):
            p.when_up(p.url + "/metrics")
        http("PUT", self.pushgateway.url + "/metrics/job/backup", b"last_success 1\n")
        # Times may not be pushed: refused, and remembered.
        http("PUT", self.pushgateway.url + "/metrics/job/backup", b"last_success 1 1000\n")

    def stop(self):
        for p in reversed(self.running):
            p.stop()

    def ask(self, expr):
        answer = http("GET", f"{self.prometheus.url}/api/v1/query?query={expr}")
        return answer.json["data"]["result"]

    def pages(self, pack):
        """The urls where the metrics of a pack are."""
        return {
            "prometheus.yml": [self.prometheus.url + "/metrics"],
            "pushgateway.yml": [self.pushgateway.url + "/metrics"],
            "postgresql.yml": [self.postgres.url + "/metrics"],
            "redis.yml": [f"{self.redis_exporter.url}/scrape?target=redis://{r.address}"
                          for r in self.redis],
            "blackbox.yml": [self.blackbox.url + "/metrics",
                             *(f"{self.blackbox.url}/probe?module=web&target={t}" for t in self.web)],
        }[pack]


@pytest.fixture(scope="module")
def farm(tmp_path_factory, certificate):
    f = Farm(tmp_path_factory.mktemp("farm"), certificate)
    yield f
    f.stop()


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("pack,trusted", [
    ("blackbox.yml", set()), ("postgresql.yml", TRUSTED_POSTGRES), ("redis.yml", set()),
    ("pushgateway.yml", set()), ("prometheus.yml", {"tocsin_build_info"})])
def test_the_real_exporter_exports_what_the_pack_asks_for(farm, pack, trusted):
    wanted = metrics_of(pack)
    assert trusted <= wanted and len(wanted) > 4

    def missing():
        return wanted - trusted - names_on(*(http("GET", u).text for u in farm.pages(pack)))

    def strange():
        """(alert, label): labels that it selects by or shows and that none of its metrics has."""
        has = {"up": set()}
        for name, labels, _ in (x for u in farm.pages(pack) for x in metrics(http("GET", u).text)):
            has.setdefault(name, set()).update(labels)
        return [(r["alert"], label) for r in rules_of(os.path.join(ROOT, "rules", pack))
                if not words_of(r) & trusted
                for label in SELECTED.findall(r["expr"])
                + SHOWN.findall(" ".join(r["annotations"].values()))
                if label not in {"instance", "job"}.union(*(has[w] for w in words_of(r)))]

    try:  # some appear with the first sample, the first replica, the first Alertmanager found
        until(lambda: not missing(), 15, every=0.2)
    except Late:
        assert not missing()
    assert not strange()


@pytest.mark.programs_not_needed
@pytest.mark.parametrize("pack", ON_TRUST)
def test_nothing_is_on_trust_but_what_is_named(pack):
    assert metrics_of(pack) == set(ON_TRUST[pack].split())


def test_the_shipped_packs_evaluate_without_error(start, far, folder, farm):
    """Every expression of rules/ works on what a real Prometheus has from real exporters."""
    config = make_config(hook(far), backend=farm.prometheus)
    d = start(config, os.path.join(ROOT, "rules"))

    def states():
        return {r["name"]: (r["health"], r.get("lastError", ""))
                for g in d.groups().values() for r in g["rules"]}

    assert len(states()) == sum(len(rules_of(p)) for p in PACKS)
    d.stop()
    # Groups have their own intervals (30s, 1m) and a phase within; the whole pack at once is
    # what the interval lines removed give in a second.
    quick = folder / "quick"
    quick.mkdir()
    for path in PACKS:
        with open(path) as f:
            write(quick / os.path.basename(path),
                  "".join(x for x in f if not x.startswith("    interval:")))
    until(lambda: len(farm.ask("up==1")) == 10, 15, "every target is scraped")
    d = start(config, quick)
    until(lambda: states() and all(h != "unknown" for h, _ in states().values()), 20,
          "an evaluation of every rule")
    assert {n: s for n, s in states().items() if s[0] != "ok"} == {}

    def active():
        return {r["name"] for g in d.groups().values() for r in g["rules"]
                if r.get("state", "inactive") != "inactive"}

    # What is as the farm makes it is seen: a certificate for two days, a slot that nobody
    # reads, a cluster without slots, a push that was refused, starts a moment ago.
    made = {"BlackboxCertificateExpiresSoon", "PostgresSlotInactive", "RedisClusterBroken",
            "PushgatewayPushRefused", "PushgatewayRestarted", "RedisRestarted"}
    until(lambda: made <= active(), 10, "what is amiss is seen")
    # And what is well is not. (The machine itself may be as it likes.)
    assert not [a for a in active() if re.fullmatch(
        "(?!Node).*(Down|Failed|Failing|Gone|Behind|High|Full)|Kube.*|Container.*|Slo.*", a)]
