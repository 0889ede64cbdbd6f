"""How requests go out: access tokens and proxies."""
import base64
import json
import subprocess
from urllib.parse import parse_qs

import pytest

from conftest import firing, make_config
from programs import until

JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def hook_with(web, **http):
    return make_config({"webhook_configs": [{"url": f"http://127.0.0.1:{web.port}/hook",
                                             "http_config": http}]})


def asked(web, path, n=1):
    """The n-th request for that path, waited for."""
    until(lambda: sum(s[2] == path for s in web.seen) >= n, 10, path)
    return [s for s in web.seen if s[2] == path][n - 1]


def client(web, **more):
    return {"oauth2": {"client_id": "a:b", "token_url": f"http://127.0.0.1:{web.port}/token",
                       **more}}


# -- OAuth 2 -----------------------------------------------------------------------------
def test_a_token_by_name_and_secret(start, web):
    d = start(hook_with(web, **client(web, client_secret="s+e%/c", scopes=["x", "y"])))
    d.post("/api/v2/alerts", [firing("A")])
    assert asked(web, "/hook")[3]["authorization"] == "Bearer tok"
    *_, headers, body = asked(web, "/token")
    kind, text = headers["authorization"].split()
    assert kind == "Basic" and base64.b64decode(text) == b"a%3Ab:s%2Be%25%2Fc"
    assert body == b"grant_type=client_credentials&scope=x+y"


def test_a_server_that_wants_the_secret_in_the_form(start, web):
    web.answers["/token"] = lambda headers, raw: (401 if "authorization" in headers else 200, None)
    web.answers["/hook"] = 503, None
    d = start(hook_with(web, **client(web, client_secret="s+e%/c")))
    d.post("/api/v2/alerts", [firing("A")])
    asked(web, "/hook", 2)
    assert [parse_qs(s[4].decode()) for s in web.seen if s[2] == "/token"] == [
        {"grant_type": ["client_credentials"]},
        {"grant_type": ["client_credentials"], "client_id": ["a:b"], "client_secret": ["s+e%/c"]}]


def test_a_token_that_is_refused_both_ways(start, web):
    web.answers["/token"] = 403, None
    d = start(hook_with(web, **client(web, client_secret="s")))
    d.post("/api/v2/alerts", [firing("A")])
    until(lambda: "access token: status 403" in d.log(), 10)
    assert not [s for s in web.seen if s[2] == "/hook"]


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_a_token_for_a_signed_text(start, web, folder, algorithm):
    key, public = folder / "key.pem", folder / "public.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", public], check=True,
                   capture_output=True)
    d = start(hook_with(web, **client(
        web, grant_type=JWT, client_certificate_key_file=str(key), client_certificate_key_id="k1",
        signature_algorithm=algorithm, audience="them", claims={"n": 5, "who": {"a": [True]}},
        scopes=["x"])))
    d.post("/api/v2/alerts", [firing("A")])
    assert asked(web, "/hook")[3]["authorization"] == "Bearer tok"
    *_, headers, body = asked(web, "/token")
    form = parse_qs(body.decode())
    assert form["grant_type"] == [JWT] and "authorization" not in headers
    head, claims, signature = form["assertion"][0].split(".")

    def decode(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    assert json.loads(decode(head)) == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    said = json.loads(decode(claims))
    assert said.items() >= {"iss": "a:b", "sub": "a:b", "aud": "them", "n": 5, "scope": "x"}.items()
    assert said["who"] == {"a": [True]} and said["exp"] > said["iat"] and said["jti"]
    (folder / "signature").write_bytes(decode(signature))
    (folder / "text").write_text(f"{head}.{claims}")
    subprocess.run(["openssl", "dgst", f"-sha{algorithm[2:]}", "-verify", public, "-signature",
                    folder / "signature", folder / "text"], check=True, capture_output=True)


# -- reasons -----------------------------------------------------------------------------
def test_telegram_says_why_without_its_token(start):
    d = start(make_config({"telegram_configs": [{
        "api_url": "http://127.0.0.1:1", "bot_token": "123:hush", "chat_id": 1}]}))
    d.post("/api/v2/alerts", [firing("A")])
    until(lambda: "telegram: the request to <redacted> failed" in d.log(), 10)
    assert "Connection refused" in d.log() and "hush" not in d.log()


# -- proxies -----------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy"])
def test_a_proxy_of_the_environment(start, web, monkeypatch, name):
    monkeypatch.setenv(name, f"http://127.0.0.1:{web.port}")
    d = start(make_config({"webhook_configs": [{
        "url": "http://far.example.org/hook", "http_config": {"proxy_from_environment": True}}]}))
    d.post("/api/v2/alerts", [firing("A")])
    assert asked(web, "http://far.example.org/hook")[1] == "far.example.org"
