"""HTTP with time limits, retries, and errors that tell no secrets."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from lockyard import __version__
from lockyard.errors import FetchError, LockyardError

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 60.0  # seconds between two pieces of a body
CONNECTIONS = 32  # kept open to one host; more downloads than that never run at once
# The request is repeated until headers arrive; who reads the body minds the body.
RETRY = Retry(
    total=4,
    connect=2,  # who can't be reached three times within a second can't be reached
    backoff_factor=0.4,
    status_forcelist=(429, 500, 502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
    retry_after_max=30,
)


class UnreachableError(FetchError):
    """No answer came from a source: another request would fare no better."""


class RefusedError(FetchError):
    """A server answered with an HTTP ``code`` of 400 or above.

    ``wait`` is how many seconds it asks to be left alone, None where it doesn't say.
    """

    def __init__(
        self, reason: str, *, where: str, solution: str, code: int, wait: int | None = None
    ) -> None:
        super().__init__(reason, where=where, solution=solution)
        self.code = code
        self.wait = wait


def session(certificate: str | None = None, *, retry: Retry = RETRY) -> requests.Session:
    """Make a session for all downloads, in any number of threads.

    ``certificate`` is the path of a CA bundle to trust in place of the default one. Proxies and
    ``.netrc`` work as the environment says.
    """
    made = requests.Session()
    made.headers["User-Agent"] = f"lockyard/{__version__}"
    if certificate:
        made.verify = certificate
    adapter = _Adapter(max_retries=retry, pool_connections=CONNECTIONS, pool_maxsize=CONNECTIONS)
    for scheme in ("http://", "https://"):
        made.mount(scheme, adapter)
    return made


class _Adapter(HTTPAdapter):
    """An adapter with a time limit where the caller gives none: requests waits for ever."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        if timeout is None:
            timeout = (CONNECT_TIMEOUT, READ_TIMEOUT)
        return super().send(request, stream, timeout, verify, cert, proxies)


def get(
    session: requests.Session,
    url: str,
    *,
    what: str,
    source: str,
    headers: Mapping[str, str] | None = None,
    stream: bool = False,
    allowed: Collection[int] = (),
) -> requests.Response:
    """Request ``url``; return the response where its status is below 400 or in ``allowed``.

    ``what`` and ``source`` name the document and its source in errors. Raises FetchError: its
    subclass UnreachableError where no answer came, RefusedError for any other status.
    """
    options = {"headers": headers, "stream": stream}
    return ask(session, "GET", url, where=f"{what} (source {source})", allowed=allowed, **options)


def ask(
    session: requests.Session,
    method: str,
    url: str,
    *,
    where: str,
    allowed: Collection[int] = (),
    **options: Any,
) -> requests.Response:
    """Request ``url`` by any method, with the options of requests; see ``get``.

    Only what reads follows redirects. ``where`` is what errors call it.
    """
    follow = method in {"GET", "HEAD"}
    try:
        # Given here, the session's bundle wins over the one that the environment names.
        response = session.request(
            method, url, verify=session.verify, allow_redirects=follow, **options
        )
    except requests.RequestException as error:
        raise _told(error, url, where) from None
    if response.status_code < (400 if follow else 300) or response.status_code in allowed:
        return response
    response.close()
    raise _refused(response, url, where)


def with_credentials(url: str, index: str) -> str:
    """Give ``url`` the user and password of ``index`` where it is on the same server."""
    parts, giver = urlsplit(url), urlsplit(index)
    secret, at, host = giver.netloc.rpartition("@")
    if not at or (parts.scheme, parts.netloc) != (giver.scheme, host):
        return url
    return urlunsplit(parts._replace(netloc=f"{secret}@{host}"))


def redact(url: str) -> str:
    """Return ``url`` without what may be secret: user, password, query, fragment, conda's token."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not an address)"
    host = parts.netloc.rpartition("@")[2]
    # Servers of conda channels take a token in the path: /t/TOKEN/channel.
    path = re.sub(r"(?<=/t/)[^/]+", "…", parts.path)
    return urlunsplit((parts.scheme, host, path, "", ""))


def _refused(response: requests.Response, url: str, where: str) -> RefusedError:
    place, status = redact(url), response.status_code
    wait = _wait(response.headers.get("Retry-After", ""))
    if status in (401, 403, 407):
        reason, solution = "refuses access to", "Check the credentials that this source needs."
    elif status in (404, 410):
        reason = "doesn't have"
        solution = "Check the address of this source, and lock again if the file was withdrawn."
    elif status == 429:
        reason = "wants fewer requests, and refuses"
        solution = f"Try again {_later(wait)}, or point this source to a mirror."
    elif status < 400:
        reason, solution = "sends elsewhere what is for", "Correct the address of this source."
    else:
        reason, solution = "fails on", "Try again later, or point this source to a mirror."
    return RefusedError(
        f"the server {reason} {place} (HTTP status {status})",
        where=where,
        solution=solution,
        code=status,
        wait=wait,
    )


def _wait(header: str) -> int | None:
    """Return the seconds of a Retry-After; as a date, which few send, it says nothing."""
    return int(header) if re.fullmatch(r"[0-9]{1,6}", header) else None


def _later(wait: int | None) -> str:
    return "later" if wait is None else f"in {wait} seconds"


def _told(error: requests.RequestException, url: str, where: str) -> LockyardError:
    # The exception's own text may hold the address with its password, or a proxy's.
    place = redact(url)
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return FetchError(
            f"{place} is not an http or https address",
            where=where,
            solution="Correct the address of this source.",
        )
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return FetchError(
            f"{place} redirects in a circle",
            where=where,
            solution="Correct the address of this source.",
        )
    # Without the path: this says nothing of one document, and is told of all of a source.
    origin = "/".join(place.split("/")[:3])
    return UnreachableError(
        f"no answer from {origin}: {_cause(error)}",
        where=where,
        solution="Check the network and the proxy, or point this source to a mirror.",
    )


def _cause(error: requests.RequestException) -> str:
    """Say in a few words what went wrong, from types and errnos only."""
    kinds = (
        (requests.exceptions.SSLError, "its certificate isn't trusted"),
        (requests.exceptions.ProxyError, "the proxy doesn't answer"),
        (requests.exceptions.ConnectTimeout, f"nothing within {CONNECT_TIMEOUT:.0f} seconds"),
        (requests.exceptions.Timeout, f"nothing within {READ_TIMEOUT:.0f} seconds"),
    )
    for kind, text in kinds:
        if isinstance(error, kind):
            return text
    return _system_cause(error) or "the connection broke"


def _system_cause(error: BaseException | None) -> str:
    while error is not None:
        reasons = [value for value in error.args if isinstance(value, BaseException)]
        inner = getattr(error, "reason", None)
        if isinstance(inner, BaseException):
            reasons.append(inner)
        if isinstance(error, OSError) and error.strerror:
            return error.strerror
        error = reasons[0] if reasons else error.__cause__ or error.__context__
    return ""
