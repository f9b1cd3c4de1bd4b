"""Progress for people, on the standard error."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lockyard.events import Reporter, Silent


@contextmanager
def progress(*, quiet: bool) -> Iterator[Reporter]:
    """Give a reporter: bars on a terminal, a line a step elsewhere, nothing where quiet.

    The display opens with the first task, so that what has nothing to do shows nothing.
    """
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        bars = _Bars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield _Lines()


class _Lines:
    """A line for each task as it begins: for logs."""

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        # A task of bytes that is named by a digest is one of many under a task of its own.
        if not (total and len(task) == 64):
            self.note(_short(text, 100))

    def advance(self, task: str, amount: int) -> None:
        pass

    def end(self, task: str) -> None:
        pass

    def note(self, text: str) -> None:
        # In one piece: several threads speak at once.
        sys.stderr.write(f"  {text}\n")
        sys.stderr.flush()


class _Bars:
    """Bars of bytes where the amount is known, spinners elsewhere.

    Several threads report at once: the lock keeps them to one display, and each task whole.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._display: Any = None
        self._ids: dict[str, Any] = {}

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        with self._lock:
            self._ids[task] = self._opened().add_task(_short(text), total=total)

    def advance(self, task: str, amount: int) -> None:
        with self._lock:
            if task in self._ids:
                self._opened().advance(self._ids[task], amount)

    def end(self, task: str) -> None:
        with self._lock:
            if task in self._ids:
                self._opened().remove_task(self._ids.pop(task))

    def note(self, text: str) -> None:
        with self._lock:
            self._opened().console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        """Take the display off the terminal."""
        with self._lock:
            if self._display is not None:
                self._display.stop()

    def _opened(self) -> Any:
        if self._display is None:
            from rich import progress as parts  # noqa: PLC0415 - only where there is a terminal
            from rich.console import Console  # noqa: PLC0415

            self._display = parts.Progress(
                parts.SpinnerColumn(),
                parts.TextColumn("{task.description}", markup=False),
                parts.BarColumn(),
                parts.DownloadColumn(binary_units=True),
                parts.TransferSpeedColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._display.start()
        return self._display


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
