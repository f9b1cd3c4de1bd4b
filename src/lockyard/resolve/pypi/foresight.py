"""Which pages a resolution will ask for, guessed from those before it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from packaging.utils import canonicalize_name

from lockyard.sources.address import without_login

from .memory import Memory
from .protocol import Chosen, Request

# So many packages are remembered, those of the last resolutions; no set has half as many.
_LARGEST = 2000
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Foresight:
    """Remember which packages' dependencies were what, for an index and a target.

    Metadata tells that as well, but a page late: one has to be read to choose the metadata.
    With this, all pages of a resolution can be fetched side by side. A wrong guess costs a
    page that nobody needs, and changes nothing.
    """

    def __init__(self, request: Request) -> None:
        self._memory = Memory(Path(request.cache) / "foresight")
        scope = f"{without_login(request.index)}\n{request.target}"
        self._key = hashlib.sha256(scope.encode()).hexdigest()
        self._known = _read(self._memory.get(self._key) or b"{}")

    def beyond(self, names: Iterable[str]) -> list[str]:
        """Return packages with what they depend on, all the way down, in the order of need."""
        found = {str(canonicalize_name(name)): None for name in names}
        order = list(found)
        for name in order:  # which grows on the way
            new = [each for each in self._known.get(name, ()) if each not in found]
            found.update(dict.fromkeys(new))
            order += new
        return order

    def learn(self, wheels: Iterable[Chosen]) -> None:
        """Remember a solution."""
        chosen = tuple(wheels)
        needs: dict[str, list[str]] = {wheel.name: [] for wheel in chosen}
        for wheel in chosen:
            for parent in wheel.required_by:
                needs[parent].append(wheel.name)
        if all(self._known.get(name) == each for name, each in needs.items()):
            return
        rest = {name: each for name, each in self._known.items() if name not in needs}
        kept = list((rest | needs).items())[-_LARGEST:]
        self._memory.put(self._key, json.dumps(dict(kept)).encode())


def _read(contents: bytes) -> dict[str, list[str]]:
    """Read what is remembered; whatever isn't a list of names by name is nothing."""
    try:
        known = json.loads(contents)
        names = [name for pair in known.items() for name in (pair[0], *pair[1])]
        return known if all(map(_NAME.fullmatch, names)) else {}
    except (AttributeError, TypeError, ValueError, RecursionError):
        return {}
