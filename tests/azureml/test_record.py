"""Versions of environments: which number a lock has."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lockyard.azureml.record import Record, RecordedImage, Version
from lockyard.errors import LockError

IMAGE = RecordedImage(
    variant="cpu", digest=f"sha256:{'1' * 64}", size=5, created="2026-10-01T12:00:00Z"
)


def lock(digit: str) -> str:
    return f"sha256:{digit * 64}"


@given(st.lists(st.sampled_from("abc"), min_size=1))
def test_numbers_only_grow_and_change_only_with_the_lock(locks: list[str]) -> None:
    record, before, numbers = Record(env="trial"), "", [0]
    for each in locks:
        record = record.current(lock(each))
        grown = record.versions[-1].number - numbers[-1]
        assert grown == (each != before)
        numbers.append(record.versions[-1].number)
        before = each
    assert [version.number for version in record.versions] == sorted(set(numbers) - {0})


def test_a_new_number_for_the_same_lock() -> None:
    record = Record(env="trial").current(lock("a")).noted({"cpu": IMAGE}, "file")
    record = record.current(lock("a"), new=True)
    assert [(each.number, each.image) for each in record.versions] == [(1, (IMAGE,)), (2, ())]


def test_an_image_stays_what_it_was() -> None:
    record = Record(env="trial").current(lock("a")).noted({"cpu": IMAGE}, "file")
    assert record.tagged("20261122.v1", ["cpu"]).noted({"cpu": IMAGE}, "file") == (
        record.tagged("20261122.v1", ["cpu"])
    )
    other = evolve(IMAGE, digest=f"sha256:{'2' * 64}")
    with pytest.raises(LockError, match="version 1 is of another image") as raised:
        record.noted({"cpu": other}, "file")
    assert "--new-version" in raised.value.solution
    moved = record.current(lock("b")).noted({"cpu": other}, "file")
    assert [each.of("cpu") for each in moved.versions] == [IMAGE, other]
    assert moved.versions[0].of("cuda12") is None


def test_a_tag_is_of_the_named_variants() -> None:
    other = evolve(IMAGE, variant="cuda12")
    record = Record(env="trial").current(lock("a")).noted({"cuda12": other, "cpu": IMAGE}, "file")
    (version,) = record.tagged("20261122.v1", ["cuda12"]).versions
    assert version.image == (IMAGE, evolve(other, tag="20261122.v1"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"variant": "../cpu"},
        {"digest": "sha256:1"},
        {"size": 0},
        {"created": "2026-13-01T12:00:00Z"},
        {"created": "yesterday"},
        {"tag": "latest"},
    ],
)
def test_what_is_no_image(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"isn't|month"):
        evolve(IMAGE, **wrong)  # type: ignore[arg-type]


def test_what_is_no_version() -> None:
    for number, sha256 in ((0, lock("a")), (1, "a" * 64)):
        with pytest.raises(ValueError, match="isn't"):
            Version(number=number, lock=sha256)
