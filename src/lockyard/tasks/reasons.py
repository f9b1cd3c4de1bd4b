"""Why an image would be built: which of its parts changed since it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lockyard.tasks.change import changes_between


def reasons(now: Mapping[str, Any], then: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Compare an image's parts with those that its ledger has; see ``ImagePlan.parts``.

    A ledger of an older version has none.
    """
    if then is None:
        return ("it isn't built here yet",)
    try:
        return tuple(_reasons(now, then)) or ("its parts stand in another order",)
    except (LookupError, TypeError, ValueError, AttributeError):
        return ("the record of its last build can't be read",)


def _reasons(now: Mapping[str, Any], then: Mapping[str, Any]) -> list[str]:
    told = []
    if now["assembly"] != then["assembly"]:
        told.append("this version of Lockyard puts images together in another way")
    if now["base"] != then["base"]:
        told.append("the base image is another")
    told += _packages(now["packages"], then["packages"])
    told += _layers(now["layers"], then["layers"])
    told += [
        f"config: {key}"
        for key in sorted(now["config"].keys() | then["config"].keys())
        if now["config"].get(key) != then["config"].get(key)
    ]
    optional = ("run", "compiled", "builder", "installed")
    told += [key for key in optional if now.get(key) != then.get(key)]
    told += [key for key in ("repository", "platform", "created") if now[key] != then[key]]
    return told


def _packages(now: Sequence[Sequence[str]], then: Sequence[Sequence[str]]) -> list[str]:
    new, old = ({("", name): version for name, version in each} for each in (now, then))
    return [str(change).strip() for change in changes_between(old, new)]


def _layers(now: Sequence[Sequence[str]], then: Sequence[Sequence[str]]) -> list[str]:
    """Name the layers that have another content by the same title, so the same packages."""
    new, old = ({str(title): str(key) for title, key in each} for each in (now, then))
    return [f"{title}: its content" for title, key in new.items() if old.get(title, key) != key]
