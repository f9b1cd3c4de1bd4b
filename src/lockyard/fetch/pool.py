"""Work in several threads that ends at once when the user asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

import requests

GRACE = 1.0  # seconds that an interrupted user waits at most

Item = TypeVar("Item")
Result = TypeVar("Result")


class CancelledError(Exception):
    """The work was called off; nobody looks at its result."""


class Cancel:
    """Call off work in other threads, also where it waits for a server."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._watched: set[requests.Response] = set()

    def set(self) -> None:
        """Let every ``check`` and ``wait`` raise, and every watched body end."""
        self._event.set()
        with self._lock:
            for response in self._watched:
                # Released already, or a kind of connection that can't be shut down.
                with suppress(OSError, RuntimeError, ValueError, AttributeError):
                    response.raw.shutdown()

    def check(self) -> None:
        """Raise CancelledError where the work was called off."""
        if self._event.is_set():
            raise CancelledError

    def wait(self, seconds: float) -> None:
        """Sleep; raise CancelledError as soon as the work is called off."""
        if self._event.wait(seconds):
            raise CancelledError

    @contextmanager
    def watching(self, response: requests.Response) -> Iterator[None]:
        """End the response's body, within the block, when the work is called off."""
        with self._lock:
            self._watched.add(response)
        try:
            self.check()
            yield
        finally:
            with self._lock:
                self._watched.discard(response)


def run(
    work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int, cancel: Cancel
) -> list[Result]:
    """Do ``work`` on each item in at most ``jobs`` threads; return results as they came.

    The first exception that ``work`` raises, and an interrupt of this thread, calls off the
    rest and is raised. The threads are daemons: one that a server holds up doesn't hold up the
    end of the process.
    """
    todo: SimpleQueue[Item] = SimpleQueue()
    done: SimpleQueue[Callable[[], Result]] = SimpleQueue()
    for item in items:
        todo.put(item)
    threads = [
        threading.Thread(target=_worker, args=(work, todo, done, cancel), daemon=True)
        for _ in range(min(jobs, len(items)))
    ]
    try:
        for thread in threads:
            thread.start()
        return [done.get()() for _ in items]
    except BaseException:
        cancel.set()
        raise
    finally:
        deadline = time.monotonic() + GRACE
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))


def _worker(
    work: Callable[[Item], Result],
    todo: SimpleQueue[Item],
    done: SimpleQueue[Callable[[], Result]],
    cancel: Cancel,
) -> None:
    with suppress(Empty, CancelledError):
        while True:
            item = todo.get_nowait()
            cancel.check()
            done.put(_outcome(work, item, cancel))


def _outcome(work: Callable[[Item], Result], item: Item, cancel: Cancel) -> Callable[[], Result]:
    """Return a function that gives the result in another thread, or raises there."""
    try:
        result = work(item)
    except CancelledError:
        raise
    except BaseException as error:
        caught = error
        cancel.set()

        def fail() -> Result:
            raise caught

        return fail
    return lambda: result
