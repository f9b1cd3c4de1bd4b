"""Put one folder in the place of another at once."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# fcntl.h and linux/fs.h, for renameat2(2).
_AT_FDCWD = -100
_EXCHANGE = 2


def replace_folder(made: Path, folder: Path) -> None:
    """Give ``made`` the name ``folder``; where that is taken, each gets the other's name.

    Both are in one file system. There is no moment at which ``folder`` is missing, except on
    a file system that can't exchange names. Raise OSError.
    """
    if _exchanged(made, folder):
        return
    if not os.path.lexists(folder):
        try:
            made.rename(folder)
        except OSError:
            # Another build may have been faster by a moment.
            if not _exchanged(made, folder):
                raise
    else:
        aside = made.with_name(f"{made.name}.old")
        folder.rename(aside)
        try:
            made.rename(folder)
        except OSError:
            aside.rename(folder)
            raise
        aside.rename(made)


def _exchanged(one: Path, other: Path) -> bool:
    """Let two paths change their names with each other, where the system can."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    status: int = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    return status == 0
