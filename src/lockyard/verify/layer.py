"""What differs first between two layers: an entry of their archives, or only the compression."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from itertools import islice
from typing import IO

from attrs import frozen

from lockyard.verify.archive import CHUNK, Item, diff_id, hashed, items, unpacked
from lockyard.verify.cause import PYC_HEADER, cause_of, cause_of_content
from lockyard.verify.compression import Blob, compression_changes
from lockyard.verify.steps import Change, Spot, changes, first_spot


@frozen(kw_only=True)
class Inside:
    """What differs first in a layer; see Difference."""

    kind: str
    cause: str
    path: str = ""
    changes: tuple[Change, ...] = ()
    further: int = 0


def layer_difference(one: Blob, other: Blob) -> Inside:
    """Return what differs first in two layers of different digests.

    Both are read several times, a piece at a time. Raise IntegrityError for what is no layer.
    """
    if diff_id(one.path, one.media_type) == diff_id(other.path, other.media_type):
        return Inside(
            kind="compression only",
            cause=cause_of("compression"),
            changes=compression_changes(one, other),
        )
    with _opened(one) as ours, _opened(other) as theirs:
        spot = first_spot(hashed(ours), hashed(theirs))
    if spot is None:
        return Inside(kind="padding", cause=cause_of("padding"), changes=(_first_byte(one, other),))
    mine, his = _entry(one, spot.one), _entry(other, spot.other)
    match spot.kind:
        case "missing" | "added":
            present = mine or his
            assert present is not None  # noqa: S101 - the spot has one of them
            return Inside(
                kind=spot.kind,
                cause=cause_of(spot.kind),
                path=present.path,
                changes=(_presence(mine, his),),
                further=spot.further,
            )
        case "order":
            assert mine is not None and his is not None  # noqa: S101, PT018 - it has both
            where = Change(what=f"entry {(spot.one or 0) + 1}", one=mine.path, other=his.path)
            return Inside(
                kind="order",
                cause=cause_of("order"),
                path=mine.path,
                changes=(where,),
                further=spot.further,
            )
    assert mine is not None and his is not None  # noqa: S101, PT018 - it has both
    return _changed(one, other, spot, mine, his)


def _opened(blob: Blob) -> AbstractContextManager[IO[bytes]]:
    return unpacked(blob.path, blob.media_type)


def _changed(one: Blob, other: Blob, spot: Spot, mine: Item, his: Item) -> Inside:
    found = list(changes(mine, his))
    cause = cause_of(found[0].what) if found else ""
    if mine.kind == his.kind == "file" and (content := _content(one, other, spot)):
        said, offset = content
        found.insert(0, said)
        cause = cause_of_content(mine.path, offset)
    return Inside(
        kind=", ".join(each.what.partition(" from")[0] for each in found),
        cause=cause,
        path=mine.path,
        changes=tuple(found),
        further=spot.further,
    )


def _entry(blob: Blob, number: int | None) -> Item | None:
    if number is None:
        return None
    with _opened(blob) as stream:
        for item, _ in islice(items(stream), number, None):
            return item
    return None


def _presence(one: Item | None, other: Item | None) -> Change:
    texts = [
        "nothing" if each is None else f"{each.kind} of {each.size} bytes" for each in (one, other)
    ]
    return Change(what="entry", one=texts[0], other=texts[1])


def _content(one: Blob, other: Blob, spot: Spot) -> tuple[Change, int] | None:
    """Return how a file's content differs, and from which byte on; None where it doesn't."""
    with _opened(one) as ours, _opened(other) as theirs:
        mine, stream = next(islice(items(ours), spot.one, None))
        his, counter = next(islice(items(theirs), spot.other, None))
        offset, digests = _compared(stream, counter)
    if offset is None:
        return None
    what = f"content from byte {offset} on"
    if mine.path.endswith((".pyc", ".pyo")):
        what += " (the header)" if offset < PYC_HEADER else " (the code)"
    said = [
        f"{item.size} bytes, sha256 {digest}"
        for item, digest in zip((mine, his), digests, strict=True)
    ]
    return Change(what=what, one=said[0], other=said[1]), offset


def _compared(one: IO[bytes], other: IO[bytes]) -> tuple[int | None, tuple[str, str]]:
    """Return the first byte at which two streams differ, if they do, and the sha256 of each."""
    digests = hashlib.sha256(), hashlib.sha256()
    offset, done = None, 0
    while True:
        ours, theirs = one.read(CHUNK), other.read(CHUNK)
        if not ours and not theirs:
            return offset, (digests[0].hexdigest(), digests[1].hexdigest())
        if offset is None and ours != theirs:
            pairs = zip(ours, theirs, strict=False)
            least = min(len(ours), len(theirs))
            offset = done + next((n for n, (a, b) in enumerate(pairs) if a != b), least)
        digests[0].update(ours)
        digests[1].update(theirs)
        done += len(ours)


def _first_byte(one: Blob, other: Blob) -> Change:
    with _opened(one) as ours, _opened(other) as theirs:
        offset, digests = _compared(ours, theirs)
    return Change(what=f"archive from byte {offset} on", one=digests[0], other=digests[1])
