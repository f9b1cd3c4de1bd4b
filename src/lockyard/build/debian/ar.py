"""The outer archive of a Debian package (deb(5), ar(5)), with no trust in what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from attrs import define, field, frozen

_MAGIC = b"!<arch>\n"
_HEADER = 60
_END = b"`\n"
_NUMBER = re.compile(rb"[0-9]+ *")


class ArError(ValueError):
    """The archive isn't one, or is cut off."""


@frozen(kw_only=True)
class ArMember:
    """A file of an archive: its name, and where its bytes are."""

    name: str
    offset: int
    size: int


def ar_members(stream: BinaryIO) -> Iterator[ArMember]:
    """Give an archive's members in order. Raise ArError for what isn't whole and sound."""
    length = stream.seek(0, 2)
    stream.seek(0)
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise ArError("it doesn't begin as an ar archive")
    offset = len(_MAGIC)
    while offset < length:
        stream.seek(offset)
        header = stream.read(_HEADER)
        if len(header) < _HEADER or header[58:] != _END or not _NUMBER.fullmatch(header[48:58]):
            raise ArError(f"the header at byte {offset} isn't one")
        size = int(header[48:58])
        offset += _HEADER
        if offset + size > length:
            raise ArError("it is cut off")
        name = header[:16].rstrip(b" ").removesuffix(b"/").decode("ascii", "backslashreplace")
        yield ArMember(name=name, offset=offset, size=size)
        offset += size + size % 2


@define
class Section:
    """Read a member of an open archive as a file of its own."""

    _stream: BinaryIO
    _member: ArMember
    _position: int = field(default=0, init=False)

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most ``size`` of them, or all that are left."""
        left = self._member.size - self._position
        self._stream.seek(self._member.offset + self._position)
        data = self._stream.read(left if size < 0 else min(size, left))
        self._position += len(data)
        return data
