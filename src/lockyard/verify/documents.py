"""Where two JSON documents part."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from lockyard.verify.steps import Change

_LONGEST = 300  # characters of a value that are shown
_NOTHING = object()


def document_changes(one: bytes, other: bytes) -> list[Change]:
    """Return every path at which two JSON documents differ, with both values, in their order.

    Where only the form differs, as by spaces or the order of keys, there is one change of it.
    """
    try:
        found = list(_walk(json.loads(one), json.loads(other), "$"))
    except (ValueError, RecursionError):
        found = []
    if not found and one != other:
        at = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), -1)
        at = at if at >= 0 else min(len(one), len(other))
        found.append(Change(what="form", one=_text(one, at), other=_text(other, at)))
    return found


def _walk(one: Any, other: Any, path: str) -> Iterator[Change]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            step = f".{key}" if key.isidentifier() else f"[{json.dumps(key)}]"
            yield from _walk(one.get(key, _NOTHING), other.get(key, _NOTHING), path + step)
    elif isinstance(one, list) and isinstance(other, list):
        for number, (ours, theirs) in enumerate(zip_longest(one, other, fillvalue=_NOTHING)):
            yield from _walk(ours, theirs, f"{path}[{number}]")
    elif type(one) is not type(other) or one != other:
        yield Change(what=path, one=_shown(one), other=_shown(other))


def _shown(value: Any) -> str:
    if value is _NOTHING:
        return "nothing"
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(data: bytes, at: int) -> str:
    return f"{len(data)} bytes, at {at}: {data[at : at + 40]!r}"
