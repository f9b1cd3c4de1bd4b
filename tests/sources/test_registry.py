"""Registries are asked at the right address, with the credentials that Docker has for them."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from lockyard.errors import FetchError
from lockyard.sources.registry import Registry, docker_credentials, registry_address
from lockyard.spec.model import RegistrySource

PLAIN = base64.b64encode(b"reader:open sesame").decode()


@pytest.mark.parametrize(
    ("registry", "mirror", "environ", "address"),
    [
        ("ghcr.example", None, {}, "https://ghcr.example"),
        ("localhost:5000", None, {}, "http://localhost:5000"),
        ("127.0.0.1:5000", None, {}, "http://127.0.0.1:5000"),
        ("ghcr.example", "http://mirror.example/", {}, "http://mirror.example"),
        (
            "a.example",
            "b.example",
            {"LOCKYARD_MY_HUB_MIRROR": "c.example:1"},
            "https://c.example:1",
        ),
        ("docker.io", None, {}, "https://registry-1.docker.io"),
    ],
)
def test_address(registry: str, mirror: str | None, environ: dict[str, str], address: str) -> None:
    source = RegistrySource(kind="registry", registry=registry, mirror=mirror)
    assert registry_address("my-hub", source, environ) == address


class Guarded(http.server.BaseHTTPRequestHandler):
    """A registry that wants a token or a password, and remembers what it was asked."""

    challenge = ""
    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append((self.path, given))
        if self.path.startswith("/token"):
            return self._answer(200 if given == f"Basic {PLAIN}" else 401, b'{"token": "t0ken"}')
        if given in {"Bearer t0ken", f"Basic {PLAIN}"}:
            return self._answer(200, b"{}")
        return self._answer(401, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", self.challenge)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded() -> Iterator[str]:
    Guarded.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        Guarded.challenge = f'Bearer realm="{address}/token",service="the registry"'
        yield address
        server.shutdown()


def config(folder: Path, value: object) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(value))
    return {"DOCKER_CONFIG": str(folder)}


def test_a_token_is_asked_for_with_dockers_credentials(guarded: str, tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {"hub.example": {"auth": PLAIN}}})
    registry = Registry("hub.example", guarded, environ)
    assert registry.manifest("a/b", "1", ["k"]) == b"{}"
    asked = urlsplit(next(path for path, _ in Guarded.seen if path.startswith("/token")))
    assert parse_qs(asked.query) == {"service": ["the registry"], "scope": ["repository:a/b:pull"]}
    before = len(Guarded.seen)
    registry.manifest("a/b", "2", ["k"])
    assert len(Guarded.seen) == before + 1, "a token is asked for once"


def test_a_password_where_the_registry_wants_one(guarded: str, tmp_path: Path) -> None:
    Guarded.challenge = 'Basic realm="the registry"'
    environ = config(tmp_path, {"auths": {"hub.example": {"auth": PLAIN}}})
    assert Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"]) == b"{}"


def test_no_credentials_is_told_without_secrets(guarded: str, tmp_path: Path) -> None:
    Guarded.challenge = 'Basic realm="the registry"'
    with pytest.raises(FetchError) as caught:
        Registry("hub.example", guarded, config(tmp_path, {})).manifest("a/b", "1", ["k"])
    assert "docker login hub.example" in caught.value.solution


def test_wrong_credentials_are_told_without_secrets(guarded: str, tmp_path: Path) -> None:
    wrong = base64.b64encode(b"reader:hunter2").decode()
    environ = config(tmp_path, {"auths": {"hub.example": {"auth": wrong}}})
    with pytest.raises(FetchError) as caught:
        Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"])
    assert "hunter2" not in str(caught.value)


def test_a_credential_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-vault"
    helper.write_text('#!/bin/sh\ncat >/dev/null\necho \'{"Username": "u", "Secret": "s"}\'\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    environ = config(tmp_path, {"credHelpers": {"hub.example": "vault"}})
    assert docker_credentials("hub.example", environ) == ("u", "s")
    assert docker_credentials("other.example", environ) is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"auths": []}', '{"auths": {"hub.example": 5}}'])
def test_a_config_that_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    assert docker_credentials("hub.example", {"DOCKER_CONFIG": str(tmp_path)}) is None
