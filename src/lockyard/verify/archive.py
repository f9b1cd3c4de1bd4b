"""The archive inside a layer, entry by entry, with the form in which each is written."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import zstandard
from attrs import evolve, field, frozen

from lockyard.build.headers import BoundedInfo
from lockyard.errors import IntegrityError

CHUNK = 1 << 20
_NO_LAYER = (tarfile.TarError, EOFError, OSError, zlib.error, zstandard.ZstdError, ValueError)
_KINDS = {
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "FIFO",
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
}
# The eight bytes of magic and version in a header (POSIX.1-2017, pax; GNU tar, basic format).
_MAGIC = {b"ustar\x0000": "ustar", b"ustar  \x00": "GNU"}


@frozen(kw_only=True)
class Item:
    """One entry of an archive, and all that is written of it.

    ``path`` is as it is written, without ``./`` and slashes at its ends. ``form`` is the kind of
    header; ``header`` are its blocks, extended ones included. ``sha256`` is that of the content.
    """

    path: str
    kind: str
    mode: int
    uid: int
    gid: int
    uname: str
    gname: str
    mtime: float
    size: int
    link: str
    pax: tuple[tuple[str, str], ...]
    form: str
    header: bytes = field(repr=False)
    sha256: str = ""


@contextmanager
def unpacked(path: Path, media_type: str) -> Iterator[IO[bytes]]:
    """Give the archive of a layer's blob. Raise IntegrityError in the block for what isn't one."""
    with ExitStack() as stack:
        try:
            raw = stack.enter_context(path.open("rb"))
            if media_type.endswith(("+zstd", ".zstd")):
                reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
                yield stack.enter_context(io.BufferedReader(reader))
            elif media_type.endswith(("+gzip", ".gzip")):
                with gzip.open(raw) as archive:
                    yield archive  # type: ignore[misc]
            else:
                yield raw
        except _NO_LAYER as error:
            raise IntegrityError(
                f"it is no layer: {error}",
                where=str(path),
                solution="the image is broken at its source: build or pull it again",
            ) from None


def diff_id(path: Path, media_type: str) -> str:
    """Return the sha256 of the archive inside a layer's blob, in hex."""
    digest = hashlib.sha256()
    with unpacked(path, media_type) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def items(stream: IO[bytes]) -> Iterator[tuple[Item, BinaryIO]]:
    """Give each entry of an archive with its content, which is to be read before the next one.

    One entry is in memory at a time.
    """
    blocks: list[bytes] = []

    class Info(BoundedInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Info:
            blocks.append(bytes(buf))
            return super().frombuf(buf, encoding, errors)  # type: ignore[return-value]

    with tarfile.open(
        fileobj=stream, mode="r|", tarinfo=Info, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        while (member := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # or it would keep them
            if member.issparse():
                # A few bytes of it may stand for a content that nobody lives to see the end of.
                raise tarfile.ReadError(f"{member.name[:200]!r} is a sparse file")
            content = archive.extractfile(member) if member.isreg() else None
            # The member itself comes last; whatever is read ahead of the first is no entry's.
            yield _item(member, blocks), content or io.BytesIO()  # type: ignore[misc]
            blocks.clear()


def hashed(stream: IO[bytes]) -> Iterator[Item]:
    """Give each entry of an archive, its content hashed."""
    for item, content in items(stream):
        digest = hashlib.sha256()
        while chunk := content.read(CHUNK):
            digest.update(chunk)
        yield evolve(item, sha256=digest.hexdigest() if item.kind == "file" else "")


def _item(member: tarfile.TarInfo, blocks: list[bytes]) -> Item:
    return Item(
        path=member.name.removeprefix("./").strip("/"),
        kind=_KINDS.get(member.type, f"entry of type {member.type!r}"),
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        uname=member.uname,
        gname=member.gname,
        mtime=member.mtime,
        size=member.size,
        link=member.linkname,
        pax=tuple(member.pax_headers.items()),
        form=_form(blocks, pax=bool(member.pax_headers)),
        header=b"".join(blocks),
    )


def _form(blocks: list[bytes], *, pax: bool) -> str:
    """Name the form of a header by its magic, and by the headers that extend it."""
    magic = _MAGIC.get(blocks[-1][257:265], "v7") if blocks else ""
    kinds = {block[156:157] for block in blocks[:-1]}
    long = kinds & {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK}
    return f"{magic}{', pax' if pax else ''}{', GNU long name' if long else ''}"
