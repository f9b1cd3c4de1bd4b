"""A registry on loopback, of Debian's own package, with a small image of two platforms."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import frozen

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@frozen(kw_only=True)
class Served:
    """A registry that runs, and what was put into it."""

    address: str
    index: str
    manifests: dict[str, str]
    config: dict[str, tuple[str, int]]
    layer: tuple[str, int]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    path = folder / "config.yml"
    path.write_text(json.dumps(config))
    process = subprocess.Popen(
        ["docker-registry", "serve", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"127.0.0.1:{port}"
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            time.sleep(0.02)
        yield address
    finally:
        process.terminate()
        process.wait(10)


def put(address: str, image: str, reference: str, kind: str, value: Any) -> tuple[str, int]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    url = f"http://{address}/v2/{image}/manifests/{reference}"
    answer = requests.put(url, data=data, headers={"Content-Type": kind}, timeout=10)
    assert answer.status_code == 201, answer.text
    return hashlib.sha256(data).hexdigest(), len(data)


def push_blob(address: str, image: str, data: bytes) -> tuple[str, int]:
    digest = hashlib.sha256(data).hexdigest()
    start = requests.post(f"http://{address}/v2/{image}/blobs/uploads/", timeout=10)
    done = requests.put(
        start.headers["Location"],
        params={"digest": f"sha256:{digest}"},
        data=data,
        headers={"Content-Type": "application/octet-stream"},
        timeout=10,
    )
    assert done.status_code == 201, done.text
    return digest, len(data)


def fill(address: str, content: bytes = b"no real layer: nobody unpacks it here") -> Served:
    """Put an image of one layer at ``library/base:18.04``, in place of what is there."""
    image = "library/base"
    layer = push_blob(address, image, content)
    manifests, configs, entries = {}, {}, []
    for architecture in ("amd64", "arm64"):
        platform = f"linux/{architecture}"
        config = push_blob(
            address, image, json.dumps({"os": "linux", "architecture": architecture}).encode()
        )
        value = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
        }
        made = put(address, image, architecture, MANIFEST, value)
        manifests[platform], configs[platform] = made[0], config
        entries.append(
            _descriptor(MANIFEST, made)
            | {"platform": {"os": "linux", "architecture": architecture}}
        )
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}
    digest, _ = put(address, image, "18.04", INDEX, index)
    return Served(address=address, index=digest, manifests=manifests, config=configs, layer=layer)


def _descriptor(kind: str, blob: tuple[str, int]) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{blob[0]}", "size": blob[1]}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running(tmp_path_factory.mktemp("registry")) as address:
        yield fill(address)
