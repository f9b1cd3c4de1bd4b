from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lockyard.lock.model import Wheel
from lockyard.plan.division import BIG, MOST, divide
from tests.build.makers import wheel_artifact

MIB = 1 << 20


def wheels(count: int, size: int = 1000) -> list[Wheel]:
    return [wheel_artifact(f"w{number:03}", size=size) for number in range(count)]


def named(groups: list[tuple[Wheel, ...]]) -> list[list[str]]:
    return [[wheel.name for wheel in group] for group in groups]


def test_a_big_package_is_alone_and_small_ones_share() -> None:
    small = wheels(100)
    groups = named(divide([*small, wheel_artifact("big", size=BIG)]))
    assert groups[0] == ["big"]
    assert len(groups) == 9
    assert sorted(name for group in groups[1:] for name in group) == [w.name for w in small]


def test_the_order_of_the_lock_does_not_show() -> None:
    some = [*wheels(20), *wheels(3, 9 * MIB)]
    assert divide(some) == divide(some[::-1])


def test_a_change_of_one_package_changes_one_group() -> None:
    some = wheels(50)
    before = set(divide(some))
    bumped = [*some[:-1], wheel_artifact("w049", "2.0")]
    assert len(before - set(divide(bumped))) == 1
    assert len(before - set(divide(some[:-1]))) == 1


def test_no_more_layers_than_engines_can_stack() -> None:
    groups = divide(wheels(300, 9 * MIB))
    assert sum(map(len, groups)) == 300
    assert len(groups) + 5 <= 100


@given(st.lists(st.integers(1, BIG - 1), max_size=400))
def test_no_group_of_small_packages_exceeds_the_most(sizes: list[int]) -> None:
    packages = [wheel_artifact(f"p{number}", size=size) for number, size in enumerate(sizes)]
    groups = divide(packages)
    assert sorted(each.name for group in groups for each in group) == sorted(
        each.name for each in packages
    )
    for group in groups:
        assert len(group) == 1 or sum(each.size for each in group) <= MOST
