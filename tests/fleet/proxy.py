"""The real package index, narrowed and counted: what tools that know no cut-off are given."""

from __future__ import annotations

import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from attrs import define, field, frozen

from lockyard.sources.debian import mirror_url
from lockyard.sources.http import session
from lockyard.sources.pypi import certificate, index_url

_JSON = "application/vnd.pypi.simple.v1+json"
_PASSED_ON = ("Accept", "If-Modified-Since", "If-None-Match", "Range")
_PASSED_BACK = ("Accept-Ranges", "Content-Length", "Content-Range", "Content-Type", "ETag")


@frozen(kw_only=True)
class View:
    """How much of the index is seen.

    Files uploaded from ``cutoff`` on aren't, nor are source distributions of other packages
    than ``sdists`` where that is given. With ``metadata``, METADATA is served beside each
    wheel (PEP 658), so that a tool may learn dependencies without 700 MB of the wheel.
    """

    cutoff: datetime | None = None
    sdists: frozenset[str] | None = None
    metadata: bool = False

    def shows(self, project: str, entry: dict[str, Any]) -> bool:
        """Tell whether a file of a project's page (PEP 691) is seen."""
        if self.cutoff and datetime.fromisoformat(entry["upload-time"]) >= self.cutoff:
            return False
        wheel = entry["filename"].endswith(".whl")
        return wheel or self.sdists is None or project in self.sdists


@define
class Received:
    """Bytes that were sent on, by what they are of."""

    pages: int = 0
    files: int = 0
    debian: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @property
    def total(self) -> int:
        """Return the sum of all bodies."""
        return self.pages + self.files + self.debian

    def add(self, kind: str, size: int) -> None:
        """Count a body; many threads do so at once."""
        with self._lock:
            setattr(self, kind, getattr(self, kind) + size)


class Proxy(ThreadingHTTPServer):
    """A server of ``/simple`` and of the files that its pages name, and of ``/debian``."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, view: View) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.view = view
        self.received = Received()
        self.files: dict[str, str] = {}
        self._pages: dict[str, bytes] = {}
        self.source = index_url(None, os.environ)
        self.mirror = mirror_url(None, os.environ).rstrip("/")
        self.upstream = session(certificate(os.environ))
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.index_url = f"{self.url}/simple"

    def page(self, project: str) -> bytes | None:
        """Return a project's page as the view shows it, None where there is no such project."""
        if project in self._pages:
            return self._pages[project]
        answer = self.upstream.get(f"{self.source}/{project}/", headers={"Accept": _JSON})
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        page = answer.json()
        page["files"] = [entry for entry in page["files"] if self.view.shows(project, entry)]
        for entry in page["files"]:
            place = f"/files/{entry['hashes']['sha256']}/{entry['filename']}"
            self.files[place] = requests.compat.urljoin(answer.url, entry["url"])
            entry["url"] = self.url + place
            if self.view.metadata and place.endswith(".whl"):
                entry["core-metadata"] = True
        # PEP 700: these are what the files are of, and clients needn't have them.
        page.pop("versions", None)
        self._pages[project] = json.dumps(page).encode()
        return self._pages[project]

    def metadata(self, place: str) -> bytes:
        """Return the METADATA of a wheel: the index's own, or else out of the wheel."""
        beside = self.upstream.get(f"{self.files[place]}.metadata")
        if beside.ok:
            return beside.content
        whole = self.upstream.get(self.files[place])
        whole.raise_for_status()
        with zipfile.ZipFile(io.BytesIO(whole.content)) as wheel:
            (name,) = (
                each
                for each in wheel.namelist()
                if each.count("/") == 1 and each.endswith(".dist-info/METADATA")
            )
            return wheel.read(name)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each body waits for its headers to be confirmed
    server: Proxy

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        kind, _, rest = self.path.removeprefix("/").partition("/")
        place = self.path.removesuffix(".metadata")
        if kind == "simple":
            self._give(self.server.page(rest.strip("/")), _JSON, "pages")
        elif self.path in self.server.files:
            self._pass(self.server.files[self.path], "files")
        elif place in self.server.files and self.server.view.metadata:
            self._give(self.server.metadata(place), "application/octet-stream", "files")
        elif place in self.server.files:
            self._pass(f"{self.server.files[place]}.metadata", "files")
        elif kind == "debian":
            self._pass(f"{self.server.mirror}/{rest}", "debian")
        else:
            self._give(None, "", "pages")

    def _give(self, body: bytes | None, kind: str, counted: str) -> None:
        self.send_response(404 if body is None else 200)
        body = body or b""
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(body, counted)

    def _pass(self, url: str, counted: str) -> None:
        asked = {name: self.headers[name] for name in _PASSED_ON if self.headers[name]}
        asked["Accept-Encoding"] = "identity"
        with self.server.upstream.request(
            self.command, url, headers=asked, stream=True, allow_redirects=True
        ) as answer:
            self.send_response(answer.status_code)
            for name in _PASSED_BACK:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            if "Content-Length" not in answer.headers:
                self.send_header("Connection", "close")
            self.end_headers()
            for chunk in answer.iter_content(1 << 18):
                self._send(chunk, counted)

    def _send(self, body: bytes, counted: str) -> None:
        if self.command != "HEAD":
            self.server.received.add(counted, len(body))
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base's name
        pass


@contextmanager
def serving(view: View) -> Iterator[Proxy]:
    """Serve a view of the configured index on this machine alone."""
    with Proxy(view) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
