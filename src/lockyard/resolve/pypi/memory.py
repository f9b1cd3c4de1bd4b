"""What one resolution remembers for the next."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from lockyard.replace import replace_file


class Memory:
    """Remember contents by a key, which is a sha256 in hex.

    Each file holds the sha256 of what follows it in its first line, so that what a failing
    disk has damaged is forgotten and not believed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> bytes | None:
        """Return what is remembered of a key, None if there is nothing."""
        try:
            head, _, contents = self._path(key).read_bytes().partition(b"\n")
        except OSError:
            return None
        return contents if head == hashlib.sha256(contents).hexdigest().encode() else None

    def put(self, key: str, contents: bytes) -> None:
        """Remember the contents of a key; a cache that can't be written is no fault."""
        path = self._path(key)
        data = hashlib.sha256(contents).hexdigest().encode() + b"\n" + contents
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, data)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key
