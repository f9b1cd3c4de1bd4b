from __future__ import annotations

from itertools import permutations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tree import Tree, parents
from lockyard.errors import BuildError

PARTS = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
PATHS = st.lists(PARTS.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=4)


def hardlink(path: str, target: str) -> Entry:
    return Entry(path=path, kind="hardlink", mode=0o644, link=target, owner="b.deb")


def paths(*entries: Entry) -> list[str]:
    return [entry.path for entry in Tree(entries)]


@given(st.lists(PATHS, max_size=12), st.randoms())
def test_parents_are_complete_and_first_in_any_order(
    found: list[list[str]], random: object
) -> None:
    files = {"/".join(each) for each in found}
    leaves = [path for path in files if not any(other.startswith(f"{path}/") for other in files)]
    shuffled = list(leaves)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    given_order = list(Tree(text(path, b"") for path in leaves if ".wh." not in path))
    assert given_order == list(Tree(text(path, b"") for path in shuffled if ".wh." not in path))
    seen: set[str] = set()
    for entry in given_order:
        assert set(parents(entry.path)) <= seen
        seen.add(entry.path)
    assert {path for path in leaves if ".wh." not in path} <= seen


def test_a_directory_is_followed_by_what_it_holds() -> None:
    # Sorted as whole texts, "a-b" would stand between "a" and "a/b".
    assert paths(text("a/b", b""), text("a-b", b"")) == ["a", "a/b", "a-b"]


def test_a_name_that_is_not_unicode_has_its_place() -> None:
    assert paths(text("b", b""), text("\udcff", b""), text("é", b"")) == ["b", "é", "\udcff"]


def test_names_sort_by_their_bytes() -> None:
    # A locale would have a before B, and an accented letter beside its bare one.
    names = ["B", "Z", "_", "a", "b", "e\u0301", "z", "\xe9"]
    assert paths(*(text(name, b"") for name in reversed(names))) == names


def test_hard_links_follow_all_files() -> None:
    assert paths(hardlink("a", "z"), text("z", b"")) == ["z", "a"]


@pytest.mark.parametrize(
    "target", [[], [directory("z")], [symlink("z", "y")], [hardlink("z", "a")]]
)
def test_a_hard_link_to_no_file_is_refused(target: list[Entry]) -> None:
    with pytest.raises(BuildError, match="it is a hard link to") as caught:
        iter(Tree([*target, hardlink("a", "z")]))
    assert "b.deb" in caught.value.solution


def test_the_first_directory_holds() -> None:
    (made,) = Tree([directory("a", mode=0o700, uid=7), directory("a")])
    assert (made.mode, made.uid) == (0o700, 7)


def test_a_package_may_own_a_directory_that_others_need() -> None:
    made = Tree([text("a/b", b""), directory("a", mode=0o700)])
    assert [(entry.path, entry.mode) for entry in made] == [("a", 0o700), ("a/b", 0o644)]


ONE = text("p", "one", owner="one.whl")


@pytest.mark.parametrize(
    "other",
    [
        text("p", "two"),
        evolve(ONE, mode=0o755),
        evolve(ONE, uid=1),
        directory("p"),
        symlink("p", "one"),
        # Of the same size, but of content that nobody vouches for.
        evolve(ONE, sha256=""),
    ],
)
def test_two_owners_of_one_path_are_named(other: Entry) -> None:
    other = evolve(other, owner="two.whl")
    for first, second in permutations([ONE, other]):
        with pytest.raises(BuildError, match=f"{first.owner} and {second.owner}") as caught:
            Tree([first, second])
        assert caught.value.where == "/p"


@pytest.mark.parametrize("same", [ONE, symlink("p", "q")])
def test_two_owners_may_share_the_very_same(same: Entry) -> None:
    assert list(Tree([same, evolve(same, owner="two.whl")])) == [same]


def test_nothing_lies_below_a_file_or_a_link() -> None:
    for above in (text("a", b""), symlink("a", "b")):
        with pytest.raises(BuildError, match=r"/a/c/d of two\.whl lies below it") as caught:
            iter(Tree([above, text("a/c/d", b"", owner="two.whl")]))
        assert caught.value.where == "/a"
        assert caught.value.solution


@pytest.mark.parametrize("path", [".wh.a", "a/.wh..wh..opq", "a/.wh.b/c"])
def test_a_name_that_would_remove_files_is_refused(path: str) -> None:
    with pytest.raises(BuildError, match="whiteouts") as caught:
        Tree([text(path, b"", owner="bad.whl")])
    assert "bad.whl" in caught.value.solution


def test_replace_and_below() -> None:
    made = Tree([text("a/b", "old"), directory("a/c"), text("ab", b"")])
    made.replace(text("a/b", "new"))
    assert [entry.size for entry in made.below("a")] == [3]
    assert made.get("a/b") == text("a/b", "new")
    assert made.get("a/d") is None
    assert "ab" in made
