from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
import zipfile
from concurrent.futures import Executor
from typing import Any, cast

import pytest

from lockyard.build.built import BuiltLayer
from lockyard.build.bytecode.modules import Compilers
from lockyard.build.layer import build_layer, cached_layer
from lockyard.errors import BuildError, StoreError
from lockyard.plan.layer import DebianLayer, FilesLayer, Layer, WheelLayer, layer_key
from lockyard.spec.model import LaidFile
from lockyard.store.paths import artifact_paths
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    base_passwd,
    build_layers,
    deb_bytes,
    make_wheel,
    member,
    put_deb,
    recipe_layer,
    wheel_artifact,
)

MODULES = PREFIX.site_packages


@pytest.fixture
def layer(store: Store) -> WheelLayer:
    return WheelLayer(
        title="demo 1.0", wheels=(make_wheel(store, {"demo.py": b""}),), prefix=PREFIX
    )


def content(built: BuiltLayer, store: Store) -> bytes:
    path = store.blob(built.digest, built.size)
    assert path
    return gzip.decompress(path.read_bytes())


def test_a_built_layer_is_what_it_says(layer: Layer, store: Store, executor: Executor) -> None:
    built = build_layer(layer, store, executor, Compilers(store))
    path = store.blob(built.digest, built.size)
    assert path
    assert hashlib.sha256(path.read_bytes()).hexdigest() == built.digest
    assert hashlib.sha256(content(built, store)).hexdigest() == built.diff_id
    assert built.title == "demo 1.0"


def test_every_kind_of_layer(store: Store, executor: Executor) -> None:
    deb = put_deb(store, "base-passwd", base_passwd())
    wheel = make_wheel(store, {"demo.py": b""})
    layers: dict[str, Layer] = {
        "var/lib/dpkg/status": DebianLayer(debs=(deb,)),
        f"{MODULES}/demo.py": WheelLayer(title="", wheels=(wheel,), prefix=PREFIX),
        "opt/venv/pyvenv.cfg": recipe_layer(deb),
    }
    for path, layer in layers.items():
        data = content(build_layer(layer, store, executor, Compilers(store)), store)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert path in archive.getnames()


def test_what_a_wheel_has_deflated_is_in_the_layer_as_it_is(
    store: Store, executor: Executor
) -> None:
    large = random.Random(3).randbytes(2 << 20)  # noqa: S311 - no secret
    wheel = make_wheel(store, {"a.py": b"", "large.so": large, "z.py": b"z"})
    built = build_layer(
        WheelLayer(title="", wheels=(wheel,), prefix=PREFIX), store, executor, Compilers(store)
    )
    (path,) = artifact_paths([wheel], store).values()
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo("large.so")
    start = info.header_offset + 30 + len("large.so")
    packed = path.read_bytes()[start : start + info.compress_size]
    blob = store.blob(built.digest, built.size)
    assert blob
    assert packed in blob.read_bytes()
    assert hashlib.sha256(content(built, store)).hexdigest() == built.diff_id
    with tarfile.open(fileobj=io.BytesIO(content(built, store))) as layers:
        assert cast(Any, layers.extractfile(f"{MODULES}/large.so")).read() == large
        assert cast(Any, layers.extractfile(f"{MODULES}/z.py")).read() == b"z"


def test_a_layer_is_found_again(layer: Layer, store: Store, executor: Executor) -> None:
    assert cached_layer(layer, store) is None
    built = build_layer(layer, store, executor, Compilers(store))
    assert cached_layer(layer, store) == built
    assert cached_layer(layer, Store(store.root)) == built


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "0" * 64},
        {"digest": "../../etc/passwd"},
        {"digest": "A" * 64},
        {"size": 1},
        {"size": "1"},
        {"diff_id": "x"},
        {"diff_id": None},
        {"owned": None},
        {"owned": [["path"]]},
        {"owned": 1},
        {"owned": [[1, 2, 3, 4, 5, 6, 7]]},
    ],
)
def test_a_corrupt_record_is_not_believed(
    change: dict[str, Any], layer: Layer, store: Store, executor: Executor
) -> None:
    built = build_layer(layer, store, executor, Compilers(store))
    record = store.record("layer", layer_key(layer))
    assert record
    store.put_record("layer", layer_key(layer), record | change)
    assert cached_layer(layer, store) is None
    assert (
        build_layer(layer, store, executor, Compilers(store)) == built == cached_layer(layer, store)
    )


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"digest": 1}'])
def test_a_record_that_is_none(data: bytes, layer: Layer, store: Store, executor: Executor) -> None:
    build_layer(layer, store, executor, Compilers(store))
    (path,) = store.root.glob("records/layer/*")
    path.unlink()
    path.write_bytes(data)
    assert cached_layer(layer, store) is None


