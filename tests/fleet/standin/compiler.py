"""A compiler as a conda package: Debian's, in a folder of its own, as the channel's has it."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from pathlib import Path

from lockyard.build.debian.archive import open_debs
from lockyard.lock.model import CondaPackage, Lock
from lockyard.store.store import Store
from tests.fleet.standin.packing import File, pack

NAME = "gcc_linux-64"
PROGRAM = "x86_64-conda-linux-gnu-gcc"
_PACKAGE = CondaPackage(
    name=NAME,
    version="12.2.0",
    build="h4798a0e_0",
    build_number=0,
    subdir="linux-64",
    file=f"{NAME}-12.2.0-h4798a0e_0.conda",
    # Those of what is made of it are the channel's to tell.
    sha256="0" * 64,
    md5="0" * 32,
    size=1,
    source="conda-forge",
    required_by=(),
)
_SYSROOT = "x86_64-conda-linux-gnu/sysroot"
_WRAPPER = f"""\
#!/bin/sh
root="$(dirname "$0")/../{_SYSROOT}"
export PATH="$root/usr/bin:$PATH" LD_LIBRARY_PATH="$root/usr/lib/x86_64-linux-gnu"
exec "$root/usr/bin/x86_64-linux-gnu-gcc-12" --sysroot="$root" "$@"
"""
# Of other languages, of link-time optimisation, and what nobody compiles against.
_LIBRARIES = "usr/lib/gcc/x86_64-linux-gnu/12"
_LEFT_OUT = (
    "usr/share/",
    "usr/lib/x86_64-linux-gnu/gconv",
    *(f"{_LIBRARIES}/{each}" for each in ("lto", "libasan", "liblsan", "libtsan", "libubsan")),
    *(f"usr/bin/x86_64-linux-gnu-{each}" for each in ("dwp", "gold", "gp", "ld.gold", "lto")),
)


def add_compiler(channel: Path, lock: Lock, store: Store) -> None:
    """Add a compiler to a channel, of the Debian packages of a lock that has one."""
    record = pack(_PACKAGE, [*_files(lock, store), _wrapper()], channel)
    path = channel / _PACKAGE.subdir / "repodata.json"
    data = json.loads(path.read_text())
    data["packages.conda"][_PACKAGE.file] = record
    path.write_text(json.dumps(data))


def _wrapper() -> File:
    return File(path=f"bin/{PROGRAM}", data=_WRAPPER.encode(), executable=True)


def _files(lock: Lock, store: Store) -> Iterator[File]:
    wanted = [deb for deb in lock.debs if _is_part(deb.name)]
    paths = {deb.file: store.artifact(deb.sha256, deb.size) for deb in wanted}
    with open_debs({file: path for file, path in paths.items() if path is not None}) as debs:
        for entry in (owned.entry for deb in debs for owned in deb.members):
            path = f"{_SYSROOT}/{entry.path}"
            if entry.path.startswith(_LEFT_OUT):
                continue
            if entry.kind == "symlink":
                yield File(path=path, target=_within(entry.link, entry.path))
            elif entry.kind == "file" and entry.open is not None:
                with entry.open() as stream:
                    yield File(path=path, data=stream.read(), executable=bool(entry.mode & 0o100))


def _within(target: str, path: str) -> str:
    """Return a link's target such that it stays in the folder that stands for the root."""
    if not target.startswith("/"):
        return target
    return posixpath.relpath(target[1:], posixpath.dirname(path))


def _is_part(name: str) -> bool:
    """Tell whether a Debian package is one of those that compile C."""
    libraries = ("libbinutils", "libgmp10", "libisl23", "libmpc3", "libmpfr6", "libjansson4")
    others = ("libgcc-", "libctf", "linux-libc-dev", "libcrypt-dev", "libzstd1", "zlib1g")
    return name.startswith(("gcc-12", "cpp-12", "binutils", "libc6", *libraries, *others))
