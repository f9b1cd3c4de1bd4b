"""How a layer is compressed, where its archive is the same."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO

from attrs import frozen

from lockyard.verify.archive import CHUNK
from lockyard.verify.steps import Change

_GZIP = 31  # zlib.h, inflateInit2: 15 bits of window, and a header of gzip


@frozen(kw_only=True)
class Blob:
    """A layer as it is kept, compressed as its media type says."""

    path: Path
    media_type: str


def compression_changes(one: Blob, other: Blob) -> tuple[Change, ...]:
    """Return in what the compression of two blobs differs, as far as headers and sizes show it."""
    ours, theirs = _form(one), _form(other)
    return tuple(
        Change(what=what, one=ours.get(what, "none"), other=theirs.get(what, "none"))
        for what in ours | theirs
        if ours.get(what) != theirs.get(what)
    )


def _form(blob: Blob) -> dict[str, str]:
    """Return how a blob is compressed; of gzip, what its first header says (RFC 1952, 2.3)."""
    with blob.path.open("rb") as stream:
        head = stream.read(10)
        is_gzip = head[:2] == b"\x1f\x8b"
        stream.seek(0)
        members = _members(stream) if is_gzip else 0
    told = {
        "media type": blob.media_type,
        "size": f"{blob.path.stat().st_size} bytes",
        "first bytes": head.hex(),
    }
    if not is_gzip:
        return told
    return told | {
        "gzip flags": f"{head[3]:#04x}",
        "gzip time": str(int.from_bytes(head[4:8], "little")),
        "gzip extra flags": str(head[8]),
        "gzip system": str(head[9]),
        "gzip members": str(members),
    }


def _members(stream: IO[bytes]) -> int:
    """Count the members of a gzip file (RFC 1952, 2.2)."""
    count, data = 0, b""
    # What follows the last member may be anything.
    with suppress(zlib.error):
        while data := data or stream.read(CHUNK):
            reader = zlib.decompressobj(_GZIP)
            while data and not reader.eof:
                reader.decompress(data, CHUNK)
                if reader.eof:
                    data = reader.unused_data
                else:
                    data = reader.unconsumed_tail or stream.read(CHUNK)
            count += 1
    return count
