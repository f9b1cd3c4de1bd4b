"""Two lists of entries, changed in a known way, part where they were changed."""

from __future__ import annotations

import random

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lockyard.verify.archive import Item
from lockyard.verify.steps import changes, first_spot


def item(path: str, **more: object) -> Item:
    values = dict.fromkeys(("mode", "uid", "gid", "mtime", "size"), 0)
    words = dict.fromkeys(("uname", "gname", "link"), "")
    made = Item(path=path, kind="file", pax=(), form="ustar", header=b"", **values, **words)  # type: ignore[arg-type]
    return evolve(made, **more)  # type: ignore[arg-type]


LISTS = st.lists(st.text(max_size=3), min_size=1, max_size=20).map(
    lambda paths: [item(path) for path in paths]
)


@given(LISTS)
def test_the_same_entries_part_nowhere(entries: list[Item]) -> None:
    assert first_spot(entries, list(entries)) is None


@given(LISTS, st.randoms())
def test_one_changed_entry_is_found(entries: list[Item], chance: random.Random) -> None:
    number = chance.randrange(len(entries))
    other = [evolve(each, mode=1) if n == number else each for n, each in enumerate(entries)]
    spot = first_spot(entries, other)
    assert spot is not None
    assert (spot.kind, spot.one, spot.other, spot.further) == ("changed", number, number, 0)


@given(LISTS, st.randoms())
def test_one_entry_less_is_found(entries: list[Item], chance: random.Random) -> None:
    unique = list({each.path: each for each in entries}.values())
    number = chance.randrange(len(unique))
    other = [each for n, each in enumerate(unique) if n != number]
    spot, back = first_spot(unique, other), first_spot(other, unique)
    assert spot is not None
    assert back is not None
    assert (spot.kind, spot.one, spot.further) == ("missing", number, 0)
    assert (back.kind, back.other, back.further) == ("added", number, 0)


def test_order() -> None:
    one = [item("a"), item("b"), item("c")]
    spot = first_spot(one, [one[0], one[2], one[1]])
    assert spot is not None
    assert (spot.kind, spot.one, spot.other, spot.further) == ("order", 1, 1, 0)


def test_a_path_that_stands_twice() -> None:
    one = [item("a"), item("a", mode=1)]
    spot = first_spot(one, one[:1])
    assert spot is not None
    assert (spot.kind, spot.one) == ("missing", 1)


def test_further_changes_are_counted() -> None:
    one = [item(path) for path in "abcd"]
    other = [item("a", mode=1), item("b"), item("c", mode=1), item("e")]
    spot = first_spot(one, other)
    assert spot is not None
    assert (spot.kind, spot.further) == ("changed", 3)


def test_a_header_is_told_only_where_nothing_else_is() -> None:
    one, other = item("a", header=b"abc"), item("a", header=b"abd")
    assert [each.what for each in changes(one, other)] == ["header"]
    assert [each.what for each in changes(one, evolve(other, mode=1))] == ["mode"]
