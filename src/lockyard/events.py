"""What long work tells of its progress; the edge decides how to show it."""

from __future__ import annotations

from typing import Protocol


class Reporter(Protocol):
    """Receive the progress of tasks that may run in several threads at once."""

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        """Open a task; ``total`` counts bytes, None where it isn't known."""

    def advance(self, task: str, amount: int) -> None:
        """Add ``amount`` bytes to what is done of a task."""

    def end(self, task: str) -> None:
        """Close a task."""

    def note(self, text: str) -> None:
        """Say something once, that outlives the progress display."""


class Silent:
    """A reporter that shows nothing."""

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        """See Reporter."""

    def advance(self, task: str, amount: int) -> None:
        """See Reporter."""

    def end(self, task: str) -> None:
        """See Reporter."""

    def note(self, text: str) -> None:
        """See Reporter."""
