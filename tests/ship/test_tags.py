from __future__ import annotations

from datetime import date

import pytest

from lockyard.errors import UsageError
from lockyard.ship.tags import check_extra, newest_dated, next_dated

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("tags", "newest", "following"),
    [
        ([], None, "20261122.v1"),
        (["latest", "v7", "20261122", "20261122.v0", "x20261122.v3"], None, "20261122.v1"),
        (["20261121.v9"], "20261121.v9", "20261122.v1"),
        (["20261122.v9", "20261122.v10", "20261121.v11"], "20261122.v10", "20261122.v11"),
        (["20261123.v1", "20261122.v2"], "20261123.v1", "20261122.v3"),
    ],
)
def test_dated_tags(tags: list[str], newest: str | None, following: str) -> None:
    assert newest_dated(tags) == newest
    assert next_dated(tags, DAY) == following


@pytest.mark.parametrize("tag", ["", "a b", "-a", "a/b", "a" * 129, "20261122.v1"])
def test_tags_that_nobody_gives(tag: str) -> None:
    with pytest.raises(UsageError):
        check_extra(tag)


def test_other_tags() -> None:
    for tag in ("v7", "stable", "20261122", "2026-11-22.v1", "_"):
        check_extra(tag)
