from __future__ import annotations

import threading
import time

import pytest

from lockyard.fetch.pool import GRACE, Cancel, CancelledError, run


def test_does_each_once() -> None:
    assert sorted(run(lambda item: item * 2, range(50), jobs=4, cancel=Cancel())) == [
        *range(0, 100, 2)
    ]


def test_no_more_jobs_at_once_than_asked_for() -> None:
    ready = threading.Barrier(3)

    def meet(_: int) -> int:
        ready.wait(10)
        return threading.active_count()

    before = threading.active_count()
    assert max(run(meet, range(6), jobs=3, cancel=Cancel())) <= before + 3


def test_an_exception_calls_off_the_rest() -> None:
    cancel, done = Cancel(), []

    def work(item: int) -> None:
        if item == 1:
            raise RuntimeError("no")
        done.append(item)
        cancel.wait(30)

    started = time.monotonic()
    with pytest.raises(RuntimeError, match="no"):
        run(work, range(9), jobs=2, cancel=cancel)
    assert time.monotonic() - started < GRACE
    assert done == [0]


def test_a_thread_that_hangs_holds_nobody_up() -> None:
    release = threading.Event()

    def work(item: int) -> None:
        if item:
            raise RuntimeError("no")
        release.wait(30)

    started = time.monotonic()
    with pytest.raises(RuntimeError, match="no"):
        run(work, range(2), jobs=2, cancel=Cancel())
    assert time.monotonic() - started < GRACE + 1
    release.set()


def test_what_is_called_off_raises() -> None:
    cancel = Cancel()
    cancel.check()
    cancel.wait(0)
    cancel.set()
    with pytest.raises(CancelledError):
        cancel.check()
    with pytest.raises(CancelledError):
        cancel.wait(30)
