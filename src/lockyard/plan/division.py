"""Which packages share a layer: the big ones none, the small ones by a hash of their names.

A bump then changes one layer, and the same packages are the same layers in every image.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

from lockyard.lock.model import Artifact

BIG = 8 << 20  # bytes of a package from which on it is a layer of its own
MOST_BIG = 60  # such layers, in an image of at most 100
MOST = 256 << 20  # bytes of packages that share a layer
LARGEST = 2 << 30  # bytes of a package from which on its files are in several layers
SHARED = 8  # layers that the small ones share, before any of them exceeds the most
_FIRST = 7  # the digit of a name's hash that divides first

Package = TypeVar("Package", bound=Artifact)


def divide(packages: Iterable[Package], most_big: int = MOST_BIG) -> list[tuple[Package, ...]]:
    """Divide packages: first each that is big, by name, then those that share layers."""
    ordered = sorted(packages, key=lambda each: (-each.size, each.name))
    big = [each for each in ordered[:most_big] if each.size >= BIG]
    alone = [(each,) for each in sorted(big, key=lambda each: each.name)]
    return [*alone, *_shared(ordered[len(big) :])]


def _shared(
    packages: Sequence[Package], digit: int = _FIRST, ways: int = SHARED
) -> list[tuple[Package, ...]]:
    """Divide by one digit of the names' hashes; in two by the next where that isn't enough."""
    groups: dict[int, list[Package]] = {}
    for package in packages:
        name = hashlib.sha256(package.name.encode()).hexdigest()
        groups.setdefault(int(name[digit], 16) % ways, []).append(package)
    return list(chain.from_iterable(_bounded(groups[number], digit) for number in sorted(groups)))


def _bounded(group: Sequence[Package], digit: int) -> list[tuple[Package, ...]]:
    small = len(group) == 1 or sum(each.size for each in group) <= MOST
    if small or digit + 1 == hashlib.sha256().digest_size * 2:
        return [tuple(sorted(group, key=lambda each: each.name))]
    return _shared(group, digit + 1, ways=2)
