"""Bytecode that has been made in this session, kept on disk: platforms share most of it."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import threading
from pathlib import Path
from typing import IO, BinaryIO

from attrs import field, frozen

# Bytes after which a file is given up for another one: some thirty images' modules.
MOST = 1 << 30


@frozen(kw_only=True)
class Piece:
    """The .pyc of a module, empty where it can't be compiled; ``sha256`` is hexadecimal."""

    sha256: str
    size: int
    _file: IO[bytes] = field(repr=False)
    _offset: int

    def open(self) -> BinaryIO:
        """Return its bytes."""
        return io.BytesIO(os.pread(self._file.fileno(), self.size, self._offset))


class Made:
    """Pieces by what they were made of. Several threads may share it.

    Its file has no name, and goes with the last piece in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        # Pieces that are in use hold on to the file before.
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115
        self._pieces: dict[bytes, Piece] = {}
        self._end = 0

    def get(self, key: bytes) -> Piece | None:
        """Return the piece that was made of what has this key."""
        with self._lock:
            return self._pieces.get(key)

    def put(self, key: bytes, data: bytes) -> Piece:
        """Keep bytes, and return them as a piece. Raise OSError where there is no room."""
        with self._lock:
            if self._end > MOST:
                self._begin()
            piece = Piece(
                sha256=hashlib.sha256(data).hexdigest(),
                size=len(data),
                file=self._file,
                offset=self._end,
            )
            rest = memoryview(data)
            while rest:
                written = os.pwrite(self._file.fileno(), rest, self._end)
                rest, self._end = rest[written:], self._end + written
            self._pieces[key] = piece
            return piece
