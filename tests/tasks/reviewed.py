"""A workspace on disk whose lock holds together, for what looks at locks."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.lock.file import read_lock, write_lock
from lockyard.lock.model import Lock, Wheel
from lockyard.spec.reader import Fleet, read_fleet
from tests.conftest import ROOT
from tests.lock.sound import DEBIAN_ENV, RECIPE, WORKSPACE, on_debian

BYTES = {name: name.encode() * 10 for name in ("numpy", "server", "werkzeug")}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """A workspace of one env and its lock, whose wheels' bytes are known."""
    for file, text in {
        "WORKSPACE.toml": WORKSPACE,
        "images/bare/recipe.toml": RECIPE,
        "envs/trial.toml": DEBIAN_ENV,
    }.items():
        path = tmp_path / "fleet" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    fleet = read_fleet(tmp_path / "fleet")
    sound = on_debian().lock
    write_lock(fleet.root, evolve(sound, wheels=tuple(map(known, sound.wheels))))
    return fleet


def known(wheel: Wheel) -> Wheel:
    data = BYTES[wheel.name] + wheel.file.encode()
    return evolve(wheel, sha256=hashlib.sha256(data).hexdigest(), size=len(data))


def locked(fleet: Fleet) -> Lock:
    lock = read_lock(fleet.root, "trial")
    assert lock is not None
    return lock


def lockyard(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lockyard", *arguments],
        cwd=fleet.root,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(fleet.root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
