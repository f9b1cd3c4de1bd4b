"""What compares images finds what differs."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from tests.docker.trees import Node, first_difference

NODE = Node("file", 0o644, 0, 0, "a" * 64)
TREE = {"etc": Node("directory", 0o755, 0, 0), "etc/motd": NODE, "usr/x": NODE}


@pytest.mark.parametrize(
    "change",
    [{"kind": "symlink"}, {"mode": 0o755}, {"uid": 1000}, {"gid": 5}, {"content": "b" * 64}],
    ids=str,
)
def test_every_part_of_a_node_counts(change: dict[str, Any]) -> None:
    other = {**TREE, "etc/motd": evolve(NODE, **change)}
    assert first_difference(TREE, other, lambda _: False).startswith("/etc/motd:\n")
    assert first_difference(TREE, other, lambda path: path == "etc/motd") == ""


def test_what_only_one_has() -> None:
    less = {path: node for path, node in TREE.items() if path != "usr/x"}
    assert first_difference(TREE, less, lambda _: False).startswith("/usr/x:\n")
    assert first_difference(less, TREE, lambda _: False).startswith("/usr/x:\n")
    assert first_difference(TREE, TREE, lambda _: False) == ""
