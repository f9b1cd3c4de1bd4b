"""The fleet's first generation in a workspace that differs from the real one in its sources."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tomli_w
from attrs import evolve, frozen

from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder
from lockyard.tasks.lock import Locker
from tests.fleet.locked import ROOT, first_generation
from tests.fleet.standin.base import PLATFORM, Pushed, base_registry
from tests.fleet.standin.channel import make_channel
from tests.resolve.conda.conftest import serving

BASE = "ubuntu18.04"


@frozen(kw_only=True)
class StandIn:
    """A workspace, and the environment in which its sources are this machine's own."""

    root: Path
    environ: Mapping[str, str]
    store: Store
    base: Pushed

    @property
    def fleet(self) -> Fleet:
        return read_fleet(self.root)

    def lock(self, env: str, moves: Moves = Moves()) -> Lock:
        """Lock an env, and return its lock."""
        Locker(
            fleet=self.fleet,
            store=self.store,
            environ=self.environ,
            now=datetime.now(UTC),
            reporter=Silent(),
            moves=moves,
        ).lock(env)
        lock = read_lock(self.root, env)
        assert lock is not None
        return lock

    def apart(self, folder: Path) -> StandIn:
        """Return a copy of the workspace in a new folder, on the same sources, nothing built."""
        shutil.copytree(self.root, folder, ignore=shutil.ignore_patterns("dist", "locks"))
        return evolve(self, root=folder)

    def builder(self) -> Builder:
        """Return who builds the locked envs into the workspace's ``dist``."""
        return Builder(
            fleet=self.fleet,
            store=self.store,
            output=self.root / "dist",
            environ=self.environ,
            reporter=Silent(),
            jobs=2,
        )


@contextmanager
def standing_in(folder: Path) -> Iterator[StandIn]:
    """Make a channel, a registry and a workspace in an empty folder, and run the former two.

    Artifacts are kept in the store that the user has: the wheels are the real ones, and some
    gigabytes.
    """
    store = Store.default(os.environ)
    description = tomllib.loads((ROOT / "WORKSPACE.toml").read_text())
    base = description["bases"][BASE]
    make_channel(folder / "channel")
    with (
        serving(folder / "channel") as channel,
        base_registry(folder / "registry", store, base["image"], base["tag"]) as pushed,
    ):
        environ = {
            **os.environ,
            "LOCKYARD_CONDA_FORGE_MIRROR": channel.url,
            "LOCKYARD_DOCKER_HUB_MIRROR": f"http://{pushed.address}",
        }
        root = folder / "workspace"
        _lay_out(root, description, pushed)
        yield StandIn(root=root, environ=environ, store=store, base=pushed)


def _lay_out(root: Path, description: dict[str, Any], pushed: Pushed) -> None:
    """Write the workspace: the real one's, but for the digests of its base."""
    base = description["bases"][BASE]
    base["index"] = pushed.index
    base["manifests"] = {PLATFORM: pushed.manifest}
    (root / "envs").mkdir(parents=True)
    (root / "WORKSPACE.toml").write_text(tomli_w.dumps(description))
    shutil.copytree(ROOT / "images", root / "images")
    for env in first_generation():
        shutil.copy(ROOT / "envs" / f"{env}.toml", root / "envs")
