from __future__ import annotations

import os
import tarfile
from contextlib import suppress
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.build.bytecode.process import CompilingProcess
from lockyard.build.bytecode.python import unpack_python
from lockyard.errors import BuildError, IntegrityError, StoreError
from lockyard.store.store import Store
from tests.build.bytecode.interpreters import debian_python
from tests.build.makers import deb_bytes, folder, hardlink, member, put_deb, symlink

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    path = tmp_path / "place"
    path.mkdir()
    return path


def unpacked(place: Path) -> set[str]:
    return {
        str(each.relative_to(place))
        for each in place.rglob("*")
        if each.is_symlink() or not each.is_dir()
    }


def test_what_a_python_needs(store: Store, place: Path) -> None:
    compiler = debian_python(
        store,
        member("./usr/lib/python3.11/os.py", b"name = 'posix'\n"),
        hardlink("./usr/bin/same", "./usr/bin/python3.11"),
        symlink("./usr/bin/python3", "python3.11"),
        member("./usr/share/doc/python/copyright", b""),
        hardlink("./usr/bin/page", "./usr/share/doc/python/copyright"),
    )
    (command,) = unpack_python(compiler, store, place)
    assert command == str(place / "usr/bin/python3.11")
    assert unpacked(place) == {
        "usr/bin/python3.11",
        "usr/bin/python3",
        "usr/bin/same",
        "usr/lib/python3.11/os.py",
    }
    with CompilingProcess([command], place / "usr", place) as process:
        assert process.compile("/demo.py", b"a = 1\n")


def test_its_own_loader_and_libraries(store: Store, place: Path) -> None:
    library = "lib/x86_64-linux-gnu"
    compiler = debian_python(store, member(f"./{library}/ld-linux-x86-64.so.2", b"", mode=0o755))
    assert unpack_python(compiler, store, place) == [
        str(place / library / "ld-linux-x86-64.so.2"),
        "--library-path",
        f"{place / library}:{place / 'usr' / library}",
        str(place / "usr/bin/python3.11"),
    ]


def test_what_is_no_interpreter(store: Store, place: Path) -> None:
    other = put_deb(store, "other", deb_bytes("other"))
    compiler = evolve(debian_python(store), packages={"linux/amd64": (other,)})
    with pytest.raises(BuildError, match="isn't in the packages") as caught:
        unpack_python(compiler, store, place)
    assert caught.value.where == other.file


def test_packages_that_have_gone(store: Store, place: Path) -> None:
    compiler = debian_python(store)
    (deb,) = compiler.tools
    path = store.artifact(deb.sha256, deb.size)
    assert path
    path.unlink()
    with pytest.raises(StoreError, match="has gone from the store"):
        unpack_python(compiler, store, place)


HOSTILE: dict[str, Members] = {
    "an absolute link": [symlink("./usr/out", "/etc")],
    "a climbing link": [symlink("./usr/out", "../../outside")],
    "a file through an absolute link": [
        symlink("./usr/out", "/tmp/outside"),
        member("./usr/out/file", b"x"),
    ],
    "a file through a climbing link": [
        symlink("./usr/out", "../../outside"),
        member("./usr/out/file", b"x"),
    ],
    "a file through an inner link": [
        folder("./usr/lib"),
        symlink("./usr/out", "lib"),
        member("./usr/out/file", b"x"),
    ],
    "a file over a link": [symlink("./usr/out", "../../outside"), member("./usr/out", b"x")],
    "a folder over a link": [symlink("./usr/out", "../../outside"), folder("./usr/out")],
    "a link over a folder": [folder("./usr/out"), symlink("./usr/out", "../../outside")],
    "a file over a file": [member("./usr/out", b"x"), member("./usr/out", b"y")],
    "a hard link to what is outside": [hardlink("./usr/out", "../outside/secret")],
    "a hard link to what is absolute": [hardlink("./usr/out", "/etc/passwd")],
    "a hard link to a link": [
        symlink("./usr/a", "../../outside/secret"),
        hardlink("./usr/out", "./usr/a"),
    ],
    "a hard link to nothing": [hardlink("./usr/out", "./usr/nothing")],
    "a path that climbs": [member("./usr/../../outside/file", b"x")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_nothing_leads_out(members: Members, store: Store, place: Path) -> None:
    outside = place.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"s")
    with suppress(BuildError, IntegrityError):  # and no error that blames the disk
        unpack_python(debian_python(store, *members), store, place)
    assert [each.name for each in outside.iterdir()] == ["secret"]
    assert (outside / "secret").stat().st_nlink == 1
    for each in place.rglob("*"):
        real = Path(os.path.realpath(each))
        assert real.is_relative_to(place), f"{each} leads to {real}"
