from __future__ import annotations

import json
from typing import Any

import pytest

from lockyard.resolve.pypi.pages import read_entries, read_files
from lockyard.resolve.pypi.protocol import PageFile
from lockyard.resolve.pypi.refusal import Refusal

FILE = {
    "filename": "app-1.0-py3-none-any.whl",
    "url": "app-1.0-py3-none-any.whl",
    "hashes": {"sha256": "0" * 64},
    "size": 3,
    "upload-time": "2024-05-06T07:08:09.123456Z",
    "requires-python": ">=3.8",
    "yanked": "breaks",
    "core-metadata": {"sha256": "0" * 64},
}


def read_page(data: bytes, package: str, *, dated: bool) -> tuple[PageFile, ...]:
    return read_files(read_entries(data, package), package, dated=dated)


def page(*files: dict[str, Any]) -> bytes:
    return json.dumps({"files": files}).encode()


def test_reads_what_the_index_says() -> None:
    (file,) = read_page(page(FILE), "app", dated=True)
    assert (file.file, file.sha256, file.size) == (FILE["filename"], "0" * 64, 3)
    assert (file.requires_python, file.yanked) == (">=3.8", True)


def test_reads_what_says_next_to_nothing() -> None:
    (file,) = read_page(page({"filename": "a", "url": "a", "hashes": {}}), "app", dated=False)
    assert (file.sha256, file.size, file.uploaded, file.yanked) == ("", None, "", False)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff", b"{", b"[]", b"3", b'{"files": 3}', b'{"files": {"a": 1}}', b"[" * 100_000],
)
def test_refuses_what_is_no_page(data: bytes) -> None:
    with pytest.raises(Refusal, match="malformed"):
        read_page(data, "app", dated=False)


@pytest.mark.parametrize(
    "entry",
    [
        {"filename": None},
        {"url": None},
        {"hashes": None},
        {"hashes": {"sha256": "../../../../etc/passwd"}},
        {"hashes": {"sha256": 3}},
        {"hashes": {"md5": 3}},
        {"size": -1},
        {"size": True},
        {"size": "3"},
        {"upload-time": "yesterday"},
        {"upload-time": "2024-01-01T00:00:00"},
        {"requires-python": 3},
        {"yanked": []},
        {"core-metadata": "x"},
    ],
)
def test_refuses_a_malformed_entry(entry: dict[str, object]) -> None:
    with pytest.raises(Refusal, match="malformed"):
        read_page(page(FILE | entry), "app", dated=False)


def test_refuses_two_files_of_one_name() -> None:
    with pytest.raises(Refusal, match="two files of one name"):
        read_page(page(FILE, FILE), "app", dated=False)


def test_a_cutoff_needs_the_time_of_each_file() -> None:
    with pytest.raises(Refusal, match="cut-off"):
        read_page(page(FILE | {"upload-time": None}), "app", dated=True)
