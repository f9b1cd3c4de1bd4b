"""What a lock records."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

FORMAT = 1


@frozen(kw_only=True)
class Artifact:
    """A file of a source, known by its sha256.

    ``source`` is a name of the workspace's ``[sources]``, never an address.
    ``required_by`` names packages of the same lock, or the ``env``, ``recipe`` or ``base``
    that asks for it by a requirement of its own, as ``"env"``, ``"recipe inference"`` or
    ``"base debian12"``; sorted. ``targets`` names the targets that it serves; sorted, and
    empty where it serves them all.
    """

    name: str
    version: str
    file: str
    sha256: str
    size: int
    source: str
    required_by: tuple[str, ...]
    targets: tuple[str, ...] = ()


@frozen(kw_only=True)
class Deb(Artifact):
    """A binary package of a Debian suite; ``path`` is relative to the mirror's root."""

    architecture: str
    path: str


@frozen(kw_only=True)
class Wheel(Artifact):
    """A wheel of a package index; ``name`` is normalised (PEP 503).

    ``uploaded`` is when the index received it (RFC 3339, UTC, whole seconds), or empty where
    the index doesn't say.
    """

    uploaded: str = ""


@frozen(kw_only=True)
class Target:
    """One variant on one platform, and what its resolution took as given."""

    name: str
    variant: str
    platform: str
    base: str
    python: str
    glibc: str


@frozen(kw_only=True)
class Lock:
    """Everything that an env's images are made of.

    ``inputs`` maps the name of what the lock was resolved from (``env``, ``recipe``,
    ``workspace``) to the sha256 of its normalised form.
    """

    env: str
    inputs: Mapping[str, str]
    targets: tuple[Target, ...]
    debs: tuple[Deb, ...] = field(default=())
    wheels: tuple[Wheel, ...] = field(default=())
