from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lockyard.errors import FetchError, IntegrityError, SpecError
from lockyard.resolve.sdist.index import Index
from lockyard.resolve.sdist.tools import fetch_tools, parse_tools


def test_sorts_and_normalises() -> None:
    tools = parse_tools(["Wheel==0.42.0", "setup_tools == 68.0.0", "wheel==0.42"])
    assert [str(tool) for tool in tools] == ["setup-tools==68.0.0", "wheel==0.42.0"]


@pytest.mark.parametrize(
    "text",
    [
        "wheel",
        "wheel>=1",
        "wheel==1.*",
        "wheel==1,<2",
        "wheel===1",
        "wheel==1; python_version>'3'",
        "wheel[x]==1",
        "wheel @ https://index.invalid/wheel-1-py3-none-any.whl",
        "-r tools.txt",
    ],
)
def test_refuses_what_is_not_pinned(text: str) -> None:
    with pytest.raises(SpecError, match="no pinned tool"):
        parse_tools([text])


def test_refuses_two_versions() -> None:
    with pytest.raises(SpecError, match="two versions"):
        parse_tools(["wheel==1", "wheel==2"])


@pytest.fixture
def tools_index(index: Any) -> Index:
    return Index(address=index.url, source="pypi")


def test_takes_the_wheel_for_any_platform(index: Any, tools_index: Index, tmp_path: Path) -> None:
    for tags in ("cp311-cp311-linux_x86_64", "py2.py3-none-any", "py2-none-any"):
        index.wheel("tiny", "1.0", tags=tags)
    index.wheel("tiny", "1.1")
    index.add("tiny-1.0.tar.gz", b"")
    (kept,) = fetch_tools(parse_tools(["tiny==1.0"]), tools_index, tmp_path)
    assert kept.file == "tiny-1.0-py2.py3-none-any.whl"
    assert kept.path.read_bytes() == index.files[kept.file]
    asked = len(index.requests)
    assert fetch_tools(parse_tools(["tiny==1.0"]), tools_index, tmp_path) == (kept,)
    assert len(index.requests) == asked


def test_refuses_what_has_no_such_wheel(index: Any, tools_index: Index, tmp_path: Path) -> None:
    index.wheel("tiny", "1.0", tags="cp311-cp311-linux_x86_64")
    index.wheel("tiny", "1.1", hashes={})
    for text in ("tiny==1.0", "tiny==1.1", "tiny==2.0"):
        with pytest.raises(FetchError, match="no wheel of tiny"):
            fetch_tools(parse_tools([text]), tools_index, tmp_path)


def test_a_name_that_leads_elsewhere_is_passed_over(
    index: Any, tools_index: Index, tmp_path: Path
) -> None:
    index.wheel("tiny", "1.0", filename="tiny-1.0-1/../../../evil-py3-none-any.whl")
    with pytest.raises(FetchError, match="no wheel of tiny"):
        fetch_tools(parse_tools(["tiny==1.0"]), tools_index, tmp_path)
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("entry", [{"hashes": {"sha256": "0" * 64}}, {"size": 10}])
def test_refuses_another_file(
    index: Any, tools_index: Index, tmp_path: Path, entry: dict[str, Any]
) -> None:
    index.wheel("tiny", "1.0", **entry)
    with pytest.raises(IntegrityError):
        fetch_tools(parse_tools(["tiny==1.0"]), tools_index, tmp_path)
    assert not list(tmp_path.rglob("*.whl"))


@pytest.mark.parametrize("page", [b"<html>", b"[]", b'{"files": 3}', b"[" * 100_000])
def test_refuses_what_is_no_page(
    index: Any, tools_index: Index, tmp_path: Path, page: bytes
) -> None:
    index.pages["tiny"] = page
    with pytest.raises(FetchError, match="no page of a package index"):
        fetch_tools(parse_tools(["tiny==1.0"]), tools_index, tmp_path)
