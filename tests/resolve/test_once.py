from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lockyard.resolve.once import Once


def test_what_many_want_is_done_once() -> None:
    once, started = Once(), threading.Barrier(8)

    def want(_: int) -> object:
        started.wait(10)
        return once.get("key", object)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(want, range(8)))) == 1
    assert once.get("other", lambda: 3) == 3


def test_what_fails_is_tried_again() -> None:
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.get("key", lambda: 1 // 0)
    assert once.get("key", lambda: 1) == 1
