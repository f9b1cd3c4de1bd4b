"""What a reviewer is told of two locks."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from lockyard.lock.diff import Change, diff_locks
from lockyard.lock.model import Lock
from tests.lock.sound import on_debian, wheel, with_conda

AMD64, ARM64 = "cpu-linux-amd64", "cpu-linux-arm64"


def _changes(old: Lock | None, new: Lock | None) -> list[Change]:
    return list(diff_locks(old, new).changes)


def _lock(**changes: Any) -> Lock:
    return evolve(on_debian().lock, **changes)


def test_equal_locks_differ_in_nothing_whatever_their_inputs() -> None:
    found = diff_locks(_lock(), _lock(inputs={"env": "0" * 64}))
    assert found.changes == ()
    assert [(each.target, each.old, each.new) for each in found.totals] == [
        (AMD64, 5000, 5000),
        (ARM64, 5000, 5000),
    ]


def test_a_package_comes_goes_and_moves() -> None:
    *others, werkzeug = _lock().wheels
    moved = evolve(werkzeug, version="2.0", sha256="0" * 64, size=1500)
    assert _changes(_lock(), _lock(wheels=(*others, moved))) == [
        Change(
            kind="pypi",
            name="werkzeug",
            old="1.21",
            new="2.0",
            old_size=1000,
            new_size=1500,
            required_by=("server",),
        )
    ]
    gone = _changes(_lock(), _lock(wheels=tuple(others)))
    assert [(each.old, each.new, each.required_by) for each in gone] == [("1.21", "", ("server",))]
    come = diff_locks(_lock(wheels=tuple(others)), _lock())
    assert [(each.old, each.new) for each in come.changes] == [("", "1.21")]
    assert {each.new - each.old for each in come.totals} == {1000}


def test_a_change_in_one_target_names_it_and_counts_there_alone() -> None:
    numpy, *others = _lock().wheels
    found = diff_locks(_lock(), _lock(wheels=(evolve(numpy, sha256="0" * 64, size=2), *others)))
    (change,) = found.changes
    assert change.targets == (AMD64,)
    assert [each.new - each.old for each in found.totals] == [-998, 0]


def test_another_file_of_the_same_version_is_a_change() -> None:
    *others, werkzeug = _lock().wheels
    (change,) = _changes(_lock(), _lock(wheels=(*others, evolve(werkzeug, sha256="0" * 64))))
    assert change.old == change.new == "1.21"


def test_a_new_lock_adds_everything_and_a_removed_one_takes_it() -> None:
    assert {each.old for each in _changes(None, _lock())} == {""}
    assert {each.new for each in _changes(_lock(), None)} == {""}
    assert {each.kind for each in _changes(None, _lock())} == {"debian", "pypi", "target"}


def test_builds_images_and_targets_are_told() -> None:
    lock = with_conda().lock
    (image,) = lock.images
    (target,) = lock.targets
    first, *others = lock.conda
    new = evolve(
        lock,
        images=(evolve(image, manifest="b" * 64),),
        targets=(evolve(target, glibc="2.31"),),
        conda=(evolve(first, build="h2_0", sha256="0" * 64), *others),
    )
    assert [(each.kind, each.old, each.new) for each in _changes(lock, new)] == [
        ("conda", "10.1.243 h1_0", "10.1.243 h2_0"),
        ("image", f"18.04 ({'a' * 12})", f"18.04 ({'b' * 12})"),
        ("target", "image, Python 3.7.12, glibc 2.27", "image, Python 3.7.12, glibc 2.31"),
    ]


def test_the_same_name_on_two_sides_is_two_packages() -> None:
    lock = with_conda().lock
    changes = _changes(lock, evolve(lock, wheels=(*lock.wheels, wheel("pip", "env"))))
    assert [(each.kind, each.name, each.new) for each in changes] == [("pypi", "pip", "1.21")]
