"""The layers of a registry's image, passed through unchanged."""

from __future__ import annotations

from lockyard.build.built import LAYER, BuiltLayer
from lockyard.fetch.image import PulledImage

_TAR = LAYER.removesuffix("+gzip")
# The same bytes by OCI's names, which differ from Docker's in nothing else.
_DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
_NAMES = {_DOCKER: _TAR, f"{_DOCKER}.gzip": LAYER, f"{_DOCKER}.zstd": f"{_TAR}+zstd"}


def base_layers(pulled: PulledImage, title: str) -> list[BuiltLayer]:
    """Return an image's layers, base first, with their own digests."""
    return [
        BuiltLayer(
            title=title,
            digest=layer.digest,
            size=layer.size,
            diff_id=layer.diff_id,
            media_type=_NAMES.get(layer.media_type, layer.media_type),
        )
        for layer in pulled.layers
    ]
