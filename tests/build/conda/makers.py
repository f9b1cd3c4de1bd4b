"""Conda packages, made for tests."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, cast

import zstandard
from attrs import define, field

from lockyard.build.conda.install import CondaPrefix, conda_packages
from lockyard.build.entry import Entry
from lockyard.build.tree import Tree
from lockyard.lock.model import CondaPackage
from tests.build.makers import member, tarred

CHANNEL = "https://conda.example.invalid/conda-forge"
PREFIX = CondaPrefix(path="/opt/conda", python="3.7.9", channels={"conda-forge": CHANNEL})
PLACEHOLDER = "/home/conda/feedstock_root/" + "_placehold" * 20
Tarred = tuple[tarfile.TarInfo, bytes]


def listed(path: str, data: bytes = b"", kind: str = "hardlink", **more: Any) -> dict[str, Any]:
    """Return what paths.json says of a path."""
    return {
        "_path": path,
        "path_type": kind,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data),
        **more,
    }


def replaced(path: str, data: bytes, mode: str, placeholder: str = PLACEHOLDER) -> dict[str, Any]:
    """Return what paths.json says of a file that has the prefix in it."""
    return listed(path, data, prefix_placeholder=placeholder, file_mode=mode)


@define(kw_only=True)
class Content:
    """What a package is made of; ``info`` overrides files of its info folder, None drops one."""

    name: str = "app"
    version: str = "1.0"
    members: Sequence[Tarred] = ()
    paths: Sequence[Mapping[str, Any]] | None = None
    index: Mapping[str, Any] = field(factory=dict)
    info: Mapping[str, bytes | None] = field(factory=dict)

    def _paths(self) -> list[Mapping[str, Any]]:
        """Tell of each member as conda-build does, but for what ``paths`` says."""
        kinds = {tarfile.REGTYPE: "hardlink", tarfile.LNKTYPE: "hardlink"}
        contents = {info.name: data for info, data in self.members}
        told: dict[str, Mapping[str, Any]] = {}
        for info, data in self.members:
            kind = {**kinds, tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "softlink"}[info.type]
            told[info.name] = listed(
                info.name, contents[info.linkname] if info.islnk() else data, kind
            )
        return list((told | {each["_path"]: each for each in self.paths or ()}).values())

    def information(self) -> list[Tarred]:
        index = {
            "name": self.name,
            "version": self.version,
            "build": "0",
            "build_number": 0,
            "depends": ["as-built"],
            "license": "BSD",
            "subdir": "linux-64",
            "timestamp": 1600000000000,
            **self.index,
        }
        files: dict[str, bytes | None] = {
            "index.json": json.dumps(index).encode(),
            "paths.json": json.dumps({"paths": self._paths(), "paths_version": 1}).encode(),
            **self.info,
        }
        return [member(f"info/{name}", data) for name, data in files.items() if data is not None]


def tar_bz2(tar: bytes) -> bytes:
    return bz2.compress(tar)


def conda_file(info: bytes, pkg: bytes, stem: str = "app-1.0-0") -> bytes:
    """Pack the two tar archives of a package as a .conda file."""
    compress = zstandard.ZstdCompressor().compress
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        parts = {
            "metadata.json": json.dumps({"conda_pkg_format_version": 2}).encode(),
            f"pkg-{stem}.tar.zst": compress(pkg),
            f"info-{stem}.tar.zst": compress(info),
        }
        for name, data in parts.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def artifact(data: bytes, file: str = "app-1.0-0.conda", **more: Any) -> CondaPackage:
    """Return the lock's record of a package's bytes."""
    stem = file.removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    values = {
        "name": name,
        "version": version,
        "build": build,
        "build_number": 0,
        "file": file,
        "sha256": hashlib.sha256(data).hexdigest(),
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "size": len(data),
        "source": "conda-forge",
        "subdir": "linux-64",
        "required_by": ("env",),
        "depends": ("libz >=1.2",),
        **more,
    }
    return CondaPackage(**cast(Any, values))


@define
class Shelf:
    """A folder of packages, each under a name that says nothing of it, as in the store."""

    folder: Path
    paths: dict[str, Path] = field(factory=dict)

    def put(self, data: bytes, file: str = "app-1.0-0.conda", **more: Any) -> CondaPackage:
        package = artifact(data, file, **more)
        self.folder.mkdir(exist_ok=True)
        self.paths[file] = self.folder / package.sha256
        self.paths[file].write_bytes(data)
        return package

    def make(self, content: Content, kind: str = ".conda", **more: Any) -> CondaPackage:
        """Pack a package into a file, and keep it."""
        if content.index.get("noarch"):
            more.setdefault("subdir", "noarch")
        stem = f"{content.name}-{content.version}-0"
        if kind == ".conda":
            data = conda_file(tarred(content.information()), tarred(content.members), stem)
        else:
            data = tar_bz2(tarred([*content.members, *content.information()]))
        return self.put(data, stem + kind, **more)

    @contextmanager
    def tree(
        self, *packages: CondaPackage, prefix: CondaPrefix = PREFIX, scratch: Path | None = None
    ) -> Iterator[Tree]:
        with conda_packages(packages, self.paths, prefix, scratch) as installed:
            yield Tree(chain.from_iterable(installed))

    def installed(self, *packages: CondaPackage, **more: Any) -> dict[str, tuple[Entry, bytes]]:
        """Return entries and their contents by path."""
        with self.tree(*packages, **more) as tree:
            return {entry.path: (entry, content(entry)) for entry in tree}


def content(entry: Entry) -> bytes:
    """Read an entry, which must be what it says of itself."""
    if entry.open is None:
        return b""
    with entry.open() as stream:
        data = stream.read()
    assert (len(data), hashlib.sha256(data).hexdigest()) == (entry.size, entry.sha256), entry.path
    return data


def files(contents: Mapping[str, bytes], **attributes: Any) -> list[Tarred]:
    """Return members for files."""
    return [member(path, data, **attributes) for path, data in contents.items()]


def pure(
    contents: Mapping[str, bytes], entry_points: Iterable[str] = (), name: str = "pure"
) -> Content:
    """Return a pure Python package, its files as conda-build places them."""
    link = {
        "noarch": {"type": "python", "entry_points": list(entry_points)},
        "package_metadata_version": 1,
    }
    return Content(
        name=name,
        members=files(contents),
        index={"noarch": "python", "subdir": "noarch"},
        info={"link.json": json.dumps(link).encode()},
    )
