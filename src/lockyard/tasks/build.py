"""Build envs: plan, fetch, build, assemble; or find that nothing has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Factory, field, frozen

from lockyard import ASSEMBLY_VERSION
from lockyard.assemble.layout import Image, read_ledger, top_document
from lockyard.errors import LockyardError
from lockyard.events import Reporter
from lockyard.lock.file import lock_sha256
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import layer_key
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store
from lockyard.tasks.method import Embedded, Method
from lockyard.tasks.names import check_names
from lockyard.tasks.plan import check_coherent, plan_env
from lockyard.tasks.reasons import reasons
from lockyard.tasks.supply import Supply

State = Literal["built", "unchanged", "would build"]


@frozen(kw_only=True)
class Built:
    """What came of one image: its folder, and by platform its digest; sizes in bytes.

    ``repository`` is its whole name without a tag; ``tags`` are those that it was loaded under.
    ``why`` says what changed where it would be built; ``blobs`` has the size of each of its
    blobs by its sha256.
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
    why: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    blobs: Mapping[str, int] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class _Job:
    """One image to be had: its plans, one for each platform, and the ledger of its last build."""

    plans: tuple[ImagePlan, ...]
    folder: Path
    ledger: Mapping[str, Any] | None
    method: Method
    root: Path

    @property
    def image(self) -> str:
        return self.plans[0].names.image

    @property
    def keys(self) -> dict[str, str]:
        return {plan.target.platform: plan.key for plan in self.plans}

    @property
    def made_by(self) -> dict[str, Any]:
        """What a ledger says of how an image was built."""
        inputs = {plan.target.platform: dict(self.method.inputs(plan)) for plan in self.plans}
        return {"builder": self.method.name, **({"inputs": inputs} if any(inputs.values()) else {})}

    @property
    def is_done(self) -> bool:
        if self.ledger is None or self.ledger.get("plans") != self.keys:
            return False
        made_by = self.made_by
        return all(self.ledger.get(key) == made_by.get(key) for key in ("builder", "inputs"))


@frozen(kw_only=True)
class Builder:
    """Build images of a fleet into a folder, with what it takes from outside.

    Each layer is built once for all images that have it, ``jobs`` at a time.
    """

    fleet: Fleet
    store: Store
    output: Path
    environ: Mapping[str, str]
    reporter: Reporter
    jobs: int
    method: Method = Factory(Embedded)

    def build(self, name: str, *, dry_run: bool = False) -> list[Built]:
        """Build an env's images, one for each variant, unless they are there already.

        Raise SpecError where another env has an image of the same name.
        """
        done, failed = self.build_all([name], dry_run=dry_run)
        for error in failed.values():
            raise error
        return done

    def build_all(
        self, names: Sequence[str], *, dry_run: bool = False, keep_going: bool = True
    ) -> tuple[list[Built], dict[str, LockyardError]]:
        """Build the images of envs; return those that are there, and why others aren't.

        The errors go by the image, or by the env where that can't be planned. Without
        ``keep_going``, nothing more is begun after the first.
        """
        jobs, failed = self._plan(names)
        done = [_built(job, "unchanged", 0.0) for job in jobs if job.is_done]
        todo = [job for job in jobs if not job.is_done]
        if dry_run:
            done += [self._would_build(job) for job in todo]
        else:
            # One after the other where the first that fails is the last.
            for batch in [todo] if keep_going else [[job] for job in todo]:
                if batch and (keep_going or not failed):
                    made, errors = self._make(batch)
                    done, failed = [*done, *made], {**failed, **errors}
        order = {name: number for number, name in enumerate(names)}
        return sorted(done, key=lambda each: (order[each.env], each.image)), failed

    def _plan(self, names: Iterable[str]) -> tuple[list[_Job], dict[str, LockyardError]]:
        jobs: list[_Job] = []
        failed: dict[str, LockyardError] = {}
        for name in names:
            try:
                jobs += self._jobs(name)
            except LockyardError as error:
                failed[name] = error
        return jobs, failed

    def _jobs(self, name: str) -> list[_Job]:
        """Return an env's images. Raise SpecError or LockError for what can't be built."""
        by_image: dict[str, list[ImagePlan]] = {}
        plans = plan_env(self.fleet, name)
        suited = self.method.suited(plans)
        for platform in sorted({plan.target.platform for plan in plans if plan not in suited}):
            self.reporter.note(f"{name}: {platform} is left out, since the engine can't run it")
        for plan in suited:
            by_image.setdefault(plan.names.image, []).append(plan)
        check_names(self.fleet, name, by_image.keys())
        jobs = [
            _Job(
                plans=tuple(plans),
                folder=self.output / image,
                ledger=read_ledger(self.output / image),
                method=self.method,
                root=self.fleet.root,
            )
            for image, plans in by_image.items()
        ]
        if not all(job.is_done for job in jobs):
            check_coherent(self.fleet, name)
        return jobs

    def _would_build(self, job: _Job) -> Built:
        from lockyard.build.layer import cached_layer  # noqa: PLC0415

        layers = [layer for plan in job.plans for layer in plan.layers]
        missing = sum(cached_layer(layer, self.store) is None for layer in layers)
        return _built(job, "would build", 0.0, new_layers=missing, why=_why(job))

    def _make(self, jobs: Sequence[_Job]) -> tuple[list[Built], dict[str, LockyardError]]:
        """Bring what images are made of, build their layers, and put them together."""
        done: list[Built] = []
        failed: dict[str, LockyardError] = {}
        supply = Supply(
            workspace=self.fleet.workspace,
            store=self.store,
            environ=self.environ,
            reporter=self.reporter,
        )
        started = time.monotonic()
        plans = [plan for job in jobs for plan in job.plans]
        with self.method.begin(plans, supply, self.jobs) as assembly:
            for job in jobs:
                try:
                    ledger = self._write(job, assembly.images(job.plans))
                except LockyardError as error:
                    failed[job.image] = error
                    continue
                keys = [layer_key(layer) for plan in job.plans for layer in plan.layers]
                now = time.monotonic()
                done.append(
                    _built(
                        job,
                        "built",
                        round(now - started, 2),
                        ledger=ledger,
                        new_layers=sum(key in assembly.missing for key in keys),
                    )
                )
                started = now
        return done, failed

    def _write(self, job: _Job, images: Sequence[Image]) -> dict[str, Any]:
        """Write an image's layout; return its ledger."""
        from lockyard.assemble.layout import write_layout  # noqa: PLC0415

        ledger = _ledger(job, images)
        text = json.dumps(ledger, sort_keys=True, indent=1).encode() + b"\n"
        write_layout(images, job.plans[0].names.repository, text, self.store, job.folder)
        return ledger


