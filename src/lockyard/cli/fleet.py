"""What the tasks on envs share: which envs a call names, and how their results are told."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from invoke.exceptions import Exit

from lockyard.cli.output import show, tell
from lockyard.errors import LockyardError, UsageError
from lockyard.spec.reader import Fleet, read_fleet

T = TypeVar("T")


def fleet_here() -> Fleet:
    """Return the fleet of the current folder."""
    return read_fleet(Path.cwd())


def chosen(fleet: Fleet, name: str, everything: bool) -> tuple[str, ...]:
    """Return the envs that a call names. Raise UsageError unless it is one, or all."""
    if name.startswith("-"):
        raise UsageError(
            f"there is no option {name}", where="arguments", solution="see --help and the task"
        )
    if bool(name) == everything:
        raise UsageError(
            "name one env, or give --all",
            where="arguments",
            solution=f"envs here: {', '.join(fleet.env_names())}",
        )
    return fleet.env_names() if everything else (name,)


def each(names: Sequence[str], act: Callable[[str], T]) -> tuple[list[T], dict[str, LockyardError]]:
    """Act on each env; one that fails doesn't stop the others."""
    done, failed = [], {}
    for name in names:
        try:
            done.append(act(name))
        except LockyardError as error:
            failed[name] = error
    return done, failed


def finish(
    done: Sequence[Any],
    failed: Mapping[str, LockyardError],
    *,
    as_json: bool,
    line: Callable[[Any], str],
    summary: str = "",
    again: str = "",
    asked: int = 1,
) -> None:
    """Show what was done and what failed; the status is that of the first failure.

    ``summary`` is said, to people, of all that was done; ``again`` says how to go on after
    some failed of several that were ``asked`` for.
    """
    show(done, as_json=as_json, line=line)
    if summary and not as_json:
        show([summary], as_json=False, line=str)
    several = asked > 1 or len(done) + len(failed) > 1
    for name, error in failed.items():
        tell(error, as_json=as_json, of=name if several else "")
    if not failed:
        return
    if several and again and not as_json:
        print(f"{len(failed)} failed: {', '.join(failed)}\n{again}", file=sys.stderr)
    raise Exit(code=next(iter(failed.values())).status)
