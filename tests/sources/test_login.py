"""Challenges are answered for what is needed, and tokens come by each way there is."""

from __future__ import annotations

import http.server
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from lockyard.errors import FetchError
from lockyard.sources.http import session
from lockyard.sources.login import Access, Login, is_private, login_name, origin

PULL = Access("a/b")
PUSH = Access("a/b", push=True, mounts=("a/c", "a/d"))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://registry-1.docker.io", "docker.io"),
        ("https://mirror.example:5000/hub", "mirror.example:5000"),
        ("https://reader:secret@mirror.example", "mirror.example"),
    ],
)
def test_the_name_that_docker_knows_it_by(address: str, name: str) -> None:
    assert login_name(address) == name


@pytest.mark.parametrize(
    ("access", "said", "scopes"),
    [
        (PULL, "", ["repository:a/b:pull"]),
        (PULL, "aws", ["aws"]),
        (
            PUSH,
            "repository:a/b:pull",
            [
                "repository:a/b:pull",
                "repository:a/b:pull,push",
                "repository:a/c:pull",
                "repository:a/d:pull",
            ],
        ),
        (
            Access("a/b", push=True),
            "repository:a/b:pull,push",
            ["repository:a/b:pull,push"],
        ),
    ],
)
def test_scopes(access: Access, said: str, scopes: list[str]) -> None:
    assert access.scopes(said) == scopes


def test_who_may_be_told_a_secret() -> None:
    assert origin("https://user:secret@Hub.example/v2/") == ("https", "hub.example")
    assert origin("http://hub.example") != origin("https://hub.example")
    assert is_private("https://hub.example")
    assert is_private("http://127.0.0.1:5000/token")
    assert not is_private("http://127.0.0.1.example/token")


class Exchange(http.server.BaseHTTPRequestHandler):
    """A token service that takes identity tokens (OAuth 2), and no other way."""

    forms: list[dict[str, list[str]]]

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.forms.append(form)
        body = json.dumps({"access_token": "exchanged"}).encode()
        self.send_response(200 if form["refresh_token"] == ["id.en.tity"] else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def exchange() -> Iterator[str]:
    Exchange.forms = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("token", ["id.en.tity", "stale"])
def test_an_identity_token_is_exchanged(exchange: str, tmp_path: Path, token: str) -> None:
    auths = {"auths": {exchange: {"identitytoken": token}}}
    (tmp_path / "config.json").write_text(json.dumps(auths))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    login = Login("hub.example", f"http://{exchange}", environ, session())
    challenge = f'Bearer realm="http://{exchange}/oauth2/token",service="it"'
    if token == "stale":
        with pytest.raises(FetchError, match="gives no token") as caught:
            login.answer(challenge, PUSH, None, "it")
        assert "stale" not in str(caught.value)
        return
    assert login.answer(challenge, PUSH, None, "it").value == "Bearer exchanged"
    (form,) = Exchange.forms
    assert form["grant_type"] == ["refresh_token"]
    assert form["scope"] == [" ".join(PUSH.scopes(""))]


def test_one_thread_logs_in_for_all(exchange: str, tmp_path: Path) -> None:
    auths = {"auths": {exchange: {"identitytoken": "id.en.tity"}}}
    (tmp_path / "config.json").write_text(json.dumps(auths))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    login = Login("hub.example", f"http://{exchange}", environ, session())
    challenge = f'Bearer realm="http://{exchange}/oauth2/token"'
    first = login.answer(challenge, PULL, None, "it")
    # Its request was on the way before the first had its token.
    assert login.answer(challenge, PULL, None, "it") == first
    assert len(Exchange.forms) == 1
    login.answer(challenge, PULL, first, "it")
    assert len(Exchange.forms) == 2


@pytest.mark.parametrize("challenge", ['Basic realm="it"', 'Bearer realm="https://t.example"'])
def test_nobody_on_the_way_learns_a_password(tmp_path: Path, challenge: str) -> None:
    auth = b64encode(b"user:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"hub.example": {"auth": auth}}}))
    environ = {"DOCKER_CONFIG": str(tmp_path)}
    login = Login("hub.example", "http://hub.example", environ, session())
    with pytest.raises(FetchError, match="isn't reached by HTTPS") as caught:
        login.answer(challenge, PUSH, None, "it")
    assert "secret" not in str(caught.value)
