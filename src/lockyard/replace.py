"""Put a file in the place of another at once."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a file that anyone may read in place of the old one, whole or not at all.

    Raise OSError.
    """
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(made).chmod(0o644)
        Path(made).replace(path)
    finally:
        Path(made).unlink(missing_ok=True)
