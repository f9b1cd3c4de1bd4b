"""The same lock gives the same image, whoever builds it, where, and under what settings."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import field, frozen

from lockyard.lock.file import read_lock
from lockyard.store.store import Store
from lockyard.tasks.build import Builder

ROOT = Path(__file__).resolve().parents[2]
ENV = "minimal-py311"

pytestmark = [pytest.mark.network, pytest.mark.xdist_group(ENV)]


@frozen(kw_only=True)
class Conditions:
    """What one rebuild has of its own."""

    umask: int
    jobs: int
    variables: dict[str, str] = field(factory=dict)
    another_user: bool = False


CONDITIONS = {
    "plain": Conditions(umask=0o022, jobs=1, variables={"TZ": "UTC", "LC_ALL": "C"}),
    "strict": Conditions(
        umask=0o077,
        jobs=8,
        variables={
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "tr_TR.UTF-8",
            "PYTHONHASHSEED": "7",
            "SOURCE_DATE_EPOCH": "1",
        },
        another_user=True,
    ),
    "open": Conditions(
        umask=0,
        jobs=3,
        variables={"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "4711"},
    ),
}


@pytest.fixture(scope="module")
def artifacts(builder: Builder) -> Store:
    """The user's store, with what the image is made of in it."""
    builder.build(ENV)
    return builder.store


@pytest.fixture(scope="module")
def rebuild(artifacts: Store, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Rebuild under named conditions in a store that holds no layer; return the layout."""

    def run(name: str) -> Path:
        conditions = CONDITIONS[name]
        home = tmp_path_factory.mktemp(name)
        workspace = home / f"a workspace of {name}"
        for folder in ("envs", "images", "locks"):
            shutil.copytree(ROOT / folder, workspace / folder)
        shutil.copy(ROOT / "WORKSPACE.toml", workspace)
        _seed(artifacts, home / "store")
        command = [sys.executable, "-m", "lockyard", "build", ENV, "--json"]
        command += ["--jobs", str(conditions.jobs)]
        owner = _another_user(home) if conditions.another_user else []
        done = subprocess.run(
            [*owner, *command],
            cwd=workspace,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "TMPDIR": str(home),
                "LOCKYARD_STORE": str(home / "store"),
                **conditions.variables,
            },
            umask=conditions.umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        (built,) = json.loads(done.stdout)
        assert built["state"] == "built"
        assert built["new_layers"] == built["layers"]
        layout = Path(built["folder"])
        if conditions.another_user and os.geteuid() == 0:
            assert (layout / "index.json").stat().st_uid == 12345
        return layout

    return run


def test_the_same_digests_under_other_conditions(rebuild: Callable[[str], Path]) -> None:
    layouts = {name: rebuild(name) for name in CONDITIONS}
    indexes = {name: (layout / "index.json").read_bytes() for name, layout in layouts.items()}
    assert indexes["strict"] == indexes["plain"]
    assert indexes["open"] == indexes["plain"]
    blobs = {
        name: sorted(path.name for path in (layout / "blobs" / "sha256").iterdir())
        for name, layout in layouts.items()
    }
    assert blobs["strict"] == blobs["open"] == blobs["plain"]


def _seed(source: Store, target: Path) -> None:
    """Give a new store the artifacts of the image, and nothing else."""
    lock = read_lock(ROOT, ENV)
    assert lock is not None
    for artifact in (*lock.debs, *lock.wheels):
        path = source.artifact(artifact.sha256, artifact.size)
        assert path is not None
        place = target / path.relative_to(source.root)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _another_user(home: Path) -> list[str]:
    """Return a command's beginning that runs it as another user, to whom all of home belongs.

    Root becomes an ordinary user, who may read what root may (the interpreter may be in
    root's home) but write only what is its own; an ordinary user becomes root in a name space
    of its own.
    """
    if os.geteuid() != 0:
        return ["unshare", "--user", "--map-root-user"]
    for path in (home, *home.rglob("*")):
        os.chown(path, 12345, 12345)
    user = ["--reuid", "12345", "--regid", "12345", "--clear-groups"]
    rights = ["--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search"]
    return ["setpriv", *user, *rights]
