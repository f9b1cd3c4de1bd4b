from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from lockyard.build.conda import archive
from lockyard.build.conda.archive import Member, extract
from lockyard.errors import BuildError, IntegrityError, LockyardError, StoreError
from tests.build.conda.makers import Tarred, artifact, conda_file, tar_bz2
from tests.build.makers import folder, hardlink, member, symlink, tarred

STEM = "app-1.0-0"


@pytest.fixture
def extracted(tmp_path: Path) -> Callable[[bytes, str], dict[str, Member]]:
    """Return a function that extracts a package's bytes below ``tmp_path / "in"``."""

    def run(data: bytes, kind: str = ".tar.bz2") -> dict[str, Member]:
        (tmp_path / "in").mkdir()
        path = tmp_path / "packed"
        path.write_bytes(data)
        return extract(path, artifact(data, STEM + kind), tmp_path / "in")

    return run


Extracted = Callable[..., dict[str, Member]]


def test_members_of_both_formats(extracted: Extracted, tmp_path: Path) -> None:
    info, pkg = [member("info/x", b"1")], [member("./lib/y", b"22"), symlink("lib/z", "y")]
    found = extracted(conda_file(tarred(info), tarred(pkg)), ".conda")
    assert {path: each.kind for path, each in found.items()} == {
        "info": "directory",
        "info/x": "file",
        "lib": "directory",
        "lib/y": "file",
        "lib/z": "symlink",
    }
    y = hashlib.sha256(b"22").hexdigest()
    assert found["lib/y"] == Member(kind="file", size=2, sha256=y)
    (tmp_path / "in").rename(tmp_path / "before")
    assert extracted(tar_bz2(tarred([*info, *pkg]))) == found


def test_modes_are_two_whatever_the_umask(extracted: Extracted, tmp_path: Path) -> None:
    modes = {"a": 0o4711, "b": 0o444, "c": 0o2660, "d": 0o001}
    before = os.umask(0o077)
    try:
        extracted(tar_bz2(tarred(member(name, b"", mode=mode) for name, mode in modes.items())))
    finally:
        os.umask(before)
    found = {path.name: path.stat().st_mode & 0o7777 for path in (tmp_path / "in").iterdir()}
    assert found == {"a": 0o755, "b": 0o644, "c": 0o644, "d": 0o755}


def test_hard_links_share_what_they_link_to(extracted: Extracted) -> None:
    found = extracted(tar_bz2(tarred([hardlink("a", "z/b"), member("z/b", b"1")])))
    assert found["a"] == found["z/b"]


