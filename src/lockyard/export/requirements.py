"""A target's wheels as requirements with hashes, for pip and uv."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Target, Wheel


def requirements_text(lock: Lock, target: Target) -> str:
    """Return a requirements file for ``pip install --require-hashes``.

    No line names an index: a lock names none. A wheel that was built from source also has
    its source distribution's hash, which is what an index has of it.
    """
    head = f"# {lock.env}, {target.name}, Python {target.python}\n"
    return head + pinned(serving(lock.wheels, target))


def pinned(wheels: Iterable[Wheel]) -> str:
    """Return the requirements of wheels, each by its version and hashes, in their names' order."""
    return "".join(map(_lines, sorted(wheels, key=lambda wheel: wheel.name)))


def _lines(wheel: Wheel) -> str:
    return " \\\n    ".join([f"{wheel.name}=={wheel.version}", *_hashes(wheel)]) + "\n"


def _hashes(wheel: Wheel) -> Iterator[str]:
    yield f"--hash=sha256:{wheel.sha256}"
    if wheel.sdist is not None:
        yield f"--hash=sha256:{wheel.sdist.sha256}"
