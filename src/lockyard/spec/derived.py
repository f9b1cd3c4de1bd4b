"""An env that extends another: what is the other's, and what it adds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from attrs import evolve

from lockyard.errors import Fault
from lockyard.spec.model import DerivedEnv, Env, Requirements
from lockyard.spec.unfit import suggestion

_PARENTS = ("base", "recipe")


def take_parents(data: dict[str, Any], file: str) -> list[Fault]:
    """Take out of a derived env's tables what is its parent's alone; return the faults."""
    return [
        Fault(file, key, "it is that of the env that this one extends", "leave it out")
        for key in _PARENTS
        if data.pop(key, None) is not None
    ]


def derived_faults(parent: Env, own: DerivedEnv, file: str) -> Iterator[Fault]:
    """Give what a derived env asks for that its parent doesn't have."""
    yield from _unknown(file, "variants", "variant", own.variants, parent.variants)
    yield from _unknown(file, "platforms", "platform", own.platforms, parent.platforms)


def _unknown(
    file: str, key: str, what: str, asked: Collection[str], known: Collection[str]
) -> Iterator[Fault]:
    for each in sorted(set(asked) - set(known)):
        reason = f"the env that this one extends has no {what} {each!r}"
        yield Fault(file, key, reason, suggestion(each, tuple(known)))


def derive(parent: Env, own: DerivedEnv, name: str, contents: Mapping[str, bytes]) -> Env:
    """Return a derived env as one that stands for itself, its own additions apart."""
    return evolve(
        parent,
        name=name,
        parent=parent,
        title=own.title,
        stem=own.stem,
        as_of={**parent.as_of, **own.as_of},
        sdists={**parent.sdists, **own.sdists},
        requirements=own.requirements,
        variants=own.variants or dict.fromkeys(parent.variants, Requirements()),
        platforms=own.platforms or parent.platforms,
        environment={**parent.environment, **own.environment},
        run=(*parent.run, *own.run),
        run_scripts=parent.run_scripts or own.run_scripts,
        owners={**parent.owners, **own.owners},
        files=own.files,
        directories=own.directories,
        contents=contents,
    )
