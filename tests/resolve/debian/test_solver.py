from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockyard.errors import ResolveError
from lockyard.resolve.debian.explain import explain
from lockyard.resolve.debian.index import Index
from lockyard.resolve.debian.record import Record
from lockyard.resolve.debian.relation import Clause, Relation, parse_clauses
from lockyard.resolve.debian.solver import Unsatisfiable, ask, solve

Paragraph = Callable[..., str]
Solve = Callable[..., list[str]]


def names(index: Index, *roots: str, pinned: Mapping[str, str] | None = None) -> list[str]:
    clauses = [clause for root in roots for clause in parse_clauses(root, "amd64")]
    asked = [part for clause in clauses for part in ask(index, clause, label="env")]
    return [str(record) for record in solve(index, asked, pinned or {})]


@pytest.fixture
def solved(make_index: Callable[..., Index]) -> Solve:
    def run(*paragraphs: str, roots: str, pinned: Mapping[str, str] | None = None) -> list[str]:
        return names(make_index(*paragraphs), roots, pinned=pinned)

    return run


@pytest.fixture
def refused(make_index: Callable[..., Index]) -> Callable[..., str]:
    def run(*paragraphs: str, roots: str) -> str:
        index = make_index(*paragraphs)
        with pytest.raises(Unsatisfiable) as caught:
            names(index, roots)
        error = explain(index, caught.value, "trial")
        assert isinstance(error, ResolveError)
        return error.reason

    return run


def test_dependencies_come_in_and_recommends_do_not(
    solved: Solve, make_paragraph: Paragraph
) -> None:
    assert solved(
        make_paragraph("a", depends="b", pre_depends="c", recommends="d", suggests="e"),
        *map(make_paragraph, "bcde"),
        roots="a",
    ) == ["a 1", "b 1", "c 1"]


def test_a_circle_is_no_obstacle(solved: Solve, make_paragraph: Paragraph) -> None:
    a, b = make_paragraph("a", depends="b"), make_paragraph("b", depends="a (>= 1)")
    assert solved(a, b, roots="a") == ["a 1", "b 1"]


def test_the_first_alternative_wins(solved: Solve, make_paragraph: Paragraph) -> None:
    a = make_paragraph("a", depends="c | b")
    assert solved(a, make_paragraph("b"), make_paragraph("c"), roots="a") == ["a 1", "c 1"]


@pytest.mark.parametrize("roots", ["a, b", "b, a"])
def test_an_alternative_that_is_a_root_wins(
    roots: str, solved: Solve, make_paragraph: Paragraph
) -> None:
    a = make_paragraph("a", depends="c | b")
    assert solved(a, make_paragraph("b"), make_paragraph("c"), roots=roots) == ["a 1", "b 1"]


def test_an_alternative_that_is_needed_anyhow_wins(
    solved: Solve, make_paragraph: Paragraph
) -> None:
    paragraphs = [
        make_paragraph("a", depends="c | b, d"),
        make_paragraph("d", depends="e"),
        make_paragraph("e", depends="b"),
        *map(make_paragraph, "bc"),
    ]
    assert solved(*paragraphs, roots="a") == ["a 1", "b 1", "d 1", "e 1"]


def test_a_root_means_the_package_of_that_name(solved: Solve, make_paragraph: Paragraph) -> None:
    paragraphs = [
        make_paragraph("helper", depends="merge | merged"),
        make_paragraph("merge", provides="merged", depends="perl"),
        make_paragraph("merged"),
        make_paragraph("perl"),
    ]
    assert solved(*paragraphs, roots="helper, merged") == ["helper 1", "merged 1"]


def test_an_alternative_that_cannot_be_installed_is_passed_over(
    solved: Solve, make_paragraph: Paragraph
) -> None:
    paragraphs = [
        make_paragraph("a", depends="b | c"),
        make_paragraph("b", depends="missing"),
        make_paragraph("c"),
    ]
    assert solved(*paragraphs, roots="a") == ["a 1", "c 1"]


def test_a_virtual_package_takes_the_provider_of_the_higher_priority(
    solved: Solve, make_paragraph: Paragraph
) -> None:
    paragraphs = [
        make_paragraph("base", depends="awk"),
        make_paragraph("gawk", provides="awk"),
        make_paragraph("mawk", provides="awk", priority="required"),
    ]
    assert solved(*paragraphs, roots="base") == ["base 1", "mawk 1"]


def test_a_pinned_version_and_provider_stay(solved: Solve, make_paragraph: Paragraph) -> None:
    paragraphs = [
        make_paragraph("base", depends="awk, lib"),
        make_paragraph("gawk", provides="awk"),
        make_paragraph("mawk", provides="awk", priority="required"),
        *(make_paragraph("lib", version) for version in "123"),
    ]
    pinned = {"gawk": "1", "lib": "2"}
    assert solved(*paragraphs, roots="base", pinned=pinned) == ["base 1", "gawk 1", "lib 2"]
    gone = {"gawk": "0", "lib": "9"}
    assert solved(*paragraphs, roots="base", pinned=gone) == ["base 1", "lib 3", "mawk 1"]
    newer = [*paragraphs, make_paragraph("user", depends="lib (>= 3)")]
    assert "lib 3" in solved(*newer, roots="base, user", pinned=pinned)


@pytest.mark.parametrize("field", ["conflicts", "breaks"])
def test_a_conflict_turns_the_choice(field: str, solved: Solve, make_paragraph: Paragraph) -> None:
    paragraphs = [
        make_paragraph("a", depends="b | c"),
        make_paragraph("b"),
        make_paragraph("c"),
        make_paragraph("z", **{field: "b (<< 2)"}),
    ]
    assert solved(*paragraphs, roots="a, z") == ["a 1", "c 1", "z 1"]


