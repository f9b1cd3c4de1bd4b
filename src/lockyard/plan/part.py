"""A part of the files of a package that is too large for one layer."""

from __future__ import annotations

import hashlib

from attrs import frozen


@frozen
class Part:
    """One of several layers that the files of a package too large for one are divided into."""

    number: int  # from 0 on
    of: int

    def has(self, path: str) -> bool:
        """Tell whether a path is in this part: a hash of it says so."""
        digest = hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()
        return int(digest[:8], 16) % self.of == self.number


WHOLE = Part(0, 1)
