"""Lock envs, and tell what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from attrs import evolve, field, frozen

from lockyard.errors import LockError, LockyardError, ResolveError, UsageError
from lockyard.events import Reporter
from lockyard.lock.file import lock_path, read_lock, write_lock
from lockyard.lock.finding import relock
from lockyard.lock.inputs import changed_inputs, inputs
from lockyard.lock.model import Lock
from lockyard.resolve.moves import Moves, spellings
from lockyard.resolve.request import World
from lockyard.resolve.scoped import Scoped
from lockyard.resolve.threads import side_by_side
from lockyard.spec.model import Env, Recipe
from lockyard.spec.reader import Fleet
from lockyard.spec.unfit import suggestion
from lockyard.store.store import Store
from lockyard.tasks.change import Change, changes_between
from lockyard.tasks.parents import held_names, inheritance


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
    its pins. As many targets as ``jobs`` are resolved at once.
    """

    fleet: Fleet
    store: Store
    environ: Mapping[str, str]
    now: datetime
    reporter: Reporter
    moves: Moves = Moves()
    refresh: bool = False
    dry_run: bool = False
    jobs: int = 1
    _made: dict[str, Lock] = field(factory=dict, init=False, repr=False)

    def lock(self, name: str) -> Locked:
        """Lock an env. On any error the old lock stays as it was.

        What an env has of one that it extends stays as that one's lock has it, whatever may
        move. Raise LockError unless there is one that fits.
        """
        done, failed = self.lock_all([name])
        for error in failed.values():
            raise error
        return done[0]

    def lock_all(self, names: Sequence[str]) -> tuple[list[Locked], dict[str, LockyardError]]:
        """Lock envs, of which none comes before one that it extends; see lock.

        Return what came of them and why others failed, in their order: one that fails doesn't
        stop the others. All see the same state of their sources.
        """
        finished = {name: Event() for name in names}
        reporters = {name: Scoped(self.reporter, name) for name in names}
        failed: dict[str, LockyardError] = {}

        def act(name: str) -> Locked | None:
            try:
                self._wait_for_others(name, finished)
                return self._lock(name, evolve(world, reporter=reporters[name]))
            except LockyardError as error:
                failed[name] = error
                return None
            finally:
                finished[name].set()

        # A child that is ended may have written there a moment ago.
        with TemporaryDirectory(prefix="lockyard-", ignore_cleanup_errors=True) as shared:
            world = World(
                root=self.fleet.root,
                cache=self.store.cache,
                environ=self.environ,
                now=self.now,
                reporter=self.reporter,
                shared=Path(shared),
                jobs=self.jobs,
            )
            done = side_by_side(act, names, self.jobs)
        for reporter in reporters.values():
            reporter.tell()
        errors = {name: failed[name] for name in names if name in failed}
        return [each for each in done if each], errors

    def _wait_for_others(self, name: str, finished: Mapping[str, Event]) -> None:
        env: Env | None = self.fleet.env(name)
        while env is not None:
            for other in (env.parent, env.builder):
                # It was begun before, so this doesn't wait for what waits for this.
                if other is not None and other.name in finished:
                    finished[other.name].wait()
            env = env.parent

    def _lock(self, name: str, world: World) -> Locked:
        env = self.fleet.env(name)
        recipe = self.fleet.recipe(env.recipe)
        parent, builder = self._fresh(env.parent), self._fresh(env.builder)
        moves = _own_moves(self.moves, parent)
        old = read_lock(self.fleet.root, name)
        new = old
        if old is None or self._must_resolve(old, env, recipe, moves, parent, builder):
            new = self._resolve(env, recipe, old, moves, parent, builder, world)
        assert new is not None  # noqa: S101 - resolved, or there already
        changed = new != old
        self._made[name] = new
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

    def _fresh(self, other: Env | None) -> Lock | None:
        """Return the lock of an env that one stands on, also where it was made and not written."""
        if other is None:
            return None
        from lockyard.tasks.plan import fresh_lock  # noqa: PLC0415

        return self._made.get(other.name) or fresh_lock(self.fleet, other)

    def _must_resolve(
        self,
        old: Lock,
        env: Env,
        recipe: Recipe,
        moves: Moves,
        parent: Lock | None,
        builder: Lock | None,
    ) -> bool:
        changed = changed_inputs(old, inputs(self.fleet.workspace, env, recipe, parent, builder))
        if moves.packages and not changed:
            # A fleet-wide fix passes over the locks that don't have the package.
            return bool(held_names(old) & moves.names) or moves.everything
        if moves or self.refresh or changed:
            return True
        return self._broken(old, env, recipe, parent, builder)

    def _broken(
        self, old: Lock, env: Env, recipe: Recipe, parent: Lock | None, builder: Lock | None
    ) -> bool:
        """Tell whether a lock has a fault that locking again mends, as one edited by hand."""
        from lockyard.lock.check import check_lock  # noqa: PLC0415
        from lockyard.tasks.check import python_facts  # noqa: PLC0415

        workspace = self.fleet.workspace
        faults = check_lock(old, workspace, env, recipe, python_facts, parent, builder)
        return any(fault.solution == relock(env.name) for fault in faults)

    def _resolve(
        self,
        env: Env,
        recipe: Recipe,
        old: Lock | None,
        moves: Moves,
        parent: Lock | None,
        builder: Lock | None,
        world: World,
    ) -> Lock:
        from lockyard.lock.check import check_lock  # noqa: PLC0415
        from lockyard.resolve.env import resolve_env  # noqa: PLC0415
        from lockyard.tasks.check import python_facts  # noqa: PLC0415

        workspace = self.fleet.workspace
        lock = resolve_env(workspace, env, recipe, old, world, moves, parent, builder)
        for fault in check_lock(lock, workspace, env, recipe, python_facts, parent, builder):
            # What the check would refuse is never written, whichever of the two is wrong.
            mend = fault.solution
            if mend == relock(env.name):
                mend = "require other versions; if they are right, this is a fault of Lockyard"
            if parent is not None and fault.package in held_names(parent):
                mend = f"{relock(parent.env)} --refresh, then {relock(env.name)}"
            raise ResolveError(
                f"what was resolved doesn't hold together: {fault.reason}",
                where=f"{env.name}: {fault.package}",
                solution=mend,
            )
        return lock


