"""The same locks, whichever supported Python the program itself runs on."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.fleet.locked import ROOT
from tests.fleet.pythons import Shared, checked, program_of

pytestmark = pytest.mark.network

# A part of the channel as it was published, with all that the first generation takes of it.
CONDA_FORGE = ROOT / "tests/resolve/conda/data"


@pytest.fixture
def program(version: str, shared: Shared) -> str:
    """The Python of a version that has the program: this one, or one made for the test."""
    return program_of(version, shared)


@pytest.mark.parametrize(
    ("version", "env"),
    [
        ("3.11", "minimal"),
        ("3.12", "minimal"),
        ("3.13", "minimal"),
        ("3.11", "sklearn-1.9"),
        ("3.13", "sklearn-1.9"),
    ],
)
def test_each_python_resolves_the_committed_locks(
    version: str, env: str, program: str, tmp_path: Path
) -> None:
    for folder in ("envs", "images", "locks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "WORKSPACE.toml", tmp_path)
    # A store of its own: nothing is remembered of any other Python's work.
    environment = {
        **os.environ,
        "LOCKYARD_STORE": str(tmp_path / "store"),
        "LOCKYARD_CONDA_FORGE_MIRROR": str(CONDA_FORGE),
        "PYTHONPATH": str(ROOT / "src"),
    }
    command = [program, "-P", "-m", "lockyard", "lock", env, "--refresh", "--dry-run", "--json"]
    (told,) = json.loads(checked(command, environment, tmp_path).stdout)
    assert (told["env"], told["new"], told["changed"]) == (env, False, False), told["changes"]
