"""Source distributions, unpacked without trust."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Protocol

from lockyard.errors import IntegrityError

# More than any pure Python sdist has, and little enough for every disk and memory.
_LARGEST = 256 << 20
_MOST_FILES = 50_000

# All that the readers of archives raise for bytes that are none, as flipping each byte shows.
DAMAGE = (
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    struct.error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def unpack_sdist(content: bytes, file: str, folder: Path) -> Path:
    """Unpack an sdist (``.tar.gz`` or ``.zip``) into a folder; return its one top folder.

    Only regular files and folders are taken, with fixed permissions. That is stricter than
    tarfile's own ``data`` filter, which the oldest Pythons that this runs on lack. Raise
    IntegrityError for links and devices, names that leave the folder or come twice, and
    what would unpack to more than 256 MiB.
    """
    try:
        if file.endswith(".zip"):
            tops = _unpack_zip(content, folder)
        else:
            tops = _unpack_tar(content, folder)
    except DAMAGE as error:
        raise _broken(file, f"its archive is damaged: {error}") from error
    except _HostileError as error:
        raise _broken(file, str(error)) from error
    if len(tops) != 1:
        raise _broken(file, "it doesn't have one folder at its top")
    return folder / tops.pop()


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _HostileError(Exception):
    """What no sound archive has."""


def _unpack_tar(content: bytes, folder: Path) -> set[str]:
    tops = set()
    # Decompressed whole first: no header, whatever it says, then makes more of it.
    with tempfile.TemporaryFile() as plain:
        with gzip.open(io.BytesIO(content)) as stream:
            _copy(stream, plain, _LARGEST)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            for count, member in enumerate(archive):
                _check_count(count)
                path = _safe(member.name)
                tops.add(path.parts[0])
                if member.isdir():
                    _make_folder(folder / path)
                    continue
                if not member.isreg() or member.issparse():
                    raise _HostileError(f"{member.name!r} is no regular file")
                source = archive.extractfile(member)
                assert source is not None  # noqa: S101 - regular files have content
                _write(source, folder / path, executable=bool(member.mode & 0o100))
    return tops


def _unpack_zip(content: bytes, folder: Path) -> set[str]:
    tops = set()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        _check_count(len(infos))
        if sum(info.file_size for info in infos) > _LARGEST:
            raise _HostileError(f"it would unpack to more than {_LARGEST} bytes")
        for info in infos:
            path = _safe(info.filename)
            tops.add(path.parts[0])
            if info.is_dir():
                _make_folder(folder / path)
                continue
            with archive.open(info) as source:
                _write(source, folder / path, executable=False)
    return tops


def _check_count(count: int) -> None:
    if count > _MOST_FILES:
        raise _HostileError(f"it has more than {_MOST_FILES} files")


def _safe(name: str) -> Path:
    """Return a member's path, which stays below its folder on every system."""
    parts = name.removeprefix("./").rstrip("/").split("/")
    odd = any(part in {"", ".", ".."} or len(part.encode()) > 255 for part in parts)
    if odd or "\\" in name or not name.isprintable():
        raise _HostileError(f"it has a file of the name {name[:80]!r}")
    return Path(*parts)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise _HostileError(f"{path.name!r} is a file and a folder") from None


def _write(source: _Readable, path: Path, *, executable: bool) -> None:
    _make_folder(path.parent)
    try:
        with path.open("xb") as target:
            _copy(source, target, _LARGEST)
    except (FileExistsError, IsADirectoryError):
        raise _HostileError(f"it has {path.name!r} twice") from None
    path.chmod(0o755 if executable else 0o644)


def _copy(source: _Readable, target: IO[bytes], limit: int) -> None:
    while chunk := source.read(1 << 20):
        limit -= len(chunk)
        if limit < 0:
            raise _HostileError(f"it would unpack to more than {_LARGEST} bytes")
        target.write(chunk)


def _broken(file: str, reason: str) -> IntegrityError:
    return IntegrityError(
        reason,
        where=file,
        solution="report it to the package's authors, or ask for another version",
    )
