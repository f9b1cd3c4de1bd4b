"""Records of versions in their files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lockyard.azureml.record import Record
from lockyard.azureml.record_file import (
    decode_record,
    encode_record,
    read_record,
    record_path,
    write_record,
)
from lockyard.errors import LockError, StoreError
from tests.azureml.test_record import IMAGE, lock
from tests.conftest import ROOT

RECORD = Record(env="trial").current(lock("a")).noted({"cpu": IMAGE}, "file").current(lock("b"))
TEXT = f"""\
# Written by `invoke environment trial`: what was published under a number stays so.
format = 1
env = "trial"

[[version]]
number = 1
lock = "sha256:{"a" * 64}"

[[version.image]]
variant = "cpu"
digest = "sha256:{"1" * 64}"
size = 5
created = "2026-10-01T12:00:00Z"

[[version]]
number = 2
lock = "sha256:{"b" * 64}"
"""


def test_a_record_as_text() -> None:
    assert encode_record(RECORD) == TEXT
    assert decode_record(TEXT, "file", "trial") == RECORD


def test_a_version_has_lines_of_its_own() -> None:
    # So that branches that add to different ends of it merge, or conflict where they must.
    text = encode_record(Record(env="trial").current(lock("a")))
    assert text.splitlines()[4:] == ["[[version]]", "number = 1", f'lock = "{lock("a")}"']


@pytest.mark.parametrize(
    "path", sorted((ROOT / "locks").glob("*.versions.toml")), ids=lambda path: path.stem
)
def test_committed_records_are_as_they_are_written(path: Path) -> None:
    text, env = path.read_text(encoding="utf-8"), path.name.removesuffix(".versions.toml")
    assert encode_record(decode_record(text, path.name, env)) == text


def test_writing(tmp_path: Path) -> None:
    assert read_record(tmp_path, "trial") == Record(env="trial")
    old = os.umask(0o077)
    try:
        assert write_record(tmp_path, RECORD)
    finally:
        os.umask(old)
    path = tmp_path / record_path("trial")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert not write_record(tmp_path, RECORD)
    assert read_record(tmp_path, "trial") == RECORD
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(StoreError, match="can't be written"):
        write_record(tmp_path, RECORD)


IMAGE_TABLE = TEXT[TEXT.index("\n[[version.image") : TEXT.rindex("\n[[version]]")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEXT.replace("number = 2", "<<<<<<< ours\nnumber = 2"), "conflict markers"),
        ("[", "can't be read"),
        ("x = " + "[" * 5000, "can't be read"),
        (TEXT.replace("format = 1", "format = 2"), "format 2"),
        (TEXT.replace("format = 1", "format = true"), "format"),
        (TEXT.replace('env = "trial"', 'env = "other"'), "record of 'other'"),
        (TEXT.replace("number = 2", "number = 1"), "don't grow"),
        (TEXT.replace("number = 1", 'number = "1"'), "whole number"),
        (TEXT.replace("size = 5", "size = 5\nmore = 1"), "more"),
        (TEXT.replace("size = 5", "size = -5"), "positive"),
        (TEXT.replace("sha256:1", "sha256:x"), "isn't a digest"),
        (TEXT.replace(IMAGE_TABLE, 2 * IMAGE_TABLE), "two images"),
    ],
)
def test_damage(text: str, reason: str) -> None:
    with pytest.raises(LockError, match=reason) as raised:
        decode_record(text, "locks/trial.versions.toml", "trial")
    assert raised.value.where == "locks/trial.versions.toml"
    assert raised.value.solution


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / record_path("trial")).write_bytes(b"format = 1 # \xff")
    with pytest.raises(LockError, match="byte 13 isn't UTF-8"):
        read_record(tmp_path, "trial")
