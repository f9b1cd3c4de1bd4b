"""Results on the standard output: words for people, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import asdict
from invoke.exceptions import Exit

from lockyard.errors import LockyardError, SpecError

_UNITS = ("B", "kB", "MB", "GB", "TB")


def show(results: Sequence[Any], *, as_json: bool, line: Callable[[Any], str]) -> None:
    """Print results: one JSON array, or a line (or more) for each."""
    if as_json:
        print(json.dumps([asdict(each) for each in results], indent=2, sort_keys=True))
    else:
        for each in results:
            print(line(each))


def readable(size: int) -> str:
    """Return a number of bytes in words."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


@contextmanager
def told(*, as_json: bool = False) -> Iterator[None]:
    """Turn an error into its message and its exit status; no traceback for a user's mistake."""
    try:
        yield
    except LockyardError as error:
        tell(error, as_json=as_json)
        raise Exit(code=error.status) from None
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept, so run it again", file=sys.stderr)
        raise Exit(code=130) from None
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        sys.stdout = None
        raise Exit(code=141) from None


def tell(error: LockyardError, *, as_json: bool) -> None:
    """Print an error on the standard error, as JSON where machines read."""
    if as_json:
        value: dict[str, Any] = {
            "status": error.status,
            "family": error.family,
            "where": error.where,
            "reason": error.reason,
            "solution": error.solution,
        }
        if isinstance(error, SpecError):
            value["faults"] = [vars(fault) for fault in error.faults]
        print(json.dumps({"error": value}, sort_keys=True), file=sys.stderr)
    else:
        print(f"{error.family} error: {error}", file=sys.stderr)
