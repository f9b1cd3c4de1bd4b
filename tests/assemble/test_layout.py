from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.assemble import layout
from lockyard.assemble.layout import (
    Image,
    assemble,
    read_ledger,
    share,
    top_document,
    write_layout,
)
from lockyard.build.built import BuiltLayer
from lockyard.errors import StoreError
from lockyard.plan.image import ImagePlan
from lockyard.store.store import Store

Put = Callable[[str], BuiltLayer]
Plan = Callable[..., ImagePlan]
REPOSITORY = "registry.example/demo"
# As the image specification spells them.
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def write(images: Sequence[Image], store: Store, folder: Path) -> None:
    top = top_document(images)
    blobs = {name: size for image in images for name, size in image.blobs.items()}
    blobs[top.digest] = len(top.data)
    write_layout(
        images, REPOSITORY, json.dumps({"blobs": blobs, "images": {}}).encode(), store, folder
    )


@pytest.fixture
def images(put_layer: Put, make_plan: Plan) -> list[Image]:
    """Two platforms that share a layer, and have one of the same content twice."""
    shared, twice = put_layer("shared"), put_layer("twice")
    return [
        assemble(make_plan(platform), [shared, put_layer(platform), twice, twice])
        for platform in ("linux/arm64", "linux/amd64")
    ]


@pytest.fixture
def folder(images: list[Image], store: Store, tmp_path: Path) -> Path:
    folder = tmp_path / "dist" / "demo"
    write(images, store, folder)
    return folder


def resolved(folder: Path, descriptor: dict[str, Any]) -> bytes:
    """Read what a descriptor refers to, and hold it to what the descriptor says."""
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    data = (folder / "blobs" / algorithm / digest).read_bytes()
    assert hashlib.new(algorithm, data).hexdigest() == digest
    assert len(data) == descriptor["size"]
    return data


