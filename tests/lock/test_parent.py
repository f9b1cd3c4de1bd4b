"""What an env that extends another takes of the other's lock."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.inputs import inputs
from lockyard.lock.model import Lock
from lockyard.lock.parent import inherited
from lockyard.spec.model import Env
from tests.lock.sound import Sound, on_debian, with_conda

AMD64 = "cpu-linux-amd64"


def extended(sound: Sound, **more: Any) -> Env:
    """Return an env that extends a sound one."""
    return evolve(sound.env, name="child", parent=sound.env, **more)


def parent_input(env: Env, lock: Lock | None) -> str:
    sound = on_debian()
    return inputs(sound.workspace, env, sound.recipe, lock)["parent"]


def test_what_the_spec_asks_for_the_parent_asks_for() -> None:
    held = inherited(on_debian().lock, AMD64)
    assert held is not None
    assert {each.name: each.required_by for each in held.artifacts} == {
        "libc6": ("base debian12", "parent trial"),
        "python3.11": ("base debian12", "parent trial"),
        "numpy": ("parent trial",),
        "server": ("parent trial", "recipe bare"),
        "werkzeug": ("parent trial", "server"),
    }
    assert {each.targets for each in held.artifacts} == {()}


def test_of_a_parent_that_extends_another_its_own_label_stands() -> None:
    lock = on_debian().lock
    wheels = tuple(evolve(each, required_by=("parent older",)) for each in lock.wheels)
    held = inherited(evolve(lock, wheels=wheels), AMD64)
    assert held is not None
    assert {each.required_by for each in held.wheels} == {("parent trial",)}


def test_requirements_are_of_exactly_these_packages() -> None:
    debian, conda = inherited(on_debian().lock, AMD64), with_conda().lock
    assert debian is not None
    assert debian.requirements.pypi == ("numpy==1.21", "server==1.21", "werkzeug==1.21")
    assert debian.requirements.debian == ("libc6 (= 2.36-9)", "python3.11 (= 3.11.2-6)")
    held = inherited(conda, conda.targets[0].name)
    assert held is not None
    assert held.image == conda.images[0]
    assert held.requirements.conda[0] == "cudatoolkit ==10.1.243 h1_0"


def test_a_target_that_the_parent_lacks() -> None:
    assert inherited(on_debian().lock, "cuda12-linux-amd64") is None


def test_what_the_parent_is_made_of_decides() -> None:
    sound = on_debian()
    env, lock = extended(sound), sound.lock
    before = parent_input(env, lock)
    wheels = (evolve(lock.wheels[0], sha256="0" * 64), *lock.wheels[1:])
    assert parent_input(env, evolve(lock, wheels=wheels)) != before
    assert parent_input(env, evolve(lock, wheels=lock.wheels[1:])) != before
    targets = (evolve(lock.targets[0], python="3.11.3"), *lock.targets[1:])
    assert parent_input(env, evolve(lock, targets=targets)) != before
    assert parent_input(env, None) != before
    other = evolve(env, parent=evolve(sound.env, name="other"))
    assert parent_input(other, lock) != before


@pytest.mark.parametrize("change", [{"required_by": ("env",)}, {"source": "other"}])
def test_how_the_parents_lock_puts_it_decides_nothing(change: dict[str, Any]) -> None:
    sound = on_debian()
    env, lock = extended(sound), sound.lock
    wheels = tuple(evolve(each, **change) for each in lock.wheels)
    turned = evolve(lock, wheels=wheels[::-1], inputs={"env": "other"})
    assert parent_input(env, turned) == parent_input(env, lock)


def test_a_target_that_the_env_lacks_decides_nothing() -> None:
    sound = on_debian()
    env, lock = extended(sound, platforms=("linux/amd64",)), sound.lock
    before = parent_input(env, lock)
    debs = tuple(each for each in lock.debs if each.architecture == "amd64")
    assert parent_input(env, evolve(lock, targets=lock.targets[:1], debs=debs)) == before


def test_an_env_that_extends_none_has_no_parent_among_its_inputs() -> None:
    sound = on_debian()
    assert sorted(inputs(sound.workspace, sound.env, sound.recipe)) == ["base", "env", "recipe"]
