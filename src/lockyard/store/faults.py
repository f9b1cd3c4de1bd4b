"""What the file system refuses, told as an error that users can act on."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from lockyard.errors import StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def store_faults(
    root: Path, noun: str = "the store", advice: str = "set LOCKYARD_STORE to"
) -> Iterator[None]:
    """Turn an OSError of the block into a StoreError about the folder ``root``.

    ``noun`` is what the folder is to users, ``advice`` how they choose another one. Wrap file
    system calls only: the exceptions of ``requests`` are OSErrors as well.
    """
    try:
        yield
    except OSError as error:
        raise _told(error, root, noun, advice) from error


def output_faults(folder: Path) -> AbstractContextManager[None]:
    """Turn an OSError of the block into a StoreError about the output folder."""
    return store_faults(folder, "the output folder", "give --output")


def _told(error: OSError, root: Path, noun: str, advice: str) -> StoreError:
    if error.errno in _FULL:
        reason = f"there is no room left in {noun}"
        solution = f"Free space there, or {advice} a folder that has room."
    elif error.errno in _FORBIDDEN:
        reason = f"{noun} can't be written"
        solution = f"Make the folder writable, or {advice} one that is."
    else:
        reason = f"{noun} can't be used"
        solution = f"Look at that folder, or {advice} another one."
    return StoreError(
        f"{reason} ({error.strerror or type(error).__name__})", where=str(root), solution=solution
    )
