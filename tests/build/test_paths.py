from __future__ import annotations

import pytest

from lockyard.build.paths import safe_path
from lockyard.errors import IntegrityError


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a/b", "a/b"),
        ("./a/b", "a/b"),
        ("./a/", "a"),
        ("./", ""),
        (".", ""),
        (".hidden", ".hidden"),
        ("a/..b", "a/..b"),
        ("\udcff é", "\udcff é"),
        # Composed and not: two names, of which none is made the other.
        ("\u00e9", "\u00e9"),
        ("e\u0301", "e\u0301"),
    ],
)
def test_sound_names(name: str, path: str) -> None:
    assert safe_path(name, "x.deb") == path


UPWARDS = ["..", "../a", "a/../b", "a/..", "./../a", "./../", "..\\a"]
ABSOLUTE = ["/", "/a", "//a", ".//a", "", "a//b", "a/./b", "././a"]
FORGED = ["a\\b", "a\0b", "a\nb", "a\rb"]


@pytest.mark.parametrize("name", UPWARDS + ABSOLUTE + FORGED)
def test_names_that_leave_or_lie(name: str) -> None:
    with pytest.raises(IntegrityError) as caught:
        safe_path(name, "x.deb")
    assert caught.value.where == "x.deb"
