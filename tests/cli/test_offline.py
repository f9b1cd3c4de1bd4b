"""What looks at locks needs no network, and neither does a lock or a build that is done."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lockyard.spec.reader import read_fleet
from lockyard.tasks.build import Builder

ROOT = Path(__file__).resolve().parents[2]
ENV = "minimal-py311"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this workspace, committed, in which one package was bumped since."""
    root = tmp_path_factory.mktemp("offline") / "workspace"
    for folder in ("envs", "images", "locks"):
        shutil.copytree(ROOT / folder, root / folder)
    shutil.copy(ROOT / "WORKSPACE.toml", root)
    lock = root / "locks" / f"{ENV}.lock.toml"
    text = lock.read_text()
    idna = re.compile(r'name = "idna"\nversion = "[^"]+"(\nfile = ".+")\nsha256 = "\w+"')
    assert idna.search(text)
    older = idna.sub(f'name = "idna"\nversion = "0.1"\\1\nsha256 = "{64 * "0"}"', text)
    lock.write_text(older)
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "-m", "lock"]):
        settings = ["-c", "user.name=a", "-c", "user.email=a@example"]
        subprocess.run(["git", *settings, *command], cwd=root, check=True)
    lock.write_text(text)
    return root


def offline(workspace: Path, *arguments: str) -> str:
    """Run the program where there is no network at all."""
    lonely = ["unshare", "--map-current-user", "--net"]
    done = subprocess.run(
        [*lonely, sys.executable, "-m", "lockyard", *arguments],
        cwd=workspace,
        env=os.environ | {"PIP_INDEX_URL": "", "LOCKYARD_DEBIAN_MIRROR": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_name_space_without_network_has_none() -> None:
    probe = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    command = ["unshare", "--map-current-user", "--net", sys.executable, "-c", probe]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Network is unreachable" in done.stderr


def test_check(workspace: Path) -> None:
    assert "no fault" in offline(workspace, "check")


def test_diff(workspace: Path) -> None:
    assert "idna 0.1" in offline(workspace, "diff", ENV)


def test_why(workspace: Path) -> None:
    assert "azureml-inference-server-http" in offline(workspace, "why", ENV, "flask")


def test_export(workspace: Path) -> None:
    target = ["--target", "cpu-linux-amd64"]
    assert "--hash=sha256:" in offline(
        workspace, "export", ENV, "--format", "requirements", *target
    )


def test_a_lock_that_fits(workspace: Path) -> None:
    assert "no change" in offline(workspace, "lock", ENV)


def test_every_committed_lock_has_a_plan(workspace: Path) -> None:
    would = json.loads(offline(workspace, "build", "--all", "--dry-run", "--json"))
    fleet = read_fleet(ROOT)
    assert {each["state"] for each in would} == {"would build"}
    assert {each["env"] for each in would} == set(fleet.env_names())
    first = [each["image"] for each in would if "-ubuntu18.04-py37-" in each["image"]]
    assert len(first) == 9


@pytest.mark.network
@pytest.mark.xdist_group("minimal-py311")
def test_a_build_from_a_warm_store(workspace: Path, builder: Builder) -> None:
    (online,) = builder.build(ENV)
    (built,) = json.loads(offline(workspace, "build", ENV, "--json"))
    assert built["digests"] == dict(online.digests)
