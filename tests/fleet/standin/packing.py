"""Conda packages in both of their forms, the same bytes at every packing."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import zstandard
from attrs import frozen

from lockyard.lock.model import CondaPackage

_TIME = 1_700_000_000  # seconds since 1970; when everything was published
_FORMAT = b'{"conda_pkg_format_version": 2}'


@frozen(kw_only=True)
class File:
    """A file of a package, or a link to ``target``; ``path`` is below the prefix.

    ``placeholder`` is a prefix that its content holds, in place of which an installation puts
    its own.
    """

    path: str
    data: bytes = b""
    executable: bool = False
    target: str = ""
    placeholder: str = ""

    def entry(self) -> dict[str, Any]:
        """Return what ``info/paths.json`` says of it."""
        described: dict[str, Any] = {
            "_path": self.path,
            "path_type": "softlink" if self.target else "hardlink",
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "size_in_bytes": len(self.data),
        }
        if self.placeholder:
            mode = "binary" if b"\0" in self.data else "text"
            described |= {"prefix_placeholder": self.placeholder, "file_mode": mode}
        return described


def pack(package: CondaPackage, files: Iterable[File], channel: Path) -> dict[str, Any]:
    """Write a package by its name in a lock into a channel; return the channel's record of it.

    ``package`` says what it is; digests and size are those of what is written.
    """
    record = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": package.build_number,
        "subdir": package.subdir,
        "depends": list(package.depends),
        "constrains": list(package.constrains),
        "timestamp": _TIME * 1000,
    }
    content = sorted(files, key=lambda each: each.path)
    info = _info(record, content)
    if package.file.endswith(".tar.bz2"):
        data = bz2.compress(_tar([*info, *content]))
    else:
        data = _conda(package.file.removesuffix(".conda"), info, content)
    path = channel / package.subdir / package.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return record | {
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
    }


def _info(record: dict[str, Any], files: Sequence[File]) -> list[File]:
    """Return the files that describe a package."""
    paths = {"paths_version": 1, "paths": [each.entry() for each in files]}
    described = {
        "about.json": json.dumps({"summary": "stands in for the channel's own"}),
        "files": "".join(f"{each.path}\n" for each in files),
        "index.json": json.dumps(record),
        "paths.json": json.dumps(paths),
    }
    return [File(path=f"info/{name}", data=text.encode()) for name, text in described.items()]


def _tar(files: Iterable[File]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for each in files:
            member = tarfile.TarInfo(each.path)
            member.mtime, member.mode = _TIME, 0o755 if each.executable else 0o644
            member.size = len(each.data)
            if each.target:
                member.type, member.linkname = tarfile.SYMTYPE, each.target
            archive.addfile(member, io.BytesIO(each.data))
    return stream.getvalue()


def _conda(stem: str, info: Iterable[File], content: Iterable[File]) -> bytes:
    """Pack the form of today: a zip of two archives (conda's CEP 26 describes it)."""
    compressor = zstandard.ZstdCompressor(level=3)
    members = {
        "metadata.json": _FORMAT,
        f"pkg-{stem}.tar.zst": compressor.compress(_tar(content)),
        f"info-{stem}.tar.zst": compressor.compress(_tar(info)),
    }
    stream = io.BytesIO()
    # Not by conda_package_streaming: its archives hold the time at which they were made.
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()
