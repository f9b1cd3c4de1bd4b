"""Exported locks, as uv takes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lockyard.export.requirements import requirements_text
from lockyard.lock.finding import serving as serving_target
from lockyard.spec.reader import Fleet
from tests.fleet.locked import first_generation, held
from tests.fleet.proxy import Proxy, View, serving
from tests.fleet.pythons import find_python
from tests.fleet.sync import Uv, sync

pytestmark = pytest.mark.network

TARGET = "cpu-linux-amd64"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Uv:
    return Uv(tmp_path_factory.mktemp("uv"))


@pytest.fixture(scope="module")
def index() -> Iterator[Proxy]:
    with serving(View(sdists=frozenset(), metadata=True)) as proxy:
        yield proxy


# All others of the first generation are as large as TensorFlow: `python -m tests.fleet.sync`.
@pytest.mark.parametrize("env", ["sklearn-1.9", "minimal", "sklearn-0.24.1", "onnxruntime-1.6"])
def test_uv_installs_a_pylock_without_an_index(
    env: str, own: Uv, fleet: Fleet, tmp_path: Path
) -> None:
    lock = held(env)
    (target,) = (each for each in lock.targets if each.name == TARGET)
    assert sync(fleet, env, TARGET, own, tmp_path) == len(serving_target(lock.wheels, target))


@pytest.mark.parametrize("env", first_generation())
def test_uv_installs_the_first_generation_on_its_own_python(
    env: str, own: Uv, index: Proxy, built: Path, tmp_path: Path
) -> None:
    lock = held(env)
    (tmp_path / "requirements.txt").write_text(requirements_text(lock, lock.targets[0]))
    own.run("venv", "--python", find_python("3.7"), "env", folder=tmp_path)
    # A dry run compares no hashes: it finds a wheel of each version for this Python. The
    # smallest env is installed indeed.
    dry = [] if env == "minimal" else ["--dry-run"]
    told = own.run(
        "pip", "sync", *dry, "--python=env/bin/python", "--require-hashes", "--no-build",
        f"--default-index={index.index_url}", f"--find-links={built}", "requirements.txt",
        folder=tmp_path,
    )  # fmt: skip
    taken = {
        line.removeprefix(" + ") for line in told.stderr.splitlines() if line.startswith(" + ")
    }
    assert taken == {f"{wheel.name}=={wheel.version}" for wheel in lock.wheels}
