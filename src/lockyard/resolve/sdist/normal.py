"""A wheel's normal form: its bytes are a function of what is in it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path

from attrs import frozen
from packaging.tags import Tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from lockyard.errors import BuildError
from lockyard.lock.model import is_file_name

from .unpack import DAMAGE

_LARGEST = 256 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest time that a zip archive can hold
_FILE, _EXECUTABLE = 0o100644, 0o100755
_ADVICE = "ask for a version that has a wheel, or take the package out of the spec"


@frozen
class _Entry:
    content: bytes
    executable: bool


def normal_wheel(path: Path, sdist_file: str) -> bytes:
    """Return a wheel that was built from an sdist, in its normal form.

    The form: regular files only, sorted, the metadata last and RECORD the very last; times of
    1980, permissions 644 or 755, and no compression, for what zlib writes differs from one
    version to the next. RECORD is made anew. Raise BuildError unless it is a sound wheel of
    the sdist's package and version, for any platform.
    """
    _check_name(path.name, sdist_file)
    dist_info = "-".join(path.name.split("-")[:2]) + ".dist-info"
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _read(archive, path.name)
    except DAMAGE as error:
        raise _unsound(path.name, f"its archive is damaged: {error}") from error
    for needed in ("METADATA", "WHEEL"):
        if f"{dist_info}/{needed}" not in entries:
            raise _unsound(path.name, f"it has no {dist_info}/{needed}")
    _check_pure(entries[f"{dist_info}/WHEEL"].content, path.name)
    record = f"{dist_info}/RECORD"
    entries.pop(record, None)
    ordered = sorted(entries, key=lambda name: (name.startswith(f"{dist_info}/"), name))
    whole = {name: entries[name] for name in ordered}
    whole[record] = _Entry(_record(whole, record), executable=False)
    return _archive(whole)


def platform_tags(tags: frozenset[Tag]) -> list[str]:
    """Return those of a wheel's tags that tie it to a platform or an ABI, sorted."""
    return sorted(str(tag) for tag in tags if (tag.abi, tag.platform) != ("none", "any"))


def _check_name(file: str, sdist_file: str) -> None:
    try:
        name, version, _, tags = parse_wheel_filename(file)
        expected = parse_sdist_filename(sdist_file)
    except (InvalidWheelFilename, InvalidSdistFilename) as error:
        raise _unsound(sdist_file, str(error)) from error
    if (name, version) != expected or not is_file_name(file):
        raise _unsound(sdist_file, f"its build gives {file}")
    if tied := platform_tags(tags):
        raise BuildError(
            f"its build gives a wheel for {', '.join(tied)}, that is for the machine that builds",
            where=sdist_file,
            solution=f"{_ADVICE}; only what is pure Python is built from source",
        )


def _read(archive: zipfile.ZipFile, file: str) -> dict[str, _Entry]:
    infos = archive.infolist()
    if sum(info.file_size for info in infos) > _LARGEST:
        raise _unsound(file, f"it would unpack to more than {_LARGEST} bytes")
    entries: dict[str, _Entry] = {}
    for info in infos:
        if info.is_dir():
            continue
        parts = info.filename.split("/")
        if {"", ".", ".."} & set(parts) or "\\" in info.filename or info.filename in entries:
            raise _unsound(file, f"it has a file of the name {info.filename[:80]!r}")
        executable = bool(info.external_attr >> 16 & 0o100)
        entries[info.filename] = _Entry(archive.read(info), executable)
    return entries


def _check_pure(text: bytes, file: str) -> None:
    metadata = HeaderParser().parsestr(text.decode("utf-8", "replace"))
    if str(metadata["Root-Is-Purelib"]).lower() != "true":
        raise _unsound(file, "it says that it isn't pure Python (Root-Is-Purelib)")


def _record(entries: Mapping[str, _Entry], record: str) -> bytes:
    """Write RECORD (PEP 376, as the wheel standard has it): no field here needs more quotes."""
    lines = []
    for name, entry in entries.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(entry.content).digest())
        field = f'"{name.replace(chr(34), chr(34) * 2)}"' if set(name) & set(',"\r\n') else name
        lines.append(f"{field},sha256={digest.decode().rstrip('=')},{len(entry.content)}\n")
    return "".join([*lines, f"{record},,\n"]).encode()


def _archive(entries: Mapping[str, _Entry]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name, entry in entries.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # Unix, whatever this machine is
            info.external_attr = (_EXECUTABLE if entry.executable else _FILE) << 16
            archive.writestr(info, entry.content)
    return data.getvalue()


def _unsound(file: str, reason: str) -> BuildError:
    return BuildError(reason, where=file, solution=_ADVICE)
