"""Which package a file of a layer came from, by what packages say of themselves there."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import PurePosixPath
from typing import IO

from lockyard.verify.archive import Item, items

Opened = Callable[[], AbstractContextManager[IO[bytes]]]
_LARGEST = 64 << 20  # bytes of a list of files that is read into memory
_DIST_INFO = re.compile(r"(?:(?P<root>.*)/)?(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/[^/]+")
_CONDA_META = re.compile(r"(?:(?P<root>.*)/)?conda-meta/(?P<name>.+)-(?P<rest>[^-]+-[^-]+)\.json")
_DPKG = re.compile(r"var/lib/dpkg/info/(?P<name>[^/:]+)(?::[^/]+)?\.[a-z0-9]+")


def package_of(path: str, archives: Iterable[Opened]) -> str:
    """Return the package that a path belongs to, as ``numpy 2.1.0``; "" where none says so.

    ``archives`` open the layers to search, in their order; none is read after the one that
    knows.
    """
    if own := _describes(path):
        return own
    for opened in archives:
        with opened() as stream:
            for item, content in items(stream):
                name = _describes(item.path)
                if name and item.size <= _LARGEST and path in _owned(item, content):
                    return name
    return ""


def _describes(path: str) -> str:
    """Return the package that a path is the description of, "" for any other path."""
    if found := _DIST_INFO.fullmatch(path):
        return f"{found['name']} {found['version']}"
    if found := _CONDA_META.fullmatch(path):
        return f"{found['name']} {found['rest'].partition('-')[0]}"
    found = _DPKG.fullmatch(path)
    return found["name"] if found else ""


def _owned(item: Item, content: IO[bytes]) -> set[str]:
    """Return the paths that a list of files has, relative to the root."""
    if item.path.endswith(".dist-info/RECORD"):
        root = str(PurePosixPath(item.path).parents[1])
        return {_joined(root, each) for each in _record(content.read())}
    if item.path.endswith(".json") and "conda-meta/" in item.path:
        root = str(PurePosixPath(item.path).parents[1])
        return {_joined(root, each) for each in _conda(content.read())}
    if item.path.startswith("var/lib/dpkg/info/") and item.path.endswith(".list"):
        return {line.strip("/") for line in content.read().decode("utf-8", "replace").splitlines()}
    return set()


def _record(data: bytes) -> Iterator[str]:
    for row in csv.reader(data.decode("utf-8", "replace").splitlines()):
        yield from row[:1]


def _conda(data: bytes) -> list[str]:
    try:
        return [str(each) for each in json.loads(data)["files"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return []


def _joined(root: str, path: str) -> str:
    """Return a path that may climb from its root, as those of scripts do in RECORD."""
    parts: list[str] = []
    for part in [*root.split("/"), *path.split("/")]:
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
