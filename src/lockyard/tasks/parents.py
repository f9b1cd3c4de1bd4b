"""Envs that stand on others: the locks of those, and which env comes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lockyard.errors import LockyardError
from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock
from lockyard.spec.model import Env
from lockyard.spec.reader import Fleet


def parent_lock(fleet: Fleet, env: Env) -> Lock | None:
    """Return the lock of the env that one extends, if it does and there is one."""
    return read_lock(fleet.root, env.parent.name) if env.parent else None


def builder_lock(fleet: Fleet, env: Env) -> Lock | None:
    """Return the lock of the env that compiles for one, if there is such and it has one."""
    return read_lock(fleet.root, env.builder.name) if env.builder else None


def held_names(lock: Lock | None) -> set[str]:
    """Return the names of everything in a lock that can move."""
    if lock is None:
        return set()
    return {each.name for each in lock.artifacts} | {each.image for each in lock.images}


def inheritance(fleet: Fleet, env: Env) -> dict[str, tuple[str, ...]]:
    """Return the way on which an env has each name that it has of others.

    It begins with the env whose lock has it of its own, and ends with this one.
    """
    ways: dict[str, tuple[str, ...]] = {}
    way: tuple[str, ...] = (env.name,)
    while env.parent is not None:
        theirs = held_names(parent_lock(fleet, env))
        env = env.parent
        way = (env.name, *way)
        # One further up has it before those below.
        ways |= dict.fromkeys(theirs, way)
    return ways


def parents_first(fleet: Fleet, names: Sequence[str]) -> tuple[str, ...]:
    """Return envs in their order, but none before one that it extends, or that compiles for it.

    An env that can't be read stays where it is: what needs it says why.
    """
    ordered: dict[str, None] = {}
    for name in names:
        try:
            needed = list(_needed(fleet.env(name)))
        except LockyardError:
            needed = []
        ordered |= dict.fromkeys([*(each for each in needed if each in names), name])
    return tuple(ordered)


def _needed(env: Env) -> Iterator[str]:
    """Give the names of the envs that one stands on, each after those that it stands on itself."""
    for each in (env.builder, env.parent):
        if each is not None:
            yield from _needed(each)
            yield each.name
