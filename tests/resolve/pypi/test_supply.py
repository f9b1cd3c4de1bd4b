"""Pages that are fetched once, and those that are fetched ahead."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import ResolveError
from lockyard.resolve.pypi.target import PythonTarget
from tests.resolve.pypi.conftest import Index

Resolve = Callable[..., Any]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    (folder := tmp_path / "shared").mkdir()
    return folder


def test_a_run_sees_one_index(index: Index, resolve: Resolve, shared: Path) -> None:
    index.wheel("lib", "1.0")
    index.wheel("app", "1.0", "lib")
    first = resolve("app", shared=shared)
    index.wheel("app", "2.0", "lib")
    assert resolve("app", shared=shared) == first
    assert resolve("app")[0].version == "2.0"


def test_a_run_asks_for_each_page_once(index: Index, resolve: Resolve, shared: Path) -> None:
    for name in ("a", "b", "c"):
        index.wheel(name, "1.0")
    targets = [PythonTarget("3.11.2", "2.36", each) for each in ("x86_64", "aarch64")]
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda each: resolve("a", "b", "c", target=each, shared=shared), targets)
        assert len(set(found)) == 1
    asked = [each for each in index.requests if "/simple/" in each]
    assert sorted(asked) == [f"GET /simple/{name}/" for name in ("a", "b", "c")]


def test_what_the_index_doesn_t_have_is_remembered(
    index: Index, resolve: Resolve, shared: Path
) -> None:
    for _ in range(2):
        with pytest.raises(ResolveError, match="has no package gone"):
            resolve("gone", shared=shared)
    assert len(index.fetched("/gone/")) == 1


def test_what_is_expected_for_nothing_has_no_effect(index: Index, resolve: Resolve) -> None:
    index.wheel("app", "1.0")
    index.pages["old"] = b"nonsense"
    assert [each.name for each in resolve("app", pinned={"old": "1.0", "gone": "1.0"})] == ["app"]
