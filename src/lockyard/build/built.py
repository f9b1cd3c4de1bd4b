"""A layer that was built."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class BuiltLayer:
    """A layer in the store.

    ``digest`` and ``size`` (bytes) are those of the compressed blob, ``diff_id`` the sha256
    of the archive inside it, all sha256 in hex.
    """

    title: str
    digest: str
    size: int
    diff_id: str
