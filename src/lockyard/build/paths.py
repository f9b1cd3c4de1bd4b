"""Names found in archives, made safe."""

from __future__ import annotations

import re

from lockyard.errors import IntegrityError

# A new line would forge lines of the records that list paths, one a line.
_NEVER = re.compile(r"[\0\n\r\\]")


def safe_path(name: str, archive: str) -> str:
    """Return an archive member's path relative to the root, or "" for the root itself.

    A leading ``./`` and a closing ``/`` are taken off. Raise IntegrityError for a name that is
    absolute, climbs, or can't be a path.
    """
    trimmed = name.removeprefix("./").rstrip("/")
    if trimmed in {"", "."} and name.startswith("."):
        return ""
    parts = trimmed.split("/")
    if name.startswith("/") or _NEVER.search(name) or {"", ".", ".."} & set(parts):
        raise IntegrityError(
            f"it has a member named {name!r}, which would be unpacked outside its place",
            where=archive,
            solution="don't use this package; if it came from an index of yours, look into it",
        )
    return trimmed
