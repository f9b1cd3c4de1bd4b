from __future__ import annotations

from typing import Any

from lockyard.lock.merge import merge_targets


def test_what_all_share_names_no_target(make: Any) -> None:
    (merged,) = merge_targets({"a": [make.wheel("x")], "b": [make.wheel("x")]})
    assert merged.targets == ()


def test_what_some_share_names_them(make: Any) -> None:
    merged = merge_targets({"b": [make.wheel("x")], "a": [make.wheel("x")], "c": [make.wheel("y")]})
    assert [(each.name, each.targets) for each in merged] == [("x", ("a", "b")), ("y", ("c",))]


def test_who_asks_is_gathered(make: Any) -> None:
    (merged,) = merge_targets(
        {
            "a": [make.wheel("x", required_by=("env",))],
            "b": [make.wheel("x", required_by=("base debian12", "env"))],
        }
    )
    assert merged.required_by == ("base debian12", "env")


def test_two_files_of_one_version_stay_apart(make: Any) -> None:
    merged = merge_targets(
        {
            "a": [make.wheel("x", file="x-1.0-amd.whl", sha256="a" * 64)],
            "b": [make.wheel("x", file="x-1.0-arm.whl", sha256="b" * 64)],
        }
    )
    assert [(each.file, each.targets) for each in merged] == [
        ("x-1.0-amd.whl", ("a",)),
        ("x-1.0-arm.whl", ("b",)),
    ]


def test_order_of_targets_and_artifacts_does_not_show(make: Any) -> None:
    x, y = make.wheel("x"), make.wheel("y")
    assert merge_targets({"a": [x, y], "b": [y]}) == merge_targets({"b": [y], "a": [y, x]})
