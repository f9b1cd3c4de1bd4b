"""What a resolution takes from the old lock and from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from lockyard.events import Reporter
from lockyard.lock.model import BaseImage, CondaPackage, Deb, Lock, Wheel
from lockyard.resolve.moves import Moves
from lockyard.spec.checks import DatedSourceName
from lockyard.spec.model import ImageBase


@frozen(kw_only=True)
class World:
    """What resolving takes from outside.

    ``root`` is the workspace's folder, for the files that its sources name.
    """

    root: Path
    cache: Path
    environ: Mapping[str, str]
    now: datetime
    reporter: Reporter


@frozen(kw_only=True)
class Pins:
    """The old lock, as far as it still binds; ``as_of`` are the spec's days by source."""

    old: Lock | None
    moves: Moves
    as_of: Mapping[DatedSourceName, str] = field(factory=dict)

    def cutoff(self, source: str) -> datetime | None:
        """Return the time from which on a source's packages are left out, if any."""
        days = [datetime.fromisoformat(day) for name, day in self.as_of.items() if name == source]
        times = [day.replace(tzinfo=UTC) for day in days]
        return min([*times, *([self.moves.as_of] if self.moves.as_of else [])], default=None)

    def debs(self, target: str) -> tuple[Deb, ...]:
        """Return the Debian packages that the old lock has for a target."""
        held = self._kept.debs if self._kept else ()
        return tuple(each for each in held if each.serves(target))

    def conda(self, target: str) -> tuple[CondaPackage, ...]:
        """Return the conda packages that the old lock has for a target."""
        held = self._kept.conda if self._kept else ()
        return tuple(each for each in held if each.serves(target))

    def wheels(self, target: str) -> tuple[Wheel, ...]:
        """Return the wheels that the old lock has for a target."""
        held = self._kept.wheels if self._kept else ()
        return tuple(each for each in held if each.serves(target))

    def image(self, base: ImageBase, platform: str) -> BaseImage | None:
        """Return the base image that the old lock has, if it is the one still asked for.

        It moves by the name of the image, as ``library/ubuntu``, among the packages to move.
        """
        for image in self._kept.images if self._kept else ():
            same = (image.image, image.tag, image.source) == (base.image, base.tag, base.source)
            index = base.index is None or base.index == f"sha256:{image.index}"
            moves = image.image in self.moves.names
            if same and index and not moves and image.platform == platform:
                return image
        return None

    @property
    def _kept(self) -> Lock | None:
        return None if self.moves.everything else self.old
