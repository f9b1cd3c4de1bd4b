"""A package index of tiny wheels, served from this machine."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from lockyard.lock.model import Wheel
from lockyard.resolve.pypi.resolver import Requirement, resolve_pypi
from lockyard.resolve.pypi.target import PythonTarget

PY311 = PythonTarget("3.11.2", "2.36", "x86_64")


def make_wheel(name: str, version: str, *requires: str, extras: tuple[str, ...] = ()) -> bytes:
    """Make a wheel with nothing in it but metadata."""
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "".join(f"Provides-Extra: {extra}\n" for extra in extras)
    metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as wheel:
        wheel.writestr(f"{name.replace('-', '_')}-{version}.dist-info/METADATA", metadata)
    return data.getvalue()


@define
class Index:
    """An index whose pages and files a test may change as it likes."""

    url: str = ""
    pages: dict[str, Any] = field(factory=dict)
    files: dict[str, bytes] = field(factory=dict)
    requests: list[str] = field(factory=list)
    sent: int = 0
    ranges: bool = True
    content_type: str = "application/vnd.pypi.simple.v1+json"
    status: int = 200
    login: str = ""  # user:password, where it wants one

    def add(self, file: str, data: bytes, **entry: Any) -> None:
        """List and serve a file; ``entry`` overrides what its page says of it."""
        name = file.split("-", maxsplit=1)[0].replace("_", "-")
        self.files[file] = data
        empty = {"meta": {"api-version": "1.1"}, "name": name, "files": [], "versions": []}
        page = self.pages.setdefault(name, empty)
        listed = {
            "filename": file,
            "url": f"../../files/{file}",
            "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
            "size": len(data),
            "upload-time": "2024-05-06T07:08:09.123456Z",
            "yanked": False,
        }
        page["files"].append(
            listed | {key.replace("_", "-"): value for key, value in entry.items()}
        )

    def wheel(self, name: str, version: str, *requires: str, **entry: Any) -> None:
        """Publish a wheel for any Python; ``tags`` and ``extras`` make it another."""
        tags = entry.pop("tags", "py3-none-any")
        data = make_wheel(name, version, *requires, extras=entry.pop("extras", ()))
        self.add(f"{name.replace('-', '_')}-{version}-{tags}.whl", data, **entry)

    def fetched(self, suffix: str) -> list[str]:
        """Return the requests for paths with a suffix."""
        return [request for request in self.requests if request.endswith(suffix)]


class _Handler(BaseHTTPRequestHandler):
    index: Index

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        index, parts = self.index, self.path.strip("/").split("/")
        index.requests.append(f"{self.command} {self.path}")
        wanted = f"Basic {b64encode(index.login.encode()).decode()}"
        if index.status != 200:
            self._send(index.status, b"")
        elif index.login and self.headers["Authorization"] != wanted:
            self._send(401, b"", **{"WWW-Authenticate": "Basic"})
        elif parts[0] == "simple" and parts[1] in index.pages:
            page = index.pages[parts[1]]
            data = page if isinstance(page, bytes) else json.dumps(page).encode()
            self._send(200, data, **{"Content-Type": index.content_type})
        elif parts[0] == "files" and parts[1] in index.files:
            self._send_file(index.files[parts[1]])
        else:
            self._send(404, b"")

    def _send_file(self, data: bytes) -> None:
        if not self.index.ranges:
            self._send(200, data)
        elif "Range" in self.headers:
            first, last = self.headers["Range"].removeprefix("bytes=").split("-")
            self._send(206, data[int(first) : int(last) + 1])
        else:
            self._send(200, data, **{"Accept-Ranges": "bytes"})

    def _send(self, status: int, data: bytes, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.index.sent += len(data)
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base's name
        pass


@pytest.fixture
def index() -> Iterator[Index]:
    """Serve an empty index on this machine."""
    index = Index()
    handler = type("Handler", (_Handler,), {"index": index})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        index.url = f"http://127.0.0.1:{server.server_port}/simple/"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield index
        server.shutdown()
        thread.join()


@pytest.fixture
def resolve(index: Index, tmp_path: Path) -> Callable[..., tuple[Wheel, ...]]:
    """Return a function that resolves requirements of ``env`` from the index."""

    def run(
        *requirements: str | Requirement,
        target: PythonTarget = PY311,
        pinned: dict[str, str] | None = None,
        cutoff: datetime | None = None,
        upgrade: frozenset[str] = frozenset(),
        **more: Any,
    ) -> tuple[Wheel, ...]:
        return resolve_pypi(
            requirements=[
                Requirement(each, "env") if isinstance(each, str) else each for each in requirements
            ],
            target=target,
            pinned=pinned or {},
            index=index.url,
            source="pypi",
            cache=tmp_path / "cache",
            cutoff=cutoff,
            upgrade=upgrade,
            **more,
        )

    return run
