"""The tasks environment and catalog as they are called."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.azureml.fleet import copied


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this workspace with two of its envs, that have three environments."""
    fleet = copied(tmp_path_factory.mktemp("workspace"))
    for name in set(fleet.env_names()) - {"minimal", "tensorflow-2.4"}:
        (fleet.root / f"envs/{name}.toml").unlink()
    return fleet.root


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lockyard", *arguments],
        cwd=root, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_all_envs_again_and_again(workspace: Path, tmp_path: Path) -> None:
    texts = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        done = run(workspace, "environment", "--all", "--format=assets", f"--output={folder}")
        assert done.returncode == 0, done.stderr
        files = (path for path in folder.rglob("*") if path.is_file())
        texts.append({path.relative_to(folder): path.read_bytes() for path in files})
    assert texts[0] == texts[1]
    assert len(texts[0]) == 4 * 3


def test_one_environment_on_the_standard_output(workspace: Path) -> None:
    done = run(workspace, "environment", "tensorflow-2.4", "--variant=cuda11.0.3")
    assert json.loads(done.stdout)["name"].endswith("-cuda11.0.3-gpu-inference")
    (made,) = json.loads(run(workspace, "environment", "minimal", "--json").stdout)
    assert made["environment"] == "AzureML-minimal-ubuntu18.04-py37-cpu-inference"


def test_a_dry_run_tells_the_version(workspace: Path) -> None:
    record = workspace / "locks/minimal.versions.toml"
    record.unlink(missing_ok=True)
    done = run(workspace, "environment", "minimal", "--dry-run")
    assert "would be version 1 (new)" in done.stdout
    assert "not built" in done.stdout
    assert not record.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("minimal", "--format=v3"), "there is no format 'v3'"),
        (("minimal", "--tag=latest"), "isn't a tag that never moves"),
        (("minimal", "--variant=gpu"), "no variant 'gpu'"),
        (("tensorflow-2.4",), "several environments"),
        (("--all",), "several environments"),
    ],
)
def test_a_mistake_is_told(workspace: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(workspace, "environment", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_all_faults_are_told_at_once(workspace: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(workspace, own)
    (own / "locks/minimal.versions.toml").write_text("<<<<<<< ours\n")
    (own / "locks/tensorflow-2.4.lock.toml").unlink()
    for arguments in (("environment", "--all", "--dry-run"), ("catalog",)):
        done = run(own, *arguments)
        assert done.returncode == 4
        assert "locks/minimal.versions.toml: it has the conflict markers" in done.stderr
        assert "locks/tensorflow-2.4.lock.toml: there is no lock yet" in done.stderr


def test_the_catalogue(workspace: Path) -> None:
    assert run(workspace, "catalog", "--check").returncode == 4
    assert run(workspace, "catalog").returncode == 0
    done = run(workspace, "catalog", "--check", "--json")
    assert (done.returncode, len(json.loads(done.stdout))) == (0, 3)
