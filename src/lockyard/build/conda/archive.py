"""A conda package's archive, ``.conda`` or ``.tar.bz2``, checked while it is extracted.

Both formats are conda's (https://docs.conda.io/projects/conda-build, "Package specification"):
the first a zip archive of two compressed tar archives, the second one tar archive.
"""

from __future__ import annotations

import bz2
import hashlib
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard
from attrs import define, frozen

from lockyard.build.entry import Kind
from lockyard.build.headers import BoundedInfo
from lockyard.build.paths import safe_path
from lockyard.errors import BuildError, IntegrityError
from lockyard.lock.model import CondaPackage
from lockyard.store.digest import check_content
from lockyard.store.faults import store_faults

# Archives of bare text pack to about a hundredth; more is no package.
_MOST_EXPANSION = 500
_SMALL = 64 << 20
_MOST_MEMBERS = 1_000_000
_CHUNK = 1 << 20
# What a file system takes: bytes of a name, and of a path below some folder.
_LONGEST_NAME = 255
_LONGEST_PATH = 2048
_KINDS: Mapping[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}
_DAMAGES = (
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    zstandard.ZstdError,
)


@frozen(kw_only=True)
class Member:
    """A member of a package: ``size`` and ``sha256`` are of a file's content, else empty."""

    kind: Kind
    size: int = 0
    sha256: str = ""


def extract(path: Path, package: CondaPackage, folder: Path) -> dict[str, Member]:
    """Extract a package's file into an empty folder; return its members by their paths.

    The file is hashed through the handle that it is then read from. No member is written
    through a link, and none leads out of the folder. Raise IntegrityError for a file that isn't
    the lock's or isn't sound, BuildError for what can't be laid into an image.
    """
    with store_faults(folder), path.open("rb") as stream:
        found = (hashlib.file_digest(stream, "sha256").hexdigest(), stream.tell())
        check_content(found=found, expected=(package.sha256, package.size), where=package.file)
        stream.seek(0)
        extraction = _Extraction(package.file, folder)
        most = max(_SMALL, package.size * _MOST_EXPANSION)
        for packed in _tars(stream, package.file):
            plain = _Bounded(packed, package.file, most)
            extraction.add(plain)
            most = plain.left
        return extraction.finished()


def _tars(stream: BinaryIO, file: str) -> Iterator[IO[bytes]]:
    """Give the streams of a package's tar archives, decompressed."""
    if not file.endswith(".conda"):
        with bz2.open(stream) as plain:
            yield plain
        return
    stem = file.removesuffix(".conda")
    with _faults(file):
        archive = zipfile.ZipFile(stream)
        infos = [archive.getinfo(f"{part}-{stem}.tar.zst") for part in ("info", "pkg")]
    for info in infos:
        with _faults(file):
            packed = archive.open(info)
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        yield cast(IO[bytes], reader)


@define
class _Bounded:
    """A decompressed stream that gives ``left`` bytes and no more."""

    _stream: IO[bytes]
    _file: str
    left: int

    def read(self, size: int) -> bytes:
        with _faults(self._file):
            data = self._stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise broken(self._file, "it would unpack to far more than any package does")
        return data


@contextmanager
def _faults(file: str) -> Iterator[None]:
    """Turn what the readers of archives raise into an IntegrityError."""
    try:
        yield
    except KeyError as error:
        raise broken(file, f"its archive is damaged: {error.args[0]}") from None
    except _DAMAGES as error:
        raise broken(file, f"its archive is damaged: {error}") from None
    except OSError as error:
        # bz2 reports damage so; the file system's faults have a number.
        if error.errno is None:
            raise broken(file, f"its archive is damaged: {error}") from None
        raise


