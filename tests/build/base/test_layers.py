from __future__ import annotations

from lockyard.build.base.layers import base_layers
from tests.build.base.conftest import DOCKER, OCI, Pulled


def test_layers_pass_through_by_their_own_digests(pulled: Pulled) -> None:
    kinds = [f"{DOCKER}.gzip", DOCKER, f"{OCI}+zstd"]
    image = pulled.image({"a": b""}, {"b": b""}, {"c": b""}, media_types=kinds)
    built = base_layers(image, "base")
    assert [(each.digest, each.size, each.diff_id) for each in built] == [
        (each.digest, each.size, each.diff_id) for each in image.layers
    ]
    assert [each.media_type for each in built] == [f"{OCI}+gzip", OCI, f"{OCI}+zstd"]
