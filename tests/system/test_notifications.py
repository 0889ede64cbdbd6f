"""From a rule or a posted alert to the people: every integration of the first version."""
import email.utils
import time

import pytest
import yaml

import endpoints
from conftest import alert, firing, group, hook, make_config, resolved, rule_file, statuses, write
from programs import until

KEY = "0123456789abcdef0123456789abcdef"


def test_a_rule_fires_and_resolves_through_a_webhook(start, far, box, backend, rules):
    backend.set("disk_used > 90", ({"__name__": "disk_used", "host": "a"}, 97.5))
    write(rules / "disk.yml", rule_file(group(
        "disk", alert("DiskFull", "disk_used > 90", labels={"severity": "page"},
                      annotations={"summary": "{{ $labels.host }} at {{ $value }}"}))))
    d = start(make_config(hook(far), backend=backend), rules)
    first = box.wait(lambda s: s.kind == "webhook", 10)
    assert first, d.log_tail()
    body = first.body
    assert body["version"] == "4" and body["receiver"] == "r" and body["status"] == "firing"
    assert body["groupLabels"] == {"alertname": "DiskFull"}
    assert body["groupKey"] == '{}:{alertname="DiskFull"}'
    one = body["alerts"][0]
    assert one["labels"] == {"alertname": "DiskFull", "host": "a", "severity": "page"}
    assert one["annotations"] == {"summary": "a at 97.5"}
    assert one["endsAt"] == "0001-01-01T00:00:00Z"
    assert "/graph?g0.expr=disk_used+%3E+90" in one["generatorURL"]
    assert first.headers["content-type"] == "application/json"

    at = box.count()
    backend.set("disk_used > 90")
    last = box.wait(lambda s: s.kind == "webhook", 10, at)
    assert last and last.body["status"] == "resolved" and statuses(last) == {"a": "resolved"}
    assert last.body["alerts"][0]["startsAt"] == one["startsAt"]
    assert last.body["alerts"][0]["endsAt"] > one["startsAt"]


def test_external_labels_reach_the_receiver(start, far, box, backend, rules):
    backend.set("up == 0", ({"host": "a"}, 0))
    write(rules / "up.yml", rule_file(group("up", alert("Down", "up == 0"))))
    start(make_config(hook(far), backend=backend,
                      global_={"external_labels": {"site": "north"}}), rules)
    seen = box.wait(lambda s: s.kind == "webhook", 10)
    assert seen.body["alerts"][0]["labels"] == {"alertname": "Down", "host": "a", "site": "north"}


def test_alerts_are_relabelled_on_their_way_only(start, far, box, backend, rules):
    backend.set("up == 0", ({"host": "a", "replica": "1"}, 0), ({"host": "b", "replica": "2"}, 0))
    write(rules / "up.yml", rule_file(group("up", alert("Down", "up == 0"))))
    d = start(make_config(
        hook(far), backend=backend, global_={"external_labels": {"site": "north"}},
        alerting={"alert_relabel_configs": [
            {"source_labels": ["site", "host"], "regex": "north;b", "action": "drop"},
            {"regex": "replica", "action": "labeldrop"}]}), rules)
    seen = box.wait(lambda s: s.kind == "webhook", 10)
    assert [a["labels"] for a in seen.body["alerts"]] == [
        {"alertname": "Down", "host": "a", "site": "north"}]
    assert [a["labels"] for a in d.get("/api/v1/alerts").json["data"]["alerts"]] == [
        {"alertname": "Down", "host": h, "replica": r} for h, r in (("a", "1"), ("b", "2"))]
    backend.set("up == 0")
    seen = box.wait(lambda s: s.kind == "webhook" and s.body["status"] == "resolved", 10)
    assert statuses(seen) == {"a": "resolved"}


