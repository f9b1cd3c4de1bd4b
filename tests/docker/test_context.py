from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.build.built import BuiltLayer
from lockyard.docker.context import Context, _archives, archived, context_of, write_context
from lockyard.errors import BuildError, IntegrityError, StoreError
from lockyard.fetch.image import PulledImage, PulledLayer
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import DebianLayer, WheelLayer
from lockyard.plan.part import Part
from lockyard.store.store import Store


@pytest.fixture
def context(plan: ImagePlan, built: Mapping[str, BuiltLayer]) -> Context:
    return context_of(plan, "FROM scratch\n", built)


def test_what_is_in_a_context(context: Context) -> None:
    assert [file.path for file in context.files] == [
        "Dockerfile",
        "SHA256SUMS",
        "layers/base.tar.gz",
        "layers/top-001.tar.gz",
        "layers/top-002.tar.gz",
        "requirements.txt",
        "wheels/demo-1.0-py3-none-any.whl",
        "wheels/pip-26.3-py3-none-any.whl",
    ]


def test_a_base_image_is_a_layout_of_its_own_documents(
    plan: ImagePlan, built: Mapping[str, BuiltLayer], store: Store, tmp_path: Path
) -> None:
    layer = PulledLayer(digest="1" * 64, size=9, media_type="x", diff_id="2" * 64)
    base = PulledImage(manifest=b'{"mediaType": "m"}', config=b"{}", layers=(layer, layer))
    files = {file.path: file for file in context_of(plan, "", built, base).files}
    index = files["base/index.json"].data
    assert index is not None
    (entry,) = json.loads(index)["manifests"]
    digest = hashlib.sha256(base.manifest).hexdigest()
    assert entry == {"mediaType": "m", "digest": f"sha256:{digest}", "size": 18}
    assert files[f"base/blobs/sha256/{digest}"].data == base.manifest
    assert files[f"base/blobs/sha256/{'1' * 64}"].data is None
    assert len([path for path in files if path.startswith("base/blobs/")]) == 3


def test_requirements_by_their_hashes(context: Context, plan: ImagePlan) -> None:
    text = next(file.data for file in context.files if file.path == "requirements.txt")
    assert isinstance(plan.layers[1], WheelLayer)
    demo, pip = plan.layers[1].wheels
    assert text is not None
    assert text.decode() == (
        f"demo==1.0 \\\n    --hash=sha256:{demo.sha256}\n"
        f"pip==26.3 \\\n    --hash=sha256:{pip.sha256}\n"
    )


def test_a_context_knows_all_its_files(context: Context, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out" / "trial"
    write_context(context, store, folder)
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True)
    listed = {line[66:] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    found = {f"./{path.relative_to(folder)}" for path in folder.rglob("*") if path.is_file()}
    assert found - listed == {"./Dockerfile", "./SHA256SUMS"}
    assert listed < found
    assert context.size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_the_umask_does_not_show(context: Context, store: Store, tmp_path: Path) -> None:
    found = []
    for mask in (0o077, 0):
        before = os.umask(mask)
        try:
            write_context(context, store, tmp_path / f"{mask}")
        finally:
            os.umask(before)
        paths = sorted((tmp_path / f"{mask}").rglob("*"))
        found.append([(path.name, path.stat().st_mode) for path in paths])
    assert found[0] == found[1]


def test_what_stood_there_is_replaced(context: Context, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "trial"
    (folder / "layers").mkdir(parents=True)
    (folder / "layers/conda-000.tar.gz").write_bytes(b"of another lock")
    write_context(context, store, folder)
    assert not (folder / "layers/conda-000.tar.gz").exists()
    assert list(tmp_path.glob(".trial*")) == []


def test_a_change_in_the_folder_leaves_the_store(
    context: Context, store: Store, tmp_path: Path
) -> None:
    write_context(context, store, tmp_path / "trial")
    (wheel,) = (file for file in context.files if file.path.startswith("wheels/demo"))
    (tmp_path / "trial" / wheel.path).write_bytes(b"changed")
    path = store.artifact(wheel.sha256, wheel.size)
    assert path is not None
    store.verify(path, wheel.sha256, wheel.size)


def test_what_went_bad_in_the_store_reaches_no_context(
    context: Context, store: Store, tmp_path: Path
) -> None:
    (wheel,) = (file for file in context.files if file.path.startswith("wheels/demo"))
    path = store.artifact(wheel.sha256)
    assert path is not None
    path.chmod(0o644)
    path.write_bytes(bytes(wheel.size))
    with pytest.raises(IntegrityError):
        write_context(context, store, tmp_path / "trial")
    path.unlink()
    with pytest.raises(StoreError, match="has gone"):
        write_context(context, store, tmp_path / "trial")
    assert not (tmp_path / "trial").exists()


def test_without_pip_nothing_can_install(plan: ImagePlan, built: Mapping[str, BuiltLayer]) -> None:
    wheels = plan.layers[1]
    assert isinstance(wheels, WheelLayer)
    bare = evolve(wheels, wheels=wheels.wheels[:1])
    without = evolve(plan, layers=(plan.layers[0], bare, *plan.layers[2:]))
    with pytest.raises(BuildError, match="there is none"):
        context_of(without, "", built)


def test_a_wheel_in_parts_is_one(plan: ImagePlan, built: Mapping[str, BuiltLayer]) -> None:
    wheels = plan.layers[1]
    assert isinstance(wheels, WheelLayer)
    parts = [evolve(wheels, part=Part(number, 2)) for number in range(2)]
    parted = evolve(plan, layers=(plan.layers[0], *parts, *plan.layers[2:]))
    assert context_of(parted, "x", built) == context_of(plan, "x", built)


def test_what_an_env_adds_stands_above_the_recipe(plan: ImagePlan) -> None:
    base = plan.layers[0]
    assert isinstance(base, DebianLayer)
    more = evolve(base, below=base.debs)
    added = evolve(plan, layers=(*plan.layers, more))
    assert [path for path, _ in _archives(added)] == [
        "layers/base.tar.gz",
        "layers/top-001.tar.gz",
        "layers/top-002.tar.gz",
        "layers/top-003.tar.gz",
    ]
    assert archived(added)[-1] is more


def test_archives_are_what_has_no_wheels(plan: ImagePlan) -> None:
    assert archived(plan) == [plan.layers[0], plan.layers[2], plan.layers[3]]
