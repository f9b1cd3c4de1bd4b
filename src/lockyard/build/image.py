"""The layers of images: each built once, whichever images have it, several at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType

from lockyard.build.built import BuiltLayer
from lockyard.build.bytecode.modules import Compilers
from lockyard.build.layer import build_layer, cached_layer
from lockyard.build.recipe import prefix_entries
from lockyard.build.tree import Tree
from lockyard.errors import IntegrityError
from lockyard.events import Reporter
from lockyard.fetch.pool import Cancel
from lockyard.plan.layer import Layer, PackageLayer, RecipeLayer, layer_key
from lockyard.store.store import Store


class LayerBuilds:
    """Build layers in at most ``jobs`` threads, each key once.

    A context manager: leaving it waits for what is under way, or, by an exception, ends that as
    soon as can be.
    """

    def __init__(self, store: Store, *, jobs: int, reporter: Reporter) -> None:
        self._store = store
        self._reporter = reporter
        self._compressors = ThreadPoolExecutor(jobs)
        self._builders = ThreadPoolExecutor(jobs)
        self._futures: dict[str, Future[BuiltLayer]] = {}
        self._cancel = Cancel()
        self._compilers = Compilers(store)

    def submit(self, layer: Layer) -> Future[BuiltLayer]:
        """Return the layer to come; what it is made of is in the store unless it is itself.

        Its result raises BuildError, IntegrityError or StoreError.
        """
        key = layer_key(layer)
        if key not in self._futures:
            self._futures[key] = self._builders.submit(self._build, layer)
        return self._futures[key]

    def _build(self, layer: Layer) -> BuiltLayer:
        found = cached_layer(layer, self._store)
        if found is not None:
            return found
        task = layer_key(layer)[:32]
        self._reporter.begin(task, f"Building {layer.title}")
        try:
            return build_layer(layer, self._store, self._compressors, self._compilers, self._cancel)
        finally:
            self._reporter.end(task)

    def __enter__(self) -> LayerBuilds:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:
            stack.enter_context(self._compilers)
            stack.callback(self._compressors.shutdown)
            if kind is not None:
                self._cancel.set()
            self._builders.shutdown(cancel_futures=kind is not None)


def drop_damaged(layers: Iterable[Layer], store: Store, jobs: int) -> None:
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


def check_collisions(
    layers: Sequence[Layer], built: Sequence[BuiltLayer], owners: Mapping[str, str]
) -> None:
    """Raise BuildError where packages collide with one another, or with the prefix itself.

    Layers are built apart, and perhaps for other images, so none knows of the others; the
    last one would win without a word. ``owners`` has the packages that the env has chosen, by
    the paths at which only theirs count.
    """
    packages = [layer for layer in layers if isinstance(layer, PackageLayer)]
    files = {each.name: each.file for layer in packages for each in layer.artifacts}
    chosen = {path[1:]: files.get(owner, "") for path, owner in owners.items()}
    tree = Tree(
        entry
        for each in built
        for entry in each.owned
        if chosen.get(entry.path, entry.owner) == entry.owner
    )
    for prefix in {layer.prefix for layer in layers if isinstance(layer, RecipeLayer)}:
        tree.add(prefix_entries(prefix))
    iter(tree)
