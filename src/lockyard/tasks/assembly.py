"""Images under way: what they are made of is brought, and their layers are built, only once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

from attrs import define, field

from lockyard.assemble.layout import Image, assemble
from lockyard.build.base.layers import base_layers
from lockyard.build.built import BuiltLayer
from lockyard.build.conda.install import link_scripts
from lockyard.build.image import LayerBuilds, check_collisions, drop_damaged
from lockyard.build.layer import cached_layer
from lockyard.errors import LockyardError
from lockyard.events import Reporter
from lockyard.fetch.failures import gathered
from lockyard.fetch.image import PulledImage
from lockyard.lock.model import BaseImage
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import CondaLayer, Layer, layer_key, tools_of
from lockyard.sources.manifest import parse_settings
from lockyard.tasks.supply import Supply


@define(kw_only=True)
class Assembly:
    """The layers of some images, those that the store lacks being built.

    ``missing`` are the keys of those. ``failures`` says by an artifact's sha256, or by a base
    image's manifest, why it can't be had.
    """

    reporter: Reporter
    missing: frozenset[str]
    failures: Mapping[str, LockyardError]
    pulled: Mapping[str, PulledImage]
    builds: LayerBuilds
    futures: dict[str, Future[BuiltLayer]] = field(factory=dict)

    def images(self, plans: Sequence[ImagePlan]) -> list[Image]:
        """Return one image's platforms, once their layers are built.

        Raise what keeps any of those from being built, or BuildError where two collide.
        """
        return [self._image(plan) for plan in plans]

    def needed(self, plan: ImagePlan) -> set[str]:
        """Return what an image needs of the store, by what ``failures`` goes by."""
        found = {plan.image.manifest} if plan.image else set()
        for layer in plan.layers:
            if layer_key(layer) in self.missing:
                found |= {each.sha256 for each in (*layer.artifacts, *tools_of(layer))}
        return found

    def submit(self, plan: ImagePlan) -> None:
        """Begin to build those layers of an image that the store lacks.

        The largest first, so that no processor waits long for another's at the end.
        """
        for layer in sorted(plan.layers, key=_size, reverse=True):
            if (key := layer_key(layer)) in self.missing:
                self.futures[key] = self.builds.submit(layer)

    def _image(self, plan: ImagePlan) -> Image:
        self._check_supplied(plan)
        built = [self._layer(layer) for layer in plan.layers]
        check_collisions(plan.layers, built, plan.owners)
        self._note_scripts(plan, built)
        if plan.image is None:
            return assemble(plan, built)
        base = self.pulled[plan.image.manifest]
        title = f"base image {plan.image.image}:{plan.image.tag}"
        settings = parse_settings(base.config, title)
        return assemble(plan, [*base_layers(base, title), *built], settings)

    def _note_scripts(self, plan: ImagePlan, built: Sequence[BuiltLayer]) -> None:
        """Tell of conda's link scripts, which nothing runs, neither here nor in the image."""
        for layer, made in zip(plan.layers, built, strict=True):
            for path in link_scripts(made.owned) if isinstance(layer, CondaLayer) else ():
                self.reporter.note(f"{plan.names.image}: /{path} is there and isn't run")

    def _layer(self, layer: Layer) -> BuiltLayer:
        future = self.futures.get(layer_key(layer)) or self.builds.submit(layer)
        return future.result()

    def _check_supplied(self, plan: ImagePlan) -> None:
        """Raise what keeps what an image is made of from being there."""
        needed = self.needed(plan)
        failed = [self.failures[each] for each in sorted(needed) if each in self.failures]
        if failed:
            raise gathered(failed, len(needed))


def _size(layer: Layer) -> int:
    return sum(artifact.size for artifact in layer.artifacts)


@contextmanager
def begin(plans: Sequence[ImagePlan], supply: Supply, jobs: int) -> Iterator[Assembly]:
    """Bring what images are made of, and begin to build their layers.

    What can't be brought stops those images alone that need it.
    """
    store = supply.store
    layers = {layer_key(layer): layer for plan in plans for layer in plan.layers}
    drop_damaged(layers.values(), store, jobs)
    missing = {key: each for key, each in layers.items() if cached_layer(each, store) is None}
    bases = {plan.image.manifest: plan.image for plan in plans if plan.image is not None}
    pulled, failures = _pull(bases, supply)
    # Read again before anything is unpacked: what has gone bad since is brought anew.
    artifacts = [
        artifact for layer in missing.values() for artifact in (*layer.artifacts, *tools_of(layer))
    ]
    failures |= supply.provide_each(artifacts, verify=True)
    with LayerBuilds(store, jobs=jobs, reporter=supply.reporter) as builds:
        assembly = Assembly(
            reporter=supply.reporter,
            missing=frozenset(missing),
            failures=failures,
            pulled=pulled,
            builds=builds,
        )
        for plan in plans:
            if not assembly.needed(plan) & failures.keys():
                assembly.submit(plan)
        yield assembly


def _pull(
    bases: Mapping[str, BaseImage], supply: Supply
) -> tuple[dict[str, PulledImage], dict[str, LockyardError]]:
    pulled: dict[str, PulledImage] = {}
    failures: dict[str, LockyardError] = {}
    for manifest, image in bases.items():
        try:
            pulled[manifest] = supply.pull(image)
        except LockyardError as error:
            failures[manifest] = error
    return pulled, failures