def validate(folder: Path) -> dict[str, list[str]]:
    """Read a layout as the specification has it; return each platform's layers as texts."""
    assert json.loads((folder / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    (top,) = json.loads((folder / "index.json").read_bytes())["manifests"]
    entries = [top]
    if top["mediaType"] != MANIFEST:
        entries = json.loads(resolved(folder, top))["manifests"]
    found, named = {}, {top["digest"]}
    for entry in entries:
        manifest = json.loads(resolved(folder, entry))
        assert (manifest["schemaVersion"], manifest["mediaType"]) == (2, entry["mediaType"])
        config = json.loads(resolved(folder, manifest["config"]))
        platform = {key: config[key] for key in ("os", "architecture")}
        assert entry.get("platform", platform) == platform
        layers = [gzip.decompress(resolved(folder, each)) for each in manifest["layers"]]
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        assert config["rootfs"] == {"type": "layers", "diff_ids": diff_ids}
        assert len(config["history"]) == len(layers)
        assert {each["mediaType"] for each in manifest["layers"]} == {LAYER}
        assert manifest["config"]["mediaType"] == CONFIG
        found["/".join(platform.values())] = [each.decode() for each in layers]
        named |= {each["digest"] for each in (entry, manifest["config"], *manifest["layers"])}
    assert {f"sha256:{path.name}" for path in (folder / "blobs/sha256").iterdir()} == named
    return found


def test_a_layout_is_what_the_specification_says(folder: Path) -> None:
    found = validate(folder)
    assert list(found) == ["linux/amd64", "linux/arm64"]
    assert found["linux/arm64"] == [
        title * 100 for title in ("shared", "linux/arm64", "twice", "twice")
    ]


def test_a_layout_is_the_same_in_any_order(images: list[Image], folder: Path, store: Store) -> None:
    other = folder.with_name("other")
    write(images[::-1], store, other)
    for name in ("index.json", "oci-layout"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()


def test_modes_are_those_that_others_can_read(
    images: list[Image], store: Store, tmp_path: Path
) -> None:
    mask = os.umask(0o077)
    try:
        write(images, store, tmp_path / "made")
    finally:
        os.umask(mask)
    for path in [tmp_path / "made", *(tmp_path / "made").rglob("*")]:
        mode = path.stat().st_mode & 0o777
        assert mode in ({0o755} if path.is_dir() else {0o644, 0o444})


def test_images_are_named_for_engines(folder: Path) -> None:
    index = json.loads((folder / "index.json").read_bytes())
    assert {entry["annotations"]["io.containerd.image.name"] for entry in index["manifests"]} == {
        f"{REPOSITORY}:latest"
    }


def test_a_layout_takes_the_place_of_an_older_one(
    images: list[Image], folder: Path, store: Store
) -> None:
    (folder / "stale").write_text("")
    write(images[1:], store, folder)
    assert list(validate(folder)) == ["linux/amd64"]
    assert not (folder / "stale").exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_failure_leaves_the_old_layout(images: list[Image], folder: Path, store: Store) -> None:
    broken = evolve(
        images[0],
        layers=(
            *images[0].layers,
            BuiltLayer(title="gone", digest="0" * 64, size=1, diff_id="0" * 64),
        ),
    )
    with pytest.raises(StoreError, match="gone from the store"):
        write([broken], store, folder)
    assert len(validate(folder)) == 2
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("step", ["_put_blobs", "replace_folder"])
def test_a_kill_leaves_the_old_layout(
    step: str, images: list[Image], folder: Path, store: Store
) -> None:
    """A child process dies at a step as SIGKILL has it: nothing is cleaned up."""
    child = os.fork()
    if child == 0:
        setattr(layout, step, lambda *_: os._exit(9))
        write(images[1:], store, folder)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(validate(folder)) == 2
    write(images[1:], store, folder)
    assert len(validate(folder)) == 1


def test_what_killed_builds_left_goes_after_a_day(
    images: list[Image], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [".demo.abcd_123", ".demo.abcd_123.old"]
    kept = [".demo.mine", ".other.abcd_123", "demo.abcd_123"]
    for name in (*left, *kept):
        (tmp_path / "dist" / name / "blobs").mkdir(parents=True)
    write(images, store, tmp_path / "dist/demo")
    found = {path.name for path in (tmp_path / "dist").iterdir()}
    assert found == {*left, *kept, "demo"}
    monkeypatch.setattr(time, "time", lambda: 1e12)
    write(images, store, tmp_path / "dist/demo")
    found = {path.name for path in (tmp_path / "dist").iterdir()}
    assert found == {*kept, "demo"}


def test_a_folder_that_cannot_be_written(images: list[Image], store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"the output folder can't be used[^\n]*\n.*--output"):
        write(images, store, tmp_path / "file" / "demo")


def test_a_ledger_counts_only_with_all_its_blobs(folder: Path) -> None:
    ledger = read_ledger(folder)
    assert ledger
    assert set(ledger["blobs"]) == {path.name for path in (folder / "blobs/sha256").iterdir()}
    blob = next((folder / "blobs/sha256").iterdir())
    data = blob.read_bytes()
    blob.unlink()
    assert read_ledger(folder) is None
    blob.write_bytes(data[:-1])
    assert read_ledger(folder) is None
    blob.write_bytes(data)
    assert read_ledger(folder) == ledger
    (folder / "index.json").unlink()
    assert read_ledger(folder) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "1",
        '{"blobs": 1}',
        '{"blobs": {"x": 1}}',
        '{"blobs": {"\\u0000": 1}}',
        '{"blobs": {}}',
        '{"blobs": {}, "images": []}',
        '{"blobs": {}, "images": {"linux/amd64": 1}}',
        '{"blobs": {".": 4096.0}, "images": {}}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_ledger_that_is_none(text: str, folder: Path) -> None:
    (folder / "lockyard.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_ledger(folder) is None


def refuse(code: int) -> Callable[..., None]:
    def call(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return call


def test_share_falls_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"data")
    source.chmod(0o444)
    monkeypatch.setattr(fcntl, "ioctl", refuse(errno.EOPNOTSUPP))
    share(source, tmp_path / "link")
    assert (tmp_path / "link").samefile(source)
    monkeypatch.setattr(Path, "hardlink_to", refuse(errno.EXDEV))
    share(source, tmp_path / "copy")
    assert not (tmp_path / "copy").samefile(source)
    assert (tmp_path / "copy").read_bytes() == b"data"
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o444