class _Extraction:
    """The members that were written below a folder so far; links wait until all else is."""

    def __init__(self, file: str, folder: Path) -> None:
        self._file = file
        # Names on the disk are UTF-8, whatever the locale of this process says of them.
        self._root = os.fsencode(folder)
        self._members: dict[str, Member] = {}
        self._links: dict[str, tarfile.TarInfo] = {}

    def add(self, plain: _Bounded) -> None:
        """Write what a tar archive holds."""
        with _faults(self._file):
            archive = tarfile.open(  # noqa: SIM115 - it holds nothing but the stream
                fileobj=cast(BinaryIO, plain), mode="r|", encoding="utf-8", tarinfo=BoundedInfo
            )
        while True:
            with _faults(self._file):
                info = archive.next()
            if info is None:
                return
            if path := safe_path(info.name, self._file):
                self._add_member(archive, info, path)
            archive.members = []  # type: ignore[attr-defined]  # or it would keep them all

    def _add_member(self, archive: tarfile.TarFile, info: tarfile.TarInfo, path: str) -> None:
        kind = _KINDS.get(info.type)
        if kind is None or info.issparse():
            raise BuildError(
                f"/{path} is a device, a pipe or a sparse file, which no image layer needs",
                where=self._file,
                solution="leave this package out",
            )
        if len(self._members) >= _MOST_MEMBERS:
            raise broken(self._file, f"it has more than {_MOST_MEMBERS} members")
        target = self._target(path)
        for parent in self._folders(path, itself=kind == "directory"):
            known = self._members.get(parent)
            if known is None:
                self._members[parent] = Member(kind="directory")
                os.mkdir(self._target(parent), 0o755)  # noqa: PTH102 - bytes
            elif known.kind != "directory":
                raise broken(self._file, f"it has {parent} as a {known.kind} and as a folder")
        if kind == "directory":
            return
        if path in self._members:
            raise broken(self._file, f"it has {path} twice")
        if kind == "file":
            self._members[path] = self._write(archive, info, target)
        else:
            self._members[path] = Member(kind=kind)
            self._links[path] = info

    def _write(self, archive: tarfile.TarFile, info: tarfile.TarInfo, target: bytes) -> Member:
        digest, size = hashlib.sha256(), 0
        source = archive.extractfile(info)
        assert source is not None  # noqa: S101 - asked for files only
        mode = 0o755 if info.mode & 0o111 else 0o644
        with open(target, "xb") as written:  # noqa: PTH123
            while True:
                with _faults(self._file):
                    chunk = source.read(_CHUNK)
                if not chunk:
                    break
                digest.update(chunk)
                size += written.write(chunk)
            os.fchmod(written.fileno(), mode)
        return Member(kind="file", size=size, sha256=digest.hexdigest())

    def finished(self) -> dict[str, Member]:
        """Make the links; return all members."""
        symlinks = [path for path, info in self._links.items() if info.issym()]
        for path in self._links.keys() - set(symlinks):
            source = safe_path(self._links[path].linkname, self._file)
            member = self._members.get(source)
            if member is None or member.kind != "file":
                raise broken(self._file, f"{path} is a hard link to {source}, which is no file")
            os.link(self._target(source), self._target(path))
            self._members[path] = member
        for path in symlinks:
            self._symlink(path, self._links[path].linkname)
        for path in symlinks:
            self._check_inside(path, self._links[path].linkname)
        return self._members

    def _symlink(self, path: str, link: str) -> None:
        if not link or "\0" in link or len(link) > _LONGEST_PATH:
            raise broken(self._file, f"{path} is a symbolic link to no path")
        os.symlink(link.encode("utf-8", "surrogateescape"), self._target(path))  # noqa: PTH211

    def _check_inside(self, path: str, link: str) -> None:
        """Refuse a link that leads out of the prefix, itself or through others."""
        reached = os.path.realpath(self._target(path))
        root = os.path.realpath(self._root)
        if link.startswith("/") or not (reached + b"/").startswith(root + b"/"):
            raise BuildError(
                f"/{path} is a symbolic link to {link}, out of the prefix",
                where=self._file,
                solution="leave this package out, or lock another version",
            )

    def _target(self, path: str) -> bytes:
        try:
            name = path.encode()
        except UnicodeEncodeError:
            raise broken(self._file, f"its member {path!r} isn't named in UTF-8") from None
        if len(name) > _LONGEST_PATH or max(map(len, name.split(b"/"))) > _LONGEST_NAME:
            raise broken(self._file, f"its member {path[:80]!r} has too long a name")
        return self._root + b"/" + name

    @staticmethod
    def _folders(path: str, *, itself: bool) -> list[str]:
        parts = path.split("/")
        return ["/".join(parts[:count]) for count in range(1, len(parts) + itself)]


def broken(file: str, reason: str) -> IntegrityError:
    """Return the error of a package that isn't what its format says."""
    return IntegrityError(
        reason, where=file, solution="the package is broken: report it, or lock another version"
    )
