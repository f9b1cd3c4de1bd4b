"""Take out of the store what no lock needs and no build used for some time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from attrs import frozen

from lockyard.store.contents import FOLDERS, Held, contents, remove
from lockyard.store.store import Store
from lockyard.store.usage import alone
from lockyard.tasks.needs import Needs, needs_of
from lockyard.tasks.workspaces import remember, workspaces

_DAY = 86_400


@frozen(kw_only=True)
class Tally:
    """How many files of a kind stay, and how many go; sizes are in bytes."""

    kind: str
    kept: int
    kept_size: int
    removed: int
    removed_size: int


@frozen(kw_only=True)
class Collected:
    """What was removed, or would be: see Needs for ``locks`` and ``unplanned``."""

    store: str
    workspaces: tuple[str, ...]
    locks: tuple[str, ...]
    unplanned: tuple[str, ...]
    tallies: tuple[Tally, ...]


@frozen(kw_only=True)
class Collector:
    """Clear up a store that the workspace ``root`` uses, perhaps among others.

    What was used in the last ``days`` stays, whether or not it's needed.
    """

    store: Store
    root: Path
    days: int
    now: Callable[[], float] = time.time

    def collect(self, *, wait: bool = False) -> Collected:
        """Remove what isn't needed.

        Raise StoreError where a build runs, unless told to ``wait`` for its end. Raise
        StoreError or LockError where it can't be known what a workspace needs; nothing is
        removed then.
        """
        with alone(self.store.root, wait=wait):
            remember(self.store, self.root)
            needs, roots, held = self._look()
            going = unneeded(held, needs, self._since)
            remove(self.store, going)
            self.store.clear_scratch()
            # What a lock stops needing from now on was needed until now, and has its time too.
            self._mark(held, needs)
        return _collected(self.store, roots, needs, held, going)

    def preview(self) -> Collected:
        """Tell what would be removed, in a store that others may use meanwhile."""
        needs, roots, held = self._look()
        return _collected(self.store, roots, needs, held, unneeded(held, needs, self._since))

    @property
    def _since(self) -> float:
        return self.now() - self.days * _DAY

    def _look(self) -> tuple[Needs, Sequence[Path], Sequence[Held]]:
        roots = sorted({self.root.resolve(), *workspaces(self.store)})
        return needs_of(roots, self.store), roots, list(contents(self.store))

    def _mark(self, held: Iterable[Held], needs: Needs) -> None:
        for each in held:
            if each.kind in {"artifact", "record", "cache"} and needed(each, needs):
                self.store.mark(each.path)


def unneeded(held: Iterable[Held], needs: Needs, since: float) -> list[Held]:
    """Return what no lock needs and nobody used ``since`` a time (seconds since 1970).

    A record that stays keeps what it names.
    """
    everything = list(held)
    kept = [
        each
        for each in everything
        if each.kind == "record" and (each.used >= since or needed(each, needs))
    ]
    named = needs.digests.union(*(record.names for record in kept))
    wider = Needs(digests=named, records=needs.records, folders=needs.folders)
    return [each for each in everything if each.used < since and not needed(each, wider)]


def needed(held: Held, needs: Needs) -> bool:
    """Tell whether something of the store has to stay."""
    match held.kind:
        case "record":
            return held.name in needs.records
        case "cache":
            return any(parent.as_posix() in needs.folders for parent in Path(held.name).parents)
        case _:
            return held.name in needs.digests


def _collected(
    store: Store, roots: Sequence[Path], needs: Needs, held: Sequence[Held], going: Sequence[Held]
) -> Collected:
    gone = {each.path for each in going}
    return Collected(
        store=str(store.root),
        workspaces=tuple(map(str, roots)),
        locks=needs.locks,
        unplanned=needs.unplanned,
        tallies=tuple(
            _tally(kind, [each for each in held if each.kind == kind], gone) for kind in FOLDERS
        ),
    )


def _tally(kind: str, held: Sequence[Held], gone: set[Path]) -> Tally:
    going = [each.size for each in held if each.path in gone]
    staying = [each.size for each in held if each.path not in gone]
    return Tally(
        kind=kind,
        kept=len(staying),
        kept_size=sum(staying),
        removed=len(going),
        removed_size=sum(going),
    )
