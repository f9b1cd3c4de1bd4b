"""A wheel's archive, checked before anything is taken from it."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from attrs import define, frozen
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry, RecordEntry, parse_record_file
from installer.sources import WheelFile
from installer.utils import parse_metadata_file

from lockyard.build.paths import safe_path
from lockyard.build.wheel.member import (
    MemberStream,
    deflated_parts,
    is_small,
    is_taken,
    read_member,
)
from lockyard.errors import BuildError, IntegrityError

# No wheel known unpacks to more than some twenty times its size.
_MOST_EXPANSION = 200
_SMALL = 64 << 20
# Better than sha256 or as good, as the standard asks; sha256 has a way of its own.
_HASHES = {"sha384", "sha512"}


@frozen(kw_only=True)
class Member:
    """A file of a wheel; ``sha256`` is in hex, and what the wheel's RECORD says."""

    path: str
    size: int
    executable: bool
    sha256: str


class WheelArchive:
    """An open wheel. All its names are safe, and RECORD has a sound hash for every file."""

    def __init__(self, archive: zipfile.ZipFile, file: str, size: int, descriptor: int) -> None:
        self.file = file
        self._zip = archive
        self._descriptor = descriptor
        source = WheelFile(archive)
        self._infos = _checked_infos(archive, file, size)
        self.distribution: str = source.distribution
        self.dist_info = source.dist_info_dir
        self._records = self._read_records()

    def members(self) -> Iterator[Member]:
        """Give every file but RECORD, its signatures and INSTALLER, by path.

        Each installation has its own of those.
        """
        names = ("RECORD", "RECORD.jws", "RECORD.p7s", "INSTALLER")
        for path in sorted(self._infos.keys() - {f"{self.dist_info}/{name}" for name in names}):
            info = self._infos[path]
            mode = info.external_attr >> 16
            yield Member(
                path=path,
                size=info.file_size,
                executable=stat.S_ISREG(mode) and bool(mode & 0o111),
                sha256=self._sha256(path),
            )

    def open(self, path: str) -> BinaryIO:
        """Open a file's content. Raise IntegrityError where it is damaged, or on reading it."""
        info = self._infos[path]
        with _faults(self.file):
            if is_small(info):
                return io.BytesIO(read_member(self._descriptor, info))
            stream = cast(BinaryIO, MemberStream(self._descriptor, info))
        return cast(BinaryIO, _Content(stream, self.file))

    def deflated(self, path: str) -> Callable[[], Iterator[tuple[bytes, bytes]]] | None:
        """Return what gives a file as it is deflated, beside its content; None if it is small.

        It raises IntegrityError as ``open`` does.
        """
        info = self._infos[path]
        return partial(self._deflated, info) if is_taken(info) else None

    def _deflated(self, info: zipfile.ZipInfo) -> Iterator[tuple[bytes, bytes]]:
        with _faults(self.file):
            yield from deflated_parts(self._descriptor, info)

    def read_dist_info(self, name: str) -> str | None:
        """Return a text of the dist-info folder, or None where the wheel has no such file."""
        path = f"{self.dist_info}/{name}"
        if path not in self._infos:
            return None
        with self.open(path) as stream, _faults(self.file):
            return stream.read().decode()

    def root_scheme(self) -> str:
        """Return the scheme of what isn't in the data folder: purelib or platlib."""
        text = self.read_dist_info("WHEEL")
        metadata = parse_metadata_file(text or "")
        version = metadata["Wheel-Version"] or ""
        if not version.startswith("1."):
            raise BuildError(
                f"its Wheel-Version is {version!r}, and only 1.x is known",
                where=self.file,
                solution="lock another version of the package",
            )
        return "purelib" if metadata["Root-Is-Purelib"] == "true" else "platlib"

    def _read_records(self) -> dict[str, RecordEntry]:
        text = self.read_dist_info("RECORD")
        if text is None:
            raise broken(self.file, "it has no RECORD")
        with _faults(self.file):
            rows = parse_record_file(text.splitlines())
            return {path: RecordEntry.from_elements(path, *rest) for path, *rest in rows}

    def _sha256(self, path: str) -> str:
        record = self._records.get(path)
        if record is None or record.hash_ is None:
            raise broken(self.file, f"its RECORD has no hash for {path}")
        if record.hash_.name == "sha256":
            with _faults(self.file):
                digest = base64.urlsafe_b64decode(record.hash_.value + "=")
            if len(digest) == hashlib.sha256().digest_size:
                return digest.hex()
        if record.hash_.name not in _HASHES:
            raise broken(self.file, f"its RECORD has no sound hash for {path}")
        # Another algorithm that the standard allows: check it now, and go on with ours.
        with self.open(path) as stream:
            content = stream.read()
        if not record.validate_stream(io.BytesIO(content)):
            raise broken(self.file, f"{path} doesn't have the hash that RECORD gives")
        return hashlib.sha256(content).hexdigest()


@contextmanager
def open_wheel(path: Path, file: str) -> Iterator[WheelArchive]:
    """Open a wheel whose own file name is ``file``.

    Raise IntegrityError for what isn't a sound wheel: a broken archive, a name that leaves
    the folder, a file that RECORD doesn't know.
    """
    with ExitStack() as stack:
        with _faults(file):
            opened = stack.enter_context(path.open("rb"))
            archive = stack.enter_context(zipfile.ZipFile(opened))
            # The store names files by their hash; a wheel's own name tells what is in it.
            archive.filename = file
            wheel = WheelArchive(archive, file, path.stat().st_size, opened.fileno())
        yield wheel


@define
class _Content:
    """A file's content; whatever is wrong with it is told as a fault of its wheel."""

    _stream: BinaryIO
    _file: str

    def read(self, size: int = -1) -> bytes:
        with _faults(self._file):
            return self._stream.read(size)

    def __enter__(self) -> _Content:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


@contextmanager
def _faults(file: str) -> Iterator[None]:
    """Turn what the readers of archives and records raise into an IntegrityError."""
    try:
        yield
    except (InstallerError, InvalidRecordEntry) as error:
        raise broken(file, str(error)) from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        csv.Error,
        EOFError,
        NotImplementedError,
        OverflowError,
        ValueError,
    ) as error:
        raise broken(file, f"its archive is damaged: {error}") from None


def _checked_infos(archive: zipfile.ZipFile, file: str, size: int) -> dict[str, zipfile.ZipInfo]:
    """Return the files by path. ``size`` is the archive's, which its members can't belie."""
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        path = safe_path(info.filename, file)
        if info.is_dir():
            continue
        if path in infos:
            raise broken(file, f"it has {path} twice")
        if info.header_offset < 0:
            raise broken(file, f"its archive is damaged: {path} would stand before it")
        if info.flag_bits & 0x1:
            raise broken(file, f"{path} is encrypted")
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise broken(file, f"{path} is compressed in a way that no index accepts")
        infos[path] = info
    unpacked = sum(info.file_size for info in infos.values())
    if unpacked > max(_SMALL, size * _MOST_EXPANSION):
        raise broken(file, f"it would unpack to {unpacked} bytes from {size}")
    return infos


def broken(file: str, reason: str) -> IntegrityError:
    """Return the error of a wheel that isn't what the standard says."""
    return IntegrityError(
        reason,
        where=file,
        solution="the wheel is broken: report it to its authors, or lock another version",
    )
