"""Build a layer from the store, unless the store has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from lockyard.build.built import BuiltLayer
from lockyard.build.compress import GzipStream
from lockyard.build.debian.archive import open_debs
from lockyard.build.debian.base import base_tree
from lockyard.build.entry import Entry
from lockyard.build.recipe import recipe_tree
from lockyard.build.tar import write_tar
from lockyard.build.tree import Tree
from lockyard.build.wheel.archive import open_wheel
from lockyard.build.wheel.install import installed_entries
from lockyard.errors import StoreError
from lockyard.lock.model import Artifact
from lockyard.plan.layer import DebianLayer, Layer, RecipeLayer, WheelLayer, layer_key
from lockyard.store.store import Store

_RECORDS = "layer"
_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)


def cached_layer(layer: Layer, store: Store) -> BuiltLayer | None:
    """Return a layer that was built before and is still in the store."""
    record = store.record(_RECORDS, layer_key(layer))
    match record:
        case {"digest": str(digest), "size": int(size), "diff_id": str(diff_id), "files": files}:
            sound = _SHA256.fullmatch(digest) and _SHA256.fullmatch(diff_id)
            if sound and store.blob(digest, size) is not None:
                return _built(layer, digest=digest, size=size, diff_id=diff_id, files=files)
    return None


def _built(layer: Layer, *, digest: str, size: int, diff_id: str, files: Any) -> BuiltLayer | None:
    """Return a layer as it was recorded, or None where the list of its files isn't one."""
    try:
        entries = tuple(
            Entry(path="" + path, kind="file", mode=mode, size=length, sha256=sha256, owner=owner)
            for path, mode, length, sha256, owner in files
        )
    except (TypeError, ValueError):
        return None
    return BuiltLayer(title=layer.title, digest=digest, size=size, diff_id=diff_id, files=entries)


def build_layer(layer: Layer, store: Store, executor: Executor) -> BuiltLayer:
    """Build a layer from artifacts that are in the store; compression goes to ``executor``.

    Raise IntegrityError or BuildError for a package that can't be unpacked; the store is left
    as it was then.
    """
    with _tree(layer, store) as tree, store.writer("blob") as writer:
        stream = GzipStream(writer.write, executor)
        write_tar(tree, stream.write)
        diff_id = stream.finish()
        writer.commit()
        files = [entry for entry in tree if entry.kind == "file"]
        built = BuiltLayer(
            title=layer.title,
            digest=writer.sha256,
            size=writer.size,
            diff_id=diff_id,
            files=tuple(evolve(file, open=None) for file in files if isinstance(layer, WheelLayer)),
        )
    store.put_record(_RECORDS, layer_key(layer), _record(built))
    return built


def _record(built: BuiltLayer) -> dict[str, Any]:
    return {
        "digest": built.digest,
        "size": built.size,
        "diff_id": built.diff_id,
        "files": [
            [file.path, file.mode, file.size, file.sha256, file.owner] for file in built.files
        ],
    }


@contextmanager
def _tree(layer: Layer, store: Store) -> Iterator[Tree]:
    match layer:
        case DebianLayer():
            with open_debs(_paths(layer.debs, store)) as debs:
                yield base_tree(debs)
        case WheelLayer():
            with wheel_tree(layer, store) as tree:
                yield tree
        case RecipeLayer():
            with open_debs(_paths(layer.account_debs, store)) as debs:
                yield recipe_tree(layer, debs)


@contextmanager
def wheel_tree(layer: WheelLayer, store: Store) -> Iterator[Tree]:
    """Give the tree of a layer's wheels. Raise BuildError where two collide."""
    with ExitStack() as stack:
        tree = Tree()
        for file, path in _paths(layer.wheels, store).items():
            archive = stack.enter_context(open_wheel(path, file))
            tree.add(installed_entries(archive, layer.venv))
        yield tree


def _paths(artifacts: tuple[Artifact, ...], store: Store) -> dict[str, Path]:
    paths = {}
    for artifact in artifacts:
        path = store.artifact(artifact.sha256, artifact.size)
        if path is None:
            raise StoreError(
                f"{artifact.file} has gone from the store",
                where=str(store.root),
                solution="build again: it will be fetched again",
            )
        paths[artifact.file] = path
    return paths
