"""Resolve a base image: its tag to the digests of one platform's manifest and blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from lockyard.errors import ResolveError
from lockyard.lock.model import BaseImage, Blob
from lockyard.sources.manifest import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Index,
    Manifest,
    parse_config,
    parse_document,
)
from lockyard.sources.registry import Registry, source_registry
from lockyard.spec.model import ImageBase, RegistrySource


def resolve_image(
    base: ImageBase, source: RegistrySource, *, platform: str, environ: Mapping[str, str]
) -> BaseImage:
    """Return a platform's image. Digests that the workspace gives are taken as they are.

    Raise ResolveError if the image isn't made for the platform, FetchError if the registry
    can't be asked, IntegrityError if it gives what a digest doesn't name.
    """
    given = base.manifests.get(platform)  # type: ignore[call-overload]
    if given is not None:
        return BaseImage(
            image=base.image,
            tag=base.tag,
            source=base.source,
            platform=platform,
            index=_hex(base.index or ""),
            manifest=_hex(given),
        )
    if base.manifests:
        raise ResolveError(
            f"the workspace gives no digest for {platform}",
            where=f"WORKSPACE.toml: bases, image {base.image}:{base.tag}",
            solution="add it to the base's manifests, or take all of them out to ask the registry",
        )
    return _asked(base, source_registry(base.source, source, environ), platform)


def _asked(base: ImageBase, registry: Registry, platform: str) -> BaseImage:
    reference = base.index or base.tag
    where = f"{registry.name}/{base.image}:{base.tag}"
    found, digest = _document(registry, base.image, reference, INDEXES | MANIFESTS)
    index = ""
    if isinstance(found, Index):
        index = digest
        chosen = _choose(found, platform, where)
        found, digest = _document(registry, base.image, chosen.digest, MANIFESTS)
        assert isinstance(found, Manifest)  # noqa: S101 - no other kind is taken
    else:
        _check_platform(registry, base.image, found.config, platform, where)
    return BaseImage(
        image=base.image,
        tag=base.tag,
        source=base.source,
        platform=platform,
        index=index,
        manifest=digest,
        config=_blob(found.config),
        layers=tuple(_blob(layer) for layer in found.layers),
    )


def _document(
    registry: Registry, image: str, reference: str, kinds: frozenset[str]
) -> tuple[Index | Manifest, str]:
    """Return a manifest or an index, and its sha256."""
    data = registry.manifest(image, reference, sorted(kinds))
    where = f"{registry.name}/{image} {reference}"
    return parse_document(data, kinds, where), hashlib.sha256(data).hexdigest()


def _choose(index: Index, platform: str, where: str) -> Descriptor:
    """Return the entry of a platform's manifest in an index."""
    for entry in index.manifests:
        if str(entry.platform) == platform:
            return entry
    raise _not_made(platform, {str(each.platform) for each in index.manifests}, where)


def _check_platform(
    registry: Registry, image: str, config: Descriptor, platform: str, where: str
) -> None:
    """Raise ResolveError unless an image that has no index is made for the platform."""
    data = registry.blob(image, config.sha256)
    made_for = str(parse_config(data, f"{where}, its config"))
    if made_for != platform:
        raise _not_made(platform, {made_for}, where)


def _not_made(platform: str, offered: set[str], where: str) -> ResolveError:
    # Builders put what they say of a build beside the images, for no platform.
    known = sorted(offered - {"unknown/unknown", "None"})
    return ResolveError(
        f"there is no image for {platform}",
        where=where,
        solution=f"it is made for: {', '.join(known)}" if known else "use another image",
    )


def _blob(descriptor: Descriptor) -> Blob:
    return Blob(digest=descriptor.sha256, size=descriptor.size)


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
