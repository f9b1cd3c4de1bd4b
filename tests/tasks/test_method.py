from __future__ import annotations

import pytest
from attrs import evolve

from lockyard.docker import debs
from lockyard.docker.engine import Engine
from lockyard.errors import BuildError, EngineError
from lockyard.lock.file import write_lock
from lockyard.plan.image import ImagePlan
from lockyard.spec.reader import Fleet
from lockyard.tasks.method import ByEngine, Embedded
from lockyard.tasks.plan import plan_env
from tests.build.makers import deb_artifact
from tests.tasks.conftest import lock_of


@pytest.fixture
def plan(fleet: Fleet) -> ImagePlan:
    write_lock(fleet.root, lock_of(fleet))
    return plan_env(fleet, "trial")[0]


def by_engine(fleet: Fleet, *platforms: str) -> ByEngine:
    return ByEngine(fleet=fleet, engine=Engine(version="26.1", platforms=frozenset(platforms)))


def test_what_must_run_is_refused_by_name(fleet: Fleet, plan: ImagePlan) -> None:
    spec = fleet.root / "envs/trial.toml"
    spec.write_text('run = ["ldconfig"]\n' + spec.read_text())
    (asking, *_) = plan_env(fleet, "trial")  # the lock fits: no package is another
    assert asking.run == ("ldconfig",)
    assert asking.key != plan.key
    assert Embedded().suited([plan]) == [plan]
    with pytest.raises(BuildError, match="executes nothing") as caught:
        Embedded().suited([asking])
    assert caught.value.where == "envs/trial.toml: run"
    assert by_engine(fleet, "linux/amd64").suited([asking]) == [asking]


def test_packages_whose_scripts_would_run_are_refused_by_name(plan: ImagePlan) -> None:
    asking = evolve(plan, installed=(deb_artifact("tcpdump", "4.99"),))
    with pytest.raises(BuildError, match="tcpdump would be installed by their scripts") as caught:
        Embedded().suited([asking])
    assert caught.value.where == "envs/trial.toml: run-scripts"


def test_platforms_that_an_engine_cannot_run(fleet: Fleet, plan: ImagePlan) -> None:
    arm = evolve(plan, target=evolve(plan.target, platform="linux/arm64"))
    assert by_engine(fleet, "linux/amd64").suited([plan, arm]) == [plan]
    with pytest.raises(EngineError, match="no programs of linux/arm64"):
        by_engine(fleet, "linux/amd64").suited([arm])


def test_the_dockerfile_decides_beside_the_plan(fleet: Fleet, plan: ImagePlan) -> None:
    template = fleet.root / "images/inference/Dockerfile"
    template.write_text("FROM scratch\n")
    first = by_engine(fleet)
    told = first.inputs(plan)
    template.write_text("FROM scratch # again\n")
    assert by_engine(fleet).inputs(plan) != told
    # What is under way goes on with what it has read.
    assert (first.inputs(plan), first.dockerfile(plan)) == (told, "FROM scratch\n")
    assert Embedded().inputs(plan) == {}


def test_what_the_dockerfile_runs_decides_as_well(
    fleet: Fleet, plan: ImagePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fleet.root / "images/inference/Dockerfile").write_text("@{debs}\n")
    asking = evolve(plan, installed=(deb_artifact("tcpdump", "4.99"),))
    told = by_engine(fleet).inputs(asking)
    assert by_engine(fleet).inputs(asking) == told
    monkeypatch.setattr(debs, "_SCRIPT", "dpkg --install\n")
    changed = by_engine(fleet).inputs(asking)
    assert changed["dockerfile"] == told["dockerfile"]
    assert changed != told
