"""Any tree, in any order, gives the same bytes, and readers that aren't ours find it in them."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile

import pytest
from attrs import evolve
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tar import MTIME, write_tar
from lockyard.build.tree import Tree
from tests.determinism.trees import PATHS, entries

steady = settings(derandomize=True, deadline=None, max_examples=60)
LONG = "/".join(["é" * 127] * 9)  # more than 2000 bytes
SAMPLE = [
    text(LONG, b"1"),
    text("n" * 255, b""),
    symlink("to", LONG),
    Entry(path="z", kind="hardlink", mode=0o644, link=LONG),
    directory("e\u0301", uid=1 << 21, gid=(1 << 32) - 2),
    directory("\u00e9", mode=0o1777),
]


def archive(tree: Tree) -> bytes:
    stream = io.BytesIO()
    write_tar(tree, stream.write)
    return stream.getvalue()


def header(entry: Entry) -> bytes:
    """Return what an archive has before an entry's content, which needn't be there."""

    def stop() -> io.BytesIO:
        raise InterruptedError

    written: list[bytes] = []
    with pytest.raises(InterruptedError):
        write_tar([evolve(entry, open=stop)], written.append)
    return b"".join(written)


def opened(data: bytes) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape")


@steady
@given(entries(), st.integers())
@example(SAMPLE, 0)
def test_any_order_gives_the_same_bytes(made: list[Entry], seed: int) -> None:
    other = list(made)
    random.Random(seed).shuffle(other)  # noqa: S311 - no secret
    assert archive(Tree(other)) == archive(Tree(made))


@steady
@given(entries())
@example(SAMPLE)
def test_python_finds_what_went_in(made: list[Entry]) -> None:
    kinds = {b"0": "file", b"5": "directory", b"2": "symlink", b"1": "hardlink"}
    found = opened(archive(Tree(made)))
    for entry, info in zip(Tree(made), found.getmembers(), strict=True):
        assert (info.name, kinds[info.type]) == (entry.path, entry.kind)
        assert (info.mode, info.uid, info.gid) == (entry.mode, entry.uid, entry.gid)
        assert (info.size, info.linkname, info.mtime) == (entry.size, entry.link, MTIME)
        if entry.open:
            content = found.extractfile(info)
            with entry.open() as stream:
                assert content
                assert content.read() == stream.read()


@settings(steady, max_examples=25)
@given(entries())
@example(SAMPLE)
def test_the_tar_program_finds_what_went_in(made: list[Entry]) -> None:
    # Its own words for a byte are in the way of what is meant; so is what it warns of.
    command = ["tar", "--list", "--verbose", "--numeric-owner", "--utc", "--full-time"]
    told = subprocess.run(
        [*command, "--quoting-style=locale", "--file=-"],
        input=archive(Tree(made)),
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.splitlines()
    for entry, line in zip(Tree(made), told, strict=True):
        kind, owners, size, day, hour, rest = line.split(maxsplit=5)
        letter = {"file": b"-", "directory": b"d", "symlink": b"l", "hardlink": b"h"}
        assert kind[:1] == letter[entry.kind]
        assert (owners, size) == (b"%d/%d" % (entry.uid, entry.gid), b"%d" % entry.size)
        assert (day, hour) == (b"1980-01-01", b"00:00:00")
        name = entry.path + "/" * (entry.kind == "directory")
        assert rest.startswith(quoted(name))
        arrow = {"symlink": b" -> ", "hardlink": b" link to "}.get(entry.kind, b"")
        assert rest == quoted(name) + arrow + (quoted(entry.link) if entry.link else b"")


def quoted(name: str) -> bytes:
    """Write a name as the program does: in quotes, with escapes as in C."""
    letters = dict(zip(b"\a\b\f\n\r\t\v", "abfnrtv", strict=True))
    words = []
    for byte in name.encode("utf-8", "surrogateescape"):
        if byte in b"'\\":
            words.append(f"\\{chr(byte)}")
        elif byte in letters:
            words.append(f"\\{letters[byte]}")
        else:
            words.append(chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
    return f"'{''.join(words)}'".encode()


SIZES = st.integers((8 << 30) - 1, 1 << 50)


@steady
@given(PATHS, SIZES)
@example("big", 8 << 30)
def test_sizes_of_eight_gibibytes_and_more(path: str, size: int) -> None:
    data = header(Entry(path=path, kind="file", mode=0o644, size=size))
    info = opened(data).next()
    assert info
    assert (info.name, info.size) == (path, size)


def test_the_tar_program_reads_a_size_of_eight_gibibytes() -> None:
    data = header(Entry(path="big", kind="file", mode=0o644, size=8 << 30))
    command = ["tar", "--list", "--verbose", "--file=-"]
    told = subprocess.run(command, input=data, capture_output=True, check=False, timeout=60).stdout
    assert told.split()[2] == b"8589934592"
