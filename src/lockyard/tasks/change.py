"""A package that came, went or moved, in a line for people."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen(kw_only=True)
class Change:
    """A package that came, went, or moved from one version to another."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        match self.old, self.new:
            case "", new:
                return f"+ {self.name} {new}"
            case old, "":
                return f"- {self.name} {old}"
            case old, new:
                return f"  {self.name} {old} -> {new}"
        raise AssertionError


def changes_between(
    before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]
) -> tuple[Change, ...]:
    """Return what differs between versions by kind and name, sorted by those."""
    return tuple(
        Change(name=name, old=before.get((kind, name), ""), new=after.get((kind, name), ""))
        for kind, name in sorted(before.keys() | after.keys())
        if before.get((kind, name)) != after.get((kind, name))
    )
