"""Compress a stream in parallel, to bytes that no processor or number of threads changes."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future

import deflate

from lockyard.plan.compression import LEVEL, PIECE


class GzipStream:
    """Take a stream piece by piece, give its compressed form to ``write`` in order.

    ``diff_id`` is the sha256 of what came in. No more than ``ahead`` pieces wait to be
    written, so memory stays bounded.
    """

    def __init__(
        self, write: Callable[[bytes], object], executor: Executor, ahead: int = 4
    ) -> None:
        self._write = write
        self._executor = executor
        self._ahead = ahead
        self._chunks: list[bytes] = []
        self._held = 0
        self._waiting: deque[Future[bytes]] = deque()
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Take the next bytes of the stream, which nobody may change from now on."""
        self._chunks.append(data)
        self._held += len(data)
        self.size += len(data)
        if self._held >= PIECE:
            self._cut()

    def finish(self) -> str:
        """Write all that is left. Return the sha256 of the stream as it came in."""
        if self._held or not self.size:
            self._submit(b"".join(self._chunks))
        while self._waiting:
            self._write(self._waiting.popleft().result())
        return self._digest.hexdigest()

    def _cut(self) -> None:
        """Hand on what makes whole pieces; keep the rest."""
        held = memoryview(b"".join(self._chunks))
        whole = len(held) - len(held) % PIECE
        for start in range(0, whole, PIECE):
            self._submit(held[start : start + PIECE])
        self._chunks = [bytes(held[whole:])]
        self._held = len(held) - whole

    def _submit(self, piece: bytes | memoryview) -> None:
        self._digest.update(piece)
        self._waiting.append(self._executor.submit(_compress, piece))
        while len(self._waiting) > self._ahead:
            self._write(self._waiting.popleft().result())


def _compress(piece: bytes | memoryview) -> bytes:
    return bytes(deflate.gzip_compress(piece, LEVEL))
