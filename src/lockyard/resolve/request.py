"""What a resolution takes from the old lock and from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import field, frozen

from lockyard.events import Reporter
from lockyard.lock.model import Artifact, Lock, Target
from lockyard.resolve.moves import Moves
from lockyard.spec.checks import DatedSourceName


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

    def of(self, artifacts: str, target: Target | None = None) -> tuple[Artifact, ...]:
        """Return a kind's artifacts in the old lock, those that serve a target alone.

        ``artifacts`` is the name of a field of Lock.
        """
        if self.old is None or self.moves.everything:
            return ()
        kept: tuple[Artifact, ...] = getattr(self.old, artifacts)
        name = target.name if target else ""
        return tuple(each for each in kept if not (name and each.targets) or name in each.targets)
