from __future__ import annotations

import gzip
import hashlib
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from urllib3.util import Retry

from lockyard.fetch import download
from lockyard.fetch.locate import Locator
from lockyard.lock.model import Deb
from lockyard.sources import http
from lockyard.store.store import Store


class Site(ThreadingHTTPServer):
    """Serve ``files`` by path, each request of a path with the next of its ``faults``."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.requests: list[tuple[str, str | None]] = []  # path and Range
        self.encodings: list[str | None] = []
        self.stalled = threading.Event()
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"

    def asked(self, path: str) -> list[str | None]:
        """Return the Range of each request of a path."""
        return [found for asked, found in self.requests if asked == path]


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        site, wanted = self.server, self.headers["Range"]
        site.requests.append((self.path, wanted))
        site.encodings.append(self.headers["Accept-Encoding"])
        faults = site.faults[self.path]
        data = site.files.get(self.path)
        if data is None:
            self.send_error(404)
        else:
            getattr(self, f"send_{faults.pop(0) if faults else 'sound'}")(data, wanted)
        self.close_connection = True

    def send_sound(self, data: bytes, wanted: str | None) -> None:
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if not match:
            self.head(200, len(data))
            self.wfile.write(data)
        elif int(match[1]) >= len(data):
            self.head(416, 0)
        else:
            start, end = int(match[1]), len(data) - 1
            self.head(206, end + 1 - start, Content_Range=f"bytes {start}-{end}/{len(data)}")
            self.wfile.write(data[start:])

    def send_busy(self, data: bytes, wanted: str | None) -> None:
        self.head(503, 0)

    def send_cut(self, data: bytes, wanted: str | None) -> None:
        self.head(200, len(data))
        self.wfile.write(data[: len(data) // 2])

    def send_unlabelled_cut(self, data: bytes, wanted: str | None) -> None:
        self.head(200, None)
        self.wfile.write(data[: len(data) // 2])

    def send_whole(self, data: bytes, wanted: str | None) -> None:
        """Ignore the range."""
        self.send_sound(data, None)

    def send_other_range(self, data: bytes, wanted: str | None) -> None:
        self.head(206, len(data), Content_Range=f"bytes 0-{len(data) - 1}/{len(data)}")
        self.wfile.write(data)

    def send_no_range(self, data: bytes, wanted: str | None) -> None:
        self.head(416, 0)

    def send_wrong(self, data: bytes, wanted: str | None) -> None:
        self.send_sound(bytes(byte ^ 1 for byte in data), wanted)

    def send_longer(self, data: bytes, wanted: str | None) -> None:
        self.send_sound(data + b"more", None)

    def send_endless(self, data: bytes, wanted: str | None) -> None:
        """Go on for longer than any buffer on the way, without saying how long."""
        self.head(200, None)
        for _ in range(100):
            self.wfile.write(data)

    def send_gzip(self, data: bytes, wanted: str | None) -> None:
        packed = gzip.compress(data)
        self.head(200, len(packed), Content_Encoding="gzip")
        self.wfile.write(packed)

    def send_stall(self, data: bytes, wanted: str | None) -> None:
        self.head(200, len(data))
        self.wfile.write(data[: len(data) // 2])
        self.wfile.flush()
        self.server.stalled.set()
        self.server.released.wait(30)

    def head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if kind := self.server.types.get(self.path):
            self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            # The client hung up, which is what several tests are about.
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class Count:
    """Remember what a reporter is told."""

    def __init__(self) -> None:
        self.done: dict[str, int] = defaultdict(int)
        self.totals: dict[str, int | None] = {}
        self.ended: list[str] = []
        self.notes: list[str] = []

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        self.totals[task] = total

    def advance(self, task: str, amount: int) -> None:
        self.done[task] += amount

    def end(self, task: str) -> None:
        self.ended.append(task)

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "BACKOFF", 0)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
        yield made
        made.released.set()
        made.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def session() -> Iterator[requests.Session]:
    retry = Retry(total=2, backoff_factor=0, status_forcelist=(503,), raise_on_status=False)
    with http.session(retry=retry) as made:
        yield made


@pytest.fixture
def locate(site: Site, session: requests.Session) -> Locator:
    return Locator(session, {"debian": lambda: f"{site.url}/debian"})


@pytest.fixture
def deb(site: Site) -> Callable[..., Deb]:
    """Make an artifact, and have the site serve it with these faults first."""

    def make(name: str, data: bytes, *faults: str) -> Deb:
        path = f"pool/{name}.deb"
        site.files[f"/debian/{path}"] = data
        site.faults[f"/debian/{path}"] = list(faults)
        return Deb(
            name=name,
            version="1",
            file=f"{name}.deb",
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
            source="debian",
            required_by=("env",),
            architecture="amd64",
            path=path,
        )

    return make


@pytest.fixture
def count() -> Count:
    return Count()