HOSTILE: dict[str, list[Tarred]] = {
    "climbs": [member("../outside", b"x")],
    "climbs within": [member("lib/../../outside", b"x")],
    "is absolute": [member("/outside", b"x")],
    "stands twice": [member("a", b"1"), member("a", b"2")],
    "is a file and a folder": [member("a", b"1"), member("a/b", b"2")],
    "is a folder and a file": [member("a/b", b"1"), member("a", b"2")],
    "is below a link": [symlink("a", "b"), folder("b"), member("a/x", b"1")],
    "links hard to nothing": [hardlink("a", "nothing")],
    "links hard to the outside": [hardlink("a", "../outside")],
    "links hard to a link": [symlink("b", "c"), hardlink("a", "b")],
    "links hard to a folder": [folder("b"), hardlink("a", "b")],
    "links to nothing": [symlink("a", "")],
    "has too long a name": [member("a" * 256, b"")],
    "has too long a path": [member("/".join(["a" * 200] * 11), b"")],
    "isn't in UTF-8": [member("caf\udce9", b"")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_member_that_no_package_has(
    members: list[Tarred], extracted: Extracted, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_bytes(b"untouched")
    stream = io.BytesIO()
    with tarfile.open(
        fileobj=stream, mode="w", encoding="utf-8", errors="surrogateescape"
    ) as packed:
        for info, data in members:
            packed.addfile(info, io.BytesIO(data))
    with pytest.raises(IntegrityError) as caught:
        extracted(tar_bz2(stream.getvalue()))
    assert caught.value.where == f"{STEM}.tar.bz2"
    assert (tmp_path / "outside").read_bytes() == b"untouched"
    assert {path.name for path in tmp_path.iterdir()} == {"in", "outside", "packed"}


@pytest.mark.parametrize(
    "links",
    [
        {"a": "/etc/passwd"},
        {"lib/a": "../../outside"},
        # Each alone stays within, by its letters.
        {"p": ".", "q": "p/.."},
        {"b": "lib/deep", "c": "b/../../../outside"},
    ],
)
def test_a_link_out_of_the_prefix(links: dict[str, str], extracted: Extracted) -> None:
    members = [folder("lib/deep"), *(symlink(path, target) for path, target in links.items())]
    with pytest.raises(BuildError, match="out of the prefix"):
        extracted(tar_bz2(tarred(members)))


def test_links_that_stay_within_may_go_up_or_nowhere(extracted: Extracted) -> None:
    links = {"lib/deep/a": "../../bin/x", "b": "lib/../lib/deep", "c": "nowhere", "d": "d"}
    found = extracted(tar_bz2(tarred(symlink(path, target) for path, target in links.items())))
    assert {found[path].kind for path in links} == {"symlink"}


@pytest.mark.parametrize(
    "kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
def test_devices_and_sparse_files(kind: bytes, extracted: Extracted) -> None:
    with pytest.raises(LockyardError):
        extracted(tar_bz2(tarred([member("a", type=kind)])))


def test_an_archive_that_unpacks_to_too_much(
    extracted: Extracted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(archive, "_SMALL", 1 << 20)
    with pytest.raises(IntegrityError, match="would unpack to far more"):
        extracted(tar_bz2(tarred([member("a", bytes(40 << 20))])))
    assert (tmp_path / "in/a").stat().st_size < 2 << 20


def test_the_parts_of_a_package_share_one_bound(
    extracted: Extracted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_SMALL", 3 << 20)
    monkeypatch.setattr(archive, "_MOST_EXPANSION", 1)
    info, pkg = (tarred([member(name, bytes(2 << 20))]) for name in ("info/a", "b"))
    with pytest.raises(IntegrityError, match="would unpack to far more"):
        extracted(conda_file(info, pkg), ".conda")


def test_a_package_of_too_many_members(
    extracted: Extracted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "_MOST_MEMBERS", 3)
    with pytest.raises(IntegrityError, match="more than 3 members"):
        extracted(tar_bz2(tarred(member(str(number)) for number in range(4))))


def stored(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, data in parts.items():
            packed.writestr(name, data)
    return stream.getvalue()


SOUND = tarred([member("info/x", b"1"), member("lib/y", os.urandom(9000))])
CONDA = conda_file(SOUND, tarred([]))
DAMAGED = {
    "not bz2": (b"no archive", ".tar.bz2"),
    "cut off bz2": (tar_bz2(SOUND)[:-20], ".tar.bz2"),
    "empty": (tar_bz2(b"") + b"\n", ".tar.bz2"),
    "not tar": (tar_bz2(os.urandom(2000)), ".tar.bz2"),
    "a cut off member": (tar_bz2(SOUND[:6000]), ".tar.bz2"),
    "not zip": (b"no archive", ".conda"),
    "cut off zip": (CONDA[:-20], ".conda"),
    "another package's parts": (conda_file(SOUND, SOUND, "other-1-0"), ".conda"),
    "no pkg": (stored({f"info-{STEM}.tar.zst": zstandard.compress(SOUND)}), ".conda"),
    "not zstd": (stored({f"{part}-{STEM}.tar.zst": b"x" for part in ("info", "pkg")}), ".conda"),
}


@pytest.mark.parametrize(("data", "kind"), DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_archive(data: bytes, kind: str, extracted: Extracted) -> None:
    with pytest.raises(IntegrityError, match="archive is damaged"):
        extracted(data, kind)


def test_bytes_that_are_not_the_locks(tmp_path: Path) -> None:
    data = tar_bz2(SOUND)
    (tmp_path / "packed").write_bytes(data)
    for other in (data + b"\0", data[:-1] + bytes([data[-1] ^ 1])):
        with pytest.raises(IntegrityError, match="due"):
            extract(tmp_path / "packed", artifact(other, f"{STEM}.tar.bz2"), tmp_path / "in")
    assert not (tmp_path / "in").exists()


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    data = tar_bz2(SOUND)
    (tmp_path / "packed").write_bytes(data)
    with pytest.raises(StoreError):
        extract(tmp_path / "packed", artifact(data, f"{STEM}.tar.bz2"), tmp_path / "not there")