def test_a_conflict_with_an_old_version_takes_the_new_one(
    solved: Solve, make_paragraph: Paragraph
) -> None:
    paragraphs = [make_paragraph("a", breaks="b (<< 2)"), *(make_paragraph("b", v) for v in "12")]
    assert solved(*paragraphs, roots="a, b", pinned={"b": "1"}) == ["a 1", "b 2"]
    assert solved(*paragraphs, roots="a") == ["a 1"]


def test_a_package_may_conflict_with_what_it_provides(
    solved: Solve, make_paragraph: Paragraph
) -> None:
    fields = {"provides": "mta", "conflicts": "mta"}
    paragraphs = [
        make_paragraph("a", depends="mta"),
        make_paragraph("exim", **fields),
        make_paragraph("postfix", **fields),
    ]
    assert solved(*paragraphs, roots="a") == ["a 1", "exim 1"]
    assert solved(*paragraphs, roots="a, postfix") == ["a 1", "postfix 1"]


def test_what_meets_its_own_relation_needs_nobody(solved: Solve, make_paragraph: Paragraph) -> None:
    paragraphs = [make_paragraph("a", provides="v", depends="v"), make_paragraph("b", provides="v")]
    assert solved(*paragraphs, roots="a") == ["a 1"]


def test_a_collision_is_told_from_the_roots_on(
    refused: Callable[..., str], make_paragraph: Paragraph
) -> None:
    reason = refused(
        make_paragraph("app", depends="middle"),
        make_paragraph("middle", depends="lib"),
        make_paragraph("tool", conflicts="lib"),
        make_paragraph("lib"),
        roots="app, tool",
    )
    assert reason.splitlines() == [
        "no packages of trial for amd64 satisfy the requirements:",
        "  - env asks for tool, and tool 1 conflicts with lib",
        "  - env asks for app, which requires middle, and middle 1 requires lib",
    ]


def test_a_version_that_is_not_there_is_told(
    refused: Callable[..., str], make_paragraph: Paragraph
) -> None:
    reason = refused(
        make_paragraph("a", depends="lib (>= 3)"), make_paragraph("lib", "2"), roots="a"
    )
    assert "a 1 requires lib (>= 3), but the index has only lib 2" in reason


def test_an_unknown_name_is_told_with_those_near_it(
    refused: Callable[..., str], make_paragraph: Paragraph
) -> None:
    reason = refused(make_paragraph("libgomp1"), roots="libgnomp1")
    assert "env asks for libgnomp1, but no package is or provides libgnomp1" in reason
    assert "did you mean libgomp1?" in reason


def test_all_roots_that_nothing_meets_are_told_at_once(
    refused: Callable[..., str], make_paragraph: Paragraph
) -> None:
    reason = refused(make_paragraph("a", "2"), roots="a (= 1), a, missing")
    assert reason.splitlines()[1:] == [
        "  - env asks for a (= 1), but the index has only a 2",
        "  - env asks for missing, but no package is or provides missing",
    ]


RELATION = st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", " (>= 2)", " (<< 2)"]))
CLAUSE = st.lists(RELATION.map("".join), min_size=1, max_size=3).map(" | ".join)
PACKAGE = st.fixed_dictionaries(
    {
        "name": st.sampled_from("abcd"),
        "version": st.sampled_from("12"),
        "depends": st.lists(CLAUSE, max_size=2).map(", ".join),
        "conflicts": st.lists(RELATION.map("".join), max_size=1).map(", ".join),
        "provides": st.sampled_from(["", "e", "f (= 2)"]),
    }
)


def meets(record: Record, relation: Relation) -> bool:
    def fits(version: str) -> bool:
        if not relation.comparison:
            return True
        older = version < relation.version
        return bool(version) and older is (relation.comparison == "<<")

    own = record.name == relation.name and fits(record.version)
    return own or any(p.name == relation.name and fits(p.version) for p in record.provides)


def answers(record: Record, clause: Clause) -> bool:
    return any(meets(record, relation) for relation in clause.relations)


def sound(index: Index, chosen: Sequence[Record], roots: Sequence[Clause]) -> bool:
    for root in roots:
        names = {relation.name for relation in root.relations}
        named = [r for name in names for r in index.records(name) if answers(r, root)]
        if not any(answers(r, root) and (not named or r in named) for r in chosen):
            return False
    return all(
        all(any(answers(other, clause) for other in chosen) for clause in record.depends)
        and not any(
            meets(other, relation)
            for relation in record.conflicts
            for other in chosen
            if other.name != record.name
        )
        for record in chosen
    )


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    packages=st.lists(PACKAGE, min_size=1, max_size=7),
    roots=st.lists(CLAUSE, min_size=1, max_size=2),
)
def test_no_solution_is_unsound_and_none_is_missed(
    packages: list[dict[str, str]],
    roots: list[str],
    make_index: Callable[..., Index],
    make_paragraph: Paragraph,
) -> None:
    """Hold the search against one that tries every set of packages."""
    index = make_index(*(make_paragraph(**package) for package in packages))
    wanted = [clause for root in roots for clause in parse_clauses(root, "amd64")]
    every = product(*([None, *index.records(name)] for name in "abcd"))
    possible = any(sound(index, list(filter(None, some)), wanted) for some in every)
    if not possible:
        with pytest.raises(Unsatisfiable) as caught:
            names(index, *roots)
        assert explain(index, caught.value, "trial").reason
        return
    found = names(index, *roots)
    chosen = [r for name in "abcd" for r in index.records(name) if str(r) in found]
    assert sound(index, chosen, wanted)
    assert names(index, *roots, pinned={r.name: r.version for r in chosen}) == found
