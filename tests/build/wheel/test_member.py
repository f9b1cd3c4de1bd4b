from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from lockyard.build.wheel.member import MOST, MemberStream, is_small, read_member

CONTENT = b"one two three " * 1000


def written(path: Path, how: int) -> zipfile.ZipInfo:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("before", b"x")
        archive.writestr("größe.txt", CONTENT)
        return archive.getinfo("größe.txt")


def streamed(descriptor: int, info: zipfile.ZipInfo) -> bytes:
    stream = MemberStream(descriptor, info)
    return b"".join(iter(lambda: stream.read(1000), b""))


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_member_is_read(tmp_path: Path, how: int) -> None:
    info = written(tmp_path / "it.zip", how)
    with (tmp_path / "it.zip").open("rb") as file:
        assert read_member(file.fileno(), info) == CONTENT
        assert streamed(file.fileno(), info) == CONTENT


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("offset", "byte"), [(0, b"Q"), (30, b"z"), (-10, b"\xff")], ids=["mark", "name", "content"]
)
def test_damage_is_found(tmp_path: Path, how: int, offset: int, byte: bytes) -> None:
    info = written(tmp_path / "it.zip", how)
    end = info.header_offset + 30 + len(info.filename.encode()) + info.compress_size
    with (tmp_path / "it.zip").open("r+b") as file:
        file.seek(end + offset if offset < 0 else info.header_offset + offset)
        file.write(byte)
        file.flush()
        with pytest.raises(zipfile.BadZipFile):
            read_member(file.fileno(), info)
        with pytest.raises(zipfile.BadZipFile):
            streamed(file.fileno(), info)


@pytest.mark.parametrize(("name", "value"), [("file_size", 1), ("CRC", 1), ("header_offset", 5000)])
def test_what_the_directory_says_is_held_against_it(tmp_path: Path, name: str, value: int) -> None:
    info = written(tmp_path / "it.zip", zipfile.ZIP_DEFLATED)
    setattr(info, name, getattr(info, name) + value)
    with (tmp_path / "it.zip").open("rb") as file:
        for read in (read_member, streamed):
            with pytest.raises(zipfile.BadZipFile):
                read(file.fileno(), info)


def test_what_claims_to_be_large_isnt_small() -> None:
    info = zipfile.ZipInfo("it")
    assert is_small(info)
    info.compress_size = MOST + 1
    assert not is_small(info)
