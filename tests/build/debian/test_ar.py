from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from lockyard.build.debian.ar import ArError, Section, ar_members
from tests.build.makers import ar

SOUND = ar({"debian-binary": b"2.0\n", "odd": b"123", "empty": b"", "last": b"1234"})


def members(data: bytes) -> dict[str, bytes]:
    stream = io.BytesIO(data)
    return {each.name: Section(stream, each).read() for each in ar_members(stream)}


def test_members_are_read() -> None:
    wanted = {"debian-binary": b"2.0\n", "odd": b"123", "empty": b"", "last": b"1234"}
    assert members(SOUND) == wanted


def test_dpkg_deb_splits_it_alike(tmp_path: Path) -> None:
    for folder in ("DEBIAN", "usr"):
        (tmp_path / "made" / folder).mkdir(parents=True)
    control = "Package: made\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\n"
    control += "Description: made\n"
    (tmp_path / "made/DEBIAN/control").write_text(control)
    command = ["dpkg-deb", "--build", "--root-owner-group"]
    command += [str(tmp_path / "made"), str(tmp_path / "it.deb")]
    subprocess.run(command, check=True, timeout=60, stdout=subprocess.DEVNULL)
    found = members((tmp_path / "it.deb").read_bytes())
    assert [name.partition(".tar")[0] for name in found] == ["debian-binary", "control", "data"]
    assert found["debian-binary"] == b"2.0\n"


def test_a_section_ends_where_its_member_does() -> None:
    stream = io.BytesIO(SOUND)
    _, odd, _, last = (Section(stream, each) for each in ar_members(stream))
    assert [odd.read(2), last.read(3), odd.read(2), odd.read(2), last.read(), last.read(1)] == [
        *[b"12", b"123", b"3", b"", b"4", b""]
    ]


def size_field(text: str) -> bytes:
    return b"!<arch>\n" + f"{'x':<16}{0:<12}{0:<6}{0:<6}{0:<8}{text:<10}`\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"!<arch>",
        b"!<thin>\n" + SOUND[8:],
        SOUND[:-1],
        SOUND[:40],
        SOUND + b"\n",
        SOUND.replace(b"`\n", b"x\n", 1),
        size_field("1"),
        # Going back by its own header, a reader would find this one again for ever.
        size_field("-60"),
        size_field(""),
        size_field("1_0"),
        size_field("0x1"),
        size_field("9999999999"),
    ],
)
def test_what_is_not_whole_and_sound(data: bytes) -> None:
    with pytest.raises(ArError):
        list(ar_members(cast(BinaryIO, io.BytesIO(data))))
