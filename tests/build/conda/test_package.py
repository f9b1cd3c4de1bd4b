from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from lockyard.build.conda.package import Extracted, open_package
from lockyard.errors import BuildError, IntegrityError
from tests.build.conda.makers import (
    PLACEHOLDER,
    Content,
    Shelf,
    files,
    listed,
    pure,
    replaced,
)
from tests.build.makers import member, symlink

Open = Callable[..., Extracted]


@pytest.fixture
def opened(shelf: Shelf, tmp_path: Path) -> Open:
    """Return a function that opens the package of a content."""

    def run(content: Content, prefix: str = "/opt/conda", **more: Any) -> Extracted:
        package = shelf.make(content, **more)
        (tmp_path / "in").mkdir()
        return open_package(shelf.paths[package.file], package, tmp_path / "in", prefix)

    return run


def test_a_package_for_another_folder_of_the_channel(shelf: Shelf) -> None:
    content = Content(members=files({"share/x": b"1"}), index={"noarch": "python"})
    package = shelf.make(content, subdir="linux-64")
    with pytest.raises(IntegrityError, match="its noarch is"):
        shelf.installed(package)


def test_the_record_is_the_index_with_what_the_lock_says(opened: Open) -> None:
    found = opened(Content(index={"license_family": "BSD", "unknown": 1}), constrains=("x <2",))
    assert found.record == {
        "name": "app",
        "version": "1.0",
        "build": "0",
        "build_number": 0,
        "subdir": "linux-64",
        "depends": ["libz >=1.2"],
        "constrains": ["x <2"],
        "license": "BSD",
        "license_family": "BSD",
        "timestamp": 1600000000000,
    }
    assert not found.needs_python


def paths(*each: Mapping[str, Any] | None) -> Content:
    text = json.dumps({"paths": each, "paths_version": 1}).encode()
    return Content(
        members=[member("bin/a", b"data"), symlink("bin/b", "a")], info={"paths.json": text}
    )


A, B = listed("bin/a", b"data"), listed("bin/b", kind="softlink")
LIES = {
    "a wrong hash": paths({**A, "sha256": "0" * 64}, B),
    "no hash": paths({**A, "sha256": None}, B),
    "a wrong size": paths({**A, "size_in_bytes": 5}, B),
    "a wrong type": paths({**A, "path_type": "softlink"}, B),
    "a link called a file": paths(A, {**B, "path_type": "hardlink"}),
    "an unknown type": paths({**A, "path_type": "device"}, B),
    "a table for a type": paths({**A, "path_type": {}}, B),
    "a list for a mode": paths({**A, "prefix_placeholder": "/x", "file_mode": []}, B),
    "a type of installations": paths({**A, "path_type": "unix_python_entry_point"}, B),
    "a file too few": paths(B),
    "a file too many": paths(A, B, listed("bin/c")),
    "a path that climbs": paths(A, B, listed("../../bin/c")),
    "an absolute path": paths(A, B, listed("/etc/passwd")),
    "a path twice": paths(A, A, B),
    "a path of the information": paths(A, B, listed("info/index.json")),
    "no path": paths({**A, "_path": None}, B),
    "no table": paths(A, B, None),
    "no placeholder": paths({**A, "prefix_placeholder": "", "file_mode": "text"}, B),
    "a number for a placeholder": paths({**A, "prefix_placeholder": 1, "file_mode": "text"}, B),
    "a placeholder without mode": paths({**A, "prefix_placeholder": "/x"}, B),
    "no list": Content(info={"paths.json": b'{"paths": {}}'}),
    "no paths": Content(info={"paths.json": b"{}"}),
    "no JSON": Content(info={"paths.json": b"{"}),
    "not a table": Content(info={"paths.json": b"[]"}),
    "too deep": Content(info={"paths.json": b"[" * 100_000}),
    "no index": Content(info={"index.json": None}),
    "an index that isn't JSON": Content(info={"index.json": b"\xff"}),
    "another name": Content(index={"name": "other"}),
    "another version": Content(index={"version": "1.1"}),
    "another build": Content(index={"build": "1"}),
    "a Python for Python": pure({}, name="python"),
    "an index that is a link": Content(
        members=[member("x", b"{}"), symlink("info/index.json", "../x")], info={"index.json": None}
    ),
}


@pytest.mark.parametrize("content", LIES.values(), ids=LIES.keys())
def test_a_package_that_contradicts_itself_or_the_lock(content: Content, opened: Open) -> None:
    with pytest.raises(IntegrityError) as caught:
        opened(content)
    assert str(caught.value.where).startswith(f"{content.name}-1.0-0")


@pytest.mark.parametrize(
    "point", ["../../outside = a:b", "a/b = a:b", ".. = a:b", "a", "a = b", "a = b:c\nx", 1]
)
def test_an_entry_point_that_is_none(point: Any, opened: Open) -> None:
    with pytest.raises(IntegrityError, match="entry point"):
        opened(pure({}, [point]))


@pytest.mark.parametrize("link", [b"[", b"[]", b'{"noarch": {"entry_points": 1}}'])
def test_a_link_file_that_is_none(link: bytes, opened: Open) -> None:
    with pytest.raises(IntegrityError):
        opened(Content(info={"link.json": link}))


def test_a_package_of_an_old_kind(opened: Open) -> None:
    with pytest.raises(BuildError, match="before 2017"):
        opened(Content(info={"paths.json": None}))


def test_a_prefix_that_a_binary_has_no_room_for(opened: Open) -> None:
    binary, script = PLACEHOLDER.encode() + b"\0", b"#!/old/bin/x\n"
    content = Content(
        members=files({"lib/x": binary, "bin/x": script}),
        paths=[replaced("lib/x", binary, "binary"), replaced("bin/x", script, "text", "/old")],
    )
    with pytest.raises(BuildError, match=f"room for a prefix of {len(PLACEHOLDER)} bytes"):
        opened(content, "/" + "p" * len(PLACEHOLDER))


def test_a_prefix_that_just_fits(opened: Open) -> None:
    binary = PLACEHOLDER.encode() + b"\0"
    content = Content(members=files({"lib/x": binary}), paths=[replaced("lib/x", binary, "binary")])
    assert opened(content, "/" + "p" * (len(PLACEHOLDER) - 1)).directories == ()
