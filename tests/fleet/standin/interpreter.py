"""A Python of this machine as the files of a conda package."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.fleet.standin.packing import File

# What conda's own package hasn't either, and what only tests and compilers need.
_LEFT_OUT = {
    "__pycache__", "_bundled", "idle_test", "idlelib", "site-packages", "test", "tests",
    "tkinter", "turtledemo",
}  # fmt: skip
# Of the length of what it stands for, so that libraries stay as they are laid out.
_PLACEHOLDER = b"/placehold"
_FOLDERS = ("bin", "include", "lib")


def interpreter_files(python: str) -> Iterator[File]:
    """Give the files of the installation that a Python belongs to, without its packages.

    A placeholder stands for its prefix in its scripts, in what it tells of its build, and in
    where its programs and libraries look for one another, as in conda's own package.
    """
    command = [python, "-I", "-c", "import sys; print(sys.base_prefix)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    prefix = Path(done.stdout.strip())
    for path in sorted(each for top in _FOLDERS for each in _walk(prefix / top)):
        place = path.relative_to(prefix)
        if _belongs(PurePosixPath(place)):
            yield _file(path, str(place), str(prefix).encode())


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        yield from (Path(root, name) for name in files)


def _belongs(path: PurePosixPath) -> bool:
    """Tell Python's own files from others of its prefix: it may be one that all share."""
    top, name = path.parts[:2]
    if top == "bin":
        return name.startswith(("pydoc", "python")) and not name.endswith(("-config", ".py"))
    return "python3" in name and path.suffix != ".a"


def _file(path: Path, place: str, prefix: bytes) -> File:
    if path.is_symlink():
        target = str(path.readlink())
        assert not target.startswith("/"), f"{path} leaves its prefix"
        return File(path=place, target=target)
    data, placeholder = path.read_bytes(), (_PLACEHOLDER * len(prefix))[: len(prefix)]
    if b"\0" in data:
        # Not where it stands alone: the linker lets the number of the version, its last part,
        # be the end of that string, and an installation would move its beginning.
        content = data.replace(prefix + b"/", placeholder + b"/")
    else:
        content = data.replace(prefix, placeholder)
    return File(
        path=place,
        data=content,
        executable=os.access(path, os.X_OK),
        placeholder=placeholder.decode() if content != data else "",
    )
