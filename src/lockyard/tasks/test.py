"""Test envs' images in an engine: that they are what they have to be, and do what they have to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from lockyard.errors import EngineError
from lockyard.events import Reporter
from lockyard.plan.image import ImagePlan
from lockyard.ship.engine import engine_place
from lockyard.spec.reader import Fleet
from lockyard.tasks.build import Builder, Built
from lockyard.tasks.plan import plan_env
from lockyard.trial.image import CHECKS, Trial
from lockyard.trial.loaded import loaded
from lockyard.trial.outcome import Tested
from lockyard.trial.subject import Subject, subject_of

if TYPE_CHECKING:
    from docker import DockerClient

_TASK = "test"


@frozen(kw_only=True)
class Tester:
    """Test images of a fleet, which ``builder`` has or makes, in an engine.

    Of the ``checks``, those alone are made that are named.
    """

    fleet: Fleet
    builder: Builder
    client: DockerClient
    reporter: Reporter
    checks: Sequence[str] = CHECKS

    def test(self, name: str) -> list[Tested]:
        """Build an env's images where they aren't there, and test each on the engine's platform.

        Raise what keeps them from being built, and EngineError where the engine refuses.
        """
        subjects = self._subjects(name)
        return [self._tested(built, subjects) for built in self.builder.build(name)]

    def _subjects(self, name: str) -> dict[str, Subject]:
        """Return what an env's images have to be, those for the engine's platform, by name."""
        env = self.fleet.env(name)
        recipe, spec = self.fleet.recipe(env.recipe), self.fleet.trial(env.recipe)
        base = self.fleet.workspace.bases[env.base]
        plans: list[ImagePlan] = plan_env(self.fleet, name)
        told: Mapping[str, str] = self.client.version()
        platform = f"{told['Os']}/{told['Arch']}"
        found = {
            plan.names.image: subject_of(plan, env, recipe, base, spec)
            for plan in plans
            if plan.target.platform == platform
        }
        if not found:
            raise EngineError(
                f"the engine runs {platform}, which this env has no image for",
                where=name,
                solution=f"test it by an engine of another platform ({engine_place()} is this one)",
            )
        return found

    def _tested(self, built: Built, subjects: Mapping[str, Subject]) -> Tested:
        subject = subjects[built.image]
        self.reporter.begin(_TASK, f"{built.image}: load it into the engine")
        try:
            with loaded(self.client, Path(built.folder)) as name:
                self.reporter.end(_TASK)
                return Trial(
                    client=self.client,
                    name=name,
                    subject=subject,
                    reporter=self.reporter,
                    checks=self.checks,
                    digest=built.digests[subject.platform],
                ).run()
        finally:
            self.reporter.end(_TASK)
