"""Write images as Dockerfiles with their contexts, for use without Lockyard."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from lockyard.build.built import BuiltLayer
from lockyard.build.content import layer_content
from lockyard.build.image import LayerBuilds, check_collisions, drop_damaged
from lockyard.docker.bake import FILE, bake_text, context_path
from lockyard.docker.context import Context, archived, context_of, write_context
from lockyard.docker.template import render
from lockyard.errors import LockyardError, SpecError
from lockyard.events import Reporter
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import layer_key, tools_of
from lockyard.replace import replace_file
from lockyard.spec.reader import Fleet
from lockyard.store.faults import output_faults
from lockyard.store.store import Store
from lockyard.tasks.names import check_names
from lockyard.tasks.plan import check_coherent, plan_env
from lockyard.tasks.supply import Supply


@frozen(kw_only=True)
class WrittenContext:
    """One image on one platform as a Dockerfile: its folder, and the bytes of its files."""

    env: str
    image: str
    platform: str
    folder: str
    files: int
    size: int
    seconds: float


@frozen(kw_only=True)
class DockerfileWriter:
    """Write the Dockerfiles of a fleet's images into a folder, with what they are built from."""

    fleet: Fleet
    store: Store
    output: Path
    environ: Mapping[str, str]
    reporter: Reporter
    jobs: int

    def write_all(
        self, names: Sequence[str]
    ) -> tuple[list[WrittenContext], dict[str, LockyardError]]:
        """Write the images of envs, and one bake file; return what is there, and what isn't why.

        An env that fails doesn't stop the others.
        """
        written: list[WrittenContext] = []
        failed: dict[str, LockyardError] = {}
        plans: list[ImagePlan] = []
        for name in names:
            try:
                own = checked_plans(self.fleet, name)
                written += [self._write(plan) for plan in own]
                plans += own
            except LockyardError as error:
                failed[name] = error
        if plans:
            with output_faults(self.output):
                replace_file(self.output / FILE, bake_text(plans).encode())
        return written, failed

    def _write(self, plan: ImagePlan) -> WrittenContext:
        started = time.monotonic()
        supply = Supply(
            workspace=self.fleet.workspace,
            store=self.store,
            environ=self.environ,
            reporter=self.reporter,
        )
        context = make_context(plan, dockerfile_of(self.fleet, plan), supply, self.jobs)
        folder = self.output / context_path(plan)
        write_context(context, self.store, folder)
        return WrittenContext(
            env=plan.env,
            image=plan.names.image,
            platform=plan.target.platform,
            folder=str(folder),
            files=len(context.files),
            size=context.size,
            seconds=round(time.monotonic() - started, 2),
        )


def checked_plans(fleet: Fleet, name: str) -> list[ImagePlan]:
    """Return the plans of an env's images, if they can be built."""
    plans = plan_env(fleet, name)
    check_names(fleet, name, {plan.names.image for plan in plans})
    check_coherent(fleet, name)
    return plans


def dockerfile_of(fleet: Fleet, plan: ImagePlan) -> str:
    """Return an image's Dockerfile. Raise SpecError where its recipe has no template."""
    where = f"images/{fleet.env(plan.env).recipe}/Dockerfile"
    try:
        template = (fleet.root / where).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"the recipe's Dockerfile can't be read ({error})",
            where=where,
            solution="copy that of images/inference from Lockyard's own workspace",
        ) from None
    return render(template, plan, where)


def make_context(plan: ImagePlan, dockerfile: str, supply: Supply, jobs: int) -> Context:
    """Bring what an image is made of into the store, and return its context.

    The layers that aren't wheels are built, for its archives.
    """
    store = supply.store
    layers = archived(plan)
    drop_damaged(layers, store, jobs)
    # Read again before anything is unpacked: what has gone bad since is brought anew.
    needed = {each.sha256: each for each in plan.artifacts}
    for layer in layers:
        needed |= {each.sha256: each for each in (*layer.artifacts, *tools_of(layer))}
    supply.provide(needed.values(), verify=True)
    base = supply.pull(plan.image) if plan.image else None
    with LayerBuilds(store, jobs=jobs, reporter=supply.reporter) as builds:
        futures = {layer_key(layer): builds.submit(layer) for layer in layers}
        built = {key: future.result() for key, future in futures.items()}
    _check_collisions(plan, built, store)
    return context_of(plan, dockerfile, built, base)


def _check_collisions(plan: ImagePlan, built: Mapping[str, BuiltLayer], store: Store) -> None:
    """Raise BuildError where packages collide: pip would let the last one win without a word."""
    layers = []
    for layer in plan.layers:
        made = built.get(layer_key(layer))
        if made is None:
            # No layer is built of it; what its wheels own is known without.
            with layer_content(layer, store) as content:
                made = BuiltLayer(
                    title=layer.title, digest="", size=0, diff_id="", owned=tuple(content.owned)
                )
        layers.append(made)
    check_collisions(plan.layers, layers, plan.owners)
