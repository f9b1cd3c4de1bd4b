"""The tags of an image: ``latest``, and one for each day's builds that never moves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from lockyard.errors import UsageError

LATEST = "latest"
_DATED = re.compile(r"([0-9]{8})\.v([1-9][0-9]*)")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")


def newest_dated(tags: Iterable[str]) -> str | None:
    """Return the newest of the tags that a push made, by its day and number."""
    dated = [match for tag in tags if (match := _DATED.fullmatch(tag))]
    return max(dated, key=_order)[0] if dated else None


def next_dated(tags: Iterable[str], day: date) -> str:
    """Return the day's next tag, as ``20261122.v1``."""
    today = f"{day:%Y%m%d}"
    numbers = [int(m[2]) for tag in tags if (m := _DATED.fullmatch(tag)) and m[1] == today]
    return f"{today}.v{max(numbers, default=0) + 1}"


def check_extra(tag: str) -> None:
    """Raise UsageError for a tag that a user can't give."""
    if not _TAG.fullmatch(tag):
        reason, solution = "isn't a tag", "use letters, digits, dots, dashes, at most 128"
    elif _DATED.fullmatch(tag):
        reason = "has the form of the tags that never move"
        solution = "leave it out: a push makes the next one of the day itself"
    else:
        return
    raise UsageError(f"{tag[:200]!r} {reason}", where="--tag", solution=solution)


def check_dated(tag: str) -> None:
    """Raise UsageError for what isn't a tag that never moves."""
    if not _DATED.fullmatch(tag):
        raise UsageError(
            f"{tag[:200]!r} isn't a tag that never moves",
            where="--tag",
            solution="give the one that a push made, as 20261122.v1",
        )


def _order(match: re.Match[str]) -> tuple[int, int]:
    return int(match[1]), int(match[2])
