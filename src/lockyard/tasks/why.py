"""Tell why an env's lock holds a package."""

from __future__ import annotations

from lockyard.errors import LockError
from lockyard.lock.file import lock_path, read_lock
from lockyard.lock.finding import Subject
from lockyard.lock.model import Lock
from lockyard.lock.why import Route, routes
from lockyard.spec.reader import Fleet
from lockyard.tasks.check import python_facts
from lockyard.tasks.parents import parent_lock


def why_package(fleet: Fleet, name: str, package: str) -> tuple[Route, ...]:
    """Return the ways to a package. Raise LockError without a lock, UsageError for no package."""
    env = fleet.env(name)
    lock = held_lock(fleet, name)
    parent = parent_lock(fleet, env)
    facts = {target.name: python_facts(target) for target in lock.targets}
    subject = Subject(
        file=lock_path(name),
        lock=lock,
        workspace=fleet.workspace,
        env=env,
        recipe=fleet.recipe(env.recipe),
        pythons={target: python for target, python in facts.items() if python is not None},
        parent=parent,
    )
    return routes(subject, package)


def held_lock(fleet: Fleet, name: str) -> Lock:
    """Read an env's lock. Raise UsageError if there is no such env, LockError without a lock."""
    fleet.env(name)
    lock = read_lock(fleet.root, name)
    if lock is None:
        raise LockError(
            "there is no lock", where=lock_path(name), solution=f"make it: invoke lock {name}"
        )
    return lock
