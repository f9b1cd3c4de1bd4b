"""Verify envs: rebuild their images under other conditions, and compare all that was made."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import asdict, define, field, frozen

from lockyard.errors import VerifyError
from lockyard.events import Reporter
from lockyard.plan.image import ImagePlan
from lockyard.sources.manifest import MANIFESTS, Manifest, parse_document
from lockyard.spec.reader import Fleet
from lockyard.store.faults import store_faults
from lockyard.store.store import Store
from lockyard.tasks.against import Against, Plans
from lockyard.tasks.method import Embedded
from lockyard.tasks.plan import check_coherent, plan_env
from lockyard.tasks.supply import Supply
from lockyard.verify.conditions import Conditions, Machine, conditions
from lockyard.verify.difference import difference
from lockyard.verify.diffoscope import write_report
from lockyard.verify.expected import Expected, expected_of
from lockyard.verify.rebuild import Rebuilder, Rebuilt
from lockyard.verify.view import View, layout_view

_TASK = "verify"


@frozen(kw_only=True)
class Round:
    """One rebuild: its conditions, what its process saw of them, and how long it took."""

    conditions: Conditions
    seen: Mapping[str, Any] = field(factory=dict)
    seconds: float = 0.0


@frozen(kw_only=True)
class Verified:
    """One image that came out the same each time, or that would be looked at.

    ``digest`` is that of what its tag names, ``digests`` are by platform. ``against`` is what it
    was compared with beside the other rebuilds, "" for nothing. ``left_out`` are the conditions
    that this machine doesn't allow.
    """

    env: str
    image: str
    digest: str
    digests: Mapping[str, str]
    against: str
    times: int
    seconds: float
    rounds: tuple[Round, ...]
    left_out: tuple[str, ...]


@frozen(kw_only=True)
class Verifier:
    """Verify images of a fleet, with what it takes from outside.

    ``output`` has the layouts of builds, ``report`` gets what diffoscope says. ``against`` is a
    digest, an image, a layout or an archive, or "" for what the ledgers say. At most ``jobs``
    layers are built at once.
    """

    fleet: Fleet
    store: Store
    output: Path
    report: Path
    environ: Mapping[str, str]
    reporter: Reporter
    machine: Machine
    times: int = 2
    jobs: int = 8
    against: str = ""

    def preview(self, name: str) -> list[Verified]:
        """Return what would be done with an env's images; nothing is built or fetched."""
        plans = self._plans(name)
        sizes = {each.sha256: each.size for plan in _all(plans) for each in plan.artifacts}
        rounds = [Round(conditions=each) for each in self._conditions(sum(sizes.values()))]
        found = []
        for image, each in plans.items():
            ledger = None if self.against else self._against.ledger(image, each)
            found.append(
                Verified(
                    env=name,
                    image=image,
                    digest="",
                    digests={plan.target.platform: "" for plan in each},
                    against=ledger.title if ledger else self.against,
                    times=self.times,
                    seconds=0.0,
                    rounds=tuple(rounds),
                    left_out=self.machine.left_out,
                )
            )
        return found

    def verify(self, name: str) -> list[Verified]:
        """Rebuild an env's images; return them, all of which came out the same each time.

        Raise VerifyError with the culprit for the first that didn't, and what keeps an image
        from being planned, fetched or built.
        """
        plans = self._plans(name)
        check_coherent(self.fleet, name)
        supply = Supply(
            workspace=self.fleet.workspace,
            store=self.store,
            environ=self.environ,
            reporter=self.reporter,
        )
        with self._scratch() as scratch:
            trial = _Trial(
                expected=self._against.expected(plans, supply, scratch),
                scratch=scratch,
                report=self.report,
            )
            rebuilder = Rebuilder(
                root=self.fleet.root,
                env=name,
                store=self.store,
                artifacts=_supplied(_all(plans), supply),
                machine=self.machine,
            )
            for given in self._conditions(rebuilder.size):
                self.reporter.begin(_TASK, f"{name}: rebuild {given.number} of {self.times}")
                try:
                    with rebuilder.rebuild(given) as made:
                        trial.take(given, made)
                finally:
                    self.reporter.end(_TASK)
        return [self._verified(name, image, trial) for image in plans]

    @property
    def _against(self) -> Against:
        return Against(given=self.against, output=self.output, builder=Embedded().name)

    def _plans(self, name: str) -> dict[str, list[ImagePlan]]:
        by_image: dict[str, list[ImagePlan]] = {}
        for plan in Embedded().suited(plan_env(self.fleet, name)):
            by_image.setdefault(plan.names.image, []).append(plan)
        return by_image

    def _conditions(self, size: int) -> list[Conditions]:
        return [
            conditions(number, self.machine, jobs=self.jobs, size=size)
            for number in range(1, self.times + 1)
        ]

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        with store_faults(self.store.root):
            folder = Path(tempfile.mkdtemp(prefix="verify", dir=self.store.scratch()))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _verified(self, name: str, image: str, trial: _Trial) -> Verified:
        view = trial.first[image]
        return Verified(
            env=name,
            image=image,
            digest=f"sha256:{view.top.digest}",
            digests={key: f"sha256:{each.digest}" for key, each in sorted(view.manifests.items())},
            against=trial.expected[image].title if image in trial.expected else "",
            times=len(trial.rounds),
            seconds=round(sum(each.seconds for each in trial.rounds), 2),
            rounds=tuple(trial.rounds),
            left_out=self.machine.left_out,
        )


