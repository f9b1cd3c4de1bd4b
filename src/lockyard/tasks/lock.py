"""Lock envs, and tell what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from lockyard.errors import LockError, ResolveError, UsageError
from lockyard.events import Reporter
from lockyard.lock.file import lock_path, read_lock, write_lock
from lockyard.lock.finding import relock
from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.lock.model import Lock
from lockyard.resolve.moves import Moves, spellings
from lockyard.spec.model import Env, Recipe
from lockyard.spec.reader import Fleet
from lockyard.spec.unfit import suggestion
from lockyard.store.store import Store
from lockyard.tasks.change import Change, changes_between


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


@frozen(kw_only=True)
class Locker:
    """Lock envs of a fleet, with what it takes from outside.

    A lock that fits its spec and holds together is left alone, and no source is asked, unless
    ``moves`` says that something may move, or ``refresh`` asks for it to be resolved again with
    its pins.
    """

    fleet: Fleet
    store: Store
    environ: Mapping[str, str]
    now: datetime
    reporter: Reporter
    moves: Moves = Moves()
    refresh: bool = False
    dry_run: bool = False

    def lock(self, name: str) -> Locked:
        """Lock an env. On any error the old lock stays as it was."""
        env = self.fleet.env(name)
        recipe = self.fleet.recipe(env.recipe)
        old = read_lock(self.fleet.root, name)
        new = old
        if old is None or self._must_resolve(old, env, recipe):
            new = self._resolve(env, recipe, old)
        assert new is not None  # noqa: S101 - resolved, or there already
        changed = new != old
        if changed and not self.dry_run:
            if read_lock(self.fleet.root, name) != old:
                # Another process was faster, and its work would be lost.
                raise LockError(
                    "it changed while it was being locked",
                    where=lock_path(name),
                    solution="lock again: nothing was written",
                )
            write_lock(self.fleet.root, new)
        artifacts = new.artifacts
        return Locked(
            env=name,
            file=lock_path(name),
            new=old is None,
            changed=changed,
            changes=changes(old, new),
            packages=len({(type(each), each.name) for each in artifacts}),
            size=sum(each.size for each in artifacts),
        )

    def _must_resolve(self, old: Lock, env: Env, recipe: Recipe) -> bool:
        changed = changed_inputs(old, inputs(self.fleet.workspace, env, recipe))
        if self.moves.packages and not changed:
            # A fleet-wide fix passes over the locks that don't have the package.
            return bool(held_names(old) & self.moves.names) or self.moves.everything
        return bool(self.moves) or self.refresh or bool(changed) or self._broken(old, env, recipe)

    def _broken(self, old: Lock, env: Env, recipe: Recipe) -> bool:
        """Tell whether a lock has a fault that locking again mends, as one edited by hand."""
        from lockyard.lock.check import check_lock  # noqa: PLC0415
        from lockyard.tasks.check import python_facts  # noqa: PLC0415

        faults = check_lock(old, self.fleet.workspace, env, recipe, python_facts)
        return any(fault.solution == relock(env.name) for fault in faults)

    def _resolve(self, env: Env, recipe: Recipe, old: Lock | None) -> Lock:
        from lockyard.lock.check import check_lock  # noqa: PLC0415
        from lockyard.resolve.env import resolve_env  # noqa: PLC0415
        from lockyard.resolve.request import World  # noqa: PLC0415
        from lockyard.tasks.check import python_facts  # noqa: PLC0415

        world = World(
            root=self.fleet.root,
            cache=self.store.cache,
            environ=self.environ,
            now=self.now,
            reporter=self.reporter,
        )
        lock = resolve_env(self.fleet.workspace, env, recipe, old, world, self.moves)
        for fault in check_lock(lock, self.fleet.workspace, env, recipe, python_facts):
            # What the check would refuse is never written, whichever of the two is wrong.
            mend = fault.solution
            if mend == relock(env.name):
                mend = "require other versions; if they are right, this is a fault of Lockyard"
            raise ResolveError(
                f"what was resolved doesn't hold together: {fault.reason}",
                where=f"{env.name}: {fault.package}",
                solution=mend,
            )
        return lock


def check_moves(fleet: Fleet, names: Sequence[str], moves: Moves) -> None:
    """Raise UsageError for a package to move that none of the envs' locks has."""
    held: set[str] = set()
    for name in names if moves.names else ():
        try:
            lock = read_lock(fleet.root, name)
        except LockError:
            # Locking it tells what is wrong with it, and doesn't stop the others.
            return
        held |= held_names(lock) if lock else set()
    lacking = {each.partition("==")[0] for each in moves.packages if not spellings(each) & held}
    for package in sorted(lacking):
        raise UsageError(
            f"no lock has a package {package!r}",
            where="--upgrade-package",
            solution=suggestion(package, tuple(held)) or "give a package that is locked",
        )


def held_names(lock: Lock) -> set[str]:
    """Return the names of everything in a lock that can move."""
    return {each.name for each in lock.artifacts} | {each.image for each in lock.images}


def changes(old: Lock | None, new: Lock) -> tuple[Change, ...]:
    """Return which packages differ between two locks, by name."""
    before, after = (_versions(lock) if lock else {} for lock in (old, new))
    return changes_between(before, after)


def _versions(lock: Lock) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], set[str]] = {}
    for each in lock.artifacts:
        found.setdefault((type(each).__name__, each.name), set()).add(each.version)
    return {key: ", ".join(sorted(versions)) for key, versions in found.items()}
