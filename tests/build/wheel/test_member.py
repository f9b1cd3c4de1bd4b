from __future__ import annotations

import random
import zipfile
import zlib
from pathlib import Path

import pytest

from lockyard.build.wheel.member import (
    MOST,
    MemberStream,
    deflated_parts,
    is_small,
    is_taken,
    read_member,
)
from lockyard.plan.compression import TAKEN

CONTENT = b"one two three " * 1000


def written(path: Path, how: int) -> zipfile.ZipInfo:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("before", b"x")
        archive.writestr("größe.txt", CONTENT)
        return archive.getinfo("größe.txt")


def streamed(descriptor: int, info: zipfile.ZipInfo) -> bytes:
    stream = MemberStream(descriptor, info)
    return b"".join(iter(lambda: stream.read(1000), b""))


def parted(descriptor: int, info: zipfile.ZipInfo) -> bytes:
    """Read a member with what it is deflated to, which has to inflate to the same."""
    parts = list(deflated_parts(descriptor, info))
    content = b"".join(data for _, data in parts)
    assert zlib.decompress(b"".join(packed for packed, _ in parts), -15) == content
    return content


def test_a_member_is_read_with_what_it_is_deflated_to(tmp_path: Path) -> None:
    chance = random.Random(2)  # noqa: S311 - no secret
    large = chance.randbytes(3 << 20) + bytes(9 << 20)
    with zipfile.ZipFile(tmp_path / "it.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("large", large)
        archive.writestr("stored", large, zipfile.ZIP_STORED)
        archive.writestr("small", bytes(9 << 20))
        infos = {each.filename: each for each in archive.infolist()}
    assert [name for name, info in infos.items() if is_taken(info)] == ["large"]
    assert infos["large"].compress_size > TAKEN > infos["small"].compress_size
    with (tmp_path / "it.zip").open("rb") as file:
        assert parted(file.fileno(), infos["large"]) == large
        assert parted(file.fileno(), infos["small"]) == bytes(9 << 20)


@pytest.mark.parametrize("after", [b"\0", b"\x03\0", bytes(1 << 19)])
def test_more_than_one_stream_is_not_taken(tmp_path: Path, after: bytes) -> None:
    """It would come out of the layer's gzip as something that nobody has verified."""
    info = written(tmp_path / "it.zip", zipfile.ZIP_DEFLATED)
    whole = (tmp_path / "it.zip").read_bytes()
    end = info.header_offset + 30 + len(info.filename.encode()) + info.compress_size
    (tmp_path / "it.zip").write_bytes(whole[:end] + after + whole[end:])
    info.compress_size += len(after)
    with (tmp_path / "it.zip").open("rb") as file:
        assert read_member(file.fileno(), info) == CONTENT
        with pytest.raises(zipfile.BadZipFile, match="after its end"):
            parted(file.fileno(), info)


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
        if how == zipfile.ZIP_DEFLATED:
            with pytest.raises(zipfile.BadZipFile):
                parted(file.fileno(), info)


@pytest.mark.parametrize(("name", "value"), [("file_size", 1), ("CRC", 1), ("header_offset", 5000)])
def test_what_the_directory_says_is_held_against_it(tmp_path: Path, name: str, value: int) -> None:
    info = written(tmp_path / "it.zip", zipfile.ZIP_DEFLATED)
    setattr(info, name, getattr(info, name) + value)
    with (tmp_path / "it.zip").open("rb") as file:
        for read in (read_member, streamed, parted):
            with pytest.raises(zipfile.BadZipFile):
                read(file.fileno(), info)


def test_what_claims_to_be_large_isnt_small() -> None:
    info = zipfile.ZipInfo("it")
    assert is_small(info)
    info.compress_size = MOST + 1
    assert not is_small(info)
