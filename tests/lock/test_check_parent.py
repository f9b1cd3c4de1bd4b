"""A lock that has otherwise what the lock of the env that it extends has."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.check import check_coherence, check_lock
from lockyard.lock.inputs import inputs
from lockyard.lock.merge import merge_targets
from lockyard.lock.model import Lock
from lockyard.lock.parent import inherited
from lockyard.spec.model import Requirements
from lockyard.tasks.check import python_facts
from tests.lock.sound import Sound, on_debian, wheel, with_conda


class Child:
    """An env that extends a sound one and adds a wheel, and its lock."""

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        requirements: Any = {"pypi": ("more",)}
        self.env = evolve(
            sound.env,
            name="child",
            parent=sound.env,
            requirements=Requirements(**requirements),
            variants=dict.fromkeys(sound.env.variants, Requirements()),
        )
        held = {each.name: inherited(sound.lock, each.name) for each in sound.lock.targets}
        of = {name: each for name, each in held.items() if each is not None}
        more = wheel("more", "env")
        self.lock = evolve(
            sound.lock,
            env="child",
            inputs=inputs(sound.workspace, self.env, sound.recipe, sound.lock),
            debs=merge_targets({name: each.debs for name, each in of.items()}),
            conda=merge_targets({name: each.conda for name, each in of.items()}),
            wheels=merge_targets({name: (*each.wheels, more) for name, each in of.items()}),
        )

    def found(self, parent: Lock | None = None, **changes: Any) -> list[str]:
        """Return what a check finds once the lock is changed, without file and remedy."""
        lock, sound = evolve(self.lock, **changes), self.sound
        args = (lock, sound.workspace, self.env, sound.recipe, python_facts)
        findings = check_lock(*args, parent or sound.lock)
        told = [f"{each.package}: {each.reason}" for each in findings]
        # What concerns the parent keeps the lock from being built as well.
        refused = [f"{each.package}: {each.reason}" for each in check_coherence(*args, sound.lock)]
        assert parent or {each for each in told if "trial ha" in each} <= {*refused}
        return told


def changed(lock: Lock, name: str, **changes: Any) -> tuple[Any, ...]:
    return tuple(evolve(each, **changes) if each.name == name else each for each in lock.wheels)


@pytest.mark.parametrize("sound", [on_debian(), with_conda()], ids=["debian", "conda"])
def test_a_lock_that_has_all_of_the_parents(sound: Sound) -> None:
    assert Child(sound).found() == []


def test_what_is_otherwise() -> None:
    child = Child(on_debian())
    lock = child.lock
    gone = tuple(each for each in lock.wheels if each.name != "werkzeug")
    assert child.found(wheels=gone) == ["werkzeug: trial has it (1.21), and it isn't locked"]
    other = changed(lock, "server", sha256="0" * 64)
    assert child.found(wheels=other) == [
        "server: trial has another file of 1.21: server-1.21-py3-none-any.whl"
    ]
    file = "server-1.22-py3-none-any.whl"
    moved = changed(lock, "server", version="1.22", file=file, sha256="0" * 64)
    assert child.found(wheels=moved) == ["server: trial has 1.21, and 1.22 is locked"]
    silent = changed(lock, "werkzeug", required_by=("server",))
    assert child.found(wheels=silent) == [
        "werkzeug: parent trial requires it, and the lock doesn't say so"
    ]


def test_who_the_parent_does_not_ask_for() -> None:
    child = Child(on_debian())
    wheels = changed(child.lock, "more", required_by=("env", "parent trial"))
    assert child.found(wheels=wheels) == ["more: required by parent trial, which hasn't got it"]


def test_targets_that_stand_on_something_else() -> None:
    child = Child(on_debian())
    first, *others = child.lock.targets
    told = child.found(targets=(evolve(first, glibc="2.35"), *others))
    assert any(
        "it has Python 3.11.2, glibc 2.35 on debian12, and trial has Python 3.11.2, glibc 2.36"
        in each
        for each in told
    )


def test_a_base_image_that_is_not_the_parents() -> None:
    child = Child(with_conda())
    (image,) = child.lock.images
    told = child.found(images=(evolve(image, index="b" * 64),))
    assert told == [": its base image isn't that of trial"]


def test_a_parent_without_this_target() -> None:
    child = Child(on_debian())
    lock = child.sound.lock
    told = child.found(evolve(lock, targets=lock.targets[:1]))
    assert ": the lock of trial, which it extends, has no such target" in told
    assert ": made from another parent trial" in told
