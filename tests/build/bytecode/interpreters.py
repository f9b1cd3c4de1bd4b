"""The Pythons that compile in the tests, and sources for them."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

from lockyard.build.bytecode.process import CompilingProcess
from tests.fleet.pythons import find_python

VERSIONS = ("3.7", "3.11", "3.12", "3.13")
LIBRARY = Path(sysconfig.get_path("stdlib"))
# Sets of strings in several functions, strings of one character, deep classes, other encodings.
NAMES = sorted(
    {
        *(each.name for each in LIBRARY.glob("[a-i]*.py")),
        *("nntplib.py", "smtplib.py", "socket.py", "tokenize.py", "typing.py"),
    }
    & {each.name for each in LIBRARY.iterdir()}
)


def sources() -> dict[str, bytes]:
    """Return real modules by the paths that they have in an image."""
    return {f"/usr/lib/python3.11/{name}": (LIBRARY / name).read_bytes() for name in NAMES}


def compiling(version: str, folder: Path) -> CompilingProcess:
    """Return the process of a Python of this machine."""
    python = Path(find_python(version))
    return CompilingProcess([str(python)], Path(os.path.realpath(python)).parents[1], folder)
