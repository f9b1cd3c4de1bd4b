"""The JSON documents of an image, to the byte (OCI image specification 1.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from lockyard.build.built import BuiltLayer
from lockyard.plan.image import ImagePlan
from lockyard.sources.manifest import Settings

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
_OF_AN_IMAGE = "org.opencontainers.image."


@frozen
class Document:
    """A JSON document as it is stored."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """Return the sha256 in hex."""
        return hashlib.sha256(self.data).hexdigest()

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """Return what refers to this document."""
        return descriptor(self.media_type, self.digest, len(self.data)) | more


def descriptor(media_type: str, digest: str, size: int) -> dict[str, Any]:
    """Return a content descriptor; ``digest`` is a sha256 in hex."""
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def encoded(value: Any) -> bytes:
    """Return a JSON value's one form: keys sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


def config_document(
    plan: ImagePlan, layers: Sequence[BuiltLayer], base: Settings | None = None
) -> Document:
    """Return the image configuration.

    ``base`` is what is handed on by the image that this one stands on, whose layers come first.
    """
    base = base or Settings()
    os, _, architecture = plan.target.platform.partition("/")
    variant = {"variant": "v8"} if architecture == "arm64" else {}
    own = len(layers) - len(plan.layers)
    inherited: Sequence[Mapping[str, Any]] = base.history or _history(plan, layers[:own])
    value: dict[str, Any] = {
        "created": plan.created,
        "architecture": architecture,
        "os": os,
        **variant,
        "config": _over(base, plan.config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{each.diff_id}" for each in layers]},
        "history": [*inherited, *_history(plan, layers[own:])],
    }
    return Document(CONFIG, encoded(value))


def _history(plan: ImagePlan, layers: Sequence[BuiltLayer]) -> list[dict[str, str]]:
    return [{"created": plan.created, "created_by": f"lockyard: {each.title}"} for each in layers]


def _over(base: Settings, own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay an image's settings over its base's, as FROM does in a Dockerfile.

    The user, the command and the entry point are the image's own, or none; what the base says
    of itself by OCI's labels isn't true of this image.
    """
    environment = dict(line.partition("=")[::2] for line in (*base.env, *own.get("Env", ())))
    labels = {key: text for key, text in base.labels.items() if not key.startswith(_OF_AN_IMAGE)}
    ports: dict[str, Any] = {port: {} for port in base.ports}
    merged: dict[str, Any] = {
        "ExposedPorts": {**ports, **own.get("ExposedPorts", {})},
        "Labels": {**labels, **own.get("Labels", {})},
        "Volumes": {path: {} for path in base.volumes},
        "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
    }
    return {**own, **{key: value for key, value in merged.items() if value}}


def manifest_document(config: Document, layers: Sequence[BuiltLayer]) -> Document:
    """Return the image manifest."""
    value = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config.descriptor(),
        "layers": [descriptor(each.media_type, each.digest, each.size) for each in layers],
    }
    return Document(MANIFEST, encoded(value))


def platform_index(manifests: Mapping[str, Document]) -> Document:
    """Return the index of one image's manifests by platform, from which a reader chooses."""
    entries = []
    for platform, manifest in sorted(manifests.items()):
        os, _, architecture = platform.partition("/")
        entries.append(manifest.descriptor(platform={"os": os, "architecture": architecture}))
    return _index(entries)


def layout_index(image: Document, repository: str, tag: str) -> Document:
    """Return a layout's index: one image, a manifest or a platform index, that goes by ``tag``."""
    annotations = {
        "io.containerd.image.name": f"{repository}:{tag}",
        "org.opencontainers.image.ref.name": tag,
    }
    return _index([image.descriptor(annotations=annotations)])


def _index(entries: list[dict[str, Any]]) -> Document:
    return Document(INDEX, encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
