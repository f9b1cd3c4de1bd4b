"""Progress that several threads tell at once."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from rich import progress as parts

from lockyard.cli.progress import progress

THREADS = 8


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_threads_that_begin_at_once_share_one_display(monkeypatch: pytest.MonkeyPatch) -> None:
    displays, start, met = [], threading.Barrier(THREADS), threading.Barrier(2)

    class Display(parts.Progress):
        def __init__(self, *columns: parts.ProgressColumn | str, **options: object) -> None:
            displays.append(self)
            # A second thread that came by before this one is kept would meet it here.
            with suppress(threading.BrokenBarrierError):
                met.wait(0.1)
            super().__init__(*columns, **options)  # type: ignore[arg-type]

    def work(number: int) -> None:
        start.wait(10)
        reporter.begin(str(number), f"task {number}", 10)
        for _ in range(10):
            reporter.advance(str(number), 1)
        reporter.end(str(number))
        reporter.note(f"note {number}")

    terminal = Terminal()
    monkeypatch.setattr(parts, "Progress", Display)
    monkeypatch.setattr("sys.stderr", terminal)
    with progress(quiet=False) as reporter, ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert len(displays) == 1
    assert displays[0].finished
    assert displays[0].tasks == []
    assert all(f"note {number}" in terminal.getvalue() for number in range(THREADS))


def test_nothing_to_do_opens_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress(quiet=False) as reporter:
        reporter.end("never begun")
    assert terminal.getvalue() == ""
