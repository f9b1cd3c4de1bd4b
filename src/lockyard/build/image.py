"""Build all layers of an image, several at a time."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from lockyard.build.built import BuiltLayer
from lockyard.build.layer import build_layer, cached_layer, wheel_tree
from lockyard.build.recipe import venv_entries
from lockyard.events import Reporter
from lockyard.plan.layer import Layer, RecipeLayer, WheelLayer
from lockyard.store.store import Store


def build_layers(
    layers: Sequence[Layer], store: Store, *, jobs: int, reporter: Reporter
) -> list[BuiltLayer]:
    """Return the layers in order, building those that the store doesn't have.

    Their artifacts are in the store. The first error of any is raised once the layers that
    were under way have ended.
    """
    found = [cached_layer(layer, store) for layer in layers]
    if None not in found:
        return [built for built in found if built]
    _check_collisions(layers, store)

    def build(layer: Layer) -> BuiltLayer:
        reporter.begin(layer.title, f"Building {layer.title}")
        try:
            return build_layer(layer, store, compressors)
        finally:
            reporter.end(layer.title)

    with ThreadPoolExecutor(jobs) as compressors, ThreadPoolExecutor(jobs) as builders:
        pending = {
            number: builders.submit(build, layer)
            for number, layer in enumerate(layers)
            if found[number] is None
        }
        try:
            return [built or pending[number].result() for number, built in enumerate(found)]
        except BaseException:
            builders.shutdown(wait=False, cancel_futures=True)
            raise


def _check_collisions(layers: Sequence[Layer], store: Store) -> None:
    """Raise BuildError where wheels collide with one another, or with the environment itself.

    Layers that are built apart could hide that: the last one would win.
    """
    wheels = tuple(layer for layer in layers if isinstance(layer, WheelLayer))
    with wheel_tree(wheels, store) as tree:
        for venv in {layer.venv for layer in layers if isinstance(layer, RecipeLayer)}:
            tree.add(venv_entries(venv))
        iter(tree)
