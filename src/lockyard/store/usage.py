"""Who uses a store: many at a time, or one alone to clear it up."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lockyard.errors import StoreError
from lockyard.store.faults import store_faults

FILE = "lock"
# The descriptors that hold this process' locks, by the store's root. One for each, because two
# of one process would be in each other's way. The kernel lets go of a lock when its process
# ends, however that ends; a child that is forked goes on holding it, one that is executed
# doesn't.
_held: dict[Path, int] = {}


def hold(root: Path) -> None:
    """Use a store for as long as this process lives; wait while somebody clears it up.

    Where the file system refuses a lock, nothing is held: nobody can clear such a store up
    either, unless they may write what this process may not, as in a store that is read-only
    here and was never used by its owner.
    """
    with suppress(OSError):
        _locked(root, fcntl.LOCK_SH)


@contextmanager
def alone(root: Path, *, wait: bool) -> Iterator[None]:
    """Keep everybody else out of a store; afterwards use it as ``hold`` does.

    Raise StoreError where others use it, unless told to ``wait`` until none does.
    """
    with store_faults(root):
        try:
            descriptor = _locked(root, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            # A lock that can't be widened is lost.
            hold(root)
            raise StoreError(
                "a build or another task is using it",
                where=str(root),
                solution="Wait until that has ended, or give --wait.",
            ) from None
    try:
        yield
    finally:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)


def _locked(root: Path, how: int) -> int:
    """Return the descriptor of a store's lock file, locked."""
    while True:
        descriptor = _opened(root)
        fcntl.flock(descriptor, how)
        if _named(descriptor, root):
            return descriptor
        # Somebody has removed the store meanwhile; a lock on what has no name keeps nobody out.
        os.close(_held.pop(root))


def _opened(root: Path) -> int:
    known = _held.get(root)
    if known is not None and _named(known, root):
        return known
    if known is not None:
        os.close(_held.pop(root))
    path, safely = root / FILE, os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        root.mkdir(parents=True, exist_ok=True)
        # To be written, though nothing is: NFS gives nobody else a lock that keeps others out.
        _held[root] = os.open(path, os.O_RDWR | os.O_CREAT | safely, 0o666)
    except OSError:
        _held[root] = os.open(path, os.O_RDONLY | safely)
    return _held[root]


def _named(descriptor: int, root: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(root / FILE))
    except OSError:
        return False
