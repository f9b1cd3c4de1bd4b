"""Files of a registry's image, as its layers leave them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Set
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import zstandard
from attrs import evolve

from lockyard.build.base.layers import base_layers
from lockyard.build.built import BuiltLayer
from lockyard.build.entry import Entry, text
from lockyard.build.headers import BoundedInfo
from lockyard.build.tree import parents
from lockyard.errors import BuildError, IntegrityError, StoreError
from lockyard.fetch.image import PulledImage
from lockyard.store.store import Store

_CHUNK = 1 << 20
_LARGEST = 1 << 20  # bytes of a file that is read into memory
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"  # OCI image layer: whiteouts
_NO_LAYER = (tarfile.TarError, EOFError, OSError, zlib.error, zstandard.ZstdError)


def base_files(pulled: PulledImage, store: Store, wanted: Set[str]) -> dict[str, Entry]:
    """Return those of the wanted files that an image has, by paths relative to its root.

    All layers are read, the uppermost first, and found to be what the config says: raise
    IntegrityError where one isn't. Raise BuildError where a wanted path is no plain file.
    """
    found: dict[str, Entry] = {}
    open_ends = set(wanted)
    for layer in reversed(base_layers(pulled, "base image")):
        held, hidden = _read_layer(layer, store, wanted)
        found |= {path: entry for path, entry in held.items() if path in open_ends}
        open_ends -= held.keys() | hidden
    for path, entry in sorted(found.items()):
        if entry.kind != "file":
            raise BuildError(
                f"its /{path} is a {entry.kind}, and not a file of at most {_LARGEST} bytes",
                where="base image",
                solution="build on another base",
            )
    return found


def _read_layer(
    layer: BuiltLayer, store: Store, wanted: Set[str]
) -> tuple[Mapping[str, Entry], Set[str]]:
    """Return what a layer has of the wanted paths, and which of them it hides in those below."""
    path = store.content(layer.digest, layer.size)
    if path is None:
        raise StoreError(
            "a layer of the base has gone from the store",
            where=str(store.root),
            solution="build again: it will be fetched again",
        )
    held: dict[str, Entry] = {}
    whiteouts: set[str] = set()
    with ExitStack() as stack:
        stream = _Hashed(stack.enter_context(_unpacked(path, layer.media_type)))
        try:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=BoundedInfo) as archive:
                while (member := archive.next()) is not None:
                    archive.members = []  # type: ignore[attr-defined]  # or it would keep them
                    name = member.name.removeprefix("./").strip("/")
                    if name.rpartition("/")[2].startswith(_WHITEOUT):
                        whiteouts.add(name)
                    if name in wanted:
                        held[name] = _entry(name, member, archive)
            while stream.read(_CHUNK):
                pass
        except _NO_LAYER:
            raise _broken(layer, "it can't be unpacked") from None
    if stream.sha256 != layer.diff_id:
        raise _broken(layer, "its content isn't what the image's config says")
    return held, {path for path in wanted if _hides(whiteouts, path)}


def _entry(name: str, member: tarfile.TarInfo, archive: tarfile.TarFile) -> Entry:
    stream = archive.extractfile(member) if member.isreg() and member.size <= _LARGEST else None
    if stream is None:
        return Entry(path=name, kind="symlink", mode=0o777, link=member.linkname)
    made = text(name, stream.read(), mode=member.mode & 0o777, owner="base image")
    return evolve(made, uid=member.uid, gid=member.gid)


def _hides(whiteouts: Iterable[str], path: str) -> bool:
    for each in (path, *parents(path)):
        folder, slash, name = each.rpartition("/")
        if f"{folder}{slash}{_WHITEOUT}{name}" in whiteouts:
            return True
        if each != path and f"{each}/{_OPAQUE}" in whiteouts:
            return True
    return False


def _unpacked(path: Path, media_type: str) -> BinaryIO:
    if media_type.endswith("+gzip"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if media_type.endswith("+zstd"):
        reader = zstandard.ZstdDecompressor().stream_reader(
            path.open("rb"), read_across_frames=True
        )
        return io.BufferedReader(reader)
    return path.open("rb")


class _Hashed(io.RawIOBase):
    """A stream that knows the sha256 of what was read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    @property
    def sha256(self) -> str:
        """The sha256 of what was read, in hex."""
        return self._hash.hexdigest()


def _broken(layer: BuiltLayer, reason: str) -> IntegrityError:
    return IntegrityError(
        reason,
        where=f"layer sha256:{layer.digest} of the base image",
        solution="the image is broken at its source: build on another one",
    )
