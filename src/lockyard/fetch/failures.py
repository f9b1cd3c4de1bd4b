"""Several failed downloads as one error."""

from __future__ import annotations

from collections.abc import Sequence

from lockyard.errors import FetchError, IntegrityError, LockyardError

_AGAIN = "What came is kept: the same command goes on from there."


def gathered(failures: Sequence[LockyardError], total: int) -> LockyardError:
    """Make one error of one or more, in an order that doesn't depend on which came first.

    A single one is returned as it is. Several become an IntegrityError where one of them is,
    since that is the worse news, else a FetchError.
    """
    if len(failures) == 1:
        return failures[0]
    # A source without an address fails alike for each of its artifacts: once is enough.
    lines = sorted({f"  {failure.where}: {failure.reason}" for failure in failures})
    solutions = sorted({failure.solution for failure in failures if failure.solution})
    wrong = any(isinstance(failure, IntegrityError) for failure in failures)
    family = IntegrityError if wrong else FetchError
    return family(
        "\n".join([f"{len(failures)} of {total} artifacts can't be fetched", *lines]),
        solution="\n".join([*solutions, _AGAIN]),
    )
