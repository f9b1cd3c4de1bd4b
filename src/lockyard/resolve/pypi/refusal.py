"""How the child's parts give up."""

from __future__ import annotations

import re

from .protocol import Failure, FailureKind


class Refusal(Exception):  # noqa: N818 - it carries an answer, it is no fault of the program
    """End a resolution with a failure as its answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def refusal(kind: FailureKind, text: str, package: str = "") -> Refusal:
    """Make the refusal of a kind; ``text`` is a sentence without its full stop."""
    return Refusal(Failure(kind=kind, text=without_addresses(text), package=package))


def without_addresses(text: str) -> str:
    """Leave out web addresses: they may hold credentials, and tell where an index is."""
    return re.sub(r"https?://\S+", "…", text)
