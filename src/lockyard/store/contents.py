"""What is in a store, and taking things out of it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from attrs import frozen

from lockyard.store.faults import store_faults
from lockyard.store.store import Store

Kind = Literal["artifact", "layer", "record", "download", "cache"]

# In the order of removal: what believes in other files goes before they do.
FOLDERS: Mapping[Kind, str] = {
    "record": "records",
    "layer": "blobs",
    "artifact": "artifacts",
    "download": "partial",
    "cache": "cache",
}
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_RECORD = re.compile(r"([^/]+/[^/]+)\.json", re.ASCII)


@frozen(kw_only=True)
class Held:
    """A file of a store.

    ``name`` is its sha256, ``KIND/KEY`` of a record, or a path below ``cache``; ``size`` is in
    bytes; ``used`` is when it was last used, in seconds since 1970. ``names`` are the digests
    that stand in a record.
    """

    kind: Kind
    name: str
    path: Path
    size: int
    used: float
    names: frozenset[str] = frozenset()


def contents(store: Store) -> Iterator[Held]:
    """Give every file of a store, folder by folder; what has no name of the store's is left out.

    Raise StoreError where a folder can't be read.
    """
    for kind, folder in FOLDERS.items():
        root = store.root / folder
        for path in _files(root, store):
            name = _name(kind, path.relative_to(root).as_posix())
            if name:
                # What has gone since the folder was read isn't there.
                with store_faults(store.root), suppress(FileNotFoundError):
                    yield from _held(kind, name, path)


def _files(root: Path, store: Store) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    with store_faults(store.root):
        for folder, folders, names in os.walk(root, onerror=refuse):
            folders.sort()
            yield from (Path(folder, name) for name in sorted(names))


def _name(kind: Kind, path: str) -> str:
    """Return what a file is known by, "" where it isn't one of the store's."""
    if kind == "cache":
        return path
    if kind == "record":
        found = _RECORD.fullmatch(path)
        return found[1] if found else ""
    name = path.rpartition("/")[2]
    return name if _SHA256.fullmatch(name) else ""


def _held(kind: Kind, name: str, path: Path) -> Iterator[Held]:
    status = path.lstat()
    if stat.S_ISREG(status.st_mode):
        yield Held(
            kind=kind,
            name=name,
            path=path,
            size=status.st_size,
            used=status.st_mtime,
            names=_names(path) if kind == "record" else frozenset(),
        )


def _names(record: Path) -> frozenset[str]:
    """Return every digest in a record, whatever it stands for: too many do no harm."""
    return frozenset(_SHA256.findall(record.read_text("utf-8", errors="replace")))


def remove(store: Store, chosen: Iterable[Held]) -> None:
    """Take files out of a store, which nobody else uses; raise StoreError where that's refused.

    Whatever is left when this is interrupted is sound: a record goes before what it names.
    """
    order = list(FOLDERS)
    with store_faults(store.root):
        for held in sorted(chosen, key=lambda each: (order.index(each.kind), each.name)):
            held.path.unlink(missing_ok=True)
            if held.kind == "cache":
                _prune(held.path.parent, store.cache)


def _prune(folder: Path, root: Path) -> None:
    """Remove folders that are empty now, up to a root that stays."""
    with suppress(OSError):
        while folder != root:
            folder.rmdir()
            folder = folder.parent
