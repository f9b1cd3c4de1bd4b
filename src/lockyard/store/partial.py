"""A download that was begun, and may be resumed by another process."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from lockyard.errors import IntegrityError
from lockyard.store.digest import check_content
from lockyard.store.faults import store_faults
from lockyard.store.writer import publish

POLL = 0.05  # seconds between two looks at a lock that another process holds
_SAFELY = os.O_NOFOLLOW | os.O_CLOEXEC


class Partial:
    """Append to the bytes that earlier runs received of one artifact, alone.

    A context manager. An advisory lock keeps other threads and processes out; it ends with its
    holder, however that ends. ``wait(seconds)`` is called between two attempts to take it, and
    may raise to give up. Leaving keeps the bytes, if any, for the next run. Raises StoreError
    where the file system refuses.
    """

    def __init__(
        self, root: Path, path: Path, target: Path, wait: Callable[[float], object]
    ) -> None:
        self._root = root
        self._path = path
        self._target = target
        self._descriptor = self._locked(wait)
        self.size = os.fstat(self._descriptor).st_size
        self._hash = hashlib.sha256()
        self._hashed = 0

    def _locked(self, wait: Callable[[float], object]) -> int:
        with store_faults(self._root):
            self._path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with store_faults(self._root):
                descriptor = self._opened()
            try:
                with store_faults(self._root):
                    if self._take(descriptor):
                        return descriptor
                wait(POLL)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)
        except PermissionError:
            with suppress(FileNotFoundError):
                self._make_writable()
            return os.open(self._path, os.O_RDWR | os.O_CREAT | _SAFELY, 0o600)

    def _make_writable(self) -> None:
        """Take back what a kill left: a file made read-only, and not renamed yet."""
        descriptor = os.open(self._path, os.O_RDONLY | _SAFELY)
        try:
            # Where somebody holds it, the rename is what comes next.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self._named(descriptor):
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)

    def _take(self, descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return self._named(descriptor)

    def _named(self, descriptor: int) -> bool:
        """Whether this is still the file: who held the lock may have renamed or removed it."""
        try:
            return os.path.samestat(os.fstat(descriptor), os.lstat(self._path))
        except FileNotFoundError:
            return False

    def append(self, data: bytes) -> None:
        """Add ``data`` at the end."""
        view = memoryview(data)
        with store_faults(self._root):
            while view:
                count = os.pwrite(self._descriptor, view, self.size)
                if self._hashed == self.size:
                    self._hash.update(view[:count])
                    self._hashed += count
                self.size += count
                view = view[count:]

    def clear(self) -> None:
        """Start over from nothing; leaving now removes the file."""
        with store_faults(self._root):
            os.ftruncate(self._descriptor, 0)
        self.size = self._hashed = 0
        self._hash = hashlib.sha256()

    def sha256(self) -> str:
        """Hash all bytes, also those of earlier runs."""
        with store_faults(self._root):
            while data := os.pread(self._descriptor, 1 << 20, self._hashed):
                self._hash.update(data)
                self._hashed += len(data)
        return self._hash.hexdigest()

    def commit(self, *, sha256: str, size: int, where: str) -> Path:
        """Make the file visible in the store; raise IntegrityError where it isn't as expected.

        What isn't as expected is discarded.
        """
        try:
            check_content(found=(self.sha256(), self.size), expected=(sha256, size), where=where)
        except IntegrityError:
            self.clear()
            raise
        with store_faults(self._root):
            publish(self._descriptor, self._path, self._target)
        return self._target

    def __enter__(self) -> Partial:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Nothing came, so there is nothing to resume. The lock is still held: the file of this
        # name is the one that was opened, and no other process' new one.
        if self.size == 0:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)
