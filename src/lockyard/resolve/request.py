"""What a resolution is asked for beyond a spec, and what it takes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from attrs import frozen

from lockyard.events import Reporter
from lockyard.lock.model import Artifact, Lock, Target


@frozen(kw_only=True)
class Moves:
    """What may move away from where the old lock pins it.

    ``everything`` forgets all pins; ``packages`` names those to move, each as ``name`` or
    ``name==version``. ``as_of`` (an aware time) leaves out what was published from then on.
    """

    packages: frozenset[str] = frozenset()
    everything: bool = False
    as_of: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.packages or self.everything or self.as_of)

    @property
    def names(self) -> frozenset[str]:
        """Return the names of the packages to move."""
        return frozenset(each.partition("==")[0] for each in self.packages)


@frozen(kw_only=True)
class World:
    """What resolving takes from outside: a cache, the environment, the time, progress."""

    cache: Path
    environ: Mapping[str, str]
    now: datetime
    reporter: Reporter


@frozen(kw_only=True)
class Pins:
    """The old lock, as far as it still binds."""

    old: Lock | None
    moves: Moves

    def of(self, artifacts: str, target: Target | None = None) -> tuple[Artifact, ...]:
        """Return a kind's artifacts in the old lock, those that serve a target alone.

        ``artifacts`` is the name of a field of Lock.
        """
        if self.old is None or self.moves.everything:
            return ()
        kept: tuple[Artifact, ...] = getattr(self.old, artifacts)
        name = target.name if target else ""
        return tuple(each for each in kept if not (name and each.targets) or name in each.targets)
