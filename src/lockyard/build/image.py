"""Build all layers of an image, several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lockyard.build.built import BuiltLayer
from lockyard.build.layer import build_layer, cached_layer
from lockyard.build.recipe import venv_entries
from lockyard.build.tree import Tree
from lockyard.errors import IntegrityError
from lockyard.events import Reporter
from lockyard.plan.layer import Layer, RecipeLayer
from lockyard.store.store import Store


def build_layers(
    layers: Sequence[Layer], store: Store, *, jobs: int, reporter: Reporter
) -> list[BuiltLayer]:
    """Return the layers in order, building those that the store doesn't have.

    The artifacts of those are in the store. The first error of any is raised once the layers
    that were under way have ended. Raise BuildError where two layers collide.
    """
    found = [cached_layer(layer, store) for layer in layers]
    missing = [layer for layer, built in zip(layers, found, strict=True) if built is None]
    made = iter(_build(missing, store, jobs, reporter) if missing else [])
    built = [each or next(made) for each in found]
    _check_collisions(layers, built)
    return built


def drop_damaged(layers: Sequence[Layer], store: Store, jobs: int) -> None:
    """Take out of the store those layers whose bytes are no longer what their digests say.

    A layer is read whole, at the speed of the hash: once for an image that is assembled, never
    for one that hasn't changed.
    """
    found = {each.digest: each for layer in layers if (each := cached_layer(layer, store))}

    def look(built: BuiltLayer) -> None:
        path = store.blob(built.digest, built.size)
        if path is None:
            return
        try:
            store.verify(path, built.digest, built.size)
        except IntegrityError:
            store.discard(path)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(look, found.values()))


def _build(
    layers: Sequence[Layer], store: Store, jobs: int, reporter: Reporter
) -> list[BuiltLayer]:
    def build(layer: Layer) -> BuiltLayer:
        reporter.begin(layer.title, f"Building {layer.title}")
        try:
            return build_layer(layer, store, compressors)
        finally:
            reporter.end(layer.title)

    with ThreadPoolExecutor(jobs) as compressors, ThreadPoolExecutor(jobs) as builders:
        pending = [builders.submit(build, layer) for layer in layers]
        try:
            return [each.result() for each in pending]
        except BaseException:
            builders.shutdown(wait=False, cancel_futures=True)
            raise


def _check_collisions(layers: Sequence[Layer], built: Sequence[BuiltLayer]) -> None:
    """Raise BuildError where wheels collide with one another, or with the environment itself.

    Layers are built apart, and perhaps for other images, so none knows of the others; the
    last one would win without a word.
    """
    tree = Tree(file for each in built for file in each.files)
    for venv in {layer.venv for layer in layers if isinstance(layer, RecipeLayer)}:
        tree.add(venv_entries(venv))
    iter(tree)
