from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from concurrent.futures import Executor
from typing import Any

import pytest

from lockyard.build.built import BuiltLayer
from lockyard.build.layer import build_layer, cached_layer
from lockyard.errors import StoreError
from lockyard.plan.layer import DebianLayer, Layer, WheelLayer, layer_key
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    base_passwd,
    make_wheel,
    put_deb,
    recipe_layer,
    wheel_artifact,
)


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
    built = build_layer(layer, store, executor)
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
        "opt/venv/lib/python3.11/site-packages/demo.py": WheelLayer(
            title="", wheels=(wheel,), prefix=PREFIX
        ),
        "opt/venv/pyvenv.cfg": recipe_layer(deb),
    }
    for path, layer in layers.items():
        data = content(build_layer(layer, store, executor), store)
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            assert path in archive.getnames()


def test_a_layer_is_found_again(layer: Layer, store: Store, executor: Executor) -> None:
    assert cached_layer(layer, store) is None
    built = build_layer(layer, store, executor)
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
    built = build_layer(layer, store, executor)
    record = store.record("layer", layer_key(layer))
    assert record
    store.put_record("layer", layer_key(layer), record | change)
    assert cached_layer(layer, store) is None
    assert build_layer(layer, store, executor) == built == cached_layer(layer, store)


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff", b'{"digest": 1}'])
def test_a_record_that_is_none(data: bytes, layer: Layer, store: Store, executor: Executor) -> None:
    build_layer(layer, store, executor)
    (path,) = store.root.glob("records/layer/*")
    path.unlink()
    path.write_bytes(data)
    assert cached_layer(layer, store) is None


def test_a_blob_that_was_cut_off_is_built_again(
    layer: Layer, store: Store, executor: Executor
) -> None:
    built = build_layer(layer, store, executor)
    path = store.blob(built.digest)
    assert path
    path.chmod(0o644)
    path.write_bytes(b"")
    assert cached_layer(layer, store) is None
    build_layer(layer, store, executor)
    assert store.blob(built.digest, built.size) == path


def test_an_artifact_that_has_gone_is_told(store: Store, executor: Executor) -> None:
    layer = WheelLayer(title="", wheels=(wheel_artifact("gone"),), prefix=PREFIX)
    with pytest.raises(StoreError, match="gone from the store"):
        build_layer(layer, store, executor)


def test_files_are_recorded_of_wheels_only(store: Store, executor: Executor) -> None:
    deb = put_deb(store, "base-passwd", base_passwd())
    wheel = make_wheel(store, {"demo.py": b""})
    layers = DebianLayer(debs=(deb,)), WheelLayer(title="", wheels=(wheel,), prefix=PREFIX)
    debian, wheels = (build_layer(layer, store, executor) for layer in layers)
    assert debian.owned == ()
    names = sorted(file.path.rpartition("/")[2] for file in wheels.owned)
    assert names == ["INSTALLER", "METADATA", "RECORD", "WHEEL", "demo.py"]
    assert {file.owner for file in wheels.owned} == {wheel.file}
    assert cached_layer(layers[1], store) == wheels
