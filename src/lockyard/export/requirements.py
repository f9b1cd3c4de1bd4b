"""A target's wheels as requirements with hashes, for pip and uv."""

from __future__ import annotations

from collections.abc import Iterator

from lockyard.lock.finding import serving
from lockyard.lock.model import Lock, Target, Wheel


def requirements_text(lock: Lock, target: Target) -> str:
    """Return a requirements file for ``pip install --require-hashes``.

    No line names an index: a lock names none. A wheel that was built from source also has
    its source distribution's hash, which is what an index has of it.
    """
    wheels = sorted(serving(lock.wheels, target), key=lambda wheel: wheel.name)
    return "".join([f"# {lock.env}, {target.name}, Python {target.python}\n", *map(_lines, wheels)])


def _lines(wheel: Wheel) -> str:
    return " \\\n    ".join([f"{wheel.name}=={wheel.version}", *_hashes(wheel)]) + "\n"


def _hashes(wheel: Wheel) -> Iterator[str]:
    yield f"--hash=sha256:{wheel.sha256}"
    if wheel.sdist is not None:
        yield f"--hash=sha256:{wheel.sdist.sha256}"
