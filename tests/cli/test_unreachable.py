"""A build whose sources don't all answer says which, of what, and soon; what came is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockyard.errors import FetchError
from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock
from lockyard.store.store import Store
from tests.cli.conftest import CLOSED, ROOT

ENV = "minimal"

pytestmark = pytest.mark.network


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A copy of this workspace."""
    root = tmp_path / "workspace"
    for folder in ("envs", "images", "locks"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "WORKSPACE.toml", root)
    return root


@pytest.fixture
def lock() -> Lock:
    held = read_lock(ROOT, ENV)
    assert held is not None
    return held


def failing(workspace: Path, **environ: str) -> str:
    """Build where the channel and the registry don't answer; return what it says of that."""
    closed = {"LOCKYARD_CONDA_FORGE_MIRROR": CLOSED, "LOCKYARD_DOCKER_HUB_MIRROR": CLOSED}
    done = subprocess.run(
        [sys.executable, "-m", "lockyard", "build", ENV],
        cwd=workspace,
        env=os.environ | closed | {"LOCKYARD_STORE": str(workspace.parent / "store")} | environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == FetchError.status == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert not (workspace / "dist").exists()
    return done.stderr


def test_what_came_is_kept_and_not_asked_for_again(workspace: Path, lock: Lock) -> None:
    failing(workspace)
    store = Store(workspace.parent / "store")
    assert all(store.artifact(wheel.sha256, wheel.size) for wheel in lock.wheels)
    # Nobody answers any more, and no wheel is missed.
    started = time.monotonic()
    told = failing(workspace, PIP_INDEX_URL=f"{CLOSED}/simple", PIP_EXTRA_INDEX_URL="")
    assert time.monotonic() - started < 10
    (image,) = lock.images
    wanted = {f"  {each.file} (source conda-forge): no answer from {CLOSED}" for each in lock.conda}
    wanted.add(f"  image library/ubuntu sha256:{image.manifest} (source docker.io)")
    lines = {line for line in told.splitlines() if "(source " in line}
    assert {line for line in lines for start in wanted if line.startswith(start)} == lines
    assert len(lines) == len(wanted) == len(lock.conda) + 1
    assert all(line.endswith(f"no answer from {CLOSED}: Connection refused") for line in lines)
