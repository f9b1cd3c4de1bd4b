from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pip._internal.models.link import Link
from pip._internal.models.search_scope import SearchScope

from lockyard.errors import ResolveError
from lockyard.resolve.pypi import pages
from lockyard.resolve.pypi.memory import Memory
from lockyard.resolve.pypi.pages import Pages, read_entries, read_files
from lockyard.resolve.pypi.protocol import PageFile
from lockyard.resolve.pypi.refusal import Refusal
from lockyard.resolve.pypi.suited import Suited
from lockyard.resolve.pypi.supply import Page
from lockyard.resolve.pypi.target import PythonTarget
from tests.resolve.pypi.conftest import PY311, Index

Resolve = Callable[..., Any]
OTHER = PythonTarget("3.12.1", "2.36", "x86_64")
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


class Supply:
    """Give one page for every package."""

    session: Any = None

    def __init__(self, *files: str) -> None:
        entries = ",".join(
            f'{{"filename": "{file}", "url": "x", "hashes": {{}}}}' for file in files
        )
        self.data = f'{{"files": [{entries}]}}'.encode()

    def page(self, package: str, url: str) -> Page:
        return Page(url, self.data)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the pages that are read."""
    sizes: list[int] = []
    before = pages.read_entries

    def counted(data: bytes, *given: Any) -> list[dict[str, Any]]:
        sizes.append(len(data))
        return before(data, *given)

    monkeypatch.setattr(pages, "read_entries", counted)
    return sizes


def fetched(
    supply: Supply, folder: Path, target: PythonTarget = PY311, sdists: frozenset[str] = frozenset()
) -> bytes:
    scope = SearchScope([], [], no_index=False)
    made = Pages(supply, scope, Suited(target, sdists), Memory(folder), dated=False)  # type: ignore[arg-type]
    content = made.fetch_response(Link("https://index.example/simple/app/"), "app")
    assert content is not None
    return content.content


def test_a_page_that_is_the_same_is_read_once(tmp_path: Path, read: list[int]) -> None:
    supply = Supply("app-1-py3-none-any.whl", "app-1-cp27-cp27m-win32.whl", "app-1.tar.gz")
    first = fetched(supply, tmp_path)
    assert b"py3" in first
    assert b"win32" not in first
    assert read == [len(supply.data), len(first)]
    assert fetched(supply, tmp_path) == first
    assert read == [len(supply.data), len(first), len(first)]


def test_another_page_takes_its_place(tmp_path: Path) -> None:
    fetched(Supply("app-1-py3-none-any.whl"), tmp_path)
    assert b"app-2" in fetched(Supply("app-2-py3-none-any.whl"), tmp_path)
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1


def test_targets_and_sdists_are_known_apart(tmp_path: Path) -> None:
    supply = Supply("app-1-cp311-cp311-linux_x86_64.whl", "app-1.tar.gz")
    for _ in range(2):
        assert b"cp311" in fetched(supply, tmp_path)
        assert b"cp311" not in fetched(supply, tmp_path, OTHER)
        assert b"tar.gz" in fetched(supply, tmp_path, sdists=frozenset({"app"}))
        assert b"tar.gz" not in fetched(supply, tmp_path, sdists=frozenset({"lib"}))


def test_what_is_damaged_is_read_anew(tmp_path: Path) -> None:
    supply = Supply("app-1-py3-none-any.whl")
    first = fetched(supply, tmp_path)
    (kept,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    kept.write_bytes(kept.read_bytes().replace(b"app-1", b"app-2"))
    assert fetched(supply, tmp_path) == first


def test_a_conflict_still_tells_of_all_files(index: Index, resolve: Resolve) -> None:
    index.wheel("app", "1.0", tags="cp27-cp27m-win32")
    for _ in range(2):
        with pytest.raises(ResolveError, match=r"those of 1\.0 are for cp27-cp27m-win32"):
            resolve("app")
