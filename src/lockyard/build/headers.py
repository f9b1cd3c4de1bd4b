"""Headers of tar archives that come from outside, bounded."""

from __future__ import annotations

import tarfile
from typing import Self

_LONGEST = 1 << 20  # bytes of a header; names and attributes have a few hundred
_READ_WHOLE = {
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
}


class BoundedInfo(tarfile.TarInfo):
    """A member whose extended headers, which are read into memory whole, aren't too long.

    Give it as ``tarinfo`` to ``tarfile.open``. Reading raises tarfile.ReadError otherwise, and
    for every header that is malformed.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> BoundedInfo:
        """See tarfile.TarInfo."""
        info = super().frombuf(buf, encoding, errors)
        if info.type in _READ_WHOLE and info.size > _LONGEST:
            raise tarfile.ReadError(f"it has a header of {info.size} bytes")
        return info

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """See tarfile.TarInfo, which calls itself for what each extended header extends."""
        try:
            return super().fromtarfile(archive)
        except (ValueError, RecursionError) as error:
            # Numbers that are none, and headers that extend headers without end.
            raise tarfile.ReadError(f"a header is malformed: {error}") from None
