"""Build a layer from the store, unless the store has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lockyard.build.built import BuiltLayer
from lockyard.build.compress import GzipStream
from lockyard.build.debian.archive import open_debs
from lockyard.build.debian.base import base_tree
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
        case {"digest": str(digest), "size": int(size), "diff_id": str(diff_id)}:
            sound = _SHA256.fullmatch(digest) and _SHA256.fullmatch(diff_id)
            if sound and store.blob(digest, size) is not None:
                return BuiltLayer(title=layer.title, digest=digest, size=size, diff_id=diff_id)
    return None


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
        built = BuiltLayer(
            title=layer.title, digest=writer.sha256, size=writer.size, diff_id=diff_id
        )
    store.put_record(
        _RECORDS,
        layer_key(layer),
        {"digest": built.digest, "size": built.size, "diff_id": built.diff_id},
    )
    return built


@contextmanager
def _tree(layer: Layer, store: Store) -> Iterator[Tree]:
    match layer:
        case DebianLayer():
            with open_debs(_paths(layer.debs, store)) as debs:
                yield base_tree(debs)
        case WheelLayer():
            with wheel_tree((layer,), store) as tree:
                yield tree
        case RecipeLayer():
            with open_debs(_paths(layer.account_debs, store)) as debs:
                yield recipe_tree(layer, debs)


@contextmanager
def wheel_tree(layers: tuple[WheelLayer, ...], store: Store) -> Iterator[Tree]:
    """Give the tree of several layers' wheels. Raise BuildError where two collide."""
    with ExitStack() as stack:
        tree = Tree()
        for layer in layers:
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
