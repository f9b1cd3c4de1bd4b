"""A channel that stands in for conda-forge: the packages of the fleet's locks, made here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from lockyard.lock.model import CondaPackage
from tests.fleet.locked import first_generation, held
from tests.fleet.pythons import find_python
from tests.fleet.standin.interpreter import interpreter_files
from tests.fleet.standin.packing import File, pack

SUBDIRS = ("linux-64", "noarch")
# Packages that come with a link script in truth; what runs it leaves a trace in the prefix.
LINK_SCRIPTS = {"cudatoolkit": "post-link", "cudnn": "post-link"}
SCRIPT_RAN = "link-script-ran"
# A package that no lock of the fleet has, for an env that extends one.
MORE = CondaPackage(
    name="zlib",
    version="1.2.13",
    build="hd590300_5",
    build_number=5,
    subdir="linux-64",
    file="zlib-1.2.13-hd590300_5.conda",
    depends=("libgcc-ng >=12", "libzlib 1.2.13 hd590300_5"),
    # Those of what is made of it are the channel's to tell.
    sha256="0" * 64,
    md5="0" * 32,
    size=1,
    source="conda-forge",
    required_by=(),
)
_SCRIPT = f'#!/bin/sh\ntouch "$PREFIX/{SCRIPT_RAN}"\n'


def make_channel(folder: Path) -> None:
    """Make a channel in a folder: CPython as its ``python``, a file or two as all the others.

    Names, versions, builds and dependencies are those of the committed locks, so that the same
    packages are chosen; there is one more package, which none of those requires.
    """
    records: dict[str, dict[str, object]] = {subdir: {} for subdir in SUBDIRS}
    for package in (*locked_packages(), MORE):
        if package.name == "python":
            files = list(interpreter_files(find_python("3.7")))
        else:
            files = list(_files(package))
        records[package.subdir][package.file] = pack(package, files, folder)
    for subdir, found in records.items():
        old = {file: each for file, each in found.items() if file.endswith(".tar.bz2")}
        new = {file: each for file, each in found.items() if file not in old}
        data = {"info": {"subdir": subdir}, "packages": old, "packages.conda": new}
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        (folder / subdir / "repodata.json").write_text(json.dumps(data))


def locked_packages() -> list[CondaPackage]:
    """Return the conda packages of all the first generation's locks, each once."""
    found = {each.file: each for env in first_generation() for each in held(env).conda}
    return [found[file] for file in sorted(found)]


def _files(package: CondaPackage) -> Iterable[File]:
    text = f"{package.name} {package.version} {package.build}\n".encode()
    yield File(path=f"share/stand-in/{package.name}", data=text)
    yield from _libraries(package)
    if script := LINK_SCRIPTS.get(package.name):
        path = f"bin/.{package.name}-{script}.sh"
        yield File(path=path, data=_SCRIPT.encode(), executable=True)


def _libraries(package: CondaPackage) -> Iterator[File]:
    """Give a library under its whole version, and the name that programs look for."""
    name, whole, short = {
        "cudatoolkit": ("libcudart.so", "11.0.221", "11.0"),
        "cudnn": ("libcudnn.so", "8.0.5", "8"),
    }.get(package.name, ("", "", ""))
    if name:
        yield File(path=f"lib/{name}.{whole}", data=_LIBRARY, executable=True)
        yield File(path=f"lib/{name}.{short}", target=f"{name}.{whole}")


# No library in truth: whoever opens it is told so, and goes on as without it.
_LIBRARY = b"stands in for a library\n"
