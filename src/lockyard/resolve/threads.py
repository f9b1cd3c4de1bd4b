"""Work in threads that an interrupt ends at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from lockyard.resolve import children

T = TypeVar("T")
R = TypeVar("R")

# How long threads may take to tidy up once their children are gone, in seconds.
_GRACE = 0.5


def side_by_side(act: Callable[[T], R], items: Sequence[T], jobs: int) -> list[R]:
    """Act on items, at most ``jobs`` at once; return the results in the items' order.

    They are begun in their order, and none after one has raised: what is raised is the error of
    the first that has one, however the threads run. On an interrupt the children are ended, and
    threads that wait for a network are left behind, which keep no process from ending.
    """
    if min(jobs, len(items)) <= 1:
        return [act(item) for item in items]
    results: dict[int, R] = {}
    errors: dict[int, BaseException] = {}
    left = iter(enumerate(items))
    lock, stopped = threading.Lock(), threading.Event()

    def work() -> None:
        while not stopped.is_set():
            with lock:
                taken = next(left, None)
            if taken is None:
                return
            number, item = taken
            try:
                results[number] = act(item)
            except BaseException as error:
                errors[number] = error
                stopped.set()

    threads = [threading.Thread(target=work, daemon=True) for _ in items[:jobs]]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:
        stopped.set()
        _end(threads)
        raise
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(items))]


def _end(threads: Sequence[threading.Thread]) -> None:
    """End the children, also those that a thread begins before it sees that it is to stop."""
    last = time.monotonic() + _GRACE
    while any(thread.is_alive() for thread in threads) and time.monotonic() < last:
        children.end_all()
        threads[0].join(0.02)
    children.end_all()
