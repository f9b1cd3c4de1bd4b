"""Whether packages are those of a lock, and fit each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from lockyard.trial.outcome import WrongError
from lockyard.trial.packages import (
    CondaRecord,
    Distribution,
    Installed,
    check_consistency,
    check_packages,
    has_package,
    installed_of,
)
from tests.trial.subjects import subject_here

MARKERS = {"python_full_version": "3.11.2", "python_version": "3.11", "sys_platform": "linux"}


def told(**changes: Any) -> Distribution:
    return Distribution(**{"place": "/p/a-1.dist-info", "name": "a", "version": "1", **changes})


def installed(*distributions: Distribution, **changes: Any) -> Installed:
    known: dict[str, Any] = {"conda": (), "debs": (), "markers": MARKERS, **changes}
    return Installed(distributions=distributions, **known)


def found(act: Callable[[], str]) -> str:
    with pytest.raises(WrongError) as wrong:
        act()
    return wrong.value.found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"requires": ("b>=2",)}, "a 1: b is missing"),
        ({"requires": ("c>=2",)}, "a 1: c 1.5"),
        ({"python": ">=3.12"}, "a 1: Python 3.11.2"),
        ({"version": "one"}, "a one: 'a' 'one' in /p/a-1.dist-info"),
        ({"name": ""}, " 1: '' '1' in /p/a-1.dist-info"),
        ({"requires": ("b >> 1",)}, "a 1: Expected"),
        ({"requires": ("b; nothing == '1'",)}, "a 1: "),
    ],
)
def test_what_is_inconsistent(changes: dict[str, Any], expected: str) -> None:
    other = told(place="/p/c", name="C", version="1.5")
    assert found(lambda: check_consistency(installed(told(**changes), other))).startswith(expected)


def test_what_is_consistent() -> None:
    requires = ("b; extra == 'more'", "b; sys_platform == 'win32'", "c<2", "c[extra]")
    one = told(requires=requires, python=">=3.7")
    assert check_consistency(installed(one, told(name="c", version="1.5rc1"))) == "2 distributions"


def test_packages_are_the_locks() -> None:
    locked = evolve(
        subject_here("minimal-py311"), wheels={"a": "1"}, debs={"d": "1:2"}, conda={"c": "3"}
    )
    conda = CondaRecord(name="c", version="3", files=("lib/site-packages/c-3.dist-info/METADATA",))
    own = told(place="/p/c-3.dist-info", name="c", version="3")
    right = installed(told(name="A"), own, conda=(conda,), debs=(("d", "1:2"), ("e", "1")))
    assert check_packages(locked, right) == "1 wheels, 1 conda, 1 Debian"
    assert found(lambda: check_packages(locked, evolve(right, debs=()))) == "deb d: none"
    assert found(lambda: check_packages(locked, evolve(right, conda=()))) == (
        "wheel c: 3\nconda c: none"
    )
    more = evolve(right, distributions=(*right.distributions, told(name="z", version="9")))
    assert found(lambda: check_packages(locked, more)) == "wheel z: 9"
    assert check_packages(evolve(locked, runs=True), more)
    twice = evolve(right, distributions=(*right.distributions, told(version="2")))
    assert found(lambda: check_packages(locked, twice)) == "wheel a: 1, 2"


def test_what_a_sample_asks_for() -> None:
    held: tuple[dict[str, str], ...] = ({"scikit-learn": "1.9.0"}, {"Torch": "2.0"})
    assert has_package("scikit_learn>=1", held)
    assert has_package("torch", held)
    assert not has_package("scikit-learn<1", held)
    assert not has_package("numpy", held)


@pytest.mark.parametrize("wrong", [None, [], {}, {"distributions": 1}, {"distributions": [{}]}])
def test_a_program_of_an_image_may_tell_anything(wrong: Any) -> None:
    with pytest.raises(ValueError, match="something else"):
        installed_of(wrong)
