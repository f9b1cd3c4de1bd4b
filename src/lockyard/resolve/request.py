"""What a resolution takes from the old lock and from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Semaphore
from typing import TypeVar

from attrs import Factory, field, frozen

from lockyard.events import Reporter
from lockyard.lock.model import Artifact, BaseImage, CondaPackage, Deb, Lock, Wheel
from lockyard.lock.parent import Inherited, inherited
from lockyard.resolve.moves import Moves
from lockyard.resolve.once import Once
from lockyard.spec.checks import DatedSourceName
from lockyard.spec.model import ImageBase

A = TypeVar("A", bound=Artifact)


def _slots(world: World) -> Semaphore:
    return Semaphore(world.jobs)


@frozen(kw_only=True)
class World:
    """What resolving takes from outside.

    ``root`` is the workspace's folder, for the files that its sources name. Resolutions that
    share ``once`` and the folder ``shared`` see the same state of the sources, and ``jobs`` of
    those that share ``slots`` run at once.
    """

    root: Path
    cache: Path
    environ: Mapping[str, str]
    now: datetime
    reporter: Reporter
    once: Once = field(factory=Once, eq=False)
    shared: Path | None = None
    jobs: int = 1
    slots: Semaphore = field(default=Factory(_slots, takes_self=True), eq=False)


@frozen(kw_only=True)
class Pins:
    """The old lock, as far as it still binds; ``as_of`` are the spec's days by source.

    What the ``parent`` has, the lock of the env that this one extends, never moves.
    """

    old: Lock | None
    moves: Moves
    parent: Lock | None = None
    as_of: Mapping[DatedSourceName, str] = field(factory=dict)

    def cutoff(self, source: str) -> datetime | None:
        """Return the time from which on a source's packages are left out, if any."""
        days = [datetime.fromisoformat(day) for name, day in self.as_of.items() if name == source]
        times = [day.replace(tzinfo=UTC) for day in days]
        return min([*times, *([self.moves.as_of] if self.moves.as_of else [])], default=None)

    def debs(self, target: str) -> tuple[Deb, ...]:
        """Return the Debian packages that the parent or the old lock has for a target."""
        fixed = held.debs if (held := self.inherited(target)) else ()
        return _over(fixed, self._kept.debs if self._kept else (), target)

    def conda(self, target: str) -> tuple[CondaPackage, ...]:
        """Return the conda packages that the parent or the old lock has for a target."""
        fixed = held.conda if (held := self.inherited(target)) else ()
        return _over(fixed, self._kept.conda if self._kept else (), target)

    def wheels(self, target: str) -> tuple[Wheel, ...]:
        """Return the wheels that the parent or the old lock has for a target."""
        fixed = held.wheels if (held := self.inherited(target)) else ()
        return _over(fixed, self._kept.wheels if self._kept else (), target)

    def inherited(self, target: str) -> Inherited | None:
        """Return what the parent has for a target, if there is a parent."""
        return inherited(self.parent, target) if self.parent else None

    def image(self, base: ImageBase, platform: str) -> BaseImage | None:
        """Return the base image that the old lock has, if it is the one still asked for.

        It moves by the name of the image, as ``library/ubuntu``, among the packages to move;
        the parent's doesn't.
        """
        if self.parent is not None:
            return next(each for each in self.parent.images if each.platform == platform)
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


def _over(fixed: Sequence[A], held: Sequence[A], target: str) -> tuple[A, ...]:
    """Return what is fixed, and what is held for a target under other names."""
    names = {each.name for each in fixed}
    return (*fixed, *(each for each in held if each.serves(target) and each.name not in names))
