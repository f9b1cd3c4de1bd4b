"""A wheel's archive, checked before anything is taken from it."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from attrs import frozen
from installer.exceptions import InstallerError
from installer.records import InvalidRecordEntry, RecordEntry, parse_record_file
from installer.sources import WheelFile
from installer.utils import parse_metadata_file

from lockyard.build.paths import safe_path
from lockyard.errors import BuildError, IntegrityError

# No wheel known unpacks to more than some twenty times its size.
_MOST_EXPANSION = 200
_SMALL = 64 << 20


@frozen(kw_only=True)
class Member:
    """A file of a wheel; ``sha256`` is in hex, and what the wheel's RECORD says."""

    path: str
    size: int
    executable: bool
    sha256: str


class WheelArchive:
    """An open wheel. All its names are safe, and RECORD has a sound hash for every file."""

    def __init__(self, archive: zipfile.ZipFile, file: str) -> None:
        self.file = file
        self._zip = archive
        self._source = WheelFile(archive)
        self._infos = _checked_infos(archive, file)
        self.distribution: str = self._source.distribution
        self.dist_info = self._source.dist_info_dir
        self._records = self._read_records()

    def members(self) -> Iterator[Member]:
        """Give every file but RECORD and its signatures, by path."""
        signatures = {f"{self.dist_info}/RECORD{end}" for end in ("", ".jws", ".p7s")}
        for path in sorted(self._infos.keys() - signatures):
            info = self._infos[path]
            mode = info.external_attr >> 16
            yield Member(
                path=path,
                size=info.file_size,
                executable=bool(mode & 0o111),
                sha256=self._sha256(path),
            )

    def open(self, path: str) -> BinaryIO:
        """Open a file's content."""
        return cast(BinaryIO, self._zip.open(self._infos[path]))

    def read_dist_info(self, name: str) -> str | None:
        """Return a text of the dist-info folder, or None where the wheel has no such file."""
        if f"{self.dist_info}/{name}" not in self._infos:
            return None
        return self._source.read_dist_info(name)

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
            raise _broken(self.file, "it has no RECORD")
        rows = parse_record_file(text.splitlines())
        return {path: RecordEntry.from_elements(path, *rest) for path, *rest in rows}

    def _sha256(self, path: str) -> str:
        record = self._records.get(path)
        if record is None or record.hash_ is None:
            raise _broken(self.file, f"its RECORD has no hash for {path}")
        if record.hash_.name == "sha256":
            return base64.urlsafe_b64decode(record.hash_.value + "=").hex()
        # Another algorithm that the standard allows: check it now, and go on with ours.
        with self.open(path) as stream:
            content = stream.read()
        if not record.validate_stream(io.BytesIO(content)):
            raise _broken(self.file, f"{path} doesn't have the hash that RECORD gives")
        return hashlib.sha256(content).hexdigest()


@contextmanager
def open_wheel(path: Path, file: str) -> Iterator[WheelArchive]:
    """Open a wheel whose own file name is ``file``.

    Raise IntegrityError for what isn't a sound wheel: a broken archive, a name that leaves
    the folder, a file that RECORD doesn't know.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            # The store names files by their hash; a wheel's own name tells what is in it.
            archive.filename = file
            yield WheelArchive(archive, file)
    except (zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise _broken(file, f"its archive is damaged: {error}") from None
    except (InstallerError, InvalidRecordEntry, UnicodeDecodeError) as error:
        raise _broken(file, str(error)) from None


def _checked_infos(archive: zipfile.ZipFile, file: str) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        path = safe_path(info.filename, file)
        if info.is_dir():
            continue
        if path in infos:
            raise _broken(file, f"it has {path} twice")
        if info.flag_bits & 0x1:
            raise _broken(file, f"{path} is encrypted")
        infos[path] = info
    size = sum(info.file_size for info in infos.values())
    packed = sum(info.compress_size for info in infos.values())
    if size > max(_SMALL, packed * _MOST_EXPANSION):
        raise _broken(file, f"it would unpack to {size} bytes from {packed}")
    return infos


def _broken(file: str, reason: str) -> IntegrityError:
    return IntegrityError(
        reason,
        where=file,
        solution="the wheel is broken: report it to its authors, or lock another version",
    )