def test_a_blob_that_was_cut_off_is_built_again(
    layer: Layer, store: Store, executor: Executor
) -> None:
    built = build_layer(layer, store, executor, Compilers(store))
    path = store.blob(built.digest)
    assert path
    path.chmod(0o644)
    path.write_bytes(b"")
    assert cached_layer(layer, store) is None
    build_layer(layer, store, executor, Compilers(store))
    assert store.blob(built.digest, built.size) == path


def test_an_artifact_that_has_gone_is_told(store: Store, executor: Executor) -> None:
    layer = WheelLayer(title="", wheels=(wheel_artifact("gone"),), prefix=PREFIX)
    with pytest.raises(StoreError, match="gone from the store"):
        build_layer(layer, store, executor, Compilers(store))


def test_files_are_recorded_of_wheels_only(store: Store, executor: Executor) -> None:
    deb = put_deb(store, "base-passwd", base_passwd())
    wheel = make_wheel(store, {"demo.py": b""})
    layers = DebianLayer(debs=(deb,)), WheelLayer(title="", wheels=(wheel,), prefix=PREFIX)
    debian, wheels = (build_layer(layer, store, executor, Compilers(store)) for layer in layers)
    assert debian.owned == ()
    names = sorted(file.path.rpartition("/")[2] for file in wheels.owned)
    assert names == ["INSTALLER", "METADATA", "RECORD", "WHEEL", "demo.py"]
    assert {file.owner for file in wheels.owned} == {wheel.file}
    assert cached_layer(layers[1], store) == wheels


def files_layer(**more: Any) -> FilesLayer:
    made = recipe_layer(**more).recipe
    return FilesLayer(
        env="child",
        user=made.user,
        files=made.files,
        directories=made.directories,
        contents=made.contents,
    )


def test_an_envs_files_are_laid_as_a_recipes_are(store: Store, executor: Executor) -> None:
    built = build_layer(files_layer(), store, executor, Compilers(store))
    with tarfile.open(fileobj=io.BytesIO(content(built, store))) as archive:
        found = {each.name: (each.mode, each.uid) for each in archive}
    assert found["usr/local/bin/start"] == (0o755, 0)
    assert found["home/someone"] == (0o755, 1000)
    assert found["home"] == (0o755, 0)
    assert [(each.path, each.owner) for each in built.owned] == [
        ("usr/local/bin/start", "env child")
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/opt/venv/lib/python3.11/site-packages/demo.py",
        "/opt/venv/lib/python3.11/site-packages/demo.py/below",
        "/opt/venv/lib64/python3.11/x",
    ],
)
def test_an_envs_file_in_the_place_of_a_packages(path: str, layer: Layer, store: Store) -> None:
    deb = put_deb(store, "base-passwd", base_passwd())
    laid = {path: cast(Any, LaidFile)(source="start")}
    layers = [layer, recipe_layer(deb), files_layer(files=laid)]
    with pytest.raises(BuildError, match="env child"):
        build_layers(layers, store)


def test_debian_packages_over_others(store: Store, executor: Executor) -> None:
    below = put_deb(store, "base-passwd", base_passwd())
    more = put_deb(store, "more", deb_bytes("more", [member("./usr/bin/more")]))
    layer = DebianLayer(debs=(below, more), below=(below,))
    data = content(build_layer(layer, store, executor, Compilers(store)), store)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
    assert "usr/bin/more" in names
    assert "etc/passwd" not in names
