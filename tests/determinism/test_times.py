"""No time that a package gives its files shows in a layer: none of before 1970, none to come."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from lockyard.build.content import layer_content
from lockyard.build.tar import write_tar
from lockyard.plan.layer import DebianLayer, Layer, WheelLayer
from lockyard.store.store import Store
from tests.build.conda.makers import Shelf, pure
from tests.build.makers import (
    PREFIX,
    base_passwd,
    deb_bytes,
    member,
    put_deb,
    put_wheel,
    wheel_content,
)
from tests.build.makers import folder as made_folder

TIMES = [-(1 << 33), -1.5, 0, 1 << 33, 1 << 36]


def archive(layer: Layer, store: Store) -> bytes:
    stream = io.BytesIO()
    with layer_content(layer, store) as content:
        write_tar(content.tree, stream.write)
    return stream.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_of_a_debian_package(store: Store) -> None:
    found = set()
    base = put_deb(store, "base-passwd", base_passwd())
    for mtime in TIMES:
        members = [made_folder("./a", mtime=mtime), member("./a/b", b"1", mtime=mtime)]
        layer = DebianLayer(debs=(base, put_deb(store, "demo", deb_bytes("demo", members))))
        found.add(archive(layer, store))
    assert len(found) == 1


def test_of_a_conda_package(tmp_path: Path) -> None:
    found = set()
    for number, mtime in enumerate(TIMES[2:]):
        shelf = Shelf(tmp_path / str(number))
        content = pure({"site-packages/a.py": b"1"})
        content.members = [member(info.name, data, mtime=mtime) for info, data in content.members]
        package = shelf.make(content, ".tar.bz2", subdir="noarch")
        with shelf.tree(package) as tree:
            entries = [each for each in tree if "/conda-meta" not in each.path]
            stream = io.BytesIO()
            write_tar(entries, stream.write)
        found.add(stream.getvalue())
    assert len(found) == 1


def test_of_a_wheel(store: Store) -> None:
    found = set()
    # The first has a day of month 0, as some tools write it; the last is the last of the format.
    for time in [(1980, 0, 0, 0, 0, 0), (1999, 12, 31, 23, 59, 58), (2107, 12, 31, 23, 59, 58)]:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as packed:
            for path, data in wheel_content("demo", "1.0", {"demo.py": b""}).items():
                packed.writestr(zipfile.ZipInfo(path, time), data)
        wheel = put_wheel(store, stream.getvalue())
        found.add(archive(WheelLayer(title="", wheels=(wheel,), prefix=PREFIX), store))
    assert len(found) == 1


def test_these_are_other_packages() -> None:
    packed = {deb_bytes("demo", [member("./a", b"1", mtime=mtime)]) for mtime in TIMES}
    assert len(packed) == len(TIMES)
