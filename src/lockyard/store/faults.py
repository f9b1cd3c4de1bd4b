"""What the file system refuses, told as an error that users can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lockyard.errors import StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def store_faults(root: Path) -> Iterator[None]:
    """Turn an OSError of the block into a StoreError about the store at ``root``.

    Wrap file system calls only: the exceptions of ``requests`` are OSErrors as well.
    """
    try:
        yield
    except OSError as error:
        raise _told(error, root) from error


def _told(error: OSError, root: Path) -> StoreError:
    if error.errno in _FULL:
        reason = "there is no room left in the store"
        solution = "Free space there, or set LOCKYARD_STORE to a folder that has room."
    elif error.errno in _FORBIDDEN:
        reason = "the store can't be written"
        solution = "Make the folder writable, or set LOCKYARD_STORE to one that is."
    else:
        reason = "the store can't be used"
        solution = "Look at that folder, or set LOCKYARD_STORE to another one."
    return StoreError(
        f"{reason} ({error.strerror or type(error).__name__})", where=str(root), solution=solution
    )
