from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from urllib3.util import Retry

from lockyard import __version__
from lockyard.errors import FetchError
from lockyard.sources import http

FAST = Retry(
    total=2, backoff_factor=0, status_forcelist=(503,), raise_on_status=False, retry_after_max=0
)


class Server(ThreadingHTTPServer):
    """Answer with the statuses in turn, then with 200."""

    statuses: list[int]
    agents: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.agents.append(self.headers["User-Agent"])
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.send_header("Content-Length", "2")
        if status == 503:
            self.send_header("Retry-After", "86400")
        if status == 302:
            self.send_header("Location", self.path)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        made.statuses, made.agents = [], []
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.shutdown()


def get(port: int, **options: object) -> bytes:
    with http.session(retry=FAST) as session:
        url = f"http://user:secret@127.0.0.1:{port}/pool/a.deb?token=secret"
        allowed = (416,) if options.get("allow") else ()
        return http.get(session, url, what="a.deb", source="debian", allowed=allowed).content


def test_says_who_asks(server: Server) -> None:
    assert get(server.server_port) == b"ok"
    assert server.agents == [f"lockyard/{__version__}"]


def test_busy_servers_are_asked_again_without_waiting_a_day(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    server.statuses = [503, 503]
    url = f"http://127.0.0.1:{server.server_port}/a"
    with http.session() as session:
        assert http.get(session, url, what="a", source="pypi").content == b"ok"
    assert slept == [30, 30]
    assert len(server.agents) == 3


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "doesn't have"),
        (403, "refuses"),
        (400, "fails"),
        (429, "wants fewer requests"),
        (503, "fails"),
    ],
)
def test_a_refusal_names_everything_but_the_password(
    server: Server, status: int, words: str
) -> None:
    server.statuses = [status] * 3
    with pytest.raises(http.RefusedError, match=words) as caught:
        get(server.server_port)
    assert caught.value.code == status
    assert caught.value.wait == (86400 if status == 503 else None)
    text = str(caught.value)
    assert f"status {status}" in text
    assert "a.deb (source debian)" in text
    assert f"http://127.0.0.1:{server.server_port}/pool/a.deb" in text
    assert "secret" not in text
    assert caught.value.solution


def test_a_status_may_be_allowed(server: Server) -> None:
    server.statuses = [416]
    assert get(server.server_port, allow=True) == b"ok"


@pytest.mark.parametrize(("method", "answers"), [("HEAD", 2), ("POST", 1), ("PUT", 1)])
def test_only_what_reads_follows_a_redirect(server: Server, method: str, answers: int) -> None:
    server.statuses = [302]
    url = f"http://127.0.0.1:{server.server_port}/a"
    with http.session(retry=FAST) as session:
        if answers == 2:
            assert http.ask(session, method, url, where="a").status_code == 200
        else:
            with pytest.raises(http.RefusedError, match="sends elsewhere"):
                http.ask(session, method, url, where="a")
    assert len(server.agents) == answers


def test_a_circle_of_redirections_ends(server: Server) -> None:
    server.statuses = [302] * 50
    with pytest.raises(FetchError, match="circle"):
        get(server.server_port)


def test_a_silent_port_is_an_unreachable_source() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(http.UnreachableError, match="Connection refused") as caught:
            get(unused.getsockname()[1])
    assert "secret" not in str(caught.value)
    assert "mirror" in caught.value.solution


def test_a_source_that_cannot_be_reached_is_soon_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a"
        with http.session() as session, pytest.raises(http.UnreachableError):
            http.get(session, url, what="a", source="pypi")
    assert slept == [0.8]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.example/x", "no-address", "http://"]
)
def test_other_schemes_are_refused(url: str) -> None:
    with http.session() as session, pytest.raises(FetchError, match="address"):
        http.get(session, url, what="a", source="pypi")


def test_a_request_gets_the_session_s_time_limit_and_certificate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[object] = []

    def send(*args: object) -> None:
        seen.extend(args[3:5])
        raise KeyboardInterrupt

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/environment.pem")
    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)
    with http.session("/pip.pem") as session, pytest.raises(KeyboardInterrupt):
        http.get(session, "https://host.example/a", what="a", source="pypi")
    assert seen == [(http.CONNECT_TIMEOUT, http.READ_TIMEOUT), "/pip.pem"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@host.example:8443/a%20b?t=1#f", "https://host.example:8443/a%20b"),
        ("http://[::1]/x", "http://[::1]/x"),
        ("https://host.example/t/secret/x/t.conda", "https://host.example/t/…/x/t.conda"),
        ("http://[/x", "(not an address)"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, shown: str) -> None:
    assert http.redact(url) == shown
