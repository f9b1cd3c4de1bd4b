from __future__ import annotations

import io
from typing import Any
from zipfile import ZipFile

import pytest
from pip._internal.exceptions import UnsupportedWheel

from lockyard.resolve.pypi.metadata import read_metadata


def wheel(**members: bytes) -> ZipFile:
    data = io.BytesIO()
    with ZipFile(data, "w") as made:
        for name, contents in members.items():
            made.writestr(name, contents)
    return ZipFile(data)


def test_reads_the_metadata_of_the_package() -> None:
    assert read_metadata(wheel(**{"app-1.dist-info/METADATA": b"x"}), "App") == b"x"


def test_refuses_the_metadata_of_another() -> None:
    with pytest.raises(UnsupportedWheel):
        read_metadata(wheel(**{"lib-1.dist-info/METADATA": b"x"}), "app")
    with pytest.raises(KeyError):
        read_metadata(wheel(**{"app-1.dist-info/RECORD": b"x"}), "app")


@pytest.mark.parametrize("ranges", [True, False])
def test_each_wheels_metadata_is_fetched_once(ranges: bool, index: Any, resolve: Any) -> None:
    index.ranges = ranges
    index.wheel("app", "1.0", "lib")
    index.wheel("lib", "1.0")
    first = resolve("app")
    assert index.fetched("app-1.0-py3-none-any.whl")
    index.requests.clear()
    assert resolve("app") == first
    assert not index.fetched(".whl")


def test_large_wheels_are_not_downloaded(index: Any, resolve: Any) -> None:
    data = io.BytesIO()
    with ZipFile(data, "w") as made:
        made.writestr("app/big", bytes(1 << 20))
        made.writestr(
            "app-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: app\nVersion: 1.0\n"
        )
    index.add("app-1.0-py3-none-any.whl", data.getvalue())
    resolve("app")
    assert index.sent < 200_000


def test_takes_the_metadata_that_the_index_serves(index: Any, resolve: Any) -> None:
    index.wheel("app", "1.0", core_metadata=True)
    name = "app-1.0-py3-none-any.whl"
    index.files[f"{name}.metadata"] = b"Metadata-Version: 2.1\nName: app\nVersion: 1.0\n"
    resolve("app")
    assert index.fetched(".metadata")
    assert not index.fetched(".whl")
