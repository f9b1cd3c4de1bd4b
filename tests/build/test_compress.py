from __future__ import annotations

import gzip
import hashlib
import itertools
import random
import struct
import threading
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockyard.build import compress
from lockyard.build.compress import GzipStream

PIECE = 1000
DATA = random.Random(0).randbytes(3 * PIECE) + b"text " * PIECE  # noqa: S311 - no secret

_DEFLATER = zlib.compressobj(9, zlib.DEFLATED, -15)
DEFLATED = _DEFLATER.compress(DATA) + _DEFLATER.flush()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compress, "PIECE", PIECE)


def packed(parts: Sequence[bytes], executor: Executor, ahead: int = 4) -> tuple[bytes, str]:
    written: list[bytes] = []
    stream = GzipStream(written.append, executor, ahead)
    for part in parts:
        stream.write(part)
    digest = stream.finish()
    return b"".join(written), digest


@pytest.mark.parametrize(
    "size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 1, len(DATA)]
)
def test_the_standard_library_reads_it_through(size: int, executor: Executor) -> None:
    data, digest = packed([DATA[:size]], executor)
    assert gzip.decompress(data) == DATA[:size]
    assert digest == hashlib.sha256(DATA[:size]).hexdigest()


def test_a_member_begins_at_each_piece(executor: Executor) -> None:
    one, _ = packed([DATA[:PIECE]], executor)
    two, _ = packed([DATA[PIECE : 2 * PIECE]], executor)
    both, _ = packed([DATA[: 2 * PIECE]], executor)
    assert both == one + two


def test_no_time_name_or_system_is_written(executor: Executor) -> None:
    data, _ = packed([b"x"], executor)
    # RFC 1952, 2.3: no flags, no time; 255 is an unknown system.
    assert data[:4] == b"\x1f\x8b\x08\x00"
    assert data[4:8] == bytes(4)
    assert data[9] == 255


def test_the_bytes_are_those_of_the_pinned_compressor(executor: Executor) -> None:
    chance = random.Random(1)  # noqa: S311 - no secret
    words = chance.choices([f"word{number}".encode() for number in range(999)], k=50_000)
    data, _ = packed([b" ".join(words)], executor)
    found = hashlib.sha256(data).hexdigest()
    assert found == "585cce1d40eca7393ed3376f27c37fbde81f93e803d661c0baa7003ce2e94e9c"


def taken(before: bytes, cuts: list[int], after: bytes, executor: Executor) -> tuple[bytes, str]:
    """Take DATA as it is deflated, in parts of both that don't belong together."""
    written: list[bytes] = []
    stream = GzipStream(written.append, executor)
    stream.write(before)
    bounds = [0, *cuts, len(DATA)]
    parts = [DATA[start:end] for start, end in itertools.pairwise(bounds)]
    stream.take(zip([DEFLATED, *[b""] * len(cuts)], parts, strict=True))
    stream.write(after)
    digest = stream.finish()
    assert stream.size == len(before + DATA + after)
    return b"".join(written), digest


@pytest.mark.parametrize("before", [b"", b"x", DATA[:PIECE], DATA])
@pytest.mark.parametrize("after", [b"", b"x", DATA[: 2 * PIECE]])
def test_what_is_deflated_is_taken_as_it_is(
    before: bytes, after: bytes, executor: Executor
) -> None:
    data, digest = taken(before, [], after, executor)
    assert gzip.decompress(data) == before + DATA + after
    assert digest == hashlib.sha256(before + DATA + after).hexdigest()
    ends = [packed([part], executor)[0] if part else b"" for part in (before, after)]
    # RFC 1952, 2.3: no flags, no time; 255 is an unknown system.
    head = b"\x1f\x8b\x08\x00" + bytes(5) + b"\xff"
    sums = struct.pack("<II", zlib.crc32(DATA), len(DATA))
    assert data == ends[0] + head + DEFLATED + sums + ends[1]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.integers(0, len(DATA)), max_size=12).map(sorted))
def test_how_it_is_taken_does_not_show(executor: Executor, cuts: list[int]) -> None:
    assert taken(b"x", cuts, b"y", executor) == taken(b"x", [], b"y", executor)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.integers(0, len(DATA)), max_size=12).map(sorted))
def test_how_the_writes_are_cut_does_not_show(executor: Executor, cuts: list[int]) -> None:
    bounds = [0, *cuts, len(DATA)]
    parts = [DATA[start:end] for start, end in itertools.pairwise(bounds)]
    assert packed(parts, executor) == packed([DATA], executor)


def test_how_many_threads_there_are_does_not_show() -> None:
    found = set()
    for threads in (1, 8):
        for ahead in (0, 1, 100):
            with ThreadPoolExecutor(threads) as executor:
                found.add(packed([DATA], executor, ahead))
    assert len(found) == 1


class Waiting(Executor):
    """Do a task only when its result is asked for, and count what waits meanwhile."""

    def __init__(self) -> None:
        self.waiting = self.most = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        executor = self

        class Lazy(Future[Any]):
            def result(self, timeout: float | None = None) -> Any:
                executor.waiting -= 1
                return fn(*args)

        return Lazy()


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_memory_is_bounded(ahead: int) -> None:
    executor = Waiting()
    data, _ = packed([DATA], executor, ahead)
    assert gzip.decompress(data) == DATA
    assert executor.most == ahead + 1


def test_an_error_of_the_executor_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    count = threading.Semaphore(2)

    def fail(piece: bytes, level: int) -> bytes:
        if not count.acquire(blocking=False):
            raise MemoryError
        return b""

    monkeypatch.setattr("deflate.gzip_compress", fail)
    with ThreadPoolExecutor(2) as executor, pytest.raises(MemoryError):
        packed([DATA], executor)
