"""The recipe's layer: its user, folders and files, and an empty virtual environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from attrs import evolve

from lockyard.build.base.accounts import ImageAccounts
from lockyard.build.conda.install import history
from lockyard.build.debian.accounts import Accounts
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tree import Tree
from lockyard.plan.layer import RecipeLayer
from lockyard.plan.prefix import Prefix
from lockyard.spec.checks import ImagePath, Owner
from lockyard.spec.model import LaidFile, User


def recipe_tree(layer: RecipeLayer, base: Accounts | ImageAccounts) -> Tree:
    """Lay the recipe over a base whose accounts are given."""
    recipe = layer.recipe
    tree = Tree(base.with_user(recipe.user).entries())
    tree.add(prefix_entries(layer.prefix))
    tree.add(laid_entries(recipe, recipe.user, f"recipe {recipe.name}"))
    return tree


class Laid(Protocol):
    """Folders and files that a spec lays; see ``Recipe`` and ``FilesLayer``."""

    @property
    def directories(self) -> Mapping[ImagePath, Owner]:
        """Return whose each folder is."""

    @property
    def files(self) -> Mapping[ImagePath, LaidFile]:
        """Return what stands at each path."""

    @property
    def contents(self) -> Mapping[str, bytes]:
        """Return the bytes of each file's source."""


def laid_entries(laid: Laid, user: User, owner: str) -> Iterator[Entry]:
    """Give the folders and files that are laid, the ``user``'s and root's.

    ``owner`` is what messages say of whose they are.
    """
    owners = {"root": (0, 0), "user": (user.uid, user.gid)}
    for path, whose in laid.directories.items():
        uid, gid = owners[whose]
        yield directory(path[1:], uid=uid, gid=gid)
    for path, file in laid.files.items():
        entry = text(path[1:], laid.contents[file.source], mode=int(file.mode, 8), owner=owner)
        uid, gid = owners[file.owner]
        yield evolve(entry, uid=uid, gid=gid)


def prefix_entries(prefix: Prefix) -> Iterator[Entry]:
    """Give what a prefix has that is no package's.

    For a virtual environment, what ``python -m venv --without-pip`` makes, less the scripts to
    activate it; for conda, the file by which its programs know a prefix.
    """
    root = prefix.path[1:]
    if not prefix.virtual:
        yield history(prefix.path)
        return
    home, _, program = prefix.interpreter.rpartition("/")
    settings = {
        "home": home,
        "include-system-site-packages": "false",
        "version": prefix.python,
        "executable": prefix.interpreter,
        "command": f"{prefix.interpreter} -m venv --without-pip {prefix.path}",
    }
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    yield text(f"{root}/pyvenv.cfg", lines, owner="venv")
    yield symlink(f"{root}/bin/{program}", prefix.interpreter, owner="venv")
    for name in ("python", "python3"):
        yield symlink(f"{root}/bin/{name}", program, owner="venv")
    yield symlink(f"{root}/lib64", "lib", owner="venv")
    yield directory(f"{root}/include/python{prefix.minor}")
    yield directory(prefix.site_packages)
