"""A Debian package's archive (deb(5)), checked before anything is taken from it."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard
from attrs import frozen
from debian.deb822 import Deb822

from lockyard.build.debian.ar import ArError, ArMember, Section, ar_members
from lockyard.build.entry import Entry, Kind
from lockyard.build.paths import safe_path
from lockyard.errors import BuildError, IntegrityError

# Archives of bare text pack to about a hundredth; more is no package.
_MOST_EXPANSION = 500
_SMALL = 64 << 20
_IN_MEMORY = 1 << 20
_CHUNK = 1 << 20
_LARGE = 16 << 20
# Debian policy, 5.6.7 and 5.6.8; both become parts of paths.
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*")
_KINDS: Mapping[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


@frozen(kw_only=True)
class Owned:
    """An entry as the package has it, and the names of its user and group."""

    entry: Entry
    user: str
    group: str


@frozen(kw_only=True)
class DebArchive:
    """An open package: its control files by name, its control fields, and its members."""

    file: str
    control: Mapping[str, bytes]
    fields: Deb822
    members: tuple[Owned, ...]

    @property
    def name(self) -> str:
        """Return the package's name."""
        return str(self.fields["Package"])


@contextmanager
def open_debs(paths: Mapping[str, Path]) -> Iterator[tuple[DebArchive, ...]]:
    """Open packages by file name, in the order of their names.

    Their contents wait in unnamed temporary files, so memory stays bounded. Several are
    decompressed at once. Raise IntegrityError for what isn't a sound package.
    """
    with ExitStack() as stack:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            opened = pool.map(lambda file: _open(paths[file], file, stack), sorted(paths))
        yield tuple(opened)


def _open(path: Path, file: str, stack: ExitStack) -> DebArchive:
    try:
        with path.open("rb") as stream:
            parts = tuple(ar_members(stream))
            control = _read_control(_part(stream, parts, "control.tar", file, stack), file)
            data = _part(stream, parts, "data.tar", file, stack)
        archive = stack.enter_context(tarfile.TarFile(fileobj=data, encoding="utf-8"))
        return DebArchive(
            file=file,
            control=control,
            fields=_fields(control["control"], file),
            members=tuple(_members(archive, file)),
        )
    except (*_DAMAGES, UnicodeDecodeError) as error:
        raise _broken(file, f"its archive is damaged: {error}") from None


_DAMAGES = (
    ArError,
    EOFError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    tarfile.TarError,
    zlib.error,
    zstandard.ZstdError,
)


def _fields(control: bytes, file: str) -> Deb822:
    fields = Deb822(control.decode())
    for name, pattern in (("Package", _NAME), ("Architecture", _ARCHITECTURE)):
        if not pattern.fullmatch(fields.get(name, "")):
            raise _broken(file, f"its control file gives no sound {name}")
    return fields


def _part(
    stream: BinaryIO, parts: tuple[ArMember, ...], stem: str, file: str, stack: ExitStack
) -> IO[bytes]:
    """Return a part of the package, decompressed into a temporary file."""
    found = [part for part in parts if stem in (part.name, part.name.rpartition(".")[0])]
    if len(found) != 1:
        raise _broken(file, f"it has {len(found)} members {stem}")
    (member,) = found
    most = max(_SMALL, member.size * _MOST_EXPANSION)
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the stack's
    stack.callback(spool.close)
    for chunk in _decompressed(Section(stream, member), member.name, file):
        spool.write(chunk)
        if spool.tell() > most:
            raise _broken(file, f"{member.name} would unpack to more than {most} bytes")
    spool.seek(0)
    return spool


def _decompressed(member: Section, name: str, file: str) -> Iterator[bytes]:
    """Give a part's content in chunks."""
    packed = cast(BinaryIO, member)
    match name.rpartition(".")[2]:
        case "xz":
            return _unpacked_xz(member)
        case "gz":
            return _chunks(cast(BinaryIO, gzip.open(packed)))
        case "zst":
            reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
            return _chunks(cast(BinaryIO, reader))
        case "tar":
            return _chunks(packed)
    raise _broken(file, f"{name} is compressed in a way that isn't known")


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk


def _unpacked_xz(member: Section) -> Iterator[bytes]:
    """Give the content of xz streams, one after the other.

    lzma.open does the same in pieces of 8 KiB, after each of which a thread has to wait for
    all others.
    """
    data = member.read(_CHUNK)
    while data:
        stream = lzma.LZMADecompressor()
        while not stream.eof:
            if stream.needs_input and not data and not (data := member.read(_CHUNK)):
                raise EOFError("it is cut off")
            yield stream.decompress(data, _CHUNK)
            data = b""
        data = (stream.unused_data or member.read(_CHUNK)).lstrip(b"\0")


def _read_control(stream: IO[bytes], file: str) -> dict[str, bytes]:
    control = {}
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8") as archive:
        for info in archive:
            path = safe_path(info.name, file)
            content = archive.extractfile(info) if _is_plain(info) else None
            if "/" in path:
                raise _broken(file, f"its control archive has a folder, of {path}")
            if content is not None:
                control[path] = content.read()
    if "control" not in control:
        raise _broken(file, "it has no control file")
    return control


def _members(archive: tarfile.TarFile, file: str) -> Iterator[Owned]:
    for info in archive:
        path = safe_path(info.name, file)
        if not path:
            continue
        kind = _KINDS.get(info.type)
        if kind is None or info.issparse():
            raise BuildError(
                f"/{path} is a device, a pipe or a sparse file, which no image layer needs",
                where=file,
                solution="leave this package out",
            )
        yield Owned(
            entry=Entry(
                path=path,
                kind=kind,
                mode=0o777 if kind == "symlink" else info.mode & 0o7777,
                uid=info.uid,
                gid=info.gid,
                size=info.size if kind == "file" else 0,
                link=safe_path(info.linkname, file) if kind == "hardlink" else info.linkname,
                open=partial(_content, archive, info) if kind == "file" else None,
                owner=file,
            ),
            user=info.uname,
            group=info.gname,
        )


def _is_plain(info: tarfile.TarInfo) -> bool:
    """Say whether a member has its content in the archive: a sparse file's could be endless."""
    return info.isreg() and not info.issparse()


def _content(archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    stream = archive.extractfile(info)
    assert stream is not None  # noqa: S101 - asked for files only
    # As a whole if it isn't large: one call instead of many small ones.
    return io.BytesIO(stream.read()) if info.size <= _LARGE else cast(BinaryIO, stream)


def _broken(file: str, reason: str) -> IntegrityError:
    return IntegrityError(
        reason, where=file, solution="the package is broken: report it, or lock another version"
    )
