"""The two ways to build an image: Lockyard's own, and a Docker engine's."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from attrs import field, frozen

from lockyard.assemble.layout import Image
from lockyard.errors import BuildError, EngineError
from lockyard.lock.model import Artifact
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import digest_of
from lockyard.spec.reader import Fleet
from lockyard.tasks.supply import Supply

if TYPE_CHECKING:
    from lockyard.docker.engine import Engine


class Making(Protocol):
    """Images under way; ``missing`` are the keys of the plans' layers that are built for them."""

    @property
    def missing(self) -> frozenset[str]:
        """Return the keys of the layers that weren't there."""

    def images(self, plans: Sequence[ImagePlan]) -> list[Image]:
        """Return one image's platforms. Raise what keeps any of them from being built."""


class Method(Protocol):
    """A way to build images, by the ``name`` that ledgers have of it."""

    @property
    def name(self) -> Literal["embedded", "docker"]:
        """Return what the way is called."""

    @property
    def by_files(self) -> bool:
        """Tell whether the workspace's files alone decide what it builds."""

    def suited(self, plans: Sequence[ImagePlan]) -> list[ImagePlan]:
        """Return those of an env's plans that can be built so."""

    def inputs(self, plan: ImagePlan) -> Mapping[str, str]:
        """Return what decides an image's bytes beside its plan."""

    def begin(
        self, plans: Sequence[ImagePlan], supply: Supply, jobs: int
    ) -> AbstractContextManager[Making]:
        """Begin to build images, in their order."""


@frozen
class Embedded:
    """Lockyard's own builder, which executes nothing."""

    name: Literal["embedded"] = "embedded"
    by_files: bool = True

    def suited(self, plans: Sequence[ImagePlan]) -> list[ImagePlan]:
        """See Method: all can. Raise BuildError where there is something to execute."""
        for plan in plans:
            for key, reason in _executed(plan):
                raise BuildError(
                    f"{reason}, and the embedded builder executes nothing",
                    where=f"envs/{plan.env}.toml: {key}",
                    solution=f"run: invoke build {plan.env} --builder docker",
                )
        return list(plans)

    def inputs(self, plan: ImagePlan) -> Mapping[str, str]:  # noqa: ARG002
        """See Method: there is nothing else."""
        return {}

    def begin(
        self, plans: Sequence[ImagePlan], supply: Supply, jobs: int
    ) -> AbstractContextManager[Making]:
        """See Method."""
        from lockyard.tasks.assembly import begin  # noqa: PLC0415

        return begin(plans, supply, jobs)


def _executed(plan: ImagePlan) -> Iterator[tuple[str, str]]:
    """Give by its key in the spec what only an engine can do."""
    if plan.run:
        yield "run", "it has commands to run"
    if plan.compiled:
        yield "sdists", f"{_names(plan.compiled)} must be compiled"
    if plan.installed:
        yield "run-scripts", f"{_names(plan.installed)} would be installed by their scripts"


def _names(artifacts: Sequence[Artifact]) -> str:
    return ", ".join(each.name for each in artifacts)


@frozen(kw_only=True)
class ByEngine:
    """A Docker engine's BuildKit; ``cache`` says whether earlier steps' results are used."""

    fleet: Fleet
    engine: Engine
    cache: bool = True
    name: Literal["docker"] = "docker"
    by_files: bool = False  # the engine has a say: which platforms it can run
    _dockerfiles: dict[str, str] = field(factory=dict, init=False, eq=False, repr=False)

    def suited(self, plans: Sequence[ImagePlan]) -> list[ImagePlan]:
        """See Method: those whose programs the engine runs. Raise EngineError for none."""
        found = [plan for plan in plans if plan.target.platform in self.engine.platforms]
        if not found:
            asked = ", ".join(sorted({plan.target.platform for plan in plans}))
            raise EngineError(
                f"the engine runs no programs of {asked}",
                where=plans[0].env,
                solution="let it emulate them (binfmt), or use the embedded builder",
            )
        return found

    def inputs(self, plan: ImagePlan) -> Mapping[str, str]:
        """See Method: the Dockerfile, and the programs of Lockyard's own that it runs."""
        from lockyard.docker.context import own_texts  # noqa: PLC0415

        dockerfile = hashlib.sha256(self.dockerfile(plan).encode()).hexdigest()
        programs = dict(own_texts(plan))
        return {"dockerfile": dockerfile, **({"programs": digest_of(programs)} if programs else {})}

    def dockerfile(self, plan: ImagePlan) -> str:
        """Return a plan's Dockerfile, the same each time, whatever becomes of the template."""
        from lockyard.tasks.dockerfile import dockerfile_of  # noqa: PLC0415

        if plan.key not in self._dockerfiles:
            self._dockerfiles[plan.key] = dockerfile_of(self.fleet, plan)
        return self._dockerfiles[plan.key]

    @contextmanager
    def begin(
        self,
        plans: Sequence[ImagePlan],  # noqa: ARG002
        supply: Supply,
        jobs: int,
    ) -> Iterator[Making]:
        """See Method."""
        yield _EngineBuilds(method=self, supply=supply, jobs=jobs)


@frozen(kw_only=True)
class _EngineBuilds:
    """Images that an engine builds, one after the other: it uses all processors for each."""

    method: ByEngine
    supply: Supply
    jobs: int
    missing: frozenset[str] = frozenset()

    def images(self, plans: Sequence[ImagePlan]) -> list[Image]:
        return [self._image(plan) for plan in plans]

    def _image(self, plan: ImagePlan) -> Image:
        from lockyard.docker.buildkit import run_build, take_image  # noqa: PLC0415
        from lockyard.docker.context import write_context  # noqa: PLC0415
        from lockyard.tasks.dockerfile import make_context  # noqa: PLC0415

        store = self.supply.store
        dockerfile = self.method.dockerfile(plan)
        context = make_context(plan, dockerfile, self.supply, self.jobs)
        with tempfile.TemporaryDirectory(dir=store.scratch()) as scratch:
            given, made = Path(scratch) / "context", Path(scratch) / "layout"
            write_context(context, store, given)
            run_build(plan, given, made, self.supply.reporter, cache=self.method.cache)
            return take_image(plan, made, store)
