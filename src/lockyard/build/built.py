"""A layer that was built."""

from __future__ import annotations

from attrs import field, frozen

from lockyard.build.entry import Entry

# OCI image layer: a tar archive, compressed by gzip.
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@frozen(kw_only=True)
class BuiltLayer:
    """A layer in the store.

    ``digest`` and ``size`` (bytes) are those of the compressed blob, ``diff_id`` the sha256
    of the archive inside it, all sha256 in hex. ``owned`` are the files and links of a layer of
    packages, without their contents, by which collisions between packages are found.
    """

    title: str
    digest: str
    size: int
    diff_id: str
    media_type: str = LAYER
    owned: tuple[Entry, ...] = field(default=(), repr=False)
