"""A small Debian archive, signed by a key made for it and served on localhost."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import requests
from attrs import define, field
from pysequoia import SignatureMode, Tsk, sign

from lockyard.resolve.debian.index import Index, Scan
from lockyard.resolve.debian.resolver import Resolution, resolve_debian

NOW = datetime(2026, 8, 1, tzinfo=UTC)


def paragraph(name: str, version: str = "1", **fields: str) -> str:
    """Write a package's paragraph; ``multi_arch="same"`` gives ``Multi-Arch: same``."""
    rows = {
        "Package": name,
        "Version": version,
        "Architecture": "amd64",
        "Filename": f"pool/main/{name[0]}/{name}/{name}_{version.rpartition(':')[2]}_amd64.deb",
        "Size": str(100 + len(name)),
        "SHA256": hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
    }
    for key, value in fields.items():
        rows["SHA256" if key == "sha256" else key.replace("_", "-").title()] = value
    return "".join(f"{key}: {value}\n" for key, value in rows.items() if value)


def index_of(*paragraphs: str) -> Index:
    return Index(Scan({"test": "\n".join(paragraphs).encode()}), "amd64")


@define
class Site:
    """An archive's folder on disk, and how to ask for it."""

    root: Path
    url: str
    signer: Tsk
    keyring: Path
    cache: Path
    served: list[str] = field(factory=list)

    @property
    def fingerprint(self) -> str:
        return self.signer.extract_certificate().fingerprint.upper()

    @property
    def dists(self) -> Path:
        return self.root / "dists" / "trial"

    def release(self, text: str, **fields: str) -> str:
        """Write the Packages index and return the Release text that lists it."""
        plain = text.encode()
        packed = lzma.compress(plain)
        folder = self.dists / "main" / "binary-amd64"
        digest = hashlib.sha256(packed).hexdigest()
        (folder / "by-hash" / "SHA256").mkdir(parents=True, exist_ok=True)
        (folder / "Packages.xz").write_bytes(packed)
        (folder / "by-hash" / "SHA256" / digest).write_bytes(packed)
        rows = {
            "Codename": "trial",
            "Suite": "stable",
            "Date": "Sat, 11 Jul 2026 10:16:37 UTC",
            "Valid-Until": "Sat, 05 Sep 2026 10:16:37 UTC",
            "Acquire-By-Hash": "yes",
            "Architectures": "amd64",
            "Components": "main contrib",
        }
        rows |= {key.replace("_", "-"): value for key, value in fields.items()}
        head = "".join(f"{key}: {value}\n" for key, value in rows.items() if value)
        plain_digest = hashlib.sha256(plain).hexdigest()
        return (
            f"{head}SHA256:\n {plain_digest} {len(plain)} main/binary-amd64/Packages\n"
            f" {digest} {len(packed)} main/binary-amd64/Packages.xz\n"
        )

    def sign(self, text: str, signer: Tsk | None = None) -> bytes:
        by = (signer or self.signer).signer()
        return sign(by, text.encode(), mode=SignatureMode.CLEAR)

    def publish(self, *paragraphs: str, **fields: str) -> None:
        release = self.release("\n".join(paragraphs), **fields)
        (self.dists / "InRelease").write_bytes(self.sign(release))

    def resolve(self, *roots: str, **changes: Any) -> Resolution:
        arguments: dict[str, Any] = {
            "session": requests.Session(),
            "mirror": self.url,
            "source": "debian",
            "suite": "trial",
            "components": ("main",),
            "architecture": "amd64",
            "keys": (self.fingerprint,),
            "roots": {"env": roots},
            "pinned": {},
            "cache": self.cache,
            "now": NOW,
            "keyring": self.keyring,
        }
        return resolve_debian(**(arguments | changes))


class _Handler(SimpleHTTPRequestHandler):
    """Serve a folder, note what was asked for, say nothing."""

    def __init__(self, *args: Any, served: list[str], **kwargs: Any) -> None:
        self.served = served
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        self.served.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="session")
def signer() -> Tsk:
    return Tsk.generate(user_id="Trial archive")


@pytest.fixture(scope="session")
def stranger() -> Tsk:
    return Tsk.generate(user_id="Somebody else")


@pytest.fixture
def site(tmp_path: Path, signer: Tsk) -> Iterator[Site]:
    root, keyring, served = tmp_path / "mirror", tmp_path / "keyring", list[str]()
    root.mkdir()
    keyring.mkdir()
    cert = signer.extract_certificate()
    (keyring / f"{cert.fingerprint.upper()}.asc").write_text(str(cert))
    handler = partial(_Handler, directory=str(root), served=served)
    with ThreadingHTTPServer(("localhost", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://localhost:{server.server_port}/"
        yield Site(root, url, signer, keyring, tmp_path / "cache", served)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def make_paragraph() -> Callable[..., str]:
    return paragraph


@pytest.fixture(scope="session")
def make_index() -> Callable[..., Index]:
    return index_of
