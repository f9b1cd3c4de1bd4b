from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.assemble.document import CONFIG, INDEX, MANIFEST
from lockyard.build.built import LAYER
from lockyard.errors import IntegrityError, UsageError
from lockyard.ship.layout import check_blob, read_layout


def test_an_image_of_one_platform(folder: Path) -> None:
    layout = read_layout(folder)
    assert layout.manifests == (layout.top,)
    assert layout.top.media_type == MANIFEST
    assert {blob.media_type for blob in layout.blobs} == {CONFIG, LAYER}
    assert layout.size == sum(path.stat().st_size for path in folder.rglob("sha256/*"))


def test_an_image_of_two_platforms(folder_of_two: Path) -> None:
    layout = read_layout(folder_of_two)
    assert layout.top.media_type == INDEX
    assert [each.media_type for each in layout.manifests] == [MANIFEST] * 2
    # Two configs, and the layer that both have.
    assert len(layout.blobs) == 3
    assert layout.size == sum(path.stat().st_size for path in folder_of_two.rglob("sha256/*"))
    for blob in layout.blobs:
        check_blob(layout, blob)


def _in_place(path: Path) -> Path:
    path.unlink()
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "index.json").unlink(),
        lambda folder: (folder / "index.json").write_text('{"manifests": []}'),
        lambda folder: (folder / "index.json").write_text('{"manifests": [5]}'),
        lambda folder: (folder / "index.json").write_text(
            '{"manifests": [{"mediaType": "a", "digest": "sha256:../../index.json"}]}'
        ),
        lambda folder: os.mkfifo(_in_place(folder / "index.json")),
        lambda folder: os.truncate(folder / "index.json", 1 << 40),
    ],
)
def test_what_is_no_layout(folder: Path, damage: Callable[[Path], object]) -> None:
    damage(folder)
    with pytest.raises(UsageError, match="isn't a whole image layout"):
        read_layout(folder)


def test_what_is_damaged(folder: Path) -> None:
    layout = read_layout(folder)
    for blob in layout.blobs:
        path = layout.path(blob.sha256)
        path.chmod(0o644)
        path.write_bytes(b"other")
        with pytest.raises(IntegrityError, match=blob.sha256):
            check_blob(layout, blob)
    path = layout.path(layout.top.digest)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(IntegrityError, match="is damaged"):
        read_layout(folder)


@pytest.mark.parametrize("target", ["/dev/zero", "/dev/null"])
def test_a_blob_that_is_no_file(folder: Path, target: str) -> None:
    layout = read_layout(folder)
    _in_place(layout.path(layout.blobs[0].sha256)).symlink_to(target)
    with pytest.raises(IntegrityError, match="damaged"):
        check_blob(layout, layout.blobs[0])
