from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import evolve

from lockyard.errors import LockError
from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.tasks.plan import check_coherent, fresh_lock, plan_env
from tests.tasks.conftest import lock_of, wheel


def test_a_plan_for_each_target(fleet: Fleet) -> None:
    write_lock(fleet.root, lock_of(fleet, wheel("flask", "1.0")))
    images = [plan.names.image for plan in plan_env(fleet, "trial")]
    assert images == [
        "trial-debian12-py311-cpu-inference",
        "trial-debian12-py311-cuda12-gpu-inference",
    ]


def test_no_lock(fleet: Fleet) -> None:
    with pytest.raises(LockError, match="there is no lock yet") as caught:
        check_coherent(fleet, "trial")
    assert caught.value.where == "locks/trial.lock.toml"
    assert caught.value.solution == "run: invoke lock trial"


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("WORKSPACE.toml", '"bookworm"', '"trixie"', "the base debian12 changed"),
        ("envs/trial.toml", "cuda12={}", "cuda13={}", "the env changed"),
        (
            "images/inference/recipe.toml",
            'suffix = "inference"',
            'suffix = "inference"\nrequirements.pypi = ["pip"]',
            "the recipe inference changed",
        ),
    ],
)
def test_a_lock_of_another_spec(fleet: Fleet, file: str, old: str, new: str, told: str) -> None:
    write_lock(fleet.root, lock_of(fleet))
    path = fleet.root / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(LockError, match=f"{told} since it was made"):
        plan_env(read_fleet(fleet.root), "trial")


def test_what_changes_no_package_needs_no_new_lock(fleet: Fleet) -> None:
    write_lock(fleet.root, lock_of(fleet))
    path = fleet.root / "envs/trial.toml"
    path.write_text(path.read_text().replace('"Trial"', '"Another" # title'))
    assert len(plan_env(read_fleet(fleet.root), "trial")) == 2


def test_a_target_that_a_hand_took_out(fleet: Fleet) -> None:
    lock = lock_of(fleet)
    env = fleet.env("trial")
    for targets in (lock.targets[:1], (lock.targets[0], evolve(lock.targets[1], base="other"))):
        write_lock(fleet.root, evolve(lock, targets=targets))
        with pytest.raises(LockError, match="its targets aren't those of its env"):
            fresh_lock(fleet, env)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "nvidia-nccl-cu12"}, "env requires it, which is of CUDA 12, and the variant"),
        ({"file": "flask-1.0-py3-none-manylinux_2_39_x86_64.whl"}, "glibc 2.36"),
        ({"file": "flask-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"}, "load on Python 3.11.2"),
    ],
)
def test_what_does_not_hold_together_is_not_built(
    fleet: Fleet, changes: Mapping[str, Any], told: str
) -> None:
    # As a merge by hand may leave it.
    write_lock(fleet.root, lock_of(fleet, evolve(wheel("flask", "1.0"), **changes)))
    with pytest.raises(LockError, match=told) as caught:
        check_coherent(fleet, "trial")
    assert caught.value.where == f"locks/trial.lock.toml: {changes.get('name', 'flask')}"
    assert caught.value.solution
