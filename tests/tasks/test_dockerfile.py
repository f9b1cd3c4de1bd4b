"""Dockerfiles with their contexts, built by buildx alone, in a copied folder, without network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.docker.bake import FILE
from lockyard.errors import LockError, SpecError
from lockyard.events import Silent
from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.dockerfile import DockerfileWriter, dockerfile_of
from lockyard.tasks.plan import plan_env
from tests.tasks.conftest import lock_of, wheel

ROOT = Path(__file__).resolve().parents[2]
ENV = "minimal-py311"


def writer(fleet: Fleet, output: Path) -> DockerfileWriter:
    return DockerfileWriter(
        fleet=fleet,
        store=Store.default(os.environ),
        output=output,
        environ=os.environ,
        reporter=Silent(),
        jobs=2,
    )


def test_the_bake_file_is_replaced_at_once(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lock(fleet.root, lock_of(fleet, wheel("alpha", "1.0")))
    monkeypatch.setattr(DockerfileWriter, "_write", lambda _, plan: plan)
    monkeypatch.setattr("lockyard.tasks.dockerfile.check_coherent", lambda *_: None)
    output = tmp_path / "docker"
    output.mkdir()
    bake, old = output / FILE, tmp_path / "old"
    bake.write_text("old")
    old.hardlink_to(bake)
    _, failed = writer(fleet, output).write_all(["trial"])
    assert failed == {}
    assert (len(json.loads(bake.read_text())["target"]), old.read_text()) == (2, "old")
    assert [each.name for each in output.iterdir()] == [FILE]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The contexts of an env's image, and the bake file beside them."""
    output = tmp_path_factory.mktemp("docker")
    done, failed = writer(read_fleet(ROOT), output).write_all([ENV, "no-such-env"])
    assert list(failed) == ["no-such-env"]
    assert [each.platform for each in done] == ["linux/amd64", "linux/arm64"]
    return output


@pytest.fixture
def copied(written: Path, tmp_path: Path) -> Path:
    """A copy of the context for this engine."""
    (context,) = written.glob("*/linux-amd64")
    return shutil.copytree(context, tmp_path / "elsewhere")


def buildx(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["docker", "buildx", "build", "--progress", "plain", "--network", "none"]
    command += ["--provenance", "false", *options, "."]
    return subprocess.run(
        command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300, check=False
    )


@pytest.mark.network
def test_all_platforms_of_an_env_have_one_dockerfile(written: Path) -> None:
    one, other = (
        path.read_text().replace("arm64", "amd64") for path in written.glob("*/*/Dockerfile")
    )
    assert one == other
    bake = json.loads((written / "docker-bake.json").read_bytes())
    for target in bake["target"].values():
        assert (written / target["context"] / "Dockerfile").is_file()


@pytest.mark.network
@pytest.mark.engine
def test_builds_without_lockyard(copied: Path) -> None:
    done = buildx(copied, "--output", "type=cacheonly")
    assert done.returncode == 0, done.stderr
    # An argument by which another Dockerfile would be had to build something else.
    hostile = ["--build-arg", "PATH=/none", "--build-arg", "prefix=/none"]
    again = buildx(copied, *hostile, "--output", "type=cacheonly")
    assert again.returncode == 0, again.stderr
    assert "CACHED" in again.stderr


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0xFF
    path.write_bytes(data)


TAMPERED: dict[str, Callable[[Path], None]] = {
    "requirements.txt": lambda folder: flip(folder / "requirements.txt", 0),
    "layers/base.tar.gz": lambda folder: flip(folder / "layers/base.tar.gz", 0),
    "layers/top-001.tar.gz": lambda folder: flip(folder / "layers/top-001.tar.gz", 99),
    "layers/conda-999.tar.gz": lambda folder: (folder / "layers/conda-999.tar.gz").touch(),
    "wheels/pip-": lambda folder: flip(next((folder / "wheels").glob("pip-*")), 99),
    "wheels/idna-": lambda folder: next((folder / "wheels").glob("idna-*")).unlink(),
}


@pytest.mark.network
@pytest.mark.engine
@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_fails_by_its_name(copied: Path, name: str) -> None:
    TAMPERED[name](copied)
    done = buildx(copied, "--output", "type=cacheonly")
    assert done.returncode != 0
    # Of the base, the step that unpacks it speaks; of the others, sha256sum or find.
    assert (name if "base" in name else f"./{name}") in done.stderr


def test_a_recipe_without_a_template(tmp_path: Path) -> None:
    for folder in ("envs", "images", "locks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "WORKSPACE.toml", tmp_path)
    (tmp_path / "images/inference/Dockerfile").unlink()
    fleet = read_fleet(tmp_path)
    with pytest.raises(SpecError, match="Dockerfile can't be read"):
        dockerfile_of(fleet, plan_env(fleet, ENV)[0])


def test_an_env_that_cannot_be_planned_leaves_nothing(tmp_path: Path, fleet: Fleet) -> None:
    done, failed = writer(fleet, tmp_path / "out").write_all(["trial"])
    assert done == []
    assert isinstance(failed["trial"], LockError)
    assert not (tmp_path / "out").exists()
