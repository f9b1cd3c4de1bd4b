"""What registries say of images: indexes, manifests and configs (OCI image specification)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import cattrs
from attrs import field, frozen
from attrs.validators import deep_iterable, gt, matches_re
from cattrs.gen import make_dict_structure_fn, override

from lockyard.errors import IntegrityError

INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
MANIFESTS = frozenset(
    {
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    }
)
CONFIGS = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)
_ARCHIVES = (
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
)
LAYERS = frozenset(_ARCHIVES[0] + how for how in ("", "+gzip", "+zstd")) | frozenset(
    _ARCHIVES[1] + how for how in ("", ".gzip", ".zstd")
)
_DIGEST = matches_re("sha256:[0-9a-f]{64}")
T = TypeVar("T")


@frozen(kw_only=True)
class Platform:
    """What an image is made for, in an index's entry or in the image's config."""

    os: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


@frozen(kw_only=True)
class Descriptor:
    """A blob or a manifest by its digest; ``size`` is in bytes."""

    media_type: str = ""
    digest: str = field(validator=_DIGEST)
    size: int = field(validator=gt(0))
    platform: Platform | None = None

    @property
    def sha256(self) -> str:
        """Return the digest's hex."""
        return self.digest.removeprefix("sha256:")


@frozen(kw_only=True)
class Index:
    """The manifests of an image, one for each platform."""

    manifests: tuple[Descriptor, ...]


@frozen(kw_only=True)
class Manifest:
    """One platform's image: its config, and its layers with the base first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@frozen(kw_only=True)
class RootFs:
    """The archives inside an image's layers, the base first."""

    diff_ids: tuple[str, ...] = field(validator=deep_iterable(_DIGEST))


# By the names that the OCI image configuration has; each may be null, or not be there.
@frozen(kw_only=True)
class _Said:
    Env: tuple[str, ...] | None = None
    Labels: Mapping[str, str] | None = None
    ExposedPorts: Mapping[str, Any] | None = None
    Volumes: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class _Config:
    rootfs: RootFs
    config: _Said | None = None
    history: tuple[Mapping[str, Any], ...] | None = None


_CONVERTER = cattrs.Converter()
_CONVERTER.register_structure_hook(
    Descriptor,
    make_dict_structure_fn(Descriptor, _CONVERTER, media_type=override(rename="mediaType")),
)


@frozen(kw_only=True)
class Settings:
    """What an image hands on to those that stand on it; ``env`` has NAME=VALUE.

    ``history`` has a step for each of its layers, and for what made none; or it is empty.
    """

    env: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()


def parse_document(data: bytes, kinds: frozenset[str], where: str) -> Index | Manifest:
    """Return the index or manifest that a registry gave; ``kinds`` are the media types to take.

    Raise IntegrityError for anything else.
    """
    value = _parsed(data)
    kind = _kind(value)
    if kind not in kinds:
        raise _unknown("the registry gives no manifest that this version knows", where)
    if kind in INDEXES:
        return _structured(value, Index, where)
    return _structured(value, Manifest, where)


def parse_config(data: bytes, where: str) -> Platform:
    """Return what an image's config says that it is made for, or raise IntegrityError."""
    return _structured(_parsed(data), Platform, where)


def parse_diff_ids(data: bytes, where: str) -> tuple[str, ...]:
    """Return the diffIDs of an image's config, the base first, or raise IntegrityError."""
    return _structured(_parsed(data), _Config, where).rootfs.diff_ids


def parse_settings(data: bytes, where: str) -> Settings:
    """Return what an image's config sets for images that stand on it, or raise IntegrityError."""
    value = _structured(_parsed(data), _Config, where)
    said, layers = value.config or _Said(), value.rootfs.diff_ids
    history = tuple(value.history or ())
    # Engines refuse a history that isn't one of its layers.
    whole = sum(not step.get("empty_layer") for step in history) == len(layers)
    return Settings(
        env=tuple(said.Env or ()),
        labels=said.Labels or {},
        ports=tuple(sorted(said.ExposedPorts or ())),
        volumes=tuple(sorted(said.Volumes or ())),
        history=history if whole else (),
    )


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _kind(value: object) -> str:
    """Return a document's media type; OCI lets it go without saying."""
    if not isinstance(value, dict):
        return ""
    said = value.get("mediaType")
    if isinstance(said, str):
        return said
    kind = "index" if "manifests" in value else "manifest"
    return f"application/vnd.oci.image.{kind}.v1+json"


def _structured(value: object, model: type[T], where: str) -> T:
    try:
        return _CONVERTER.structure(value, model)
    except cattrs.BaseValidationError as error:
        faults = cattrs.transform_error(error, path=model.__name__.lower().strip("_"))
        raise _unknown(f"the registry's document is malformed: {faults[0]}", where) from None


def _unknown(reason: str, where: str) -> IntegrityError:
    return IntegrityError(
        reason, where=where, solution="use an image in OCI form or in Docker's, schema 2"
    )
