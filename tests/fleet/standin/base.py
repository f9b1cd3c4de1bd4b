"""An image that stands in for Ubuntu's: Debian packages, and no Python of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from lockyard.assemble.document import (
    CONFIG,
    Document,
    encoded,
    manifest_document,
    platform_index,
)
from lockyard.build.built import BuiltLayer
from lockyard.build.bytecode.modules import Compilers
from lockyard.build.layer import build_layer, cached_layer
from lockyard.fetch.fetch import fetch
from lockyard.fetch.locate import Locator
from lockyard.lock.model import Deb
from lockyard.plan.layer import DebianLayer
from lockyard.sources.debian import mirror_url
from lockyard.sources.http import session
from lockyard.sources.pypi import certificate
from lockyard.store.store import Store
from tests.fleet.locked import held
from tests.resolve.image.conftest import push_blob, put, running

PLATFORM = "linux/amd64"
# The base of this env has what CPython's own libraries need, and libgomp1 for the wheels.
_LIKE, _TARGET = "minimal-py311", "cpu-linux-amd64"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@frozen(kw_only=True)
class Pushed:
    """An image in a registry; its digests as the workspace writes them."""

    address: str
    index: str
    manifest: str
    layer: str


@contextmanager
def base_registry(folder: Path, store: Store, image: str, tag: str) -> Iterator[Pushed]:
    """Run a registry that has the base at a name and a tag; its files are in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with running(folder) as address:
        yield _push(address, store, image, tag)


def _push(address: str, store: Store, image: str, tag: str) -> Pushed:
    built = _layer(DebianLayer(debs=_packages()), store)
    blob = store.blob(built.digest, built.size)
    assert blob is not None
    push_blob(address, image, blob.read_bytes())
    config = _config(built.diff_id)
    push_blob(address, image, config.data)
    manifest = manifest_document(config, [built])
    index = platform_index({PLATFORM: manifest})
    put(address, image, f"sha256:{manifest.digest}", manifest.media_type, manifest.data)
    put(address, image, tag, index.media_type, index.data)
    return Pushed(
        address=address,
        index=f"sha256:{index.digest}",
        manifest=f"sha256:{manifest.digest}",
        layer=f"sha256:{built.digest}",
    )


def _layer(layer: DebianLayer, store: Store) -> BuiltLayer:
    if found := cached_layer(layer, store):
        return found
    connection = session(certificate(os.environ))
    locate = Locator(connection, {"debian": lambda: mirror_url(None, os.environ)})
    fetch(layer.debs, store=store, locate=locate, session=connection)
    with ThreadPoolExecutor(2) as compressors, Compilers(store) as compilers:
        return build_layer(layer, store, compressors, compilers)


def _packages() -> tuple[Deb, ...]:
    held_there = (each for each in held(_LIKE).debs if each.serves(_TARGET))
    return tuple(deb for deb in held_there if not deb.name.startswith(("python3", "libpython3")))


def _config(diff_id: str) -> Document:
    """Return an image's config as a registry's Ubuntu has it."""
    value = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2023-05-30T09:32:09.432301537Z",
        "config": {
            "Env": [f"PATH={_PATH}"],
            "Cmd": ["/bin/bash"],
            "Labels": {"org.opencontainers.image.ref.name": "ubuntu"},
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
        "history": [{"created_by": "ADD file:base in / "}],
    }
    return Document(CONFIG, encoded(value))
