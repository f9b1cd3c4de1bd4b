"""What comes of a check, and of an image's checks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from attrs import frozen

State = Literal["passed", "failed", "skipped"]


class WrongError(Exception):
    """An image isn't as it has to be; both texts may have several lines."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(found)
        self.expected = expected
        self.found = found


class SkippedError(Exception):
    """A check has nothing to look at, for the reason given."""


@frozen(kw_only=True)
class Outcome:
    """What came of one check; ``detail`` says what was looked at, or why nothing was.

    ``expected`` and ``found`` are there where it failed.
    """

    check: str
    state: State
    detail: str = ""
    expected: str = ""
    found: str = ""
    seconds: float = 0.0


@frozen(kw_only=True)
class Tested:
    """What came of an image's checks.

    ``cold_start`` is the seconds from the start of the container to the server's first healthy
    answer, ``memory`` the bytes that the container held then, None where there was none.
    """

    env: str
    image: str
    platform: str
    digest: str
    outcomes: tuple[Outcome, ...]
    cold_start: float | None = None
    memory: int | None = None
    seconds: float = 0.0

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Return the checks that failed."""
        return tuple(each for each in self.outcomes if each.state == "failed")


def outcome(check: str, act: Callable[[], str]) -> Outcome:
    """Do a check; return what came of it."""
    began = time.monotonic()
    state: State = "passed"
    detail = expected = found = ""
    try:
        detail = act()
    except WrongError as wrong:
        state, expected, found = "failed", wrong.expected, wrong.found
    except SkippedError as skipped:
        state, detail = "skipped", str(skipped)
    return Outcome(
        check=check,
        state=state,
        detail=detail,
        expected=expected,
        found=found,
        seconds=round(time.monotonic() - began, 2),
    )