def test_alerts_posted_together_come_together(start, far, box):
    d = start(make_config(hook(far)))
    alerts = [firing("HighLoad", host=h) for h in "abc"]
    assert d.post("/api/v2/alerts", alerts).status == 200
    seen = box.wait(lambda s: s.kind == "webhook", 10)
    assert statuses(seen) == {"a": "firing", "b": "firing", "c": "firing"}
    at = box.count()
    assert d.post("/api/v2/alerts", [resolved("HighLoad", host="b")]).status == 200
    seen = box.wait(lambda s: s.kind == "webhook", 10, at)
    assert statuses(seen) == {"a": "firing", "b": "resolved", "c": "firing"}


def test_routes_choose_receivers_and_continue(start, far, box):
    config = make_config(
        hook(far, "default"),
        route={"routes": [{"receiver": "db", "matchers": ['team="db"'], "continue": True},
                          {"receiver": "page", "matchers": ['severity=~"page|critical"']}]},
        more_receivers=[{"name": "db", **hook(far, "db")}, {"name": "page", **hook(far, "page")}])
    d = start(config)
    d.post("/api/v2/alerts", [firing("A", team="db", severity="page"), firing("B", team="web")])
    for path, name in (("/hook/db", "A"), ("/hook/page", "A"), ("/hook/default", "B")):
        seen = box.wait(lambda s: s.path == path, 10)
        assert seen and seen.body["alerts"][0]["labels"]["alertname"] == name
    assert len(box.all(path="/hook/default")) == 1


def test_inhibition_holds_the_target_back(start, far, box):
    config = make_config(hook(far), inhibit_rules=[{
        "source_matchers": ['alertname="Down"'], "target_matchers": ['severity="warning"'],
        "equal": ["host"]}])
    d = start(config)
    d.post("/api/v2/alerts", [firing("Down", host="a", severity="page")])
    d.post("/api/v2/alerts", [firing("Slow", host="a", severity="warning"),
                              firing("Slow", host="b", severity="warning")])
    seen = box.wait(lambda s: s.body["groupLabels"]["alertname"] == "Slow", 10)
    assert statuses(seen) == {"b": "firing"}
    held = [a for a in d.alerts(alertname="Slow", host="a")][0]
    assert held["status"]["state"] == "suppressed" and len(held["status"]["inhibitedBy"]) == 1


def test_a_template_of_the_user(start, far, box, folder):
    (folder / "my.tmpl").write_text(
        '{{ define "mine" }}{{ .Status | toUpper }} {{ range .Alerts }}'
        '{{ .Labels.SortedPairs.Values | join "," }} {{ end }}{{ end }}')
    d = start(make_config({"slack_configs": [{
        "api_url": far.slack, "channel": "#x", "text": '{{ template "mine" . }}'}]},
        templates=["*.tmpl"]))
    d.post("/api/v2/alerts", [firing("T", a="1", b="2")])
    seen = box.wait(lambda s: s.kind == "slack", 10)
    assert seen.body["attachments"][0]["text"] == "FIRING T,1,2 "


# -- Slack -------------------------------------------------------------------------------
def test_slack_webhook(start, far, box):
    d = start(make_config({"slack_configs": [{
        "api_url": far.slack, "channel": "#alerts", "send_resolved": True,
        "text": "{{ range .Alerts }}{{ .Annotations.summary }}{{ end }}"}]}))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a", severity="page")])
    seen = box.wait(lambda s: s.kind == "slack", 10)
    assert seen.ok, seen
    a = seen.body["attachments"][0]
    assert seen.body["channel"] == "#alerts"
    assert a["title"] == "[FIRING:1] DiskFull (a page)"
    assert a["text"] == "DiskFull summary" and a["color"] == "danger"
    assert a["fallback"].startswith("[FIRING:1] DiskFull (a page) | ")
    assert a["mrkdwn_in"] == ["fallback", "pretext", "text"]
    at = box.count()
    d.post("/api/v2/alerts", [resolved("DiskFull", host="a", severity="page")])
    seen = box.wait(lambda s: s.kind == "slack", 10, at)
    assert seen.ok and seen.body["attachments"][0]["color"] == "good"
    assert seen.body["attachments"][0]["title"] == "[RESOLVED] DiskFull (a page)"


