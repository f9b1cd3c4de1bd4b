"""Results on the standard output: words for people, JSON for machines."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import asdict
from invoke.exceptions import Exit

from lockyard.errors import LockyardError, SpecError, StoreError, VerifyError

_UNITS = ("B", "kB", "MB", "GB", "TB")


def show(results: Sequence[Any], *, as_json: bool, line: Callable[[Any], str]) -> None:
    """Print results: one JSON array, or a line (or more) for each."""
    text = (
        json.dumps([asdict(each) for each in results], indent=2, sort_keys=True) + "\n"
        if as_json
        else "".join(f"{line(each)}\n" for each in results)
    )
    if sys.stdout is None or not text:
        return
    try:
        # Now, since what fails at the end of the process is told as a traceback.
        print(text, end="", flush=True)
    except OSError as error:
        _abandon_output()
        if isinstance(error, BrokenPipeError):
            raise
        raise StoreError(
            f"the results can't be written: {error.strerror}",
            where="standard output",
            solution="make room where the output goes; the work itself is done",
        ) from None


def _abandon_output() -> None:
    """Let what is still in the buffer of the standard output go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def readable(size: int) -> str:
    """Return a number of bytes in words."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


@contextmanager
def told(*, as_json: bool = False) -> Iterator[None]:
    """Turn an error into its message and its exit status; no traceback for a user's mistake.

    What SIGTERM ends is ended as by Ctrl-C.
    """
    try:
        with _terminated_as_interrupted():
            yield
    except LockyardError as error:
        tell(error, as_json=as_json)
        raise Exit(code=error.status) from None
    except KeyboardInterrupt:
        print("interrupted; what was finished is kept, so run it again", file=sys.stderr)
        raise Exit(code=130) from None
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody to tell.
        raise Exit(code=141) from None
    except OSError as error:
        # What the parts don't expect of a file system: no current folder, no temporary one.
        refused = StoreError(
            f"the system refuses: {error.strerror or type(error).__name__}",
            where=str(error.filename or ""),
            solution="make that folder usable, and run it again",
        )
        tell(refused, as_json=as_json)
        raise Exit(code=refused.status) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Have SIGTERM end what runs here as Ctrl-C does: children ended, nothing half written."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def tell(error: LockyardError, *, as_json: bool, of: str = "") -> None:
    """Print an error on the standard error, as JSON where machines read.

    ``of`` is the env or image that it is of, where several were asked for.
    """
    if as_json:
        value: dict[str, Any] = {
            "status": error.status,
            "family": error.family,
            "where": error.where,
            "reason": error.reason,
            "solution": error.solution,
        }
        if of:
            value["of"] = of
        if isinstance(error, SpecError):
            value["faults"] = [vars(fault) for fault in error.faults]
        if isinstance(error, VerifyError):
            value["details"] = error.details
        print(json.dumps({"error": value}, sort_keys=True), file=sys.stderr)
    else:
        # Where it is mostly names the env already, as envs/NAME.toml does.
        head = f"{of}: " if of and of not in error.where else ""
        print(f"{error.family} error: {head}{error}", file=sys.stderr)
