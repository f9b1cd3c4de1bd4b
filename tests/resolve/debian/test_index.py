from __future__ import annotations

from collections.abc import Callable

import pytest

from lockyard.errors import IntegrityError
from lockyard.resolve.debian.index import Index, Scan
from lockyard.resolve.debian.record import Record
from lockyard.resolve.debian.relation import Relation, parse_clauses

Paragraph = Callable[..., str]
Make = Callable[..., Index]


def names(records: tuple[Record, ...]) -> list[str]:
    return [str(record) for record in records]


def test_records_come_highest_version_first(make_index: Make, make_paragraph: Paragraph) -> None:
    index = make_index(*(make_paragraph("a", version) for version in ("1.9", "1.10", "1.10~rc1")))
    assert names(index.records("a")) == ["a 1.10", "a 1.10~rc1", "a 1.9"]
    assert index.records("b") == ()


def test_paragraphs_need_not_be_tidy(make_paragraph: Paragraph) -> None:
    folded = (
        make_paragraph("b", provides="x (= 2),\n y").replace("Package: b\n", "") + "Package: b\n"
    )
    text = f"\n\n{make_paragraph('a')}\n\n\n{folded}\n{make_paragraph('c')}".rstrip("\n")
    index = Index(Scan({"test": text.encode()}), "amd64")
    assert [names(index.records(name)) for name in "abc"] == [["a 1"], ["b 1"], ["c 1"]]
    assert names(index.meeting(Relation("x", "", "=", "2"))) == ["b 1"]
    assert names(index.meeting(Relation("y"))) == ["b 1"]


def test_a_record_holds_what_a_lock_needs(make_index: Make, make_paragraph: Paragraph) -> None:
    text = make_paragraph(
        "a", "1:2-3", pre_depends="p", depends="b | c, d", breaks="e", conflicts="f (<< 2)"
    )
    (record,) = make_index(text).records("a")
    assert [str(clause) for clause in record.depends] == ["p", "b | c", "d"]
    assert [str(relation) for relation in record.conflicts] == ["f (<< 2)", "e"]
    assert record.path == "pool/main/a/a/a_2-3_amd64.deb"
    assert record.size == 101


def test_essential_packages_are_found(make_index: Make, make_paragraph: Paragraph) -> None:
    index = make_index(
        make_paragraph("b", essential="yes"),
        make_paragraph("c", build_essential="yes"),
        make_paragraph("a", essential="yes"),
        make_paragraph("d", essential="no"),
    )
    assert names(index.essential()) == ["a 1", "b 1"]


def test_providers_come_by_priority_then_name(make_index: Make, make_paragraph: Paragraph) -> None:
    index = make_index(
        make_paragraph("gawk", provides="awk", priority="optional"),
        make_paragraph("original-awk", provides="awk", priority="standard"),
        make_paragraph("busybox", provides="awk", priority="optional"),
        make_paragraph("mawk", provides="awk", priority="required"),
        make_paragraph("awkward", provides="awkish"),
    )
    assert names(index.meeting(Relation("awk"))) == [
        "mawk 1",
        "original-awk 1",
        "busybox 1",
        "gawk 1",
    ]


def test_the_package_itself_comes_before_its_providers(
    make_index: Make, make_paragraph: Paragraph
) -> None:
    index = make_index(
        make_paragraph("b", provides="a (= 3)", priority="required"), make_paragraph("a", "2")
    )
    assert names(index.meeting(Relation("a"))) == ["a 2", "b 1"]
    assert names(index.meeting(Relation("a", "", ">=", "3"))) == ["b 1"]


@pytest.mark.parametrize(
    ("qualifier", "met"),
    [
        ("", ["a 1", "b 1", "c 1"]),
        ("any", ["b 1"]),
        ("native", ["a 1", "b 1", "c 1"]),
        ("amd64", ["a 1", "b 1", "c 1"]),
        ("arm64", []),
    ],
)
def test_qualifiers_are_obeyed(
    qualifier: str, met: list[str], make_index: Make, make_paragraph: Paragraph
) -> None:
    index = make_index(
        make_paragraph("a", provides="v"),
        make_paragraph("b", provides="v", multi_arch="allowed"),
        make_paragraph("c", provides="v", multi_arch="foreign", architecture="all"),
    )
    assert names(index.meeting(Relation("v", qualifier))) == met


def test_options_keep_the_order_of_alternatives(
    make_index: Make, make_paragraph: Paragraph
) -> None:
    index = make_index(
        make_paragraph("a", provides="v"), make_paragraph("b"), make_paragraph("c", provides="v")
    )
    (clause,) = parse_clauses("b | v | a", "amd64")
    assert names(index.options(clause)) == ["b 1", "a 1", "c 1"]


def test_near_names_are_offered(make_index: Make, make_paragraph: Paragraph) -> None:
    index = make_index(*map(make_paragraph, ["libgomp1", "libgomp2", "python3"]))
    assert index.near("libgnomp1") == ("libgomp1", "libgomp2")
    assert index.near("zzz") == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sha256", ""),
        ("size", ""),
        ("filename", ""),
        ("architecture", ""),
        ("sha256", "0" * 63),
        ("size", "big"),
        ("filename", "/etc/passwd"),
        ("filename", "pool/../../etc/passwd"),
        ("filename", "pool//a.deb"),
        ("version", "1 2"),
        ("depends", "no relation"),
    ],
)
def test_a_record_that_cannot_be_locked_is_refused(
    field: str, value: str, make_index: Make, make_paragraph: Paragraph
) -> None:
    index = make_index(make_paragraph("a", **{field: value}))
    with pytest.raises(IntegrityError, match="record of a can't be used") as caught:
        index.records("a")
    assert caught.value.where == "test"
