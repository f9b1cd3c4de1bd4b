"""Where two archives part: pure over their entries, a few bytes of each kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import zip_longest
from typing import Literal

from attrs import astuple, field, frozen

from lockyard.errors import IntegrityError
from lockyard.verify.archive import Item

Kind = Literal["missing", "added", "order", "changed"]
_MOST = 4_000_000  # entries of one archive, of which 32 bytes each are kept


@frozen(kw_only=True)
class Spot:
    """The first entries that aren't the same, by their numbers from 0.

    ``one`` or ``other`` is None where that archive has no such entry. ``further`` counts the
    other paths that aren't the same; where only the order differs there are none.
    """

    kind: Kind
    one: int | None
    other: int | None
    further: int = 0


@frozen(kw_only=True)
class Change:
    """One thing in which an entry or a document differs, in words."""

    what: str
    one: str
    other: str


@frozen
class _Sums:
    """Each entry of an archive as two short hashes: of its path, and of all of it."""

    paths: list[bytes] = field(factory=list)
    wholes: list[bytes] = field(factory=list)


def first_spot(one: Iterable[Item], other: Iterable[Item]) -> Spot | None:
    """Return where two archives part, None where they have the same entries in one order."""
    ours, theirs = _sums(one), _sums(other)
    own, known = dict(_pairs(ours)), dict(_pairs(theirs))
    different = sum(known.get(path) != whole for path, whole in own.items())
    different += len(known.keys() - own.keys())
    spot = _parting(ours, theirs, own.keys(), known.keys())
    if spot is None:
        return None
    kind, mine, his = spot
    return Spot(kind=kind, one=mine, other=his, further=max(0, different - (kind != "order")))


def _parting(
    ours: _Sums, theirs: _Sums, own: Collection[bytes], known: Collection[bytes]
) -> tuple[Kind, int | None, int | None] | None:
    for number, (mine, his) in enumerate(zip_longest(_pairs(ours), _pairs(theirs))):
        if mine == his:
            continue
        if mine is not None and mine[0] not in known:
            return "missing", number, None
        if his is not None and his[0] not in own:
            return "added", None, number
        # With the same paths on both sides, neither ends before the other.
        return ("changed" if mine and his and mine[0] == his[0] else "order"), number, number
    return None


def _pairs(sums: _Sums) -> Iterable[tuple[bytes, bytes]]:
    return zip(sums.paths, sums.wholes, strict=True)


def _sums(entries: Iterable[Item]) -> _Sums:
    sums = _Sums()
    times: Counter[bytes] = Counter()
    for item in entries:
        name = _short(item.path)
        # An archive may have a path several times; the last one counts when it is unpacked.
        times[name] += 1
        sums.paths.append(name if times[name] == 1 else _short(f"{item.path}\0{times[name]}"))
        sums.wholes.append(_short(repr(astuple(item))))
        if len(sums.paths) > _MOST:
            raise IntegrityError(
                f"a layer has more than {_MOST} entries",
                where="layer",
                solution="compare such layers by other means",
            )
    return sums


def _short(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def changes(one: Item, other: Item) -> tuple[Change, ...]:
    """Say in what two entries of one path differ, content aside; the form only by itself."""
    told = [
        Change(what=what, one=ours, other=theirs)
        for (what, ours), (_, theirs) in zip(_facts(one), _facts(other), strict=True)
        if ours != theirs
    ]
    if not told and one.sha256 == other.sha256 and one.header != other.header:
        told.append(Change(what="header", one=_bytes_at(one, other), other=_bytes_at(other, one)))
    return tuple(told)


def _facts(item: Item) -> list[tuple[str, str]]:
    # What pax headers say of a path or a link shows there; of the rest, all is told.
    pax = [f"{key}={value}" for key, value in item.pax if key not in {"path", "linkpath", "mtime"}]
    return [
        ("type", item.kind),
        ("mode", f"{item.mode:04o}"),
        ("owner", f"{item.uid}:{item.gid}"),
        ("owner's name", f"{item.uname}:{item.gname}"),
        ("time", f"{item.mtime}"),
        ("link target", item.link),
        ("header form", item.form),
        ("pax header", " ".join(pax)),
    ]


def _bytes_at(item: Item, other: Item) -> str:
    """Show the first bytes in which a header differs from another."""
    pairs = zip(item.header, other.header, strict=False)
    at = next((number for number, (a, b) in enumerate(pairs) if a != b), len(other.header))
    return f"{len(item.header)} bytes, at {at}: {item.header[at : at + 8].hex() or 'nothing'}"
