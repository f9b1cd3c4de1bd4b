from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError, StoreError, UsageError
from lockyard.ship.archive import write_archive


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        found = {}
        for info in archive:
            stream = archive.extractfile(info)
            found[info.name] = stream.read() if stream else b""
        return found


def test_an_archive_holds_the_layout_without_the_ledger(folder: Path, tmp_path: Path) -> None:
    write_archive(folder, tmp_path / "it.tar")
    found = members(tmp_path / "it.tar")
    files = {path for path in folder.rglob("*") if path.name != "lockyard.json"}
    names = {str(path.relative_to(folder)): path for path in files}
    assert found.keys() - {"manifest.json"} == names.keys()
    for name, path in names.items():
        if path.is_file():
            assert found[name] == path.read_bytes()


@pytest.mark.parametrize("name", ["folder", "folder_of_two"])
def test_engines_without_containerd_find_their_manifest(
    name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    write_archive(request.getfixturevalue(name), tmp_path / "it.tar")
    found = members(tmp_path / "it.tar")
    (row,) = json.loads(found["manifest.json"])
    assert row["RepoTags"] == ["lockyard.invalid/tests/ship:latest"]
    config = json.loads(found[row["Config"]])
    assert config["architecture"] == "amd64"
    assert config["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(gzip.decompress(found[layer])).hexdigest()}"
        for layer in row["Layers"]
    ]


def test_the_same_layout_gives_the_same_archive(folder: Path, tmp_path: Path) -> None:
    digests = set()
    for number, mask in enumerate((0o000, 0o077)):
        before = os.umask(mask)
        try:
            write_archive(folder, tmp_path / f"{number}.tar")
        finally:
            os.umask(before)
        digests.add((tmp_path / f"{number}.tar").read_bytes())
        for path in folder.rglob("*"):
            os.utime(path, (number, number))
            path.chmod(0o700)
    assert len(digests) == 1


def test_the_order_of_the_file_system_does_not_show(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = os.listdir
    for order in (False, True):
        monkeypatch.setattr(
            os, "listdir", lambda path, order=order: sorted(listed(path))[:: -1 if order else 1]
        )
        write_archive(folder, tmp_path / f"{order}.tar")
    assert (tmp_path / "True.tar").read_bytes() == (tmp_path / "False.tar").read_bytes()


def test_an_older_archive_is_replaced(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "it.tar"
    for _ in range(2):
        write_archive(folder, target)
    assert [path.name for path in target.parent.iterdir()] == ["it.tar"]


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def with_text(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    "damage",
    [
        without("index.json"),
        without("oci-layout"),
        with_text("index.json", ""),
        with_text("index.json", "[]"),
        with_text("index.json", '{"manifests": [{}]}'),
        with_text("index.json", '{"manifests": [{"digest": "sha256:0"}]}'),
        with_text("index.json", '{"manifests": 1}'),
    ],
)
def test_what_is_no_layout(damage: Callable[[Path], object], folder: Path, tmp_path: Path) -> None:
    damage(folder)
    target = tmp_path / "out" / "it.tar"
    with pytest.raises(UsageError, match="isn't a whole image layout"):
        write_archive(folder, target)
    assert list(target.parent.iterdir()) == []


def test_a_blob_that_has_rotted_is_found(folder: Path, tmp_path: Path) -> None:
    index = json.loads((folder / "index.json").read_bytes())
    kept = index["manifests"][0]["digest"].partition(":")[2]
    blob = max(
        (path for path in (folder / "blobs/sha256").iterdir() if path.name != kept),
        key=lambda path: path.stat().st_size,
    )
    data = bytearray(blob.read_bytes())
    data[-1] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    target = tmp_path / "out" / "it.tar"
    with pytest.raises(IntegrityError, match=blob.name):
        write_archive(folder, target)
    assert list(target.parent.iterdir()) == []


def test_a_target_that_cannot_be(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder"):
        write_archive(folder, tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="the output folder can't be used"):
        write_archive(folder, tmp_path / "file" / "it.tar")


def test_a_full_output_folder_is_not_taken_for_the_store(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match="no room left in the output folder") as caught:
        write_archive(folder, tmp_path / "out" / "it.tar")
    assert "--output" in caught.value.solution
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_process_left_goes_after_a_day(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out" / "it.tar"
    child = os.fork()
    if not child:
        monkeypatch.setattr("lockyard.ship.archive.write_tar", lambda *_: os._exit(9))
        write_archive(folder, target)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    (left,) = target.parent.iterdir()
    write_archive(folder, target)
    assert left.exists()
    monkeypatch.setattr(time, "time", lambda: 1e12)
    write_archive(folder, target)
    assert list(target.parent.iterdir()) == [target]
