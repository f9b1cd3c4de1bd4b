"""An image layout, read back: its documents by digest, and the blobs that they name."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

from attrs import frozen

from lockyard.assemble.document import Document
from lockyard.errors import IntegrityError, UsageError
from lockyard.sources.manifest import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Index,
    Manifest,
    parse_document,
)

_LARGEST = 4 << 20  # bytes of a manifest or an index, as registries take them


@frozen(kw_only=True)
class Layout:
    """One image of a layout.

    ``top`` is what its tag names; ``manifests`` are those of its platforms, which is ``top``
    alone where there is no index. ``blobs`` are their configs and layers, each once.
    """

    folder: Path
    top: Document
    manifests: tuple[Document, ...]
    blobs: tuple[Descriptor, ...]

    @property
    def size(self) -> int:
        """Return the bytes of the whole image."""
        documents = {each.digest: len(each.data) for each in (self.top, *self.manifests)}
        return sum(documents.values()) + sum(blob.size for blob in self.blobs)

    def path(self, sha256: str) -> Path:
        """Return where a blob is, by its sha256 in hex."""
        return self.folder / "blobs" / "sha256" / sha256


def read_layout(folder: Path) -> Layout:
    """Read a layout of one image.

    Raise UsageError for a folder that isn't one, IntegrityError where a document isn't what
    its digest says.
    """
    try:
        (entry,) = json.loads(_read(folder / "index.json"))["manifests"]
        top = _document(folder, entry["mediaType"], entry["digest"])
        found = parse_document(top.data, INDEXES | MANIFESTS, str(folder))
        manifests = [top]
        if isinstance(found, Index):
            manifests = [
                _document(folder, each.media_type, each.digest) for each in found.manifests
            ]
        blobs: dict[str, Descriptor] = {}
        for each in manifests:
            parsed = parse_document(each.data, MANIFESTS, str(folder))
            assert isinstance(parsed, Manifest)  # noqa: S101 - no other kind is taken
            blobs |= {blob.digest: blob for blob in (parsed.config, *parsed.layers)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            "this isn't a whole image layout", where=str(folder), solution="build the image again"
        ) from None
    return Layout(folder=folder, top=top, manifests=tuple(manifests), blobs=tuple(blobs.values()))


def _document(folder: Path, kind: str, digest: str) -> Document:
    sha256 = Descriptor(digest=digest, size=1).sha256
    document = Document(kind, _read(folder / "blobs" / "sha256" / sha256))
    if document.digest != sha256:
        raise damaged(folder, sha256)
    return document


def _read(path: Path) -> bytes:
    """Return a document's bytes. Raise OSError or ValueError for a file that can't be one."""
    # Not opened before it is known to be a file: a FIFO or a device may never end.
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        raise ValueError("this is no document")
    return path.read_bytes()


def damaged(folder: Path, sha256: str) -> IntegrityError:
    """Return the error of a blob that isn't what its name says."""
    return IntegrityError(
        f"this image is damaged: blob sha256:{sha256}",
        where=str(folder),
        solution="remove that folder and build again",
    )


def check_blob(layout: Layout, blob: Descriptor) -> None:
    """Raise IntegrityError where a blob's file isn't what its digest says."""
    path = layout.path(blob.sha256)
    try:
        status = path.stat()
        found = ""
        if stat.S_ISREG(status.st_mode) and status.st_size == blob.size:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        found = ""
    if found != blob.sha256:
        raise damaged(layout.folder, blob.sha256)
