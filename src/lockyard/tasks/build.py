"""Build envs: plan, fetch, build, assemble; or find that nothing has changed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Factory, evolve, field, frozen

from lockyard.assemble.layout import Image, read_ledger
from lockyard.errors import LockyardError
from lockyard.events import Reporter
from lockyard.lock.file import lock_sha256
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import layer_key
from lockyard.spec.model import Env, Recipe
from lockyard.spec.names import Names
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store
from lockyard.tasks.ledger import changes, ledger_of, ledger_text, note_origin
from lockyard.tasks.method import Embedded, Method
from lockyard.tasks.names import check_names, clashes, env_names
from lockyard.tasks.origin import Origins
from lockyard.tasks.plan import check_coherent, plan_env
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
    lock: str
    origin: str

    @property
    def env(self) -> str:
        return self.plans[0].env

    @property
    def names(self) -> Names:
        return self.plans[0].names

    @property
    def image(self) -> str:
        return self.names.image

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
        done, todo, failed = self._survey(names, note=not dry_run)
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

    def _survey(
        self, names: Sequence[str], *, note: bool
    ) -> tuple[list[Built], list[_Job], dict[str, LockyardError]]:
        """Return the images that are there, those to be had, and the envs that have a fault.

        With ``note``, what had to be planned to be found unchanged won't have to be again.
        """
        failed: dict[str, LockyardError] = {}
        envs: dict[str, Env] = {}
        named: dict[str, dict[str, Names]] = {}
        recipes: dict[str, Recipe] = {}
        for name in names:
            try:
                env = envs[name] = self.fleet.env(name)
                if env.recipe not in recipes:
                    recipes[env.recipe] = self.fleet.recipe(env.recipe)
                named[name] = env_names(self.fleet, env, recipes[env.recipe])
            except LockyardError as error:
                failed[name] = error
        failed |= clashes({name: each.keys() for name, each in named.items()})
        origins = Origins(self.fleet)
        done: list[Built] = []
        todo: list[_Job] = []
        for name in (each for each in named if each not in failed):
            try:
                check_names(self.fleet, name, named[name].keys(), known=named)
                origin = origins.of(envs[name])
                kept = self._kept(name, named[name], origin)
                jobs = [] if kept else self._jobs(name, origin)
            except LockyardError as error:
                failed[name] = error
                continue
            done += kept
            for job in jobs:
                if not job.is_done:
                    todo.append(job)
                    continue
                done.append(_held(name, job.names, job.folder, job.ledger or {}))
                if note:
                    note_origin(job.folder, job.ledger or {}, origin)
        return done, todo, failed

    def _kept(self, env: str, named: Mapping[str, Names], origin: str) -> list[Built]:
        """Return an env's images if all were made from what they would be made from now."""
        kept = []
        for image, names in named.items():
            ledger = read_ledger(self.output / image)
            if not origin or ledger is None or ledger.get("origin") != origin:
                return []
            if ledger.get("builder") != self.method.name or not self.method.by_files:
                return []
            kept.append(_held(env, names, self.output / image, ledger))
        return kept

    def _jobs(self, name: str, origin: str) -> list[_Job]:
        """Return an env's images. Raise SpecError or LockError for what can't be built."""
        by_image: dict[str, list[ImagePlan]] = {}
        plans = plan_env(self.fleet, name)
        # Before the build, while which it may be made anew.
        lock = lock_sha256(self.fleet.root, name)
        suited = self.method.suited(plans)
        for platform in sorted({plan.target.platform for plan in plans if plan not in suited}):
            self.reporter.note(f"{name}: {platform} is left out, since the engine can't run it")
        for plan in suited:
            by_image.setdefault(plan.names.image, []).append(plan)
        jobs = [
            _Job(
                plans=tuple(plans),
                folder=self.output / image,
                ledger=read_ledger(self.output / image),
                method=self.method,
                lock=lock,
                origin=origin,
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
        return evolve(
            _held(job.env, job.names, job.folder, {}),
            state="would build",
            layers=len(layers),
            new_layers=missing,
            why=changes(job.plans, job.ledger, job.method.name),
        )

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
                    evolve(
                        _held(job.env, job.names, job.folder, ledger),
                        state="built",
                        new_layers=sum(key in assembly.missing for key in keys),
                        seconds=round(now - started, 2),
                    )
                )
                started = now
        return done, failed

    def _write(self, job: _Job, images: Sequence[Image]) -> dict[str, Any]:
        """Write an image's layout; return its ledger."""
        from lockyard.assemble.layout import write_layout  # noqa: PLC0415

        made_from = {"lock": job.lock, "origin": job.origin}
        ledger = ledger_of(job.plans, images, {**job.made_by, **made_from})
        write_layout(images, job.names.repository, ledger_text(ledger), self.store, job.folder)
        return ledger


def _held(env: str, names: Names, folder: Path, ledger: Mapping[str, Any]) -> Built:
    """Return an image that is there as its ledger says."""
    return Built(
        env=env,
        image=names.image,
        repository=names.repository,
        folder=str(folder),
        state="unchanged",
        digests=ledger.get("images", {}),
        size=sum(ledger.get("blobs", {}).values()),
        layers=sum(len(each) for each in ledger.get("layers", {}).values()),
        new_layers=0,
        seconds=0.0,
        blobs=ledger.get("blobs", {}),
    )
