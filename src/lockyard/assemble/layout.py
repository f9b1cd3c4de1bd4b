"""An OCI image layout in a folder, its blobs shared with the store."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from lockyard.assemble.document import (
    Document,
    config_document,
    encoded,
    layout_index,
    manifest_document,
    platform_index,
)
from lockyard.assemble.left import prefix_of, sweep_left
from lockyard.assemble.replace import replace_folder
from lockyard.build.built import BuiltLayer
from lockyard.errors import BuildError, StoreError
from lockyard.plan.image import ImagePlan
from lockyard.sources.manifest import Settings
from lockyard.store.faults import output_faults
from lockyard.store.store import Store

TAG = "latest"
LEDGER = "lockyard.json"
MOST_LAYERS = 100  # overlay file systems stack few more
# linux/fs.h: share the extents of another file, copied on write.
_FICLONE = 0x40049409


@frozen(kw_only=True)
class Image:
    """One platform's image: its documents, and its layers in the store."""

    platform: str
    manifest: Document
    config: Document
    layers: tuple[BuiltLayer, ...]

    @property
    def digest(self) -> str:
        """Return the manifest's digest, which is the image's."""
        return f"sha256:{self.manifest.digest}"

    @property
    def blobs(self) -> Mapping[str, int]:
        """Return the size of each of the image's blobs, by its sha256 in hex."""
        documents = {each.digest: len(each.data) for each in (self.manifest, self.config)}
        return documents | {layer.digest: layer.size for layer in self.layers}


def assemble(plan: ImagePlan, layers: Sequence[BuiltLayer], base: Settings | None = None) -> Image:
    """Return the image that layers make, those of its base first, which hands on ``base``.

    Raise BuildError for more layers than engines take.
    """
    if len(layers) > MOST_LAYERS:
        raise BuildError(
            f"the image would have {len(layers)} layers, and engines take {MOST_LAYERS}",
            where=plan.names.image,
            solution="build on a base of fewer layers",
        )
    config = config_document(plan, layers, base)
    return Image(
        platform=plan.target.platform,
        manifest=manifest_document(config, layers),
        config=config,
        layers=tuple(layers),
    )


def top_document(images: Sequence[Image]) -> Document:
    """Return what an image's tag names: its one manifest, or the index of its platforms."""
    if len(images) == 1:
        return images[0].manifest
    return platform_index({image.platform: image.manifest for image in images})


def write_layout(
    images: Sequence[Image], repository: str, ledger: bytes, store: Store, folder: Path
) -> None:
    """Write an image layout in place of what the folder held (OCI image layout 1.0).

    ``images`` are one image's platforms; ``ledger`` is kept beside the index. All is made
    beside its place and renamed, so that a kill leaves the old layout or the new; what killed
    builds of this image left there is removed. Raise StoreError, also for a folder that holds
    something else.
    """
    _check_replaceable(folder)
    with output_faults(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        sweep_left(folder, time.time())
        made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=prefix_of(folder)))
        try:
            for image in images:
                _put_blobs(image, store, made)
            top = top_document(images)
            _write(made / "blobs" / "sha256" / top.digest, top.data)
            _write(made / "index.json", layout_index(top, repository, TAG).data)
            _write(made / "oci-layout", encoded({"imageLayoutVersion": "1.0.0"}))
            _write(made / LEDGER, ledger)
            made.chmod(0o755)
            replace_folder(made, folder)
        finally:
            shutil.rmtree(made, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    """Raise StoreError where a folder has something else than a layout in it."""
    with output_faults(folder.parent):
        held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if held and not held & {LEDGER, "oci-layout"}:
        raise StoreError(
            "it is no image layout, and would be removed to make place for one",
            where=str(folder),
            solution="move it away, or give another --output",
        )


def read_ledger(folder: Path) -> dict[str, Any] | None:
    """Return what a layout's ledger says, if all the blobs that it names are there.

    It has ``images``, digests by platform, ``blobs``, sizes in bytes by sha256, and may have
    ``layers``, lists by platform; a ledger of another shape is none.
    """
    try:
        ledger = json.loads((folder / LEDGER).read_bytes())
        sound = (folder / "index.json").is_file() and all(
            type(size) is int and (folder / "blobs/sha256" / name).stat().st_size == size
            for name, size in ledger["blobs"].items()
        )
        sound = sound and all(isinstance(each, str) for each in ledger["images"].values())
        sound = sound and all(isinstance(each, list) for each in ledger.get("layers", {}).values())
    except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None
    return ledger if sound else None


def _put_blobs(image: Image, store: Store, folder: Path) -> None:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for path in (folder / "blobs", blobs):
        path.chmod(0o755)
    for document in (image.config, image.manifest):
        _write(blobs / document.digest, document.data)
    for layer in image.layers:
        source = store.content(layer.digest, layer.size)
        if source is None:
            raise StoreError(
                "a layer has gone from the store", where=str(store.root), solution="Build again."
            )
        if not (blobs / layer.digest).exists():
            share(source, blobs / layer.digest)


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
