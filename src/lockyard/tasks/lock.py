"""Lock envs, and tell what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from attrs import frozen

from lockyard.events import Reporter
from lockyard.lock.file import lock_path, read_lock, write_lock
from lockyard.lock.model import Artifact, Lock
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store


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


@frozen(kw_only=True)
class Locked:
    """What came of locking one env; ``size`` is the sum of its artifacts in bytes."""

    env: str
    file: str
    new: bool
    changed: bool
    changes: tuple[Change, ...]
    packages: int
    size: int


def lock_env(
    fleet: Fleet,
    name: str,
    *,
    store: Store,
    environ: Mapping[str, str],
    now: datetime,
    reporter: Reporter,
    dry_run: bool = False,
) -> Locked:
    """Lock an env. On any error the old lock stays as it was."""
    from lockyard.resolve.env import World, resolve_env  # noqa: PLC0415

    env = fleet.env(name)
    old = read_lock(fleet.root, name)
    new = resolve_env(
        fleet.workspace,
        env,
        fleet.recipe(env.recipe),
        old,
        World(cache=store.cache, environ=environ, now=now, reporter=reporter),
    )
    changed = new != old if dry_run else write_lock(fleet.root, new)
    artifacts = _artifacts(new)
    return Locked(
        env=name,
        file=lock_path(name),
        new=old is None,
        changed=changed,
        changes=changes(old, new),
        packages=len({(type(each), each.name) for each in artifacts}),
        size=sum(each.size for each in artifacts),
    )


def changes(old: Lock | None, new: Lock) -> tuple[Change, ...]:
    """Return which packages differ between two locks, by name."""
    before, after = (_versions(lock) if lock else {} for lock in (old, new))
    return tuple(
        Change(name=name, old=before.get((kind, name), ""), new=after.get((kind, name), ""))
        for kind, name in sorted(before.keys() | after.keys())
        if before.get((kind, name)) != after.get((kind, name))
    )


def _versions(lock: Lock) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], set[str]] = {}
    for each in _artifacts(lock):
        found.setdefault((type(each).__name__, each.name), set()).add(each.version)
    return {key: ", ".join(sorted(versions)) for key, versions in found.items()}


def _artifacts(lock: Lock) -> tuple[Artifact, ...]:
    return (*lock.debs, *lock.wheels)
