"""A workspace of one env for one platform, and a store that has its artifacts and no layers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

from attrs import frozen

from benchmarks.fleets import make_workspace
from benchmarks.measure import Sample, timed
from lockyard.lock.file import read_lock
from lockyard.store.store import Store

PROGRAM = Path(sys.executable).with_name("lockyard")
PLATFORM = "linux/amd64"


@frozen(kw_only=True)
class Stage:
    """An env ``name`` in a workspace of its own, and a store of its own beside that."""

    name: str
    folder: Path

    @property
    def workspace(self) -> Path:
        """Return the folder of the workspace."""
        return self.folder / "workspace"

    @property
    def store(self) -> Path:
        """Return the folder of the store."""
        return self.folder / "store"

    @property
    def output(self) -> Path:
        """Return the folder of images."""
        return self.folder / "dist"

    @property
    def image(self) -> Path:
        """Return the folder of the one image that is built."""
        (found,) = (path for path in self.output.iterdir() if (path / "index.json").exists())
        return found

    def lockyard(self, *arguments: str | Path) -> Sample:
        """Run the program in the workspace."""
        return self.run(PROGRAM, *arguments)

    def run(self, *command: str | Path) -> Sample:
        """Run a command in the workspace."""
        environ = {"LOCKYARD_STORE": str(self.store)}
        return timed(command, cwd=self.workspace, environ=environ)

    @property
    def building(self) -> tuple[str | Path, ...]:
        """Return the arguments of a build of the env."""
        return ("build", self.name, "--output", self.output)

    def build(self) -> Sample:
        """Build the env."""
        return self.lockyard(*self.building)

    def forget(self, but: Container[Path] = ()) -> None:
        """Remove all that was built, of the store and of images, but for some of the store."""
        shutil.rmtree(self.output, ignore_errors=True)
        self.go_back(but)

    def snapshot(self) -> set[Path]:
        """Return the files that stand for what is built in the store."""
        return {
            path
            for part in ("blobs", "records")
            for path in (self.store / part).rglob("*")
            if path.is_file()
        }

    def go_back(self, before: Container[Path]) -> None:
        """Remove what has come into the store since a snapshot."""
        for path in self.snapshot():
            if path not in before:
                path.unlink()


def staged(name: str, folder: Path) -> Stage:
    """Return a stage whose artifacts are in its store, from the user's own where that has them."""
    stage = Stage(name=name, folder=folder / name)
    stage.folder.mkdir(parents=True)
    make_workspace(stage.workspace, {name: name}, PLATFORM)
    link_artifacts(stage.workspace, stage.store)
    stage.build()  # fetches what is missing
    return stage


def link_artifacts(workspace: Path, store: Path) -> None:
    """Give a store those artifacts of a workspace's locks that the user's own has."""
    mine = Store.default(os.environ)
    found: dict[str, int] = {}
    for path in (workspace / "locks").glob("*.lock.toml"):
        lock = read_lock(workspace, path.name.removesuffix(".lock.toml"))
        found |= {each.sha256: each.size for each in lock.artifacts} if lock else {}
    for sha256, size in found.items():
        source = mine.artifact(sha256, size)
        if source is not None:
            _link(source, store / source.relative_to(mine.root))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)


def version(*command: str) -> str:
    """Return the first line of what a program says, "" where it isn't there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).strip().partition("\n")[0]
