"""Environments of envs, with the images that are built and the record of versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lockyard.assemble.document import Document, encoded
from lockyard.azureml.record_file import read_record, record_path
from lockyard.errors import IntegrityError, LockError, UsageError
from lockyard.lock.file import write_lock
from lockyard.spec.reader import Fleet
from lockyard.tasks.environment import EnvironmentWriter
from lockyard.tasks.plan import plan_env
from tests.tasks.conftest import lock_of, wheel

IMAGE = "trial-debian12-py311-cpu-inference"
GPU = "trial-debian12-py311-cuda12-gpu-inference"
REPOSITORY = f"registry.example/team/{IMAGE}"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def writer(fleet: Fleet, **options: Any) -> EnvironmentWriter:
    return EnvironmentWriter(fleet=fleet, built=fleet.root / "dist", **{"form": "v1", **options})


def lay_image(fleet: Fleet, content: str = "one") -> str:
    """Write a layout as a build of the cpu variant leaves it; return its digest."""
    folder = fleet.root / "dist" / IMAGE
    blobs = folder / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    kind = "application/vnd.oci.image.config.v1+json"
    config = Document(kind, encoded({"architecture": "amd64", "content": content}))
    parts = {"schemaVersion": 2, "config": config.descriptor(), "layers": []}
    manifest = Document(MANIFEST, encoded({"mediaType": MANIFEST, **parts}))
    for each in (config, manifest):
        (blobs / each.digest).write_bytes(each.data)
    digest = f"sha256:{manifest.digest}"
    index = {"schemaVersion": 2, "manifests": [manifest.descriptor()]}
    (folder / "index.json").write_text(json.dumps(index))
    (plan,) = (each for each in plan_env(fleet, "trial") if each.target.variant == "cpu")
    ledger = {
        "plans": {"linux/amd64": plan.key},
        "images": {"linux/amd64": digest},
        "blobs": {each.digest: len(each.data) for each in (config, manifest)},
    }
    (folder / "lockyard.json").write_text(json.dumps(ledger))
    return digest


@pytest.fixture
def locked(fleet: Fleet) -> Fleet:
    write_lock(fleet.root, lock_of(fleet, wheel("numpy", "2.0")))
    return fleet


def test_an_image_that_is_not_built_goes_by_a_tag(locked: Fleet) -> None:
    cpu, gpu = writer(locked).write("trial")
    assert (cpu.environment, gpu.environment) == (f"Team-{IMAGE}", f"Team-{GPU}")
    assert (cpu.image, cpu.digest, cpu.version, cpu.new) == (f"{REPOSITORY}:latest", "", 1, True)
    (tagged,) = writer(locked, tag="20261122.v1", variant="cpu").write("trial")
    assert (tagged.image, tagged.new) == (f"{REPOSITORY}:20261122.v1", False)


def test_an_image_that_is_built_goes_by_its_digest(locked: Fleet) -> None:
    digest = lay_image(locked)
    cpu, gpu = writer(locked).write("trial")
    assert (cpu.image, cpu.digest) == (f"{REPOSITORY}@{digest}", digest)
    assert gpu.digest == ""
    document = json.loads(cpu.files["azureml_environment.json"])
    assert document["docker"]["baseImage"] == cpu.image
    writer(locked, tag="20261122.v2", variant="cpu").write("trial")
    # Whoever hasn't built it has the record.
    (locked.root / "dist").rename(locked.root / "away")
    (cpu,) = writer(locked, variant="cpu").write("trial")
    assert cpu.image == f"{REPOSITORY}:20261122.v2@{digest}"


def test_an_image_of_other_plans_is_none(locked: Fleet) -> None:
    lay_image(locked)
    write_lock(locked.root, lock_of(locked, wheel("numpy", "2.1")))
    assert writer(locked).write("trial")[0].digest == ""


def test_versions_follow_the_lock(locked: Fleet) -> None:
    first = writer(locked).write("trial")
    record = (locked.root / record_path("trial")).read_bytes()
    again = writer(locked).write("trial")
    assert [each.files for each in again] == [each.files for each in first]
    assert (locked.root / record_path("trial")).read_bytes() == record
    write_lock(locked.root, lock_of(locked, wheel("numpy", "2.1")))
    assert [(each.version, each.new) for each in writer(locked).write("trial")] == [(2, True)] * 2
    write_lock(locked.root, lock_of(locked, wheel("numpy", "2.0")))
    assert [each.version for each in writer(locked).write("trial")] == [3, 3]


def test_a_version_keeps_its_image(locked: Fleet) -> None:
    lay_image(locked)
    writer(locked).write("trial")
    record = read_record(locked.root, "trial")
    other = lay_image(locked, "two")
    with pytest.raises(LockError, match="version 1 is of another image of cpu"):
        writer(locked).write("trial")
    assert read_record(locked.root, "trial") == record
    cpu, _ = writer(locked, new_version=True).write("trial")
    assert (cpu.version, cpu.digest) == (2, other)


def test_a_dry_run_writes_nothing(locked: Fleet, tmp_path: Path) -> None:
    before = sorted(locked.root.rglob("*"))
    (cpu, _) = writer(locked, dry_run=True, output=tmp_path / "out").write("trial")
    assert (cpu.version, cpu.new) == (1, True)
    assert sorted(locked.root.rglob("*")) == before


def test_files_in_their_folders(locked: Fleet, tmp_path: Path) -> None:
    for each in writer(locked, form="assets", output=tmp_path / "out").write("trial"):
        for name, text in each.files.items():
            assert (Path(each.folder) / name).read_text(encoding="utf-8") == text
    written = {path.name for path in (tmp_path / "out" / f"Team-{IMAGE}").iterdir()}
    assert written == {"asset.yaml", "context", "environment.yaml", "spec.yaml"}


def test_what_cannot_be_written(locked: Fleet) -> None:
    with pytest.raises(UsageError, match="no variant 'gpu'"):
        writer(locked, variant="gpu").write("trial")
    with pytest.raises(UsageError, match="no env 'trail'"):
        writer(locked).write("trail")
    digest = lay_image(locked).removeprefix("sha256:")
    path = locked.root / "dist" / IMAGE / "blobs/sha256" / digest
    path.write_bytes(path.read_bytes().replace(b"2", b"3", 1))
    with pytest.raises(IntegrityError, match="damaged"):
        writer(locked).write("trial")
    (locked.root / "envs/trial.toml").write_text('title = "T"\nbase = "debian12"\n')
    with pytest.raises(LockError, match="changed since it was made"):
        writer(locked).write("trial")
    assert not (locked.root / record_path("trial")).exists()
