"""The recipe's layer: its user, folders and files, and an empty virtual environment."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from lockyard.build.debian.accounts import base_accounts
from lockyard.build.debian.archive import DebArchive
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tree import Tree
from lockyard.plan.layer import RecipeLayer
from lockyard.plan.venv import Venv


def recipe_tree(layer: RecipeLayer, debs: tuple[DebArchive, ...]) -> Tree:
    """Lay the recipe over a base whose account packages are given."""
    recipe = layer.recipe
    accounts = base_accounts(debs).with_user(recipe.user)
    owners = {"root": (0, 0), "user": (recipe.user.uid, recipe.user.gid)}
    tree = Tree(accounts.entries())
    tree.add(venv_entries(layer.venv))
    for path, owner in recipe.directories.items():
        uid, gid = owners[owner]
        tree.add([directory(path[1:], uid=uid, gid=gid)])
    for path, laid in recipe.files.items():
        content = recipe.contents[laid.source]
        entry = text(path[1:], content, mode=int(laid.mode, 8), owner=f"recipe {recipe.name}")
        uid, gid = owners[laid.owner]
        tree.add([evolve(entry, uid=uid, gid=gid)])
    return tree


def venv_entries(venv: Venv) -> Iterator[Entry]:
    """Give what ``python -m venv --without-pip`` makes, less the scripts to activate it."""
    prefix = venv.prefix[1:]
    home, _, program = venv.interpreter.rpartition("/")
    settings = {
        "home": home,
        "include-system-site-packages": "false",
        "version": venv.python,
        "executable": venv.interpreter,
        "command": f"{venv.interpreter} -m venv --without-pip {venv.prefix}",
    }
    lines = "".join(f"{name} = {value}\n" for name, value in settings.items())
    yield text(f"{prefix}/pyvenv.cfg", lines, owner="venv")
    yield symlink(f"{prefix}/bin/{program}", venv.interpreter, owner="venv")
    for name in ("python", "python3"):
        yield symlink(f"{prefix}/bin/{name}", program, owner="venv")
    yield symlink(f"{prefix}/lib64", "lib", owner="venv")
    yield directory(f"{prefix}/include/python{venv.minor}")
    yield directory(venv.site_packages)
