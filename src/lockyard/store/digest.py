"""The sha256 of a file, and whether it is what was promised."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from lockyard.errors import IntegrityError

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def checked_sha256(text: str) -> str:
    """Return ``text`` where it is 64 lower-case hex digits, which makes it safe in a path."""
    if not _SHA256.fullmatch(text):
        raise IntegrityError(
            f"{text[:80]!r} is not a sha256",
            solution="Write the lock again; it was damaged or edited by hand.",
        )
    return text


def file_sha256(path: Path) -> str:
    """Hash a file as it stands on the disk."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_content(
    *, found: tuple[str, int], expected: tuple[str | None, int | None], where: str
) -> None:
    """Compare sha256 and size (bytes) with what is expected, None matching anything.

    Raises IntegrityError, which names both sides.
    """
    (sha256, size), (expected_sha256, expected_size) = found, expected
    if expected_size is not None and size != expected_size:
        raise IntegrityError(f"it has {size} bytes where {expected_size} are due", where=where)
    if expected_sha256 is not None and sha256 != expected_sha256:
        raise IntegrityError(f"its sha256 is {sha256} where {expected_sha256} is due", where=where)
