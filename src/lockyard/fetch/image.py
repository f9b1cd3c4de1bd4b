"""Pull a base image of a registry into the store: its documents, and its layers as they are."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import frozen

from lockyard.errors import FetchError, IntegrityError, LockError, StoreError
from lockyard.events import Reporter
from lockyard.fetch.download import Ask
from lockyard.fetch.fetch import obtain
from lockyard.lock.model import BaseImage, Blob
from lockyard.sources.manifest import (
    CONFIGS,
    LAYERS,
    MANIFESTS,
    Descriptor,
    Manifest,
    parse_config,
    parse_diff_ids,
    parse_document,
)
from lockyard.sources.registry import MOST, Registry
from lockyard.store.store import Store


@frozen(kw_only=True)
class PulledLayer:
    """A layer in the store, compressed as its registry serves it.

    ``digest`` and ``size`` (bytes) are those of the blob, ``diff_id`` the sha256 of the archive
    inside it, both sha256 in hex. ``media_type`` is what the manifest calls it.
    """

    digest: str
    size: int
    media_type: str
    diff_id: str


@frozen(kw_only=True)
class PulledImage:
    """An image whose blobs are all in the store as artifacts; the base layer is the first."""

    manifest: bytes
    config: bytes
    layers: tuple[PulledLayer, ...]


@frozen(kw_only=True)
class _Layer:
    """A layer as it is asked for; see Content."""

    file: str
    sha256: str
    size: int
    source: str


def fetch_image(
    image: BaseImage,
    *,
    store: Store,
    registry: Registry | None = None,
    reporter: Reporter | None = None,
    jobs: int = 4,
    verify: bool = False,
) -> PulledImage:
    """Have a locked image in the store, verified; what is there isn't asked for.

    Documents are hashed each time that they are read; layers before they come into the store,
    and again with ``verify``. An interrupted pull goes on where it was. Raise FetchError where
    the registry can't be asked or mayn't give a layer to others, IntegrityError where anything
    isn't what a digest names or the image isn't one for its platform, LockError where the lock
    contradicts its own manifest. Without a registry, StoreError is raised for what isn't there.
    """
    where = f"{registry.name if registry else image.source}/{image.image}@sha256:{image.manifest}"
    manifest = _document(
        store,
        image.manifest,
        lambda: _there(registry).manifest(
            image.image, f"sha256:{image.manifest}", sorted(MANIFESTS)
        ),
    )
    parsed = parse_document(manifest, MANIFESTS, where)
    assert isinstance(parsed, Manifest)  # noqa: S101 - no other kind is taken
    _check_kinds(parsed, where)
    _check_lock(image, parsed, where)
    config = _document(
        store,
        parsed.config.sha256,
        lambda: _there(registry).blob(image.image, parsed.config.sha256),
    )
    diff_ids = _checked_config(image, parsed, config, where)
    wanted = [
        _Layer(
            file=f"layer {number} of {image.image}:{image.tag}",
            sha256=layer.sha256,
            size=layer.size,
            source=image.source,
        )
        for number, layer in enumerate(parsed.layers, 1)
    ]

    def ask(layer: _Layer) -> Ask:
        return partial(_there(registry).open_blob, image.image, layer.sha256)

    obtain(wanted, store=store, ask=ask, reporter=reporter, jobs=jobs, verify=verify)
    layers = [
        PulledLayer(
            digest=layer.sha256,
            size=layer.size,
            media_type=layer.media_type,
            diff_id=diff_id.removeprefix("sha256:"),
        )
        for layer, diff_id in zip(parsed.layers, diff_ids, strict=True)
    ]
    return PulledImage(manifest=manifest, config=config, layers=tuple(layers))


def _there(registry: Registry | None) -> Registry:
    if registry is None:
        raise StoreError(
            "a part of the base image has gone from the store",
            where="base image",
            solution="build again: it will be fetched again",
        )
    return registry


def _document(store: Store, sha256: str, ask: Callable[[], bytes]) -> bytes:
    """Return a document from the store, else a verified one, which is kept there."""
    path = store.artifact(sha256)
    if path is not None and path.stat().st_size <= MOST:
        try:
            store.verify(path, sha256)
            return path.read_bytes()
        except IntegrityError:
            store.discard(path)
    data = ask()
    with store.writer("artifact") as writer:
        writer.write(data)
        writer.commit(sha256=sha256)
    return data


def _check_kinds(manifest: Manifest, where: str) -> None:
    """Refuse what isn't an image of plain layers that anybody may pass on."""
    if manifest.config.media_type not in CONFIGS:
        raise IntegrityError(
            "this is no image of a container, or one of a kind that this version doesn't know",
            where=f"{where}, its config",
            solution="use an image in OCI form or in Docker's, schema 2",
        )
    for number, layer in enumerate(manifest.layers, 1):
        if "nondistributable" in layer.media_type or ".foreign." in layer.media_type:
            raise FetchError(
                "this layer may not be passed on, and registries don't have it",
                where=f"{where}, layer {number}",
                solution="use an image without such layers as the base",
            )
        if layer.media_type not in LAYERS:
            raise IntegrityError(
                f"{layer.media_type[:100]!r} is no kind of layer that this version knows",
                where=f"{where}, layer {number}",
                solution="use an image whose layers are tar archives, plain, gzip or zstd",
            )


def _check_lock(image: BaseImage, manifest: Manifest, where: str) -> None:
    """Raise LockError where the lock names other blobs than the manifest that it pins."""
    config, layers = _blob(manifest.config), tuple(map(_blob, manifest.layers))
    if image.config not in (None, config) or (image.layers and image.layers != layers):
        raise LockError(
            "the lock's config and layers aren't those of the manifest that it names",
            where=where,
            solution="lock again with --refresh",
        )


def _checked_config(
    image: BaseImage, manifest: Manifest, config: bytes, where: str
) -> tuple[str, ...]:
    """Return an image's diffIDs, one for each layer, if it is made for the platform."""
    platform = str(parse_config(config, f"{where}, its config"))
    diff_ids = parse_diff_ids(config, f"{where}, its config")
    if platform != image.platform:
        reason = f"the image is made for {platform}, and not for {image.platform}"
    elif len(diff_ids) != len(manifest.layers):
        reason = f"it has {len(manifest.layers)} layers, and its config speaks of {len(diff_ids)}"
    elif len(config) != manifest.config.size:
        reason = f"its config has {len(config)} bytes where {manifest.config.size} are due"
    else:
        return diff_ids
    raise IntegrityError(
        reason, where=where, solution="give another image or digest for this base, and lock again"
    )


def _blob(descriptor: Descriptor) -> Blob:
    return Blob(digest=descriptor.sha256, size=descriptor.size)
