"""The same lock gives the same digests under each condition that is promised, one at a time.

Each builds through the command line, in a child with a store, a home and a workspace of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.build.makers import wheel_content, zipped
from tests.cli.conftest import Yard, site, yard
from tests.determinism.conditions import Conditions
from tests.fleet.conftest import shared
from tests.fleet.pythons import Shared, program_of

__all__ = ["shared", "site", "yard"]

ENV = 'requirements.pypi = ["big", "small0", "small1", "small2"]\n'
PLAIN = Conditions(variables={"TZ": "UTC", "LC_ALL": "C.UTF-8"})
PARTS = 1_500_000  # of six bytes: two of the compressor's pieces

pytestmark = pytest.mark.xdist_group("conditions")


@cache
def big_wheel() -> bytes:
    chance = random.Random(0)  # noqa: S311 - no secret
    words = [chance.randbytes(6) for _ in range(4000)]
    return zipped(wheel_content("big", "1.0", {"big.py": b"".join(chance.choices(words, k=PARTS))}))


@pytest.fixture
def locked(yard: Yard) -> Yard:
    """An env of four wheels, one of them of several pieces of the compressor."""
    data = big_wheel()
    digest = hashlib.sha256(data).hexdigest()
    big = evolve(yard.wheel("big"), sha256=digest, size=len(data))
    yard.serve(big, data)
    small = [yard.wheel(f"small{number}") for number in range(3)]
    yard.lock("trial", yard.base(), big, *small, text=ENV)
    return yard


@pytest.fixture(scope="module")
def known() -> dict[str, Any]:
    """The ledger that the plain conditions gave, once it is known."""
    return {}


def built(yard: Yard, conditions: Conditions, home: Path) -> dict[str, Any]:
    """Build the env in a folder; return its ledger, which has all its digests."""
    home.mkdir(parents=True, exist_ok=True)
    workspace = home / "a workspace"
    shutil.copytree(yard.root, workspace)
    environ = yard.environment(LOCKYARD_STORE=str(home / "store"))
    del environ["HOME"], environ["PATH"]
    arguments = ["-P", "-m", "lockyard", "build", "trial", "--json"]
    done = conditions.run(
        *arguments, "--jobs", str(conditions.jobs), home=home, cwd=workspace, **environ
    )
    assert done.returncode == 0, done.stderr
    (image,) = json.loads(done.stdout)
    assert image["new_layers"] == image["layers"]
    ledger = json.loads((Path(image["folder"]) / "lockyard.json").read_bytes())
    assert ledger["images"] == image["digests"]
    return dict(ledger)


def check(locked: Yard, known: dict[str, Any], conditions: Conditions, home: Path) -> None:
    """Build under conditions; the ledger must be that of the plain ones."""
    if not known:
        known |= built(locked, PLAIN, locked.root.parent / "plain")
    assert built(locked, conditions, home) == known


def kind_of(folder: Path) -> str:
    """Return the name of a folder's file system, as stat(1) has it."""
    command = ["stat", "--file-system", "--format=%T", str(folder)]
    return subprocess.check_output(command, text=True, timeout=30).strip()


@pytest.mark.parametrize("another", [False, True], ids=["the same user", "another user"])
def test_as_root_and_as_an_ordinary_user(
    another: bool, locked: Yard, known: dict[str, Any], tmp_path: Path
) -> None:
    # Where root runs the tests, the other one is an ordinary user; else it is root.
    home = tmp_path / "home of it"
    check(locked, known, Conditions(another_user=another), home)
    owner = next((home / "a workspace" / "dist").rglob("index.json")).stat().st_uid
    assert (owner == os.geteuid()) == (not another or os.geteuid() != 0)


@pytest.mark.parametrize("memory", [True, False], ids=["tmpfs", "disk"])
def test_in_memory_and_on_disk(memory: bool, locked: Yard, known: dict[str, Any]) -> None:
    places = [Path("/dev/shm"), Path.home(), locked.root]
    found = [
        each for each in places if os.access(each, os.W_OK) and (kind_of(each) == "tmpfs") == memory
    ]
    if not found:
        pytest.skip(f"no folder {'in memory' if memory else 'on a disk'} can be written")
    with tempfile.TemporaryDirectory(prefix="lockyard-", dir=found[0]) as home:
        check(locked, known, Conditions(), Path(home))


@pytest.mark.parametrize("jobs", [1, 8])
def test_with_one_job_and_with_many(
    jobs: int, locked: Yard, known: dict[str, Any], tmp_path: Path
) -> None:
    check(locked, known, Conditions(jobs=jobs), tmp_path / "home")


@pytest.mark.network
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_under_each_python(
    version: str, locked: Yard, known: dict[str, Any], shared: Shared, tmp_path: Path
) -> None:
    python = program_of(version, shared)
    check(locked, known, Conditions(python=python), tmp_path / "home")
