"""Images that have a package in common have its layer in common, and the summary says so."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lockyard.lock.file import read_lock
from tests.cli.conftest import ROOT

ENVS = ("sklearn-1.9", "xgboost-3.2")
PLATFORMS = {"linux/amd64", "linux/arm64"}

pytestmark = [pytest.mark.network, pytest.mark.xdist_group(ENVS[0])]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workspace of two envs, all of it built in one go, and the last line that was said."""
    root = tmp_path_factory.mktemp("sharing")
    shutil.copy(ROOT / "WORKSPACE.toml", root)
    shutil.copytree(ROOT / "images", root / "images")
    for name in (
        *(f"envs/{env}.toml" for env in ENVS),
        *(f"locks/{env}.lock.toml" for env in ENVS),
    ):
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, root / name)
    command = [sys.executable, "-m", "lockyard", "build", "--all"]
    done = subprocess.run(
        command, cwd=root, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    return root, done.stdout.splitlines()[-1]


def test_the_same_wheel_is_the_same_layer(summary: tuple[Path, str]) -> None:
    wheels = [
        {wheel.file for wheel in lock.wheels if wheel.name == "scikit-learn"}
        for env in ENVS
        if (lock := read_lock(ROOT, env))
    ]
    assert wheels[0] == wheels[1]
    assert len(wheels[0]) == len(PLATFORMS)
    ledgers = _ledgers(summary[0])
    layers = [_layers(ledger, "scikit-learn ") for ledger in ledgers]
    assert layers[0] == layers[1]
    assert {platform for platform, _ in layers[0]} == PLATFORMS
    # The base is the same, too, and XGBoost is not.
    assert _layers(ledgers[0], "")["linux/amd64", 0] == _layers(ledgers[1], "")["linux/amd64", 0]


def test_what_is_unique_is_told_against_all(summary: tuple[Path, str]) -> None:
    root, line = summary
    blobs = list(root.glob("dist/*/blobs/sha256/*"))
    whole = sum(path.stat().st_size for path in blobs)
    unique = sum({path.name: path.stat().st_size for path in blobs}.values())
    assert unique < 0.75 * whole
    share = f"({100 * unique / whole:.0f} %)"
    found = re.fullmatch(r"2 images: (\S+) MB in all, (\S+) MB unique (\(.*\))", line)
    assert found is not None, line
    assert found.groups() == (f"{whole / 1e6:.1f}", f"{unique / 1e6:.1f}", share)


def _ledgers(root: Path) -> list[dict[str, Any]]:
    folders = sorted((root / "dist").iterdir())
    assert len(folders) == len(ENVS)
    return [json.loads((folder / "lockyard.json").read_text()) for folder in folders]


def _layers(ledger: dict[str, Any], beginning: str) -> dict[tuple[str, int], str]:
    """Return the digests of a title's layers, by platform and number."""
    return {
        (platform, number): layer["digest"]
        for platform, layers in ledger["layers"].items()
        for number, layer in enumerate(
            each for each in layers if each["title"].startswith(beginning)
        )
    }
