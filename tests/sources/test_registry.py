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
from lockyard.sources.login import login_name
from lockyard.sources.registry import Registry, registry_address
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
    token = b'{"token": "t0ken"}'
    seen: list[tuple[str, str]]

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "")
        self.seen.append((self.path, given))
        if self.path.startswith("/token"):
            return self._answer(200 if given == f"Basic {PLAIN}" else 401, self.token)
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
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        Guarded.challenge = f'Bearer realm="{address}/token",service="the registry"'
        yield address
        server.shutdown()


def config(folder: Path, value: object) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps(value))
    return {"DOCKER_CONFIG": str(folder)}


def test_a_token_is_asked_for_with_dockers_credentials(guarded: str, tmp_path: Path) -> None:
    environ = config(tmp_path, {"auths": {login_name(guarded): {"auth": PLAIN}}})
    registry = Registry("hub.example", guarded, environ)
    assert registry.manifest("a/b", "1", ["k"]) == b"{}"
    asked = urlsplit(next(path for path, _ in Guarded.seen if path.startswith("/token")))
    assert parse_qs(asked.query) == {"service": ["the registry"], "scope": ["repository:a/b:pull"]}
    before = len(Guarded.seen)
    registry.manifest("a/b", "2", ["k"])
    assert len(Guarded.seen) == before + 1, "a token is asked for once"


def test_a_password_where_the_registry_wants_one(guarded: str, tmp_path: Path) -> None:
    Guarded.challenge = 'Basic realm="the registry"'
    environ = config(tmp_path, {"auths": {login_name(guarded): {"auth": PLAIN}}})
    assert Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"]) == b"{}"


def test_netrc_does_not_take_the_place_of_a_token(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    environ = config(tmp_path, {"auths": {login_name(guarded): {"auth": PLAIN}}})
    assert Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"]) == b"{}"


def test_no_credentials_is_told_without_secrets(guarded: str, tmp_path: Path) -> None:
    Guarded.challenge = 'Basic realm="the registry"'
    with pytest.raises(FetchError) as caught:
        Registry("hub.example", guarded, config(tmp_path, {})).manifest("a/b", "1", ["k"])
    assert f"docker login {login_name(guarded)}" in caught.value.solution


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_a_mirror_gets_no_credentials_of_what_it_stands_for(
    guarded: str, tmp_path: Path, scheme: str
) -> None:
    Guarded.challenge = f'{scheme} realm="{guarded}/token"'
    environ = config(tmp_path, {"auths": {"hub.example": {"auth": PLAIN}}})
    with pytest.raises(FetchError):
        Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"])
    assert {given for _, given in Guarded.seen} == {""}


@pytest.mark.parametrize(
    "realm", ["http://tokens.invalid/token", "ftp://127.0.0.1/", "file:///etc", "", "//[", "none"]
)
def test_a_token_service_that_others_can_listen_to(
    guarded: str, tmp_path: Path, realm: str
) -> None:
    Guarded.challenge = f'Bearer realm="{realm}"'
    environ = config(tmp_path, {"auths": {login_name(guarded): {"auth": PLAIN}}})
    with pytest.raises(FetchError, match="isn't reached by HTTPS"):
        Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"])


@pytest.mark.parametrize("token", [b"", b"[]", b"5", b'{"token": 5}', b'{"token": "a\\r\\nb: c"}'])
def test_what_is_no_token(
    guarded: str, tmp_path: Path, token: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Guarded, "token", token)
    environ = config(tmp_path, {"auths": {login_name(guarded): {"auth": PLAIN}}})
    with pytest.raises(FetchError, match="gives no token"):
        Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"])


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Send whoever asks to another address."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.target}{self.path}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_whom_it_is_redirected_to_gets_no_credentials(guarded: str, tmp_path: Path) -> None:
    Elsewhere.target = guarded
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        environ = config(tmp_path, {"auths": {login_name(address): {"auth": PLAIN}}})
        with pytest.raises(FetchError, match="wants credentials"):
            Registry("hub.example", address, environ).manifest("a/b", "1", ["k"])
        server.shutdown()
    assert {given for _, given in Guarded.seen} == {""}


class Endless(http.server.BaseHTTPRequestHandler):
    """Send more than any document has, and note how much was taken."""

    sent = 0

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            while Endless.sent < 64 << 20:
                self.wfile.write(bytes(1 << 20))
                Endless.sent += 1 << 20
        except OSError:
            pass

    def log_message(self, *_: object) -> None:
        pass


def test_a_document_without_end_is_not_read_to_its_end() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Endless) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        registry = Registry("hub.example", f"http://127.0.0.1:{server.server_port}", {})
        with pytest.raises(FetchError, match="more than 4194304 bytes"):
            registry.blob("a/b", "ab" * 32)
        thread.join(10)
    assert Endless.sent < 32 << 20


def test_wrong_credentials_are_told_without_secrets(guarded: str, tmp_path: Path) -> None:
    wrong = base64.b64encode(b"reader:hunter2").decode()
    environ = config(tmp_path, {"auths": {login_name(guarded): {"auth": wrong}}})
    with pytest.raises(FetchError) as caught:
        Registry("hub.example", guarded, environ).manifest("a/b", "1", ["k"])
    assert "hunter2" not in str(caught.value)
