"""A piece of conda-forge, and channels of a few made-up records, as folders and served."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from lockyard.lock.model import CondaPackage
from lockyard.resolve.conda.resolver import CondaRequirement, VirtualPackages, resolve_conda

CHANNEL = "https://conda.example.invalid/conda-forge"
# Records as the channel published them in May 2024, pruned to what CPython 3.7 and CUDA need.
CONDA_FORGE = Path(__file__).parent / "data"


@define
class Served:
    """A folder that is served, and what was asked of it."""

    url: str = ""
    requests: list[str] = field(factory=list)
    credentials: set[str | None] = field(factory=set)


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args: Any, served: Served, **more: Any) -> None:
        self.served = served
        super().__init__(*args, **more)

    def do_GET(self) -> None:
        self.served.requests.append(self.path)
        self.served.credentials.add(self.headers["Authorization"])
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base's name
        pass


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Serve a folder on this machine."""
    served = Served()
    handler = partial(_Handler, served=served, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        served.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Served]]:
    """Return a function that serves a folder on this machine."""
    with ExitStack() as running:
        yield lambda folder: running.enter_context(serving(folder))


@pytest.fixture
def make_channel(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a channel: ``"app 1.0"`` to what overrides its record."""

    def make(records: dict[str, dict[str, Any]], info: dict[str, Any] | None = None) -> Path:
        packages = {}
        for number, (text, more) in enumerate(records.items(), start=1):
            name, version = text.split()
            record = {
                "name": name,
                "version": version,
                "build": "0",
                "build_number": 0,
                "subdir": "linux-64",
                "depends": [],
                "md5": f"{number:032x}",
                "sha256": f"{number:064x}",
                "size": number,
                "timestamp": 1700000000000,
            }
            kept = {key: value for key, value in (record | more).items() if value is not None}
            packages[f"{name}-{version}-0.conda"] = kept
        root = tmp_path / "channel"
        for subdir, content in (("linux-64", packages), ("noarch", {})):
            (root / subdir).mkdir(parents=True, exist_ok=True)
            data = {"info": {"subdir": subdir, **(info or {})}, "packages.conda": content}
            (root / subdir / "repodata.json").write_text(json.dumps(data))
        return root

    return make


@pytest.fixture
def resolve(tmp_path: Path) -> Callable[..., tuple[CondaPackage, ...]]:
    """Return a function that resolves requirements of ``env``, from conda-forge at first."""

    def run(
        *requirements: str | CondaRequirement,
        mirror: Path | str = CONDA_FORGE,
        glibc: str = "2.27",
        cuda: str | None = None,
        upgrade: tuple[str, ...] = (),
        exclude_newer: datetime | None = None,
        **more: Any,
    ) -> tuple[CondaPackage, ...]:
        return resolve_conda(
            requirements=[
                CondaRequirement(each, "env") if isinstance(each, str) else each
                for each in requirements
            ],
            subdir="linux-64",
            virtual=VirtualPackages(glibc=glibc, cuda=cuda),
            channel=more.pop("channel", CHANNEL),
            source="conda-forge",
            mirror=str(mirror),
            cache=tmp_path / "cache",
            upgrade=frozenset(upgrade),
            exclude_newer=exclude_newer,
            **more,
        )

    return run
