"""Build envs: plan, fetch, build, assemble; or find that nothing has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.assemble.layout import Image, read_ledger, top_document
from lockyard.events import Reporter
from lockyard.plan.image import ImagePlan
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store
from lockyard.tasks.names import check_names
from lockyard.tasks.plan import plan_env
from lockyard.tasks.supply import Supply

State = Literal["built", "unchanged", "would build"]


@frozen(kw_only=True)
class Built:
    """What came of one image: its folder, and by platform its digest; sizes in bytes.

    ``repository`` is its whole name without a tag; ``tags`` are those that it was loaded under.
    """

    env: str
    image: str
    repository: str
    folder: str
    state: State
    digests: Mapping[str, str]
    size: int
    layers: int
    new_layers: int
    seconds: float
    tags: tuple[str, ...] = ()


@frozen(kw_only=True)
class Builder:
    """Build images of a fleet into a folder, with what it takes from outside."""

    fleet: Fleet
    store: Store
    output: Path
    environ: Mapping[str, str]
    reporter: Reporter
    jobs: int

    def build(self, name: str, *, dry_run: bool = False) -> list[Built]:
        """Build an env's images, one for each variant, unless they are there already.

        Raise SpecError where another env has an image of the same name.
        """
        by_image: dict[str, list[ImagePlan]] = {}
        for plan in plan_env(self.fleet, name):
            by_image.setdefault(plan.names.image, []).append(plan)
        check_names(self.fleet, name, by_image.keys())
        return [self._image(plans, dry_run) for plans in by_image.values()]

    def _image(self, plans: Sequence[ImagePlan], dry_run: bool) -> Built:
        started = time.monotonic()
        image = plans[0].names.image
        keys = {plan.target.platform: plan.key for plan in plans}
        ledger = read_ledger(self.output / image)
        if ledger is not None and ledger.get("plans") == keys:
            return self._built(plans, "unchanged", ledger, 0, started)
        missing = self._missing_layers(plans)
        if dry_run:
            return self._built(plans, "would build", {}, missing, started)
        images = self._make(plans)
        ledger = _ledger(keys, images)
        from lockyard.assemble.layout import write_layout  # noqa: PLC0415

        write_layout(
            images,
            plans[0].names.repository,
            json.dumps(ledger, sort_keys=True, indent=1).encode() + b"\n",
            self.store,
            self.output / image,
        )
        return self._built(plans, "built", ledger, missing, started)

    def _missing_layers(self, plans: Sequence[ImagePlan]) -> int:
        from lockyard.build.layer import cached_layer  # noqa: PLC0415

        layers = [layer for plan in plans for layer in plan.layers]
        return sum(cached_layer(layer, self.store) is None for layer in layers)

    def _make(self, plans: Sequence[ImagePlan]) -> list[Image]:
        from lockyard.assemble.layout import assemble  # noqa: PLC0415
        from lockyard.build.image import build_layers  # noqa: PLC0415

        images = []
        for plan in plans:
            self._fetch(plan)
            layers = build_layers(plan.layers, self.store, jobs=self.jobs, reporter=self.reporter)
            images.append(assemble(plan, layers))
        return images

    def _fetch(self, plan: ImagePlan) -> None:
        """Have what the layers that aren't there yet are made of."""
        from lockyard.build.image import drop_damaged  # noqa: PLC0415
        from lockyard.build.layer import cached_layer  # noqa: PLC0415

        drop_damaged(plan.layers, self.store, self.jobs)
        missing = [layer for layer in plan.layers if cached_layer(layer, self.store) is None]
        if not missing:
            return
        # Read again before anything is unpacked: what has gone bad since is brought anew.
        supply = Supply(
            workspace=self.fleet.workspace,
            store=self.store,
            environ=self.environ,
            reporter=self.reporter,
        )
        supply.provide([each for layer in missing for each in layer.artifacts], verify=True)

    def _built(
        self,
        plans: Sequence[ImagePlan],
        state: State,
        ledger: Mapping[str, Any],
        new_layers: int,
        started: float,
    ) -> Built:
        image = plans[0].names.image
        return Built(
            env=plans[0].env,
            image=image,
            repository=plans[0].names.repository,
            folder=str(self.output / image),
            state=state,
            digests=ledger.get("images", {}),
            size=sum(ledger.get("blobs", {}).values()),
            layers=sum(len(plan.layers) for plan in plans),
            new_layers=new_layers,
            seconds=round(time.monotonic() - started, 2),
        )


def _ledger(keys: Mapping[str, str], images: Sequence[Image]) -> dict[str, Any]:
    """Return the record of a build: what went in by its key, what came out by its digests."""
    top = top_document(images)
    blobs = {name: size for image in images for name, size in image.blobs.items()}
    blobs[top.digest] = len(top.data)
    return {
        "format": 1,
        "builder": "embedded",
        "assembly": ASSEMBLY_VERSION,
        "plans": dict(keys),
        "images": {image.platform: image.digest for image in images},
        "blobs": blobs,
        "layers": {
            image.platform: [
                {"title": layer.title, "digest": layer.digest, "diff_id": layer.diff_id}
                for layer in image.layers
            ]
            for image in images
        },
    }
