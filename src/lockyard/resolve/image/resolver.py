"""Resolve a base image: its tag to the digests of one platform's manifest and blobs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from lockyard.errors import IntegrityError, ResolveError
from lockyard.lock.model import BaseImage, Blob
from lockyard.sources.registry import Registry, registry_address
from lockyard.spec.model import ImageBase, RegistrySource

_INDEXES = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
}
_MANIFESTS = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}


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
    registry = Registry(source.registry, registry_address(base.source, source, environ), environ)
    return _asked(base, registry, platform)


def _asked(base: ImageBase, registry: Registry, platform: str) -> BaseImage:
    reference = base.index or base.tag
    index, digest = _document(registry, base.image, reference, _INDEXES | _MANIFESTS)
    manifest, manifest_digest, index_digest = index, digest, ""
    if _kind(index) in _INDEXES:
        index_digest = digest
        manifest_digest = _choose(index, platform, f"{registry.name}/{base.image}:{base.tag}")
        manifest, _ = _document(registry, base.image, f"sha256:{manifest_digest}", _MANIFESTS)
    config = manifest.get("config", {})
    return BaseImage(
        image=base.image,
        tag=base.tag,
        source=base.source,
        platform=platform,
        index=index_digest,
        manifest=manifest_digest,
        config=_blob(config),
        layers=tuple(_blob(layer) for layer in manifest.get("layers", ())),
    )


def _document(
    registry: Registry, image: str, reference: str, kinds: set[str]
) -> tuple[dict[str, Any], str]:
    """Return a manifest or an index and its sha256, which a digest reference must name."""
    data = registry.manifest(image, reference, sorted(kinds))
    digest = hashlib.sha256(data).hexdigest()
    where = f"{registry.name}/{image} {reference}"
    if reference.startswith("sha256:") and reference != f"sha256:{digest}":
        raise IntegrityError(
            f"the registry gives a document of digest sha256:{digest}",
            where=where,
            solution="don't use this registry or mirror until it is mended",
        )
    try:
        value = json.loads(data)
    except ValueError:
        value = None
    if not isinstance(value, dict) or _kind(value) not in kinds:
        raise IntegrityError(
            "the registry gives no manifest that this version knows",
            where=where,
            solution="use an image in OCI form or in Docker's, schema 2",
        )
    return value, digest


def _kind(document: Mapping[str, Any]) -> str:
    """Return a document's media type; OCI lets it go without saying."""
    said = document.get("mediaType")
    if isinstance(said, str):
        return said
    kind = "index" if "manifests" in document else "manifest"
    return f"application/vnd.oci.image.{kind}.v1+json"


def _choose(index: Mapping[str, Any], platform: str, where: str) -> str:
    """Return the digest of a platform's manifest in an index."""
    offered = []
    for entry in index.get("manifests", ()):
        made_for = entry.get("platform", {})
        name = f"{made_for.get('os')}/{made_for.get('architecture')}"
        if name == platform:
            return _hex(str(entry.get("digest")))
        offered.append(name)
    raise ResolveError(
        f"there is no image for {platform}",
        where=where,
        solution=f"it is made for: {', '.join(sorted(set(offered) - {'unknown/unknown'}))}",
    )


def _blob(value: Mapping[str, Any]) -> Blob:
    try:
        return Blob(digest=_hex(str(value["digest"])), size=int(value["size"]))
    except (LookupError, TypeError, ValueError):
        raise IntegrityError(
            "the manifest describes a blob without a sha256 and a size",
            where="registry",
            solution="use another image, or another registry",
        ) from None


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
