"""Whether an image's config and files are as planned: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockyard.trial.outcome import WrongError
from lockyard.trial.subject import Laid

_KINDS = {"file": "-", "folder": "d"}


def check_config(planned: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Compare an image's config with the plan's; what neither says is nothing.

    The engine fills in keys of its own, which count where they say something.
    """
    wrong = [
        (key, planned.get(key), found.get(key))
        for key in sorted(planned.keys() | found.keys())
        if (planned.get(key) or None) != (found.get(key) or None)
    ]
    if wrong:
        raise WrongError(
            "\n".join(f"{key}: {shown(want, have)}" for key, want, have in wrong),
            "\n".join(f"{key}: {shown(have, want)}" for key, want, have in wrong),
        )
    return ", ".join(sorted(planned))


def shown(value: Any, other: Any) -> str:
    """Return what of a value another hasn't, or all of it."""
    if isinstance(value, list) and isinstance(other, list) and set(value) != set(other):
        return repr([each for each in value if each not in other])
    if isinstance(value, Mapping) and isinstance(other, Mapping):
        return repr({key: held for key, held in value.items() if other.get(key, ...) != held})
    return repr(value)


def check_laid(laid: Mapping[str, Laid], found: Mapping[str, Any]) -> str:
    """Compare what specs lay with what stands at those paths (see ``inside/files.py``)."""
    expected, got = [], []
    for path, want in sorted(laid.items()):
        wanted, have = [_KINDS[want.kind], want.mode, want.uid, want.gid, want.sha256], found[path]
        if have is not None and not want.mode:
            have = [have[0], "", *have[2:]]
        if have != wanted:
            expected.append(f"{path}: {_said(wanted)}")
            got.append(f"{path}: {_said(have)}")
    if got:
        raise WrongError("\n".join(expected), "\n".join(got))
    return f"{len(laid)} paths"


def _said(about: list[Any] | None) -> str:
    if about is None:
        return "nothing"
    kind, mode, uid, gid, sha256 = about
    parts = [{"-": "file", "d": "folder"}.get(kind, f"of kind {kind!r}"), mode, f"{uid}:{gid}"]
    return " ".join(each for each in [*parts, sha256[:12]] if each)
