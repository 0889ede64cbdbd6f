"""The metrics page: Alertmanager's names, types and labels, and that the numbers move."""
import os

import pytest

from conftest import alert, firing, group, hook, make_config, rule_file, write
from programs import metrics, run, until

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = {"C": "counter", "G": "gauge", "H": "histogram", "S": "summary"}
SUFFIXES = {"H": ("_bucket", "_sum", "_count"), "S": ("_sum", "_count")}
NOTIFICATIONS = ("alertmanager_notification_requests_total", "alertmanager_notifications_total",
                 "alertmanager_notifications_failed_total",
                 "alertmanager_notification_requests_failed_total",
                 "alertmanager_notification_latency_seconds_count")


def wanted():
    with open(os.path.join(HERE, "alertmanager_metrics.txt")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, kind, labels, *late = line.split()
                yield name, kind, set() if labels == "-" else set(labels.split(",")), bool(late)


@pytest.mark.parametrize("name, kind, labels, late", wanted(), ids=[w[0] for w in wanted()])
def test_a_name_of_alertmanager(page, name, kind, labels, late):
    text, samples = page
    assert f"# TYPE {name} {TYPES[kind]}\n" in text
    found = [(n, set(got)) for n, got, _ in samples
             if n in [name + s for s in SUFFIXES.get(kind, ("",))]]
    assert found or late
    for n, got in found:
        assert got - ({"le"} if n.endswith("_bucket") else set()) == labels


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Of a daemon that was asked for everything once."""
    from programs import Tocsind, http
    d = Tocsind(tmp_path_factory.mktemp("metrics"),
                "route: {receiver: r, group_wait: 0s}\nreceivers: [{name: r}]\n")
    d.post("/api/v2/alerts", [firing("A")])
    d.get("/metrics")
    http("GET", d.url + "/api/v2/silence/947e3b36-87e0-41eb-a1d1-1584b90e8250")
    text = d.get("/metrics").text
    d.stop()
    return text, metrics(text)


def test_handlers_are_named_as_by_alertmanager(page):
    _, samples = page
    name = "alertmanager_http_request_duration_seconds_count"
    handlers = {got["handler"] for n, got, _ in samples if n == name}
    assert {"/api/v2/silence/{silenceID}", "/api/v2/alerts", "/metrics"} <= handlers
    sized = {got["handler"] for n, got, _ in samples
             if n == "alertmanager_http_response_size_bytes_count"}
    assert "/metrics" in sized and not any(h.startswith("/api/") for h in sized)


def test_metrics_of_rules_under_prometheus_names(start, far, backend, rules):
    backend.set("up", ({"host": "a"}, 1))
    write(rules / "r.yml", rule_file(group("g", alert("A", "up"), alert("B", "up"))))
    d = start(make_config(hook(far), backend=backend), rules)
    until(lambda: d.metric("prometheus_rule_group_duration_seconds_count"), 5)
    until(lambda: d.metric("prometheus_notifications_sent_total"), 5)
    text = d.get("/metrics").text
    assert "NaN" not in text
    samples = metrics(text)
    for name, quantiles in (("rule_evaluation", {"0.5", "0.9", "0.99"}),
                            ("rule_group", {"0.01", "0.05", "0.5", "0.9", "0.99"})):
        name = f"prometheus_{name}_duration_seconds"
        assert f"# TYPE {name} summary\n" in text
        assert {got["quantile"] for n, got, _ in samples if n == name} == quantiles
        assert all(v <= d.metric(name + "_sum") for n, _, v in samples if n == name)
    assert (d.metric("prometheus_rule_evaluation_duration_seconds_count")
            >= 2 * samples_of(samples, "prometheus_rule_group_duration_seconds_count"))
    of_group = {"rule_group": f"{rules / 'r.yml'};g"}
    for name in ("last_rule_duration_sum", "last_restore_duration"):
        assert d.metric(f"prometheus_rule_group_{name}_seconds", **of_group) is not None
    assert d.metric("prometheus_config_last_reload_successful") == 1
    assert d.metric("prometheus_config_last_reload_success_timestamp_seconds") > 1e9


def samples_of(samples, name):
    return next(v for n, _, v in samples if n == name)


def test_the_numbers_move(start, far, box):
    d = start(make_config(hook(far)), args=["--data.maintenance-interval=1s",
                                            "--alerts.per-alertname-limit=1"])
    d.silence("alertname=Quiet")
    d.silence("alertname=Other")
    d.post("/api/v2/alerts", [firing("A"), firing("A", host="b"), firing("Quiet")])
    box.wait(lambda s: True, 5)
    until(lambda: d.metric("alertmanager_notifications_suppressed_total", reason="silence"), 5)
    until(lambda: d.metric("alertmanager_silences_maintenance_total"), 5)
    d.get("/api/v2/silences")
    for name, least in (
            ("alertmanager_alerts_per_alert_limit", 1), ("alertmanager_alerts_limited_total", 1),
            ("alertmanager_alerts_subscriber_channel_writes_total", 4),
            ("alertmanager_dispatcher_alert_processing_duration_seconds_count", 2),
            ("alertmanager_nflog_queries_total", 1), ("alertmanager_nflog_query_errors_total", 1),
            ("alertmanager_nflog_query_duration_seconds_count", 1),
            ("alertmanager_nflog_maintenance_total", 1),
            ("alertmanager_nflog_gc_duration_seconds_count", 1),
            ("alertmanager_nflog_snapshot_duration_seconds_count", 1),
            ("alertmanager_nflog_snapshot_size_bytes", 4096),
            ("alertmanager_silences_snapshot_size_bytes", 4096),
            ("alertmanager_silences_gc_duration_seconds_count", 1),
            ("alertmanager_silences_queries_total", 3),
            ("alertmanager_silences_query_silences_scanned_total", 1),
            ("alertmanager_silences_query_silences_skipped_total", 2),
            ("alertmanager_silences_state_size", 2),
            ("alertmanager_silences_matcher_index_size", 2)):
        assert d.metric(name) >= least, (name, d.metric(name))
    for name in ("alertmanager_dispatcher_alert_processing_duration_seconds_sum",
                 "alertmanager_silences_snapshot_duration_seconds_sum",
                 "alertmanager_silences_query_duration_seconds_sum"):
        assert 0 < d.metric(name) < 10, name


def test_receivers_told_apart(start, far, box):
    two = [{"name": "two", "slack_configs": [{"api_url": far.hook("s"), "channel": "#a"}]}]
    config = make_config(hook(far), more_receivers=two)
    d = start(config, args=["--enable-feature=receiver-name-in-metrics"])
    samples = metrics(d.get("/metrics").text)
    for name in NOTIFICATIONS:
        pairs = {(got["integration"], got["receiver_name"]) for n, got, _ in samples if n == name}
        assert pairs == {("webhook", "r"), ("slack", "two")}, name
    d.post("/api/v2/alerts", [firing("A")])
    box.wait(lambda s: True, 5)
    until(lambda: d.metric("alertmanager_notifications_total", receiver_name="r") == 1, 5)
    assert d.metric("alertmanager_notifications_total", receiver_name="two") == 0
    with open(d.config, "w") as f:
        f.write(config.replace("two", "three"))
    assert d.post("/-/reload").status == 200
    samples = metrics(d.get("/metrics").text)
    assert {got["receiver_name"] for n, got, _ in samples
            if n == NOTIFICATIONS[0]} == {"r", "three"}


def assert_in_form(text):
    """As Prometheus reads it, and no series twice."""
    wrong = run(["promtool", "check", "metrics"], check=False, stdin=text).stderr
    assert "error" not in wrong.lower(), wrong
    samples = metrics(text)
    assert len({(n, *sorted(got.items())) for n, got, _ in samples}) == len(samples)


def test_odd_names_leave_the_page_readable(start, far, backend, rules):
    odd = "a&b <c> 'd' \"e\" \\f \u00fc \u2028"
    write(rules / f"{odd}.yml", rule_file(group(odd, alert(odd, "up"))))
    write(rules / f"broken {odd}.yml", "groups: [\n")
    with open(os.path.join(os.fsencode(rules), b"bad \xff.yml"), "wb") as f:
        f.write(b"groups: [\n")
    d = start(make_config(hook(far), backend=backend, remote_write=[
        {"url": backend.url + "/write?a=b&c=d", "name": odd}]), rules,
        ["--enable-feature=rules-in-metrics"])
    text = until(lambda: (lambda t: t if t.count("tocsin_rule_file_broken{") == 2 else None)(
        d.get("/metrics").text), 5)
    assert_in_form(text)
    assert f'remote_name="a&b <c> ' in text and "write?a=b&c=d" in text


def test_rules_that_are_alike_are_one_series(start, far, backend, rules):
    twice = [alert("A", "up"), alert("A", "up", **{"for": "1h"}),
             {"record": "x:y", "expr": "up"}, {"record": "x:y", "expr": "up"}]
    write(rules / "r.yml", rule_file(group("g", *twice, alert("A", "up > 0"))))
    d = start(make_config(hook(far), backend=backend), rules,
              ["--enable-feature=rules-in-metrics"])
    text = d.get("/metrics").text
    assert_in_form(text)
    assert text.count("vmalert_alerts_firing{") == 2


def test_remotes_without_names_are_told_apart(start, far, backend):
    url = backend.url + "/write"
    d = start(make_config(hook(far), backend=backend, remote_write=[
        {"url": url, "name": "1"}, {"url": url}, {"url": url, "remote_timeout": "3s"}]))
    text = d.get("/metrics").text
    assert_in_form(text)
    name = "prometheus_remote_storage_shards"
    assert len([n for n, _, _ in metrics(text) if n == name]) == 3


def test_receivers_not_told_apart(start, far):
    d = start(make_config(hook(far)))
    samples = metrics(d.get("/metrics").text)
    for name in NOTIFICATIONS:
        found = [got for n, got, _ in samples if n == name]
        assert len({got["integration"] for got in found}) == 18
        assert not any("receiver_name" in got for got in found)


def test_group_keys_in_metrics(start, far, box):
    d = start(make_config(hook(far)), args=["--enable-feature=group-key-in-metrics"])
    d.post("/api/v2/alerts", [firing("A"), firing("A", host="b"), firing("B")])
    box.wait(lambda s: True, 5)
    for key, n in (('{}:{alertname="A"}', 2), ('{}:{alertname="B"}', 1)):
        escaped = key.replace('"', '\\"')
        until(lambda: d.metric("alertmanager_alerts", group_key=escaped, state="active") == n, 5)
    assert d.metric("alertmanager_alerts", state="suppressed") == 0


@pytest.mark.parametrize("feature", [True, False])
def test_alertnames_of_dropped_alerts(start, far, feature):
    d = start(make_config(hook(far)), args=["--alerts.per-alertname-limit=1", *(
        ["--enable-feature=alert-names-in-metrics"] if feature else [])])
    name = "alertmanager_alerts_limited_total"
    assert d.metric(name) is None
    d.post("/api/v2/alerts", [firing("A", n=str(i)) for i in range(3)] +
           [firing("B", n=str(i)) for i in range(2)])
    assert d.metric(name) == 3
    assert d.metric(name, alertname="A") == (2 if feature else None)
    assert d.metric(name, alertname="B") == (1 if feature else None)


def test_dropped_alertnames_have_an_end(start, far):
    d = start(make_config(hook(far), route={"group_wait": "1h"}), args=[
        "--alerts.per-alertname-limit=1", "--enable-feature=alert-names-in-metrics"])
    d.post("/api/v2/alerts", [firing(f"A{i}", n=str(k)) for i in range(1200) for k in range(2)])
    samples = [got for n, got, _ in metrics(d.get("/metrics").text)
               if n == "alertmanager_alerts_limited_total"]
    assert len(samples) == 1001
    assert d.metric("alertmanager_alerts_limited_total", alertname="(others)") == 200


def memory_by_owner(d):
    return {labels["owner"]: value for name, labels, value in metrics(d.get("/metrics").text)
            if name == "tocsin_memory_bytes"}


def test_memory_has_owners(start, far):
    d = start(make_config(hook(far)))
    before = memory_by_owner(d)
    d.post("/api/v2/alerts", [dict(firing(f"A{i}"), annotations={"summary": "x" * 500})
                              for i in range(2000)])
    after = memory_by_owner(d)
    assert 2000 * 600 < after["alerts"] - before["alerts"] < 2000 * 2000
    assert after["groups"] > before["groups"]
    assert set(after) == {"alerts", "groups", "silences", "notification_log", "rules",
                          "store_queue", "database_cache", "requests"}
    assert 0 < after["requests"] < 1e6 and 1e4 < after["database_cache"] < 1e7


def test_ceilings_are_shown(start, far):
    d = start(make_config(hook(far)), args=["--silences.max-silences=0", "--alerts.max-alerts=70"])
    assert d.metric("tocsin_limit", of="alerts") == 70
    assert d.metric("tocsin_limit", of="connections") == 4000
    assert d.metric("tocsin_limit", of="silences") is None


# -- vmalert's names ---------------------------------------------------------------------

TOTALS = {
    "prometheus_notifications_errors_total": {"alertmanager"},
    "prometheus_notifications_dropped_total": {"alertmanager"},
    "prometheus_notifications_queue_length": set(),
    "prometheus_notifications_queue_capacity": set(),
    **{f"prometheus_rule_{n}_duration_histogram_seconds_{part}": labels
       for n in ("evaluation", "group")
       for part, labels in (("bucket", {"le"}), ("sum", set()), ("count", set()))},
    "prometheus_notifications_latency_seconds": {"alertmanager", "quantile"},
    "prometheus_notifications_latency_histogram_seconds_bucket": {"alertmanager", "le"},
    **{f"prometheus_notifications_latency_{n}seconds_{part}": {"alertmanager"}
       for n in ("", "histogram_") for part in ("sum", "count")},
    "vmalert_alerts_send_duration_seconds": {"addr", "quantile"},
    **{f"vmalert_alerts_send_duration_seconds_{part}": {"addr"} for part in ("sum", "count")},
    "vmalert_iteration_duration_seconds": {"group", "file", "quantile"},
    "thanos_rule_loaded_rules": {"file", "group", "strategy"},
    "vmalert_alerts_sent_total": {"addr"}, "vmalert_alerts_send_errors_total": {"addr"},
    "vmalert_alerts_fired_total": set(), "vmalert_execution_total": set(),
    "vmalert_execution_errors_total": set(), "vmalert_config_last_reload_total": set(),
    "vmalert_config_last_reload_errors_total": set(),
    "vmalert_config_last_reload_successful": set(),
    "vmalert_config_last_reload_success_timestamp_seconds": set(),
    **{f"vmalert_{n}": {"group", "file"} for n in (
        "iteration_total", "iteration_missed_total", "iteration_reset_total",
        "iteration_interval_seconds",
        "group_rule_results_limit", "iteration_duration_seconds_sum",
        "iteration_duration_seconds_count")},
    **{f"vmalert_remotewrite_{n}": set() for n in (
        "total", "errors_total", "sent_rows_total", "sent_bytes_total", "dropped_rows_total",
        "send_duration_seconds_total", "queue_capacity", "concurrency",
        "flush_duration_seconds_sum", "flush_duration_seconds_count")},
    "vmalert_remotewrite_flush_duration_seconds_bucket": {"le"},
}
OF_ALERTS = {f"vmalert_{n}": {"alertname", "group", "file", "id"} for n in (
    "alerts_pending", "alerts_firing", "alerting_rules_errors_total",
    "alerting_rules_last_evaluation_samples", "alerting_rules_last_evaluation_series_fetched")}
OF_RECORDS = {f"vmalert_recording_rules_{n}": {"recording", "group", "file", "id"} for n in (
    "errors_total", "last_evaluation_samples")}


def check_summaries(samples):
    """One rule fires, sends now and again: in-process, and so in no time."""
    values = {(n, got.get("quantile")): v for n, got, v in samples}
    for name in ("prometheus_notifications_latency_seconds", "vmalert_alerts_send_duration_seconds",
                 "vmalert_iteration_duration_seconds"):
        found = [(float(q), v) for (n, q), v in values.items() if n == name]
        assert [v for _, v in sorted(found)] == sorted(v for _, v in found)
        assert {0.5, 0.9, 0.99} <= {q for q, _ in found}
        assert 0 <= found[0][1] <= values[name + "_sum", None] * (1 + 1e-5) < 2  # six digits
        assert values[name + "_count", None] >= 1
    assert 0 < values["prometheus_notifications_latency_seconds", "0.5"] < 0.5
    assert values["vmalert_iteration_duration_seconds_count", None] <= values[
        "vmalert_iteration_total", None]


@pytest.mark.parametrize("feature", [False, True])
def test_metrics_under_names_of_vmalert(start, far, backend, rules, feature):
    backend.set("up", ({"host": "a"}, 1), ({"host": "b"}, 1))
    write(rules / "r.yml", rule_file(group(
        "g", alert("A", "up"), alert("W", "up", **{"for": "1h"}), alert("A", "none"),
        {"record": "up:x", "expr": "up"}, {"record": "none:x", "expr": "none"}, limit=9)))
    d = start(make_config(hook(far), backend=backend,
                          remote_write=[{"url": backend.url + "/write"}]), rules,
              ["--enable-feature=rules-in-metrics"] if feature else [])
    until(lambda: (d.metric("vmalert_iteration_total") or 0) > 2, 5)
    until(lambda: d.metric("vmalert_remotewrite_total"), 10)
    text = d.get("/metrics").text
    samples = metrics(text)
    found = {n: set(got) for n, got, _ in samples if n.startswith("vmalert_") or n in TOTALS}
    assert found == {**TOTALS, **(OF_ALERTS if feature else {}), **(OF_RECORDS if feature else {})}
    types = [line for line in text.splitlines() if line.startswith("# TYPE ")]
    assert len(types) == len(set(types)), "each family stands once"
    assert len({(n, *sorted(got.items())) for n, got, _ in samples}) == len(samples)
    assert d.metric("vmalert_group_rule_results_limit") == 9
    assert d.metric("thanos_rule_loaded_rules", strategy="abort", group="g") == 5
    assert d.metric("vmalert_iteration_reset_total") == 0
    for n in ("evaluation", "group"):
        name = f"prometheus_rule_{n}_duration_histogram_seconds"
        buckets = [(got["le"], v) for k, got, v in samples if k == name + "_bucket"]
        assert [le for le, _ in buckets] == ["0.01", "0.1", "1", "10", "+Inf"]
        assert [v for _, v in buckets] == sorted(v for _, v in buckets)
        assert buckets[-1][1] == next(v for k, _, v in samples if k == name + "_count") > 0
    assert d.metric("vmalert_iteration_interval_seconds") == 0.2
    assert d.metric("vmalert_alerts_fired_total") == 2
    assert d.metric("vmalert_execution_total") >= 5 and d.metric("vmalert_alerts_sent_total") >= 2
    assert d.metric("vmalert_execution_errors_total") == 0
    assert d.metric("prometheus_notifications_errors_total") == 0
    check_summaries(samples)
    if feature:
        assert d.metric("vmalert_alerts_firing", alertname="A") == 2
        assert d.metric("vmalert_alerts_pending", alertname="W") == 2
        assert d.metric("vmalert_recording_rules_last_evaluation_samples", recording="up:x") == 2
        assert {g["id"] for n, g, _ in samples if n == "vmalert_alerts_firing"} == {
            r["id"] for g in d.get("/vmalert/api/v1/rules").json["data"]["groups"]
            for r in g["rules"] if r["type"] == "alerting"}
        assert {v for n, _, v in samples if n.endswith("series_fetched")} == {-1}
    backend.mode = "500"
    until(lambda: d.metric("vmalert_execution_errors_total"), 5)
    if feature:
        assert d.metric("vmalert_alerting_rules_errors_total") > 0
        until(lambda: d.metric("vmalert_recording_rules_last_evaluation_samples") == 0, 5)
    (rules / "r.yml").write_text("groups: 5")
    d.post("/-/reload")
    assert d.metric("vmalert_config_last_reload_total") == 1
    assert d.metric("vmalert_config_last_reload_errors_total") == 1
