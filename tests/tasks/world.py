"""A workspace whose sources are small, on this machine, and changed by the test."""

from __future__ import annotations

import difflib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import define, field

from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock
from lockyard.lock.text import encode_lock
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.lock import Locked, Locker
from tests.resolve.debian import conftest as debian
from tests.resolve.debian.conftest import signer, site
from tests.resolve.pypi import conftest as pypi
from tests.resolve.pypi.conftest import index

__all__ = ["index", "signer", "site", "world"]

WORKSPACE = """
format = 1

[names]
registry = "registry.example"
repository = "team"
environment-prefix = "Team-"

[sources.pypi]
kind = "pypi"
index = "{index}"

[sources.debian]
kind = "debian"
mirror = "{mirror}"
keys = ["{key}"]
keyring = "keys"

[bases.trial]
kind = "debian"
source = "debian"
suite = "trial"
components = ["main"]
packages = ["python3.11", "libc6"]
python = "3.11"
interpreter = "/usr/bin/python3.11"
prefix = "/opt/venv"
pypi = "pypi"
"""
RECIPE = """
title = "Nothing"
suffix = "bare"

[user]
name = "app"
uid = 1000
gid = 1000
home = "/home/app"

[config]
workdir = "/home/app"
command = ["true"]
"""


@define
class World:
    """A workspace, its sources, and what locks it."""

    root: Path
    index: pypi.Index
    site: debian.Site | None = None
    environ: dict[str, str] = field(factory=dict)

    def env(self, name: str = "app", *requirements: str, **tables: str) -> None:
        """Write an env's spec."""
        listed = ", ".join(f'"{each}"' for each in requirements)
        more = "".join(f"{key} = {value}\n" for key, value in tables.items())
        text = f'title = "App"\nbase = "trial"\nrecipe = "bare"\n{more}'
        (self.root / "envs" / f"{name}.toml").write_text(f"{text}requirements.pypi = [{listed}]\n")

    def derived(self, name: str, parent: str, *requirements: str, **tables: str) -> None:
        """Write the spec of an env that extends another."""
        listed = ", ".join(f'"{each}"' for each in requirements)
        more = "".join(f"{key} = {value}\n" for key, value in tables.items())
        text = f'title = "Derived"\nextends = "{parent}"\n{more}requirements.pypi = [{listed}]\n'
        (self.root / "envs" / f"{name}.toml").write_text(text)

    def debs(self, *paragraphs: str) -> None:
        """Publish a suite of the base's packages and others."""
        assert self.site is not None, "its base has no Debian packages"
        base = (
            debian.paragraph("python3.11", "3.11.2-6", Depends="libc6 (>= 2.36)"),
            debian.paragraph("libc6", "2.36-9"),
        )
        self.site.publish(*base, *paragraphs)

    def lock(self, name: str = "app", *, refresh: bool = False, **moves: object) -> Locked:
        """Lock an env."""
        locker = Locker(
            fleet=read_fleet(self.root),
            store=Store.open(self.root.parent / "store"),
            environ=self.environ,
            now=datetime(2026, 8, 1, tzinfo=UTC),
            reporter=Silent(),
            moves=Moves(**moves),  # type: ignore[arg-type]
            refresh=refresh,
        )
        return locker.lock(name)

    def read(self, name: str = "app") -> Lock:
        lock = read_lock(self.root, name)
        assert lock is not None
        return lock

    def text(self, name: str = "app") -> str:
        return encode_lock(self.read(name))


def changed_lines(old: str, new: str) -> list[str]:
    """Return the lines that two texts don't share, each after its sign."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in {"+++", "---"}]


def lay_out(root: Path, workspace: str) -> Path:
    """Write a workspace without envs, and return its folder."""
    for folder in ("envs", "images/bare"):
        (root / folder).mkdir(parents=True)
    (root / "WORKSPACE.toml").write_text(workspace)
    (root / "images" / "bare" / "recipe.toml").write_text(RECIPE)
    return root


@pytest.fixture
def world(tmp_path: Path, index: pypi.Index, site: debian.Site) -> World:
    text = WORKSPACE.format(index=index.url, mirror=site.url, key=site.fingerprint)
    root = lay_out(tmp_path / "workspace", text)
    shutil.copytree(site.keyring, root / "keys")
    made = World(root, index, site)
    made.debs()
    return made
