"""What a lock names, brought into a store from real sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.errors import FetchError, IntegrityError
from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock, Wheel
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.supply import Supply, addresses, is_built
from tests.conftest import ROOT


@pytest.fixture
def supply(tmp_path: Path) -> Supply:
    return Supply(
        workspace=read_fleet(ROOT).workspace,
        store=Store.open(tmp_path / "store"),
        environ=os.environ,
        reporter=Silent(),
    )


@pytest.fixture
def lock() -> Lock:
    found = read_lock(ROOT, "minimal")
    assert found is not None
    return found


@pytest.fixture
def built(lock: Lock) -> Wheel:
    (wheel,) = (wheel for wheel in lock.wheels if is_built(wheel))
    return wheel


@pytest.mark.network
class TestBuiltWheels:
    def test_one_is_built_once_and_again_when_it_rots(self, supply: Supply, built: Wheel) -> None:
        supply.provide([built])
        path = supply.store.artifact(built.sha256, built.size)
        assert path is not None
        supply.store.verify(path, built.sha256, built.size)
        path.chmod(0o644)
        path.write_bytes(b"x" * built.size)
        supply.provide([built])
        assert path.read_bytes()[:1] == b"x", "its size alone is looked at"
        supply.provide([built], verify=True)
        supply.store.verify(path, built.sha256, built.size)

    def test_one_whose_build_gives_other_bytes_is_refused(
        self, supply: Supply, built: Wheel
    ) -> None:
        with pytest.raises(IntegrityError, match="building it again gives other bytes"):
            supply.provide([evolve(built, sha256="0" * 64)])
        assert supply.store.artifact("0" * 64) is None


@pytest.mark.network
def test_an_sdist_that_can_not_be_had_fails_its_wheels_alone(supply: Supply, built: Wheel) -> None:
    assert built.sdist is not None
    gone = evolve(built.sdist, file="wrapt-0.0.0.tar.gz", sha256="0" * 64)
    wheels = [evolve(built, sha256=digit * 64, sdist=gone) for digit in "12"]
    failures = supply.provide_each(wheels)
    assert failures.keys() >= {wheel.sha256 for wheel in wheels}
    assert all(isinstance(each, FetchError) for each in failures.values())


def test_what_is_there_needs_no_source(supply: Supply, lock: Lock) -> None:
    with supply.store.writer("artifact") as writer:
        writer.write(b"held")
        sha256 = writer.sha256
        writer.commit()
    unreachable = evolve(supply, environ={"PIP_INDEX_URL": "http://127.0.0.1:9/simple"})
    wheel = evolve(lock.wheels[0], sha256=sha256, size=4)
    unreachable.provide([wheel], verify=True)
    with pytest.raises(FetchError, match="no answer"):
        unreachable.provide([wheel, evolve(wheel, sha256="0" * 64)])


def test_a_channel_has_its_mirror_or_its_own_address(supply: Supply) -> None:
    environ = {"LOCKYARD_CONDA_FORGE_MIRROR": "http://127.0.0.1:9/conda-forge/"}
    found = addresses(supply.workspace, environ)["conda-forge"]()
    assert found == "http://127.0.0.1:9/conda-forge"
    assert addresses(supply.workspace, {})["conda-forge"]().endswith("/conda-forge")
