"""An image to look into: its documents at hand, its blobs when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from attrs import field, frozen

from lockyard.assemble.document import Document
from lockyard.errors import IntegrityError
from lockyard.ship.layout import check_blob, read_layout
from lockyard.sources.manifest import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Index,
    Manifest,
    parse_config,
    parse_document,
)

# Of a platform that stands for none, as that of what builders attest beside an image.
_NO_PLATFORM = "unknown/unknown"
_LARGEST = 8 << 20  # bytes of a config


@frozen(kw_only=True)
class View:
    """One image, called ``title`` in messages.

    ``top`` is what its tag names, ``manifests`` those of its platforms. ``blob`` gives the path
    of a blob that is what its digest says, or raises.
    """

    title: str
    top: Document
    manifests: Mapping[str, Document]
    blob: Callable[[Descriptor], Path] = field(repr=False)

    @property
    def digests(self) -> frozenset[str]:
        """Return all the digests that name the image or one of its platforms."""
        return frozenset(f"sha256:{each.digest}" for each in (self.top, *self.manifests.values()))

    def manifest(self, platform: str) -> Manifest:
        """Return a platform's manifest as it is parsed."""
        parsed = parse_document(self.manifests[platform].data, MANIFESTS, self.title)
        assert isinstance(parsed, Manifest)  # noqa: S101 - no other kind is taken
        return parsed

    def config(self, platform: str) -> bytes:
        """Return a platform's config. Raise IntegrityError for one that is too large."""
        path = self.blob(self.manifest(platform).config)
        if path.stat().st_size > _LARGEST:
            raise IntegrityError("its config is too large to be one", where=self.title)
        return path.read_bytes()


def layout_view(folder: Path, title: str) -> View:
    """Return the image of a layout. Raise UsageError or IntegrityError for what isn't a whole one.

    Blobs are hashed when they are asked for.
    """
    layout = read_layout(folder)

    def blob(descriptor: Descriptor) -> Path:
        check_blob(layout, descriptor)
        return layout.path(descriptor.sha256)

    by_digest = {each.digest: each for each in layout.manifests}
    return view_of(title, layout.top, lambda each: by_digest[each.sha256], blob)


def view_of(
    title: str,
    top: Document,
    fetch: Callable[[Descriptor], Document],
    blob: Callable[[Descriptor], Path],
) -> View:
    """Return the image that ``top`` names; ``fetch`` gives the manifests that an index lists."""
    parsed = parse_document(top.data, INDEXES | MANIFESTS, title)
    if isinstance(parsed, Index):
        manifests = {
            str(each.platform): fetch(each)
            for each in parsed.manifests
            if str(each.platform) != _NO_PLATFORM
        }
        return View(title=title, top=top, manifests=manifests, blob=blob)
    alone = View(title=title, top=top, manifests={"": top}, blob=blob)
    platform = str(parse_config(alone.config(""), title))
    return View(title=title, top=top, manifests={platform: top}, blob=blob)


def layer_titles(config: bytes) -> list[str]:
    """Return what each layer of an image is called in its history; fewer where that says less."""
    try:
        steps = json.loads(config)["history"]
        told = [str(each.get("created_by", "")) for each in steps if not each.get("empty_layer")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return []
    return [each.removeprefix("lockyard: ") for each in told]
