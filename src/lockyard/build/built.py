"""A layer that was built."""

from __future__ import annotations

from attrs import field, frozen

from lockyard.build.entry import Entry


@frozen(kw_only=True)
class BuiltLayer:
    """A layer in the store.

    ``digest`` and ``size`` (bytes) are those of the compressed blob, ``diff_id`` the sha256
    of the archive inside it, all sha256 in hex. ``files`` are those of a layer of wheels,
    without their contents, by which collisions with other layers are found.
    """

    title: str
    digest: str
    size: int
    diff_id: str
    files: tuple[Entry, ...] = field(default=(), repr=False)
