from __future__ import annotations

import pytest

from lockyard.resolve.debian.relation import Relation, parse_clauses, parse_relations


def test_clauses_and_alternatives_are_told_apart() -> None:
    clauses = parse_clauses("libc6 (>= 2.34), media-types | mime-support, perl:any", "amd64")
    assert [clause.relations for clause in clauses] == [
        (Relation("libc6", "", ">=", "2.34"),),
        (Relation("media-types"), Relation("mime-support")),
        (Relation("perl", "any"),),
    ]
    assert ", ".join(map(str, clauses)) == ("libc6 (>= 2.34), media-types | mime-support, perl:any")


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_no_relation_is_none(text: str) -> None:
    assert parse_clauses(text, "amd64") == ()


def test_architecture_restrictions_are_applied() -> None:
    text = "a [amd64], b [!amd64], c [arm64 i386] | d [!i386]"
    assert [str(clause) for clause in parse_clauses(text, "amd64")] == ["a", "d"]
    assert [str(clause) for clause in parse_clauses(text, "arm64")] == ["b", "c | d"]


@pytest.mark.parametrize("text", ["a b", "a (= )", "a (=> 1)", "a (! 1)", "../a", "a,,b", "a (1)"])
def test_what_is_no_relation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a relation|does not compare"):
        parse_relations(text, "amd64")


@pytest.mark.parametrize(
    ("comparison", "admitted"),
    [
        ("", "1.0~rc1 1.0 1.0-1 1:0.1"),
        ("<<", "1.0~rc1"),
        ("<=", "1.0~rc1 1.0"),
        ("<", "1.0~rc1 1.0"),
        ("=", "1.0"),
        (">=", "1.0 1.0-1 1:0.1"),
        (">", "1.0 1.0-1 1:0.1"),
        (">>", "1.0-1 1:0.1"),
    ],
)
def test_versions_are_compared_as_debian_does(comparison: str, admitted: str) -> None:
    relation = Relation("a", "", comparison, "1.0" if comparison else "")
    versions = ["1.0~rc1", "1.0", "1.0-1", "1:0.1"]
    assert [version for version in versions if relation.admits(version)] == admitted.split()


def test_an_unversioned_provides_meets_no_versioned_relation() -> None:
    assert not Relation("a", "", ">=", "0").admits("")
    assert Relation("a").admits("")
