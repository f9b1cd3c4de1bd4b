"""What killed processes leave beside their output."""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from pathlib import Path

_DAY = 86_400


def prefix_of(target: Path) -> str:
    """Return what the names begin with, for ``tempfile``, of what will get the name ``target``."""
    return f".{target.name}."


def sweep_left(target: Path, now: float) -> None:
    """Remove what was begun for ``target`` beside it, and left a day before ``now`` or earlier.

    ``now`` is in seconds since 1970. Raise OSError where the folder can't be read.
    """
    # As tempfile names them; with what replace_folder adds.
    left = re.compile(rf"{re.escape(prefix_of(target))}[a-z0-9_]{{8}}(\.old)?")
    for path in sorted(target.parent.iterdir()):
        # Another process may be done with it meanwhile, and remove it.
        with suppress(FileNotFoundError):
            # Not the time of its content: an older layout may just have got this name.
            if left.fullmatch(path.name) and path.lstat().st_ctime < now - _DAY:
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