def _why(job: _Job) -> tuple[str, ...]:
    """Say what differs from the last build of an image."""
    ledger = job.ledger or {}
    if job.ledger is not None and ledger.get("builder") != job.method.name:
        return (f"it was built by another builder: {ledger.get('builder')}",)
    parts = ledger.get("parts")
    then = parts if isinstance(parts, dict) else {}
    now = {plan.target.platform: plan.parts for plan in job.plans}
    told = [f"{platform} isn't asked for any more" for platform in sorted(then.keys() - now)]
    for platform, each in now.items():
        if then.get(platform) != each:
            told += reasons(each, then.get(platform))
    return tuple(dict.fromkeys(told)) or ("its Dockerfile is another",)


def _built(
    job: _Job,
    state: State,
    seconds: float,
    *,
    ledger: Mapping[str, Any] | None = None,
    new_layers: int = 0,
    why: tuple[str, ...] = (),
) -> Built:
    ledger = ledger or (job.ledger if state == "unchanged" else None) or {}
    return Built(
        env=job.plans[0].env,
        image=job.image,
        repository=job.plans[0].names.repository,
        folder=str(job.folder),
        state=state,
        digests=ledger.get("images", {}),
        size=sum(ledger.get("blobs", {}).values()),
        layers=sum(len(each) for each in ledger.get("layers", {}).values())
        or sum(len(plan.layers) for plan in job.plans),
        new_layers=new_layers,
        seconds=seconds,
        why=why,
        blobs=ledger.get("blobs", {}),
    )


def _ledger(job: _Job, images: Sequence[Image]) -> dict[str, Any]:
    """Return the record of a build: what went in by its key, what came out by its digests."""
    top = top_document(images)
    blobs = {name: size for image in images for name, size in image.blobs.items()}
    blobs[top.digest] = len(top.data)
    return {
        # Format 1 had neither the lock's digest nor the image's own.
        "format": 2,
        **job.made_by,
        "lock": lock_sha256(job.root, job.plans[0].env),
        "image": f"sha256:{top.digest}",
        "assembly": ASSEMBLY_VERSION,
        "plans": job.keys,
        "parts": {plan.target.platform: plan.parts for plan in job.plans},
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
