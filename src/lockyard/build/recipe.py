"""The recipe's layer: its user, folders and files, and an empty virtual environment."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from lockyard.build.base.accounts import ImageAccounts
from lockyard.build.conda.install import history
from lockyard.build.debian.accounts import Accounts
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tree import Tree
from lockyard.plan.layer import RecipeLayer
from lockyard.plan.prefix import Prefix


def recipe_tree(layer: RecipeLayer, base: Accounts | ImageAccounts) -> Tree:
    """Lay the recipe over a base whose accounts are given."""
    recipe = layer.recipe
    owners = {"root": (0, 0), "user": (recipe.user.uid, recipe.user.gid)}
    tree = Tree(base.with_user(recipe.user).entries())
    tree.add(prefix_entries(layer.prefix))
    for path, owner in recipe.directories.items():
        uid, gid = owners[owner]
        tree.add([directory(path[1:], uid=uid, gid=gid)])
    for path, laid in recipe.files.items():
        content = recipe.contents[laid.source]
        entry = text(path[1:], content, mode=int(laid.mode, 8), owner=f"recipe {recipe.name}")
        uid, gid = owners[laid.owner]
        tree.add([evolve(entry, uid=uid, gid=gid)])
    return tree


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
