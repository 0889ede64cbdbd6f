"""tocsin template render: templates tried out without a server."""
import json

import pytest

from programs import TOCSIN, run

SUBJECT = "[ALERTSTATUS] grouplabelvalue1 grouplabelvalue2 "


def render(folder, text, *args, check=True):
    return run([TOCSIN, "template", "render", f"--template.glob={folder}/*.tmpl",
                f"--template.text={text}", *args], check)


@pytest.mark.parametrize("text,args,want", [
    ("{{ .Receiver }} {{ len .Alerts.Firing }}", [], "receiver 1"),
    ('{{ template "slack.default.title" . }}', [], SUBJECT),
    ('{{ template "mine" . }}', [], "<https://example.com>"),
    ('{{ template "mine" . }}', ["--template.type=html"], "&lt;https://example.com>"),
    ('{{ "<" }}', ["--template.type=html"], "&lt;"),
])
def test_renders_the_sample(tmp_path, text, args, want):
    (tmp_path / "a.tmpl").write_text('{{ define "mine" }}<{{ .ExternalURL }}>{{ end }}')
    assert render(tmp_path, text, *args).stdout == want


def test_renders_a_payload(tmp_path):
    data = {"receiver": "ops", "status": "firing", "externalURL": "http://am",
            "alerts": [{"status": "firing", "labels": {"a": "1"},
                        "startsAt": "2024-05-06T07:08:09Z"}]}
    (tmp_path / "data.json").write_text(json.dumps(data))
    text = '{{ range .Alerts }}{{ .Labels.a }} {{ .StartsAt.Unix }}{{ end }}'
    done = render(tmp_path, text, f"--template.data={tmp_path}/data.json")
    assert done.stdout == "1 1714979289"


@pytest.mark.parametrize("text,want", [
    ("{{ .Nope }}", "can't evaluate field Nope in type *template.Data"),
    ("{{ nope }}", 'function "nope" not defined'),
])
def test_says_what_is_wrong(tmp_path, text, want):
    done = render(tmp_path, text, check=False)
    assert done.returncode == 1 and want in done.stderr and done.stdout == ""
