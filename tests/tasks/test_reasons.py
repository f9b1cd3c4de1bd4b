from __future__ import annotations

from typing import Any

import pytest

from lockyard.tasks.reasons import reasons

THEN: dict[str, Any] = {
    "assembly": 1,
    "base": "a" * 64,
    "layers": [["63 Debian packages", "k1"], ["numpy 1.0", "k2"], ["one 1, two 2", "k3"]],
    "packages": [["numpy", "1.0"], ["one", "1"], ["two", "2"]],
    "repository": "registry.example/x",
    "platform": "linux/amd64",
    "config": {"Env": ["A=1"], "User": "1000"},
    "created": "2026-01-01T00:00:00Z",
}
BUMPED = {
    "layers": [["64 Debian packages", "k9"], ["numpy 1.1", "k4"], ["one 1, three 3", "k5"]],
    "packages": [["numpy", "1.1"], ["one", "1"], ["three", "3"]],
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (BUMPED, ("numpy 1.0 -> 1.1", "+ three 3", "- two 2")),
        ({"layers": [*THEN["layers"][:2], ["one 1, two 2", "x"]]}, ("one 1, two 2: its content",)),
        ({"layers": THEN["layers"][::-1]}, ("its parts stand in another order",)),
        ({"config": {"Env": ["A=2"], "Cmd": []}}, ("config: Cmd", "config: Env", "config: User")),
        ({"base": "b" * 64}, ("the base image is another",)),
        ({"created": "2026-02-01T00:00:00Z"}, ("created",)),
        ({"assembly": 2}, ("this version of Lockyard puts images together in another way",)),
    ],
)
def test_what_changed_is_named(changes: dict[str, Any], told: tuple[str, ...]) -> None:
    assert sorted(reasons(THEN | changes, THEN)) == sorted(told)


def test_an_image_that_is_not_there() -> None:
    assert reasons(THEN, None) == ("it isn't built here yet",)


@pytest.mark.parametrize(
    "then", [{}, {"layers": 1}, THEN | {"layers": [["x"]]}, THEN | {"config": []}]
)
def test_a_record_that_is_none(then: dict[str, Any]) -> None:
    assert reasons(THEN, then) == ("the record of its last build can't be read",)