def check_moves(fleet: Fleet, names: Sequence[str], moves: Moves) -> None:
    """Raise UsageError for a package to move that none of the envs' locks has of its own."""
    held: set[str] = set()
    parents: dict[str, Sequence[str]] = {}
    for name in names if moves.names else ():
        try:
            lock, env = read_lock(fleet.root, name), fleet.env(name)
            ways = inheritance(fleet, env)
        except LockyardError:
            # Locking it tells what is wrong with it, and doesn't stop the others.
            return
        held |= held_names(lock) - ways.keys()
        parents |= ways
    lacking = {each for each in moves.packages if not spellings(each) & held}
    for each in sorted(lacking):
        package = each.partition("==")[0]
        for spelt in sorted(spellings(each) & parents.keys()):
            first, *rest = parents[spelt]
            then = "".join(f", then invoke lock {name}" for name in rest)
            raise UsageError(
                f"{rest[-1]} has {spelt} of {first}, which it extends",
                where="--upgrade-package",
                solution=f"move it there: invoke lock {first} --upgrade-package {each}{then}",
            )
        raise UsageError(
            f"no lock has a package {package!r}",
            where="--upgrade-package",
            solution=suggestion(package, tuple(held)) or "give a package that is locked",
        )


def _own_moves(moves: Moves, parent: Lock | None) -> Moves:
    """Return moves less those of what the parent has, which are made there."""
    theirs = held_names(parent)
    kept = (each for each in moves.packages if not spellings(each) & theirs)
    return evolve(moves, packages=frozenset(kept))


def changes(old: Lock | None, new: Lock) -> tuple[Change, ...]:
    """Return which packages differ between two locks, by name."""
    before, after = (_versions(lock) if lock else {} for lock in (old, new))
    return changes_between(before, after)


def _versions(lock: Lock) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], set[str]] = {}
    for each in lock.artifacts:
        found.setdefault((type(each).__name__, each.name), set()).add(each.version)
    return {key: ", ".join(sorted(versions)) for key, versions in found.items()}
