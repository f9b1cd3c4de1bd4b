"""How the index's server is verified: by certificates that are read once (child process only)."""

from __future__ import annotations

import ssl
from pathlib import Path
from threading import Lock
from typing import Any

from pip._internal.network.session import CacheControlAdapter, PipSession
from pip._vendor import certifi
from pip._vendor.requests import PreparedRequest
from pip._vendor.truststore._openssl import _configure_context

from .refusal import refusal


def make_context(cert: str | None) -> ssl.SSLContext:
    """Make a context that trusts a file or folder of certificates, without one pip's default.

    Raise Refusal if they can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if cert is None:
            context.load_verify_locations(certifi.where())
            with _configure_context(context):  # adds the system's
                return context
        if Path(cert).is_dir():
            context.load_verify_locations(capath=cert)
        else:
            context.load_verify_locations(cert)
    except OSError as error:
        raise refusal("index", "the certificates to trust can't be read") from error
    return context


class TrustingAdapter(CacheControlAdapter):
    """Verify all connections by one context, which is made when the first of them is.

    pip's own reads all certificates again for each connection, and one handshake waits for the
    other; that took more of a processor's time than all else of fetching pages.
    """

    def __init__(self, cert: str | None, **given: Any) -> None:
        super().__init__(**given)
        self._cert = cert
        self._lock = Lock()
        self._made: ssl.SSLContext | None = None

    @property
    def context(self) -> ssl.SSLContext:
        """Return the context."""
        with self._lock:
            if self._made is None:
                self._made = make_context(self._cert)
            return self._made

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, *_: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """See HTTPAdapter."""
        host, pool = super().build_connection_pool_key_attributes(request, True)
        return host, {**pool, "ssl_context": self.context}

    def proxy_manager_for(self, proxy: str, **given: Any) -> Any:
        """See HTTPAdapter."""
        return super().proxy_manager_for(proxy, proxy_ssl_context=self.context, **given)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """See HTTPAdapter, which would name the file of certificates here once more."""


def read_certificates_once(session: PipSession, cert: str | None) -> None:
    """Have a session trust ``cert`` by a TrustingAdapter; raise Refusal if that fails."""
    before = session.adapters.get("https://")
    if not isinstance(before, CacheControlAdapter):
        raise refusal("seams", "pip's session is another one")
    session.mount(
        "https://", TrustingAdapter(cert, cache=before.cache, max_retries=before.max_retries)
    )
