"""What differs between two locks of an env, as a reviewer wants to know it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from lockyard.lock.finding import serving
from lockyard.lock.model import Artifact, CondaPackage, Lock, Target


@frozen(kw_only=True)
class Change:
    """Something that came, went or moved; an empty ``old`` or ``new`` is what isn't there.

    ``kind`` is ``pypi``, ``conda`` or ``debian``, or ``image`` or ``target``. Where the
    versions are the same, it is the file that is another. Sizes are in bytes, 0 where none
    is known; ``required_by`` is who asks for it now, or did until it went. ``targets`` is
    empty where it is the same in all.
    """

    kind: str
    name: str
    old: str
    new: str
    old_size: int = 0
    new_size: int = 0
    required_by: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@frozen(kw_only=True)
class Total:
    """The sizes in bytes of all that a target is made of, before and after."""

    target: str
    old: int
    new: int


@frozen(kw_only=True)
class Difference:
    """What differs: the changes by kind and name, and each target's total."""

    changes: tuple[Change, ...]
    totals: tuple[Total, ...]


def diff_locks(old: Lock | None, new: Lock | None) -> Difference:
    """Return what differs between two locks; one that isn't there holds nothing."""
    before, after = _targets(old), _targets(new)
    merged: dict[Change, list[str]] = {}
    totals = []
    for name in sorted(before.keys() | after.keys()):
        was, now = _held(old, before.get(name)), _held(new, after.get(name))
        for change in _changes(was, now):
            merged.setdefault(change, []).append(name)
        totals.append(
            Total(
                target=name,
                old=sum(each.size for each in was.values()),
                new=sum(each.size for each in now.values()),
            )
        )
    return Difference(
        changes=tuple(
            evolve(change, targets=() if len(targets) == len(totals) else tuple(targets))
            for change, targets in sorted(
                merged.items(), key=lambda item: (item[0].kind, item[0].name, item[0].old)
            )
        ),
        totals=tuple(totals),
    )


@frozen(kw_only=True)
class _Held:
    """What a target holds of one name; ``identity`` tells whether it is the same."""

    version: str
    identity: str
    size: int
    required_by: tuple[str, ...]


def _targets(lock: Lock | None) -> dict[str, Target]:
    return {target.name: target for target in lock.targets} if lock else {}


def _held(lock: Lock | None, target: Target | None) -> dict[tuple[str, str], _Held]:
    if lock is None or target is None:
        return {}
    given = f"{target.base}, Python {target.python}, glibc {target.glibc}"
    held = {("target", target.name): _Held(version=given, identity=given, size=0, required_by=())}
    for image in lock.images:
        if image.platform == target.platform:
            held["image", image.image] = _Held(
                version=f"{image.tag} ({image.manifest[:12]})",
                identity=image.manifest,
                size=sum(layer.size for layer in image.layers),
                required_by=(f"base {target.base}",),
            )
    kinds: Sequence[tuple[str, Sequence[Artifact]]] = (
        ("conda", lock.conda),
        ("debian", lock.debs),
        ("pypi", lock.wheels),
    )
    for kind, artifacts in kinds:
        for each in serving(artifacts, target):
            build = f" {each.build}" if isinstance(each, CondaPackage) else ""
            held[kind, each.name] = _Held(
                version=each.version + build,
                identity=each.sha256,
                size=each.size,
                required_by=each.required_by,
            )
    return held


def _changes(
    was: dict[tuple[str, str], _Held], now: dict[tuple[str, str], _Held]
) -> Iterator[Change]:
    nothing = _Held(version="", identity="", size=0, required_by=())
    for kind, name in sorted(was.keys() | now.keys()):
        old, new = was.get((kind, name), nothing), now.get((kind, name), nothing)
        if old.identity != new.identity:
            yield Change(
                kind=kind,
                name=name,
                old=old.version,
                new=new.version,
                old_size=old.size,
                new_size=new.size,
                required_by=new.required_by or old.required_by,
            )
