"""The Pythons that compile in the tests, and sources for them."""

from __future__ import annotations

import os
import sys
import sysconfig
import tarfile
from functools import cache
from pathlib import Path

from lockyard.build.bytecode.process import CompilingProcess
from lockyard.plan.compiler import Compiler
from lockyard.store.store import Store
from tests.build.makers import PREFIX, deb_bytes, member, put_deb
from tests.fleet.pythons import find_python

VERSIONS = ("3.7", "3.11", "3.12", "3.13")
LIBRARY = Path(sysconfig.get_path("stdlib"))
# Sets of strings in several functions, strings of one character, deep classes, other encodings.
NAMES = sorted(
    {
        *(each.name for each in LIBRARY.glob("[c-f]*.py")),
        *("nntplib.py", "smtplib.py", "socket.py", "tokenize.py", "typing.py"),
    }
    & {each.name for each in LIBRARY.iterdir()}
)


def sources() -> dict[str, bytes]:
    """Return real modules by the paths that they have in an image."""
    return {f"/usr/lib/python3.11/{name}": (LIBRARY / name).read_bytes() for name in NAMES}


@cache
def python(version: str) -> str:
    """Return a Python of this machine."""
    return find_python(version)


def debian_python(store: Store, *members: tuple[tarfile.TarInfo, bytes]) -> Compiler:
    """Return a Python of Debian packages: a script that calls the one that runs the tests."""
    text = f'#!/bin/sh\nunset PYTHONHOME\nexec "{sys.executable}" "$@"\n'
    program = member("./usr/bin/python3.11", text.encode(), mode=0o755)
    deb = put_deb(store, "python3.11-minimal", deb_bytes("python3.11-minimal", [program, *members]))
    return Compiler(
        interpreter=PREFIX.interpreter,
        home="/usr",
        version="3.11.2-6",
        packages={"linux/amd64": (deb,), "linux/arm64": (deb,)},
    )


def compiling(version: str, folder: Path) -> CompilingProcess:
    """Return the process of a Python of this machine."""
    found = python(version)
    return CompilingProcess([found], Path(os.path.realpath(found)).parents[1], folder)