def test_slack_app_token(start, far, box, folder):
    (folder / "token").write_text("xoxb-1234-secret\n")
    d = start(make_config(
        {"slack_configs": [{"app_token_file": str(folder / "token"), "channel": "#app",
                            "app_url": far.slack_api}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    seen = box.wait(lambda s: s.kind == "slack", 10)
    assert seen.ok and seen.path == "/api/chat.postMessage", seen
    assert seen.headers["authorization"] == "Bearer xoxb-1234-secret"


def test_a_slack_refusal_is_not_retried_and_is_counted(start, far, box):
    d = start(make_config({"slack_configs": [{
        "api_url": far.slack, "channel": "#x", "title": "", "text": "", "fallback": "",
        "pretext": ""}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    assert not box.wait(lambda s: s.kind == "slack", 10).ok
    until(lambda: d.metric("alertmanager_notifications_failed_total", integration="slack"), 5)
    assert len(box.all("slack")) == 1
    assert "no_text" in d.log()


def test_secrets_stay_out_of_log_and_status(start, far, box):
    secret = "Zm9vYmFyc2VjcmV0"
    url = f"{far.url}/services/T0/B0/{secret}"
    far.force(f"/services/T0/B0/{secret}", 500, "no", 1)
    d = start(make_config({"slack_configs": [{"api_url": url, "channel": "#x"}]}),
              args=["--log.level=debug"])
    d.post("/api/v2/alerts", [firing("DiskFull")])
    assert box.wait(lambda s: s.kind == "slack" and s.ok, 10)
    assert secret not in d.log()
    assert secret not in d.get("/api/v2/status").text
    assert secret not in d.get("/metrics").text


# -- PagerDuty ---------------------------------------------------------------------------
@pytest.mark.parametrize("release", ["0.25", "0.34"])
def test_pagerduty(start, far, box, release):
    d = start(make_config({"pagerduty_configs": [{
        "routing_key": KEY, "url": far.pagerduty, "severity": "{{ .CommonLabels.severity }}",
        "component": "{{ .CommonLabels.host }}", "details": {"who": "{{ .Receiver }}"}}]}),
        args=[f"--compatibility={release}"])
    d.post("/api/v2/alerts", [firing("DiskFull", host="a", severity="critical")])
    seen = box.wait(lambda s: s.kind == "pagerduty", 10)
    assert seen.ok, seen
    e = seen.body
    assert e["event_action"] == "trigger" and e["routing_key"] == KEY
    assert e["payload"]["severity"] == "critical" and e["payload"]["component"] == "a"
    assert e["payload"]["summary"] == "[FIRING:1] DiskFull (a critical)"
    details = e["payload"]["custom_details"]
    assert details["who"] == "r"
    if release == "0.25":  # texts then, structures since 0.30
        assert details["num_firing"] == "1" and " - host = a\n" in details["firing"]
    else:
        assert details["num_firing"] == 1 and details["firing"][0]["labels"]["host"] == "a"
    at = box.count()
    d.post("/api/v2/alerts", [resolved("DiskFull", host="a", severity="critical")])
    seen = box.wait(lambda s: s.kind == "pagerduty", 10, at)
    assert seen.ok and seen.body["event_action"] == "resolve"
    assert seen.body["dedup_key"] == e["dedup_key"]


def test_pagerduty_says_slow_down_and_gets_it_again(start, far, box):
    far.force("/v2/enqueue", 429, '{"status":"throttle exceeded"}', 1)
    d = start(make_config({"pagerduty_configs": [{"routing_key": KEY, "url": far.pagerduty}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    assert box.wait(lambda s: s.kind == "pagerduty" and s.ok, 15)
    assert [s.status for s in box.all("pagerduty")] == [429, 202]


# -- retries -----------------------------------------------------------------------------
def test_a_webhook_that_fails_is_tried_again(start, far, box):
    far.force("/hook/alerts", 503, "later", 2)
    d = start(make_config(hook(far)))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    assert box.wait(lambda s: s.ok, 15)
    assert [s.status for s in box.all()] == [503, 503, 200]
    assert len({s.raw for s in box.all()}) == 1, "the same notification each time"
    assert d.metric("alertmanager_notification_requests_failed_total", integration="webhook") == 2
    until(lambda: d.metric("alertmanager_notifications_total", integration="webhook") == 1, 5)
    assert d.metric("alertmanager_notifications_failed_total", integration="webhook") == 0


def test_a_webhook_that_refuses_is_left_alone(start, far, box):
    far.force("/hook/alerts", 400, "do not want", 1)
    d = start(make_config(hook(far), route={"group_interval": "1h"}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    until(lambda: d.metric("alertmanager_notifications_failed_total", integration="webhook",
                           reason="clientError"), 10)
    assert len(box.all()) == 1
    assert "do not want" in d.log()


def test_one_bad_integration_does_not_hold_up_the_others(start, far, box):
    config = make_config({"webhook_configs": [{"url": "http://127.0.0.1:1/nobody"},
                                              {"url": far.hook("good")}]})
    d = start(config)
    d.post("/api/v2/alerts", [firing("DiskFull")])
    assert box.wait(lambda s: s.path == "/hook/good", 5)


# -- redirects ---------------------------------------------------------------------------
SECRETS = ("x-api-key", "authorization", "x-auth-token", "x-user-id", "x-plain")


@pytest.mark.parametrize("http", [
    {"basic_auth": {"username": "u", "password": "p"}},
    {"authorization": {"credentials": "t"}},
    {"oauth2": {"client_id": "c", "client_secret": "s"}}])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_credentials_stay_with_their_host(start, web, host, http):
    web.answers["/first"] = 307, f"http://{host}:{web.port}/second"
    web.answers["/api/v1/chat.postMessage"] = 308, f"http://{host}:{web.port}/third"
    if "oauth2" in http:
        http = {"oauth2": {**http["oauth2"], "token_url": f"http://127.0.0.1:{web.port}/token"}}
    headers = {"http_headers": {"X-Api-Key": {"secrets": ["k"]}, "X-Plain": {"values": ["v"]}}}
    d = start(make_config({
        "webhook_configs": [{"url": f"http://127.0.0.1:{web.port}/first",
                             "http_config": {**http, **headers}}],
        "rocketchat_configs": [{"api_url": f"http://127.0.0.1:{web.port}/", "channel": "#x",
                                "token": "tt", "token_id": "ii"}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    until(lambda: {"/second", "/third"} <= {s[2] for s in web.seen}, 10)
    asked = {s[2]: s for s in web.seen}
    assert {"x-api-key", "authorization", "x-plain"} <= set(asked["/first"][3])
    for one, other in (("/first", "/second"), ("/api/v1/chat.postMessage", "/third")):
        before, after = asked[one], asked[other]
        assert after[0] == "POST" and after[4] == before[4]
        assert after[3]["content-type"] == "application/json"
        assert after[3]["user-agent"] == before[3]["user-agent"]
        for name in SECRETS:
            assert after[3].get(name) == (before[3].get(name) if host == "127.0.0.1" else None)


@pytest.mark.parametrize("status", [301, 302, 303])
def test_other_redirects_become_get(start, web, status):
    web.answers["/first"] = status, "/second"
    d = start(make_config({"webhook_configs": [{"url": f"http://127.0.0.1:{web.port}/first"}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    until(lambda: len(web.seen) == 2, 10)
    method, _, path, headers, body = web.seen[1]
    assert (method, path, body) == ("GET", "/second", b"") and "content-type" not in headers
    until(lambda: d.metric("alertmanager_notifications_total", integration="webhook") == 1, 5)


def test_a_redirect_loop_ends_and_is_tried_again(start, web):
    web.answers["/first"] = 307, "/first"
    d = start(make_config({"webhook_configs": [{"url": f"http://127.0.0.1:{web.port}/first"}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    until(lambda: len(web.seen) == 22, 10)
    assert "stopped after 10 redirects" in d.log()


def test_redirects_are_not_followed_when_told_so(start, web):
    web.answers["/first"] = 307, "/second"
    d = start(make_config({"webhook_configs": [{"url": f"http://127.0.0.1:{web.port}/first",
                                                "http_config": {"follow_redirects": False}}]}))
    d.post("/api/v2/alerts", [firing("DiskFull")])
    until(lambda: "unexpected status code 307" in d.log(), 10)
    assert len(web.seen) == 1


# -- mail --------------------------------------------------------------------------------
@pytest.fixture
def mail_server(box):
    servers = []

    def begin(**options):
        servers.append(endpoints.MailServer(box, **options))
        return servers[-1]

    yield begin
    for s in servers:
        s.stop()


def mail_config(server, **more):
    host = more.pop("host", "127.0.0.1")
    return make_config({"email_configs": [{
        "to": "Night Shift <night@example.org>, ops@example.org", "send_resolved": True,
        "from": "Tocsin <tocsin@example.org>", "smarthost": f"{host}:{server.port}",
        "text": "{{ range .Alerts }}{{ .Labels.host }}: {{ .Annotations.summary }}\n{{ end }}",
        "headers": {"X-Team": "ops \N{LATIN SMALL LETTER E WITH ACUTE}quipe"}, **more}]})


def check_mail(seen):
    assert seen, "no mail"
    m = seen.body
    assert m["Subject"] == "[FIRING:1] DiskFull (a)"
    assert [a for _, a in email.utils.getaddresses([m["To"]])] == ["night@example.org",
                                                                    "ops@example.org"]
    assert email.utils.parseaddr(m["From"])[1] == "tocsin@example.org"
    assert seen.envelope["from"] == "tocsin@example.org"
    assert seen.envelope["to"] == ["night@example.org", "ops@example.org"]
    assert m["X-Team"] == "ops \N{LATIN SMALL LETTER E WITH ACUTE}quipe"
    assert m["Message-Id"] and email.utils.parsedate_to_datetime(m["Date"])
    assert m.get_content_type() == "multipart/alternative"
    assert endpoints.mail_part(m, "text/plain").strip() == "a: DiskFull summary"
    html = endpoints.mail_part(m, "text/html")
    assert "DiskFull" in html and "<html" in html.lower()
    assert all(len(line) <= 998 for line in seen.raw.split(b"\r\n"))


def test_mail_in_the_clear(start, mail_server, box):
    server = mail_server()
    d = start(mail_config(server, require_tls=False))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    seen = box.wait(lambda s: s.kind == "mail", 10)
    check_mail(seen)
    assert not seen.envelope["tls"]
    at = box.count()
    d.post("/api/v2/alerts", [resolved("DiskFull", host="a")])
    seen = box.wait(lambda s: s.kind == "mail", 10, at)
    assert seen.body["Subject"] == "[RESOLVED] DiskFull (a)"


def test_mail_with_starttls_and_auth(start, mail_server, box, certificate):
    server = mail_server(tls=endpoints.server_context(*certificate), users={"me": "p\"w ü"})
    d = start(mail_config(server, auth_username="me", auth_password="p\"w ü",
                          tls_config={"ca_file": certificate[0]}))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    seen = box.wait(lambda s: s.kind == "mail", 10)
    assert seen, d.log_tail()
    check_mail(seen)
    assert seen.envelope["tls"] and seen.envelope["user"] == "me"


def test_mail_with_tls_from_the_first_byte(start, mail_server, box, certificate):
    server = mail_server(tls=endpoints.server_context(*certificate), implicit=True)
    d = start(mail_config(server, host="localhost", force_implicit_tls=True,
                          tls_config={"ca_file": certificate[0]}))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    check_mail(box.wait(lambda s: s.kind == "mail", 10))


def test_mail_needs_tls_unless_told_otherwise(start, mail_server, box):
    server = mail_server()
    d = start(mail_config(server))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    until(lambda: d.metric("alertmanager_notification_requests_failed_total",
                           integration="email"), 10)
    assert not box.all("mail")


def test_mail_does_not_trust_an_unknown_certificate(start, mail_server, box, certificate):
    server = mail_server(tls=endpoints.server_context(*certificate))
    d = start(mail_config(server))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    until(lambda: d.metric("alertmanager_notification_requests_failed_total",
                           integration="email"), 10)
    assert not box.all("mail")


def test_mail_with_a_wrong_password_says_so(start, mail_server, box, certificate):
    server = mail_server(tls=endpoints.server_context(*certificate), users={"me": "right"})
    d = start(mail_config(server, auth_username="me", auth_password="wrong-password",
                          tls_config={"ca_file": certificate[0]}))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    until(lambda: d.metric("alertmanager_notification_requests_failed_total",
                           integration="email"), 10)
    until(lambda: "part=notify" in d.log() or "email" in d.log(), 5)
    assert "wrong-password" not in d.log()
    assert not box.all("mail")


def test_a_label_cannot_smuggle_a_header(start, mail_server, box):
    server = mail_server()
    d = start(mail_config(server, require_tls=False))
    d.post("/api/v2/alerts", [firing("Evil\r\nBcc: all@example.org", host="a\r\n.\r\nMAIL FROM:<x@y>")])
    seen = box.wait(lambda s: s.kind == "mail", 10)
    assert seen and seen.body["Bcc"] is None
    assert seen.envelope["to"] == ["night@example.org", "ops@example.org"]


@pytest.mark.parametrize("at, refuse, tls", [
    ("", None, False), ("EHLO", None, False), ("STARTTLS", None, True), ("MAIL", None, False),
    ("RCPT", None, False), ("DATA", None, False), (".", None, False), ("QUIT", None, False),
    ("QUIT", "RCPT", False), ("QUIT", "MAIL", False), ("QUIT", "DATA", False)])
def test_a_mail_server_that_stops_answering_holds_nobody_up(start, far, box, at, refuse, tls):
    server = endpoints.StallingMail(at, refuse)
    mail = yaml.safe_load(mail_config(server, require_tls=tls))["receivers"][0]["email_configs"]
    d = start(make_config({"email_configs": mail, **hook(far)},
                          route={"group_interval": "2s"}),  # the deadline is 10 s
              args=["--shutdown.timeout=1s"])
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    assert box.wait(lambda s: s.path == "/hook/alerts", 5)
    until(lambda: at in ["", *server.heard], 5)
    slowest, end = 0, time.monotonic() + (11.5 if at in ("EHLO", ".") else 1.5)
    while time.monotonic() < end:
        before = time.monotonic()
        assert d.get("/-/ready").status == 200
        slowest = max(slowest, time.monotonic() - before)
        time.sleep(0.02)
    assert slowest < 0.5
    before = time.monotonic()
    assert d.stop() == 0
    assert time.monotonic() - before < 4
    server.stop()


def test_a_mail_ends_with_quit(start):
    server = endpoints.StallingMail("never")
    d = start(mail_config(server, require_tls=False))
    d.post("/api/v2/alerts", [firing("DiskFull", host="a")])
    until(lambda: "QUIT" in server.heard, 10)
    assert server.heard == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA", ".", "QUIT"]
    until(lambda: d.metric("alertmanager_notifications_total", integration="email") == 1, 5)
    server.stop()


def test_payloads_with_odd_text_stay_json(start, far, box):
    odd = 'quote " backslash \\ tab \t newline \n less < amp & snowman \N{SNOWMAN} \U0001F525'
    d = start(make_config({**hook(far), "slack_configs": [{
        "api_url": far.slack, "text": "{{ .CommonAnnotations.summary }}"}],
        "pagerduty_configs": [{"routing_key": KEY, "url": far.pagerduty,
                               "description": "{{ .CommonAnnotations.summary }}"}]}))
    a = firing("Odd")
    a["annotations"]["summary"] = odd
    d.post("/api/v2/alerts", [a])
    for kind in ("webhook", "slack", "pagerduty"):
        seen = box.wait(lambda s: s.kind == kind, 10)
        assert seen.ok and odd in texts(seen.body), kind


def texts(body):
    """All strings anywhere in the JSON."""
    if isinstance(body, str):
        return [body]
    if isinstance(body, dict):
        body = list(body.values())
    return [t for v in body for t in texts(v)] if isinstance(body, list) else []
