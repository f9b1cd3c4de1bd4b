"""A registry's image in a store, its layers written by the test."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence

import pytest
import zstandard
from attrs import define

from lockyard.fetch.image import PulledImage, PulledLayer
from lockyard.store.store import Store

DOCKER = "application/vnd.docker.image.rootfs.diff.tar"
OCI = "application/vnd.oci.image.layer.v1.tar"
Members = Mapping[str, bytes | str]


def layer_tar(members: Members, mode: int = 0o644) -> bytes:
    """Pack files; a text is the target of a symbolic link."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in members.items():
            info = tarfile.TarInfo(path)
            info.mode = mode
            info.gid = 42
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def packed(data: bytes, media_type: str) -> bytes:
    """Compress an archive as its media type says."""
    if media_type.endswith("gzip"):
        return gzip.compress(data, mtime=0)
    if media_type.endswith("zstd"):
        half = len(data) // 2
        return zstandard.compress(data[:half]) + zstandard.compress(data[half:])
    return data


@define
class Pulled:
    """Make pulled images of a store."""

    store: Store

    def image(
        self, *layers: Members, media_types: Sequence[str] = (), diff_id: str = ""
    ) -> PulledImage:
        """Put layers, the base first, where a pull would."""
        made = []
        for number, members in enumerate(layers):
            kind = media_types[number] if media_types else f"{OCI}+gzip"
            archive = layer_tar(members)
            with self.store.writer("artifact") as writer:
                writer.write(packed(archive, kind))
                writer.commit()
            made.append(
                PulledLayer(
                    digest=writer.sha256,
                    size=writer.size,
                    media_type=kind,
                    diff_id=diff_id or hashlib.sha256(archive).hexdigest(),
                )
            )
        return PulledImage(manifest=b"", config=b"", layers=tuple(made))


@pytest.fixture
def pulled(store: Store) -> Pulled:
    return Pulled(store)
