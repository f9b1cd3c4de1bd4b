"""Where an artifact is: its address at its source."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import quote

import requests
from mailbits import ContentType
from pypi_simple import ACCEPT_ANY, ProjectPage, UnsupportedRepoVersionError

from lockyard.errors import FetchError
from lockyard.lock.model import Artifact, CondaPackage, Deb
from lockyard.sources.http import get, with_credentials

PAGE_LIMIT = 128 << 20  # bytes; the largest page of the public index has some 30 MB
# Whatever a body that is no page, or a hostile one, makes its readers raise.
_NO_PAGE = (ValueError, RecursionError, requests.RequestException, UnsupportedRepoVersionError)


class Locate(Protocol):
    """Give the address of an artifact, from any thread."""

    def __call__(self, artifact: Artifact) -> str:
        """Return an http or https address; raise FetchError where there is none."""


class Locator:
    """Locate artifacts at the sources of a workspace.

    ``addresses`` has, for each name of a source, a function that returns its address without a
    slash at the end: a mirror's root for Debian, a channel's for conda, an index (PEP 503) for
    wheels. It is called
    when the first artifact of that source is located, so that a warm store needs neither
    network nor configuration.
    """

    def __init__(
        self, session: requests.Session, addresses: Mapping[str, Callable[[], str]]
    ) -> None:
        self._session = session
        self._addresses = addresses
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, str], threading.Lock] = {}
        self._known: dict[str, str] = {}
        self._pages: dict[tuple[str, str], dict[str, str]] = {}

    def __call__(self, artifact: Artifact) -> str:
        """Return the address of an artifact; see Locate."""
        if isinstance(artifact, Deb):
            # A plus is quoted too: some mirrors on object storage read it as a space.
            return f"{self._address(artifact.source)}/{quote(artifact.path.lstrip('/'))}"
        if isinstance(artifact, CondaPackage):
            channel = self._address(artifact.source)
            return f"{channel}/{quote(artifact.subdir)}/{quote(artifact.file)}"
        url = self._page(artifact.source, artifact.name).get(artifact.file)
        if url is None:
            raise FetchError(
                "the index doesn't list this file",
                where=f"{artifact.file} (source {artifact.source})",
                solution="Use an index that has it, or lock again: it may have been withdrawn.",
            )
        return url

    def _address(self, source: str) -> str:
        with self._held(source, ""):
            if source not in self._known:
                if source not in self._addresses:
                    raise FetchError(
                        "the workspace has no source of this name",
                        where=f"source {source}",
                        solution="Add it to `[sources]` in the workspace, or lock again.",
                    )
                self._known[source] = self._addresses[source]().rstrip("/")
            return self._known[source]

    def _page(self, source: str, project: str) -> dict[str, str]:
        """Return the addresses of a project's files by their names, asking the index once."""
        index = self._address(source)
        key = (source, project)
        with self._held(*key):
            if key not in self._pages:
                self._pages[key] = self._read_page(index, source, project)
            return self._pages[key]

    def _held(self, source: str, project: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault((source, project), threading.Lock())

    def _read_page(self, index: str, source: str, project: str) -> dict[str, str]:
        what = f"the index page of {project}"
        with get(
            self._session,
            f"{index}/{quote(project)}/",
            what=what,
            source=source,
            headers={"Accept": ACCEPT_ANY},
            stream=True,
        ) as response:
            try:
                page = _parsed(response, project)
            except _NO_PAGE as error:
                raise FetchError(
                    f"the answer is no page of a package index ({type(error).__name__})",
                    where=f"{what} (source {source})",
                    solution="Check the address of this source; it must end in `/simple` mostly.",
                ) from error
        return {package.filename: with_credentials(package.url, index) for package in page.packages}


def _parsed(response: requests.Response, project: str) -> ProjectPage:
    """Read a project page, as JSON (PEP 691) or HTML (PEP 503)."""
    body = bytearray()
    for chunk in response.iter_content(1 << 16):
        body += chunk
        if len(body) > PAGE_LIMIT:
            raise ValueError(f"longer than {PAGE_LIMIT} bytes")
    kind = ContentType.parse(response.headers.get("Content-Type", "text/html"))
    if kind.content_type == "application/vnd.pypi.simple.v1+json":
        return ProjectPage.from_json_data(json.loads(body), base_url=response.url)
    if kind.content_type in ("application/vnd.pypi.simple.v1+html", "text/html"):
        encoding = kind.params.get("charset")
        return ProjectPage.from_html(
            project, bytes(body), base_url=response.url, from_encoding=encoding
        )
    raise ValueError(f"content type {kind.content_type}")
