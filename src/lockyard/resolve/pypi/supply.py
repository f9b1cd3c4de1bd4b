"""Where pages come from: the index, ahead of pip, and once for all of a run (child only)."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen
from pip._internal.exceptions import (
    ConnectionFailedError,
    ConnectionTimeoutError,
    NetworkConnectionError,
    ProxyConnectionError,
    SSLVerificationError,
)
from pip._internal.index.collector import _get_simple_response, _NotAPIContent, _NotHTTP
from pip._internal.network.session import PipSession
from pip._vendor.packaging.utils import canonicalize_name
from pip._vendor.requests.exceptions import RequestException

from .refusal import refusal

NETWORK_ERRORS = (
    ConnectionFailedError,
    ConnectionTimeoutError,
    NetworkConnectionError,
    ProxyConnectionError,
    RequestException,
    SSLVerificationError,
)
PAGE_TYPE = "application/vnd.pypi.simple.v1+json"

# An index is asked for this many pages at once: pip's session keeps as many connections.
_AT_ONCE = 8


def describe(error: Exception) -> str:
    """Say in words what went wrong on the way to the index."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"answered with HTTP status {status}"
    context = getattr(error, "context", None)
    text = str(context) if context else type(error).__name__
    return text.strip().rstrip(".")


@frozen
class Page:
    """A package's page as it came, and the address that it came from, without credentials."""

    url: str
    data: bytes


class PageSupply:
    """Fetch pages, each once: in this process, and in all that share a ``folder``.

    pip asks for one page after the other. What it is likely to ask for is fetched ahead, side
    by side. A page that was fetched for nothing has no effect, nor has one that can't be had.
    """

    def __init__(self, session: PipSession, index: str, folder: Path | None) -> None:
        self.session = session
        self.index = index
        self.folder = folder
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._coming: dict[str, Future[Page | None]] = {}

    def expect(self, names: Iterable[str]) -> None:
        """Begin to fetch the pages of packages that may be asked for."""
        for package in dict.fromkeys(str(canonicalize_name(name)) for name in names):
            self._begin(package, f"{self.index.rstrip('/')}/{package}/")

    def page(self, package: str, url: str) -> Page | None:
        """Return a package's page, None if the index doesn't know the package.

        Raise Refusal if it can't be had, or is none of PEP 691.
        """
        return self._begin(package, url).result()

    def _begin(self, package: str, url: str) -> Future[Page | None]:
        if package not in self._coming:
            self._coming[package] = self._pool.submit(self._shared, package, url)
        return self._coming[package]

    def _shared(self, package: str, url: str) -> Page | None:
        """Fetch a page, unless another process of this run has; then take it as that had it."""
        if self.folder is None:
            return _fetch(self.session, package, url)
        kept = self.folder / hashlib.sha256(url.encode()).hexdigest()
        with _locked(kept.with_suffix(".lock")):
            if not kept.exists():
                page = _fetch(self.session, package, url)
                part = kept.with_suffix(".part")
                part.write_bytes(b"" if page is None else page.url.encode() + b"\n" + page.data)
                part.replace(kept)
                return page
        came_from, _, data = kept.read_bytes().partition(b"\n")
        return Page(came_from.decode(), data) if came_from else None


def _fetch(session: PipSession, package: str, url: str) -> Page | None:
    try:
        response = _get_simple_response(url, session=session)
    except NetworkConnectionError as error:
        if error.response is not None and error.response.status_code == 404:
            return None
        raise refusal("index", describe(error), package) from error
    except NETWORK_ERRORS as error:
        raise refusal("index", describe(error), package) from error
    except (_NotAPIContent, _NotHTTP) as error:
        raise refusal("page", "the index's answer is no package page", package) from error
    if not response.headers.get("Content-Type", "").lower().startswith(PAGE_TYPE):
        text = "the index has no JSON pages (PEP 691), and others don't tell sizes"
        raise refusal("page", text, package)
    return Page(response.url, response.content)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
