"""Compress a stream in parallel, to bytes that no processor or number of threads changes."""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future

import deflate

from lockyard.plan.compression import LEVEL, PIECE

# RFC 1952, 2.3: deflated, no flags, no time, no extra flags, an unknown system.
_HEADER = b"\x1f\x8b\x08" + bytes(6) + b"\xff"


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

    def take(self, parts: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the next bytes of the stream, and with them what they are deflated to (RFC 1951).

        Both come in parts that needn't belong together; all of them are one gzip member. They
        have to be what they are said to be.
        """
        self._flush()
        self._write(_HEADER)
        checksum = size = 0
        for deflated, data in parts:
            self._write(deflated)
            self._digest.update(data)
            checksum = deflate.crc32(data, checksum)
            size += len(data)
        self._write(struct.pack("<II", checksum, size % (1 << 32)))
        self.size += size

    def finish(self) -> str:
        """Write all that is left. Return the sha256 of the stream as it came in."""
        if not self.size:
            self._submit(b"")
        self._flush()
        return self._digest.hexdigest()

    def _flush(self) -> None:
        """Write all that has come until now, the last piece as short as it is."""
        if self._held:
            self._submit(b"".join(self._chunks))
            self._chunks, self._held = [], 0
        while self._waiting:
            self._write(self._waiting.popleft().result())

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
