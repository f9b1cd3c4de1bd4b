"""Write entries as a tar archive whose bytes depend on the entries alone."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from attrs import define, field

from lockyard.build.entry import Entry
from lockyard.errors import IntegrityError

# The earliest time that a zip archive can hold (1980-01-01), so that tools which zip what they
# find installed work. Not the time of a lock: a package has to give the same layer in every
# image, or images could share none.
MTIME = 315532800

_TYPES = {
    "file": tarfile.REGTYPE,
    "directory": tarfile.DIRTYPE,
    "symlink": tarfile.SYMTYPE,
    "hardlink": tarfile.LNKTYPE,
}
_CHUNK = 1 << 20
_ZEROS = bytes(tarfile.BLOCKSIZE)

# The fields of a header (POSIX.1-2001, ustar): the longest name, the largest numbers, and what
# stands between a link and the end, for there is no name of a user and no device.
_NAME = 100
_MOST_ID = 0o7777777
_MOST_SIZE = 0o77777777777
_TAIL = b"ustar\x0000" + bytes(247)
_BLANKS = 8 * ord(" ")  # what stands for the sum in the sum


Deflated = Iterable[tuple[bytes, bytes]]


def write_tar(
    entries: Iterable[Entry],
    write: Callable[[bytes], object],
    take: Callable[[Deflated], object] | None = None,
) -> None:
    """Write entries in the order given, in pax format (POSIX.1-2001), and the end mark.

    Content is read once, in pieces; what is there deflated goes to ``take``, where that is
    given. Raise IntegrityError where it isn't what its entry says.
    """
    for entry in entries:
        write(plain_header(entry) or full_header(entry))
        if entry.open is not None:
            content = _Content(entry)
            if take is not None and entry.deflated is not None:
                take(content.deflated(entry.deflated()))
            else:
                content.copy(entry.open, write)
            content.finish()
            if padding := -entry.size % tarfile.BLOCKSIZE:
                write(_ZEROS[:padding])
    write(bytes(2 * tarfile.BLOCKSIZE))


def full_header(entry: Entry) -> bytes:
    """Return an entry's header, in front of it a pax header with what doesn't fit into it."""
    info = tarfile.TarInfo(_name(entry))
    info.type = _TYPES[entry.kind]
    info.mode = entry.mode
    info.uid = entry.uid
    info.gid = entry.gid
    info.mtime = MTIME
    info.linkname = entry.link
    info.size = entry.size if entry.kind == "file" else 0
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def plain_header(entry: Entry) -> bytes | None:
    """Return the same header for what fits into its fields; None for all else.

    Nearly everything does, and tarfile takes several times as long.
    """
    name = _name(entry)
    if not (name.isascii() and entry.link.isascii()) or max(len(name), len(entry.link)) > _NAME:
        return None
    size = entry.size if entry.kind == "file" else 0
    if max(entry.uid, entry.gid) > _MOST_ID or size > _MOST_SIZE:
        return None
    head = (
        f"{name:\0<100}{entry.mode & 0o7777:07o}\0{entry.uid:07o}\0{entry.gid:07o}\0"
        f"{size:011o}\0{MTIME:011o}\0"
    ).encode("ascii")
    tail = _TYPES[entry.kind] + f"{entry.link:\0<100}".encode("ascii") + _TAIL
    total = sum(head) + sum(tail) + _BLANKS
    return b"%b%06o\0 %b" % (head, total, tail)


def _name(entry: Entry) -> str:
    return entry.path + "/" if entry.kind == "directory" else entry.path


@define
class _Content:
    """The content of an entry as it goes by, which has to be what the entry says."""

    _entry: Entry
    _left: int = field(init=False)
    _digest: Any = field(init=False, factory=hashlib.sha256)

    def __attrs_post_init__(self) -> None:
        self._left = self._entry.size

    def copy(self, opened: Callable[[], BinaryIO], write: Callable[[bytes], object]) -> None:
        with opened() as stream:
            while chunk := stream.read(min(_CHUNK, self._left + 1)):
                self._see(chunk)
                write(chunk)

    def deflated(self, parts: Deflated) -> Iterator[tuple[bytes, bytes]]:
        for deflated, chunk in parts:
            self._see(chunk)
            yield deflated, chunk

    def finish(self) -> None:
        if self._left:
            raise self._wrong(f"isn't of the {self._entry.size} bytes that are declared")
        if self._entry.sha256 and self._digest.hexdigest() != self._entry.sha256:
            raise self._wrong("doesn't have the sha256 that is recorded for it")

    def _see(self, chunk: bytes) -> None:
        self._left -= len(chunk)
        if self._left < 0:
            raise self._wrong(f"isn't of the {self._entry.size} bytes that are declared")
        self._digest.update(chunk)

    def _wrong(self, reason: str) -> IntegrityError:
        return IntegrityError(
            f"{self._entry.path} {reason}",
            where=self._entry.owner,
            solution="the package is broken: report it to its authors, or lock another version",
        )
