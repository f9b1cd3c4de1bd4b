"""What may move away from where a lock pins it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from attrs import frozen

from lockyard.spec.names import normalised


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
        """Return the names of the packages to move, in every way that a lock may spell them."""
        return frozenset(spelt for each in self.packages for spelt in spellings(each))

    def of(self, names: Collection[str]) -> frozenset[str]:
        """Return the packages to move that are among some names, spelt as those are."""
        return frozenset(
            f"{spelt}{''.join(each.partition('==')[1:])}"
            for each in self.packages
            for spelt in spellings(each)
            if spelt in names
        )


def spellings(package: str) -> frozenset[str]:
    """Return what a lock may call a package to move: as it is given, or as an index does."""
    name = package.partition("==")[0]
    return frozenset({name, name.lower(), normalised(name)})
