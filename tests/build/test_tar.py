from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lockyard.build.entry import Entry, Kind, directory, symlink, text
from lockyard.build.tar import MTIME, full_header, plain_header, write_tar
from lockyard.build.tree import Tree
from lockyard.errors import IntegrityError

# Any bytes that a file system takes, those of Latin-1 and of broken UTF-8 among them.
RAW = st.binary(min_size=1, max_size=300).filter(lambda raw: not {0, 47} & set(raw))
NAMES = RAW.filter(lambda raw: raw not in {b".", b".."}).map(os.fsdecode)
FILES = st.dictionaries(NAMES, st.binary(max_size=2000), max_size=6)


def archive(entries: Iterable[Entry]) -> bytes:
    stream = io.BytesIO()
    write_tar(entries, stream.write)
    return stream.getvalue()


def read(data: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape")


@given(FILES)
def test_python_reads_back_what_went_in(files: dict[str, bytes]) -> None:
    found = read(archive(text(f"folder/{name}", data) for name, data in files.items()))
    assert found.getnames() == [f"folder/{name}" for name in files]
    for name, data in files.items():
        stream = found.extractfile(f"folder/{name}")
        assert stream
        assert stream.read() == data


LONG = "/".join(["é" * 120] * 3)
SAMPLE = [
    directory("d", mode=0o1777, uid=70_000, gid=3_000_000),
    text("d/empty", b""),
    text("d/full", bytes(range(256)) * 10, mode=0o755),
    text("d/" + "n" * 200, b"long"),
    directory("é" * 120),
    directory("/".join(["é" * 120] * 2)),
    text(LONG, b"long path"),
    text("d/latin-\udce9", b"1"),
    symlink("d/to", "../" + "t" * 150),
    symlink("d/raw", "\udcff\udcfe"),
    Entry(path="z", kind="hardlink", mode=0o755, link="d/full"),
    Entry(path="zz", kind="hardlink", mode=0o644, link=LONG),
]


def test_every_attribute_is_read_back() -> None:
    kinds = {"file": "0", "directory": "5", "symlink": "2", "hardlink": "1"}
    for entry, info in zip(SAMPLE, read(archive(SAMPLE)).getmembers(), strict=True):
        assert (info.name, info.type.decode()) == (entry.path, kinds[entry.kind])
        assert (info.mode, info.uid, info.gid) == (entry.mode, entry.uid, entry.gid)
        assert (info.size, info.linkname) == (entry.size, entry.link)
        assert (info.mtime, info.uname, info.gname) == (MTIME, "", "")


def test_extended_headers_hold_names_and_numbers_alone() -> None:
    # No time to the nanosecond, no attribute, no name of whoever writes (POSIX.1-2001, pax).
    data = archive(SAMPLE)
    said = {key for info in read(data).getmembers() for key in info.pax_headers}
    assert said == {"path", "linkpath", "hdrcharset", "gid"} - ({"hdrcharset"} - said)
    headers = [data[at : at + 512] for at in range(0, len(data), 512)]
    kinds = {each[156:157] for each in headers if each[257:265] == b"ustar\x0000"}
    assert kinds == {b"0", b"1", b"2", b"5", b"x"}


def test_the_tar_program_unpacks_the_same(tmp_path: Path) -> None:
    subprocess.run(
        ["tar", "-x", "--numeric-owner", "-p", "-C", tmp_path],
        input=archive(SAMPLE),
        check=True,
        timeout=60,
    )
    for entry in SAMPLE:
        path, wanted = tmp_path / entry.path, entry
        if entry.kind == "hardlink":
            assert path.samefile(tmp_path / entry.link)
            continue
        status = path.lstat()
        if entry.kind == "symlink":
            assert str(path.readlink()) == entry.link
        elif entry.open:
            with entry.open() as stream:
                assert path.read_bytes() == stream.read()
            assert (status.st_mode & 0o7777, int(status.st_mtime)) == (wanted.mode, MTIME)
        if os.geteuid() == 0:
            assert (status.st_uid, status.st_gid) == (entry.uid, entry.gid)


def test_a_size_of_more_than_eight_gibibytes_fits_its_header() -> None:
    written: list[bytes] = []

    def stop() -> io.BytesIO:
        raise InterruptedError

    entry = Entry(path="big", kind="file", mode=0o644, size=(8 << 30) + 1, open=stop)
    with pytest.raises(InterruptedError):
        write_tar([entry], written.append)
    info = read(b"".join(written)).next()
    assert info
    assert (info.name, info.size) == ("big", (8 << 30) + 1)


@pytest.mark.parametrize("change", [-1, 1, 5000])
def test_content_of_another_length_than_declared(change: int) -> None:
    entry = text("p", b"x" * 3000, owner="a.whl")
    with pytest.raises(IntegrityError, match="p isn't of the") as caught:
        archive([evolve(entry, size=max(0, entry.size + change - 2999 * (change == 5000)))])
    assert caught.value.where == "a.whl"


def test_no_more_than_what_is_declared_is_read() -> None:
    class Endless(io.RawIOBase):
        count = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1 << 20
            self.count += size
            return bytes(size)

    endless = Endless()
    entry = Entry(path="p", kind="file", mode=0o644, size=10, open=lambda: endless)  # type: ignore[arg-type,return-value]
    with pytest.raises(IntegrityError):
        archive([entry])
    assert endless.count == 11


def test_content_of_another_sha256() -> None:
    entry = evolve(text("p", b"data", owner="a.whl"), sha256=hashlib.sha256(b"date").hexdigest())
    with pytest.raises(IntegrityError, match="sha256") as caught:
        archive([entry])
    assert caught.value.where == "a.whl"


def deflated(content: bytes) -> Callable[[], Iterator[tuple[bytes, bytes]]]:
    """Return what gives content in two parts, with what stands for its deflated form."""
    return lambda: iter([(b"1", content[:5]), (b"2", content[5:])])


def test_what_is_deflated_goes_another_way() -> None:
    large = evolve(text("b", b"0123456789"), deflated=deflated(b"0123456789"))
    events: list[object] = []
    write_tar([text("a", b"x"), large, text("c", b"y")], events.append, events.extend)
    parts = [each for each in events if isinstance(each, tuple)]
    assert parts == [(b"1", b"01234"), (b"2", b"56789")]
    plain = [each[1] if isinstance(each, tuple) else each for each in events]
    assert b"".join(cast(list[bytes], plain)) == archive([text("a", b"x"), large, text("c", b"y")])


@pytest.mark.parametrize("content", [b"", b"012345678", b"0123456789+", b"012345678x"])
def test_what_is_deflated_to_something_else(content: bytes) -> None:
    entry = evolve(text("b", b"0123456789", owner="a.whl"), deflated=deflated(content))
    with pytest.raises(
        IntegrityError, match=r" b (isn't of the|doesn't have the sha256)"
    ) as caught:
        write_tar([entry], lambda _: None, lambda parts: [*parts])
    assert caught.value.where == "a.whl"


# What is imported is imported first: another user may not be allowed to read it.
PROGRAM = r"""
import hashlib, os, sys
from lockyard.build.entry import directory, symlink, text
from lockyard.build.tar import write_tar
from lockyard.build.tree import Tree
user, mask, folder = sys.argv[1:]
if user:
    os.setgid(int(user))
    os.setuid(int(user))
os.umask(int(mask, 8))
os.chdir(folder)
names = sorted({"b", "a", "c"}, key=hash)
tree = Tree([text(f"{name}/\xe9\udcff", name, owner="x") for name in names])
tree.add([symlink("l", "\xe9"), directory("d", uid=5)])
digest = hashlib.sha256()
write_tar(tree, digest.update)
print(digest.hexdigest())
"""
WORLDS = [
    ("", "022", "/", {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}),
    ("", "077", "/tmp", {"LC_ALL": "C", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "1"}),
    (
        "",
        "000",
        "/usr",
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONHASHSEED": "2"}
        | {"PYTHONCOERCECLOCALE": "0", "SOURCE_DATE_EPOCH": "1"},
    ),
    ("65534", "002", "/", {"HOME": "/nonexistent", "USER": "nobody", "PYTHONOPTIMIZE": "2"}),
]


def test_the_world_does_not_show() -> None:
    digests = set()
    for user, mask, folder, environ in WORLDS:
        command = [sys.executable, "-", user if os.geteuid() == 0 else "", mask, folder]
        done = subprocess.run(
            command,
            input=PROGRAM,
            env={"PYTHONPATH": os.pathsep.join(sys.path), **environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout)
    assert len(digests) == 1


@given(FILES, st.randoms())
def test_a_tree_gives_the_same_bytes_in_any_order(files: dict[str, bytes], random: object) -> None:
    entries = [text(f"{name[:1]}d/{name}", data) for name, data in files.items()]
    entries = [entry for entry in entries if "/.wh." not in f"/{entry.path}"]
    once = archive(Tree(entries))
    random.shuffle(entries)  # type: ignore[attr-defined]
    assert archive(Tree(entries)) == once


KINDS = st.sampled_from(["file", "directory", "symlink", "hardlink"])
LENGTHS = st.sampled_from(["", "a", "é", "n" * 99, "n" * 100, "n" * 101])
NUMBERS = st.sampled_from([0, 1000, 0o7777777, 0o10000000])


@given(KINDS, LENGTHS, LENGTHS, NUMBERS, st.sampled_from([0, 511, 1 << 33, 1 << 36]))
def test_a_plain_header_is_what_tarfile_writes(
    kind: Kind, name: str, link: str, number: int, size: int
) -> None:
    entry = Entry(
        path=f"d{name}", kind=kind, mode=0o4755, uid=number, gid=number, size=size, link=link
    )
    plain = plain_header(entry)
    assert plain in {None, full_header(entry)}
    if name == link == "a" and number == 1000 and size == 511:
        assert plain
