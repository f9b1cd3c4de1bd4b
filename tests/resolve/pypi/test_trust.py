"""Whom the child trusts, and that it reads that once."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pip._internal.exceptions import SSLVerificationError
from pip._internal.network.session import PipSession

from lockyard.resolve.pypi import trust
from lockyard.resolve.pypi.refusal import Refusal
from lockyard.resolve.pypi.trust import TrustingAdapter, make_context, read_certificates_once
from tests.resolve.pypi.conftest import Index, _Handler

PAIR = Path(__file__).with_name("server.pem")
"""A certificate for 127.0.0.1 until 2120, and its key, which protects nothing."""


class _Server(ThreadingHTTPServer):
    """Serve HTTPS, and say nothing of those who don't trust it."""

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(PAIR)
        sock, address = super().get_request()
        sock.settimeout(10)
        return context.wrap_socket(sock, server_side=True), address

    def handle_error(self, *_: Any) -> None:
        pass


@pytest.fixture
def served() -> Iterator[Index]:
    """Serve an index by HTTPS."""
    index = Index()
    handler = type("Handler", (_Handler,), {"index": index})
    with _Server(("127.0.0.1", 0), handler) as server:
        index.url = f"https://127.0.0.1:{server.server_port}/simple/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield index
        server.shutdown()
        thread.join()


def session(cert: str | None, cache: Path) -> PipSession:
    made = PipSession(cache=str(cache))
    read_certificates_once(made, cert)
    return made


def test_reads_certificates_once_for_all_connections(
    served: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def counted(cert: str | None) -> ssl.SSLContext:
        read.append(cert)
        return make_context(cert)

    monkeypatch.setattr(trust, "make_context", counted)
    served.wheel("app", "1.0")
    ours = session(str(PAIR), tmp_path)
    assert read == []
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ours.get, [f"{served.url}app/"] * 8))
    assert [each.status_code for each in answers] == [200] * 8
    assert read == [str(PAIR)]


def test_trusts_nobody_else(served: Index, tmp_path: Path) -> None:
    with pytest.raises(SSLVerificationError):
        session(None, tmp_path).get(served.url)
    elsewhere = served.url.replace("127.0.0.1", "localhost")
    with pytest.raises(SSLVerificationError):
        session(str(PAIR), tmp_path).get(elsewhere)
    assert served.requests == []


def test_nothing_makes_it_trust_more(served: Index, tmp_path: Path) -> None:
    with pytest.raises(SSLVerificationError):
        session(None, tmp_path).get(served.url, verify=False)
    with pytest.raises(SSLVerificationError):
        session(None, tmp_path).get(served.url, verify=str(PAIR))
    assert served.requests == []


def test_a_given_file_or_folder_takes_the_default_s_place(tmp_path: Path) -> None:
    default = make_context(None)
    assert default.cert_store_stats()["x509_ca"] > 50
    assert make_context(str(PAIR)).cert_store_stats()["x509_ca"] == 1
    assert make_context(str(tmp_path)).cert_store_stats()["x509_ca"] == 0
    assert default.check_hostname
    assert default.verify_mode == ssl.CERT_REQUIRED


def test_refuses_what_holds_no_certificates(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("nonsense")
    for name in ("cert.pem", "gone.pem"):
        with pytest.raises(Refusal, match="certificates to trust can't be read"):
            make_context(str(tmp_path / name))


def test_a_proxy_is_trusted_alike() -> None:
    adapter = TrustingAdapter(str(PAIR))
    manager = adapter.proxy_manager_for("https://proxy.example:3128")
    assert manager.proxy_config.ssl_context is adapter.context


def test_another_pip_is_refused() -> None:
    with pytest.raises(Refusal, match="session is another one"):
        read_certificates_once(PipSession(), None)
