"""What the images of an env are compared with, as a call of verify gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from lockyard.errors import UsageError
from lockyard.plan.image import ImagePlan
from lockyard.store.store import Store
from lockyard.tasks.supply import Supply
from lockyard.verify.expected import Expected, by_digest, by_ledger, expected_of
from lockyard.verify.reference import archive_view, is_digest, parsed_reference, registry_view
from lockyard.verify.view import layout_view

Plans = Mapping[str, Sequence[ImagePlan]]


@frozen(kw_only=True)
class Against:
    """Find what images are expected to be: ``given``, or what the ledgers in ``output`` say."""

    given: str
    output: Path
    builder: str

    def expected(self, plans: Plans, supply: Supply, scratch: Path) -> dict[str, Expected]:
        """Return what is expected of each image, none of one that nothing is known of.

        ``scratch`` takes what has to be fetched or unpacked. Raise UsageError for what names no
        image, FetchError or IntegrityError for one that can't be read.
        """
        if not self.given:
            known = {image: self.ledger(image, each) for image, each in plans.items()}
            return {image: each for image, each in known.items() if each is not None}
        image = self._meant(plans)
        if is_digest(self.given):
            return {image: by_digest(self.given, self.output / image)}
        path = Path(self.given)
        if path.is_dir():
            return {image: expected_of(layout_view(path, self.given))}
        if path.is_file():
            return {image: expected_of(archive_view(path, scratch / "against"))}
        if path.parent != Path() and path.parent.is_dir():
            raise UsageError(
                "there is no layout and no archive",
                where=f"--against {self.given}",
                solution="build it, or give an image of a registry as REGISTRY/IMAGE:TAG",
            )
        view = registry_view(
            parsed_reference(self.given),
            supply.workspace,
            Store(scratch / "pulled"),
            supply.environ,
            supply.reporter,
        )
        return {image: expected_of(view)}

    def ledger(self, image: str, plans: Sequence[ImagePlan]) -> Expected | None:
        """Return what the last build of an image lets expect, if that was of these plans."""
        keys = {plan.target.platform: plan.key for plan in plans}
        return by_ledger(self.output / image, keys, self.builder)

    def _meant(self, plans: Plans) -> str:
        """Return which of an env's images is meant, by its name, where there are several."""
        if len(plans) == 1:
            return next(iter(plans))
        name = Path(self.given).name if Path(self.given).exists() else self.given
        found = [image for image in plans if image in name]
        if len(found) != 1:
            raise UsageError(
                f"it isn't said which of {len(plans)} images this is",
                where=f"--against {self.given}",
                solution=f"give a layout or an image that is called as one of {', '.join(plans)}",
            )
        return found[0]
