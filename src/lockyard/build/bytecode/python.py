"""The Python of an image, unpacked into a folder of this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from lockyard.build.conda.install import CondaPrefix, conda_packages
from lockyard.build.debian.archive import open_debs
from lockyard.build.entry import Entry
from lockyard.build.tree import Tree
from lockyard.errors import BuildError
from lockyard.lock.model import CondaPackage
from lockyard.plan.compiler import Compiler
from lockyard.store.faults import store_faults
from lockyard.store.paths import artifact_paths
from lockyard.store.store import Store

# What a Python doesn't need to compile, by the folders that have it.
_LEFT_OUT = ("usr/share/", "usr/include/", "share/", "include/", "pkgs/")


def unpack_python(compiler: Compiler, store: Store, folder: Path) -> list[str]:
    """Unpack a Python into an empty folder; return the command that runs it.

    Its packages are in the store. Raise BuildError where they contradict one another, or have no
    such interpreter.
    """
    with ExitStack() as stack:
        paths = artifact_paths(compiler.tools, store)
        conda = [each for each in compiler.tools if isinstance(each, CondaPackage)]
        if conda:
            prefix = CondaPrefix(
                path=compiler.home,
                python=conda[0].version,
                channels={each.source: "" for each in conda},
            )
            installed = conda_packages(conda, paths, prefix, store.scratch())
            packages: Iterable[Iterable[Entry]] = stack.enter_context(installed)
        else:
            debs = stack.enter_context(open_debs(paths))
            packages = [[owned.entry for owned in deb.members] for deb in debs]
        tree = Tree(each for entries in packages for each in entries if _needed(each))
        with store_faults(store.root):
            _write(tree, folder)
    interpreter = folder / compiler.interpreter[1:]
    if not interpreter.is_file():
        raise BuildError(
            f"{compiler.interpreter} isn't in the packages of the image's Python",
            where=", ".join(each.file for each in compiler.tools),
            solution="correct the base's `interpreter`, or set bytecode = false in the recipe",
        )
    return [*_loader(folder), str(interpreter)]


def _write(tree: Tree, folder: Path) -> None:
    """Write a tree into an empty folder; no link leads out of it.

    A tree has no path through a link, and its parents before what is in them. Absolute and
    climbing symbolic links are left out: no Python needs them to compile.
    """
    for entry in tree:
        path = folder / os.fsencode(entry.path).decode("utf-8", "surrogateescape")
        if entry.kind == "directory":
            path.mkdir()
        elif entry.kind == "hardlink":
            path.hardlink_to(folder / entry.link)
        elif entry.open is not None:
            with entry.open() as content, path.open("xb") as file:
                shutil.copyfileobj(content, file)
            path.chmod(0o755 if entry.mode & 0o111 else 0o644)
        elif not entry.link.startswith("/") and ".." not in entry.link.split("/"):
            path.symlink_to(entry.link)


def _needed(entry: Entry) -> bool:
    return not (entry.path.startswith(_LEFT_OUT) or entry.link.startswith(_LEFT_OUT))


def _loader(folder: Path) -> list[str]:
    """Return how a program is run with the libraries of the folder, if it has a C library."""
    found = sorted(folder.glob("lib/*-linux-gnu/ld-linux-*.so.*"))
    if not found:
        return []
    libraries = {found[0].parent, folder / "usr/lib" / found[0].parent.name}
    return [str(found[0]), "--library-path", ":".join(sorted(map(str, libraries)))]
