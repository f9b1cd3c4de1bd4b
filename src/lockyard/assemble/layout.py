"""An OCI image layout in a folder, its blobs shared with the store."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import frozen

from lockyard.assemble.document import (
    Document,
    config_document,
    encoded,
    index_document,
    manifest_document,
)
from lockyard.build.layer import BuiltLayer
from lockyard.plan.image import ImagePlan
from lockyard.store.faults import store_faults
from lockyard.store.store import Store

TAG = "latest"
# linux/fs.h: share the extents of another file, copied on write.
_FICLONE = 0x40049409


@frozen(kw_only=True)
class Image:
    """An image's documents and the blobs of its layers.

    ``blobs`` maps the sha256 in hex of everything below ``blobs/`` to its size in bytes.
    """

    manifest: Document
    config: Document
    index: Document
    layers: tuple[BuiltLayer, ...]

    @property
    def digest(self) -> str:
        """Return the manifest's digest, which is the image's."""
        return f"sha256:{self.manifest.digest}"

    @property
    def blobs(self) -> Mapping[str, int]:
        """Return what stands below ``blobs/sha256``."""
        documents = {each.digest: len(each.data) for each in (self.manifest, self.config)}
        return documents | {layer.digest: layer.size for layer in self.layers}


def assemble(plan: ImagePlan, layers: Sequence[BuiltLayer]) -> Image:
    """Return the image that built layers make."""
    config = config_document(plan, layers)
    manifest = manifest_document(config, layers)
    return Image(
        manifest=manifest,
        config=config,
        index=index_document(manifest, plan, TAG),
        layers=tuple(layers),
    )


def write_layout(image: Image, store: Store, folder: Path) -> None:
    """Write an image layout in place of what the folder held (OCI image layout 1.0).

    It is made beside its place and renamed, so that a kill leaves the old one or the new.
    """
    with store_faults(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            _fill(image, store, made)
            made.chmod(0o755)
            if folder.exists():
                old = made.with_name(f"{made.name}.old")
                folder.rename(old)
                made.rename(folder)
                shutil.rmtree(old)
            else:
                made.rename(folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def is_layout(folder: Path, digest: str, blobs: Mapping[str, int]) -> bool:
    """Tell whether a folder holds an image whole, by names and sizes alone.

    ``digest`` is the sha256 in hex of its index.
    """
    try:
        index = Document("", (folder / "index.json").read_bytes())
        return index.digest == digest and all(
            (folder / "blobs/sha256" / name).stat().st_size == size for name, size in blobs.items()
        )
    except OSError:
        return False


def _fill(image: Image, store: Store, folder: Path) -> None:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for path in (folder / "blobs", blobs):
        path.chmod(0o755)
    for document in (image.config, image.manifest):
        _write(blobs / document.digest, document.data)
    for layer in image.layers:
        source = store.blob(layer.digest, layer.size)
        if source is None:
            raise FileNotFoundError(layer.digest)
        if not (blobs / layer.digest).exists():
            share(source, blobs / layer.digest)
    _write(folder / "oci-layout", encoded({"imageLayoutVersion": "1.0.0"}))
    _write(folder / "index.json", image.index.data)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o644)


def share(source: Path, target: Path) -> None:
    """Give a file a second name without copying it, where the file system allows.

    A clone is best, since a change of one leaves the other as it was; then a hard link; then
    a copy.
    """
    with source.open("rb") as old, target.open("xb") as new:
        try:
            fcntl.ioctl(new.fileno(), _FICLONE, old.fileno())
            os.fchmod(new.fileno(), 0o444)
            return
        except OSError:
            target.unlink()
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o444)
