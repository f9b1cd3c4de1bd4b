"""What several resolutions at once tell, kept apart."""

from __future__ import annotations

from attrs import field, frozen

from lockyard.events import Reporter


@frozen
class Scoped:
    """A reporter of one of several: its tasks have a name of its own, its notes wait for it.

    So notes come in the same order however the threads run, if ``tell`` is called in an order.
    """

    reporter: Reporter
    scope: str
    _notes: list[str] = field(factory=list, init=False, repr=False)

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        """See Reporter."""
        self.reporter.begin(f"{self.scope}: {task}", text, total)

    def advance(self, task: str, amount: int) -> None:
        """See Reporter."""
        self.reporter.advance(f"{self.scope}: {task}", amount)

    def end(self, task: str) -> None:
        """See Reporter."""
        self.reporter.end(f"{self.scope}: {task}")

    def note(self, text: str) -> None:
        """See Reporter; it is said once it is its turn."""
        self._notes.append(text)

    def tell(self) -> None:
        """Say what was noted so far."""
        while self._notes:
            self.reporter.note(self._notes.pop(0))