@define(kw_only=True)
class _Trial:
    """What has come of an env's rebuilds until now; ``first`` has the first of each image."""

    expected: Mapping[str, Expected]
    scratch: Path
    report: Path
    rounds: list[Round] = field(factory=list)
    first: dict[str, View] = field(factory=dict)

    def take(self, given: Conditions, made: Rebuilt) -> None:
        """Compare what a rebuild made; raise VerifyError for an image that isn't as it was."""
        self.rounds.append(Round(conditions=given, seen=made.seen, seconds=made.seconds))
        for image, folder in made.layouts.items():
            view = layout_view(folder, f"rebuild {given.number}")
            known = self.expected.get(image)
            if known is not None and not known.fits(view):
                raise self._error(image, known, view)
            if image not in self.first:
                self.first[image] = self._kept(image, folder, view)
            elif self.first[image].top.digest != view.top.digest:
                raise self._error(image, expected_of(self.first[image]), view)

    def _kept(self, image: str, folder: Path, view: View) -> View:
        """Return an image that outlasts its rebuild, moved unless there is the same already."""
        known = self.expected.get(image)
        if known is not None and known.view and known.view.top.digest == view.top.digest:
            return known.view
        return layout_view(Path(shutil.move(folder, self.scratch / image)), view.title)

    def _error(self, image: str, expected: Expected, view: View) -> VerifyError:
        """Return the error that tells in what an image differs from what is expected."""
        last = self.rounds[-1]
        details: dict[str, Any] = {
            "image": image,
            "expected": {expected.title: sorted(expected.digests)},
            "found": {view.title: f"sha256:{view.top.digest}"},
            "rounds": [asdict(each) for each in self.rounds],
        }
        lines = [f"{view.title} isn't {expected.title}"]
        found = None
        if expected.view is not None:
            found = difference(expected.view, view)
        if found is not None and expected.view is not None:
            lines.append(str(found))
            details["difference"] = asdict(found)
            report = write_report(found, expected.view, view, self.report / image)
            if report:
                lines.append(f"diffoscope: {report}")
                details["diffoscope"] = report
        lines.append(f"{view.title} was made with: {last.conditions}")
        return VerifyError(
            "\n".join(lines),
            where=image,
            solution=_ADVICE if found else _NOT_AT_HAND,
            details=details,
        )


_ADVICE = "see docs/howto/verify.md for what to do about each cause"
_NOT_AT_HAND = "give the image or its layout to --against, to be told what differs"


def _all(plans: Plans) -> list[ImagePlan]:
    return [plan for each in plans.values() for plan in each]


def _supplied(plans: Sequence[ImagePlan], supply: Supply) -> list[Path]:
    """Have what images are made of in the store; return its paths there."""
    wanted = {each.sha256: each.size for plan in plans for each in plan.artifacts}
    supply.provide([each for plan in plans for each in plan.artifacts])
    for base in {plan.image.manifest: plan.image for plan in plans if plan.image}.values():
        pulled = supply.pull(base)
        parsed = parse_document(pulled.manifest, MANIFESTS, base.image)
        assert isinstance(parsed, Manifest)  # noqa: S101 - no other kind is taken
        wanted[base.manifest] = len(pulled.manifest)
        wanted |= {each.sha256: each.size for each in (parsed.config, *parsed.layers)}
    paths = [supply.store.artifact(sha256, size) for sha256, size in sorted(wanted.items())]
    return [path for path in paths if path is not None]
