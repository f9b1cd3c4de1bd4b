"""What a lock records."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import field, fields, frozen

FORMAT = 1


def _matching(pattern: str, what: str) -> Callable[[Any, Any, str], None]:
    """Return a validator: a lock may come from anywhere, and its texts become paths."""
    compiled = re.compile(pattern, re.ASCII)

    def check(_: Any, attribute: Any, value: str) -> None:
        if not compiled.fullmatch(value):
            raise ValueError(f"{attribute.name} {value!r} isn't {what}")

    return check


def _positive(_: Any, attribute: Any, value: int) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} {value} isn't a size in bytes")


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def _time(_: Any, attribute: Any, value: str) -> None:
    """Accept a time as this program writes it, or none: it becomes a date of the image."""
    try:
        if not value or (_TIME.fullmatch(value) and datetime.fromisoformat(value)):
            return
    except ValueError:
        pass
    raise ValueError(f"{attribute.name} {value!r} isn't a time in UTC")


def _each(check: Callable[[Any, Any, str], None]) -> Callable[[Any, Any, tuple[str, ...]], None]:
    """Return a validator of all texts of a list."""

    def check_all(model: Any, attribute: Any, values: tuple[str, ...]) -> None:
        for value in values:
            check(model, attribute, value)

    return check_all


_SOURCE = _matching(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "a source's name")
_FILE = r"[A-Za-z0-9_][A-Za-z0-9._+!~%-]*"
_PLATFORM = _matching("[a-z0-9]+/[a-z0-9]+", "a platform")
_DEBIAN_VERSION = _matching(
    r"[0-9]+:[A-Za-z0-9.+:~-]+|[A-Za-z0-9.+~-]+", "a version (Debian Policy 5.6.12)"
)
_MATCH_SPECS = _each(_matching("[!-~][ -~]*", "a match spec"))


def is_file_name(text: str) -> bool:
    """Tell whether a lock may name a file so, and whether it stays in its folder."""
    return re.fullmatch(_FILE, text, re.ASCII) is not None


@frozen(kw_only=True)
class Artifact:
    """A file of a source, known by its sha256.

    ``source`` is a name of the workspace's ``[sources]``, never an address.
    ``required_by`` names packages of the same lock, or the ``env``, ``recipe``, ``base`` or
    ``parent`` that asks for it by a requirement of its own, as ``"env"``, ``"recipe inference"``,
    ``"base debian12"`` or ``"parent pytorch-1.7"``; sorted. ``targets`` names the targets that
    it serves; sorted, and empty where it serves them all.
    """

    name: str = field(validator=_matching(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", "a package's name"))
    version: str = field(validator=_matching(r"[A-Za-z0-9][A-Za-z0-9.+~:!_-]*", "a version"))
    file: str = field(validator=_matching(_FILE, "a file's name"))
    sha256: str = field(validator=_matching("[0-9a-f]{64}", "a sha256 in hex"))
    size: int = field(validator=_positive)
    source: str = field(validator=_SOURCE)
    required_by: tuple[str, ...]
    targets: tuple[str, ...] = ()

    def serves(self, target: str) -> bool:
        """Tell whether a target, by its name, has this."""
        return not self.targets or target in self.targets


@frozen(kw_only=True)
class Deb(Artifact):
    """A binary package of a Debian suite; ``path`` is relative to the mirror's root."""

    architecture: str = field(validator=_matching("[a-z0-9-]+", "an architecture"))
    path: str = field(validator=_matching(rf"({_FILE}/)*{_FILE}", "a path below a mirror's root"))

    def __attrs_post_init__(self) -> None:
        # A field of its own would change the order of a lock's keys.
        _DEBIAN_VERSION(self, fields(Deb).version, self.version)


@frozen(kw_only=True)
class Sdist:
    """The source distribution that a wheel is built from, where no index has the wheel.

    The build is fixed-output: whoever builds again, with these ``tools`` (pinned
    requirements, sorted) and this ``environment``, must get the wheel that the lock names.
    """

    file: str = field(validator=_matching(_FILE, "a file's name"))
    sha256: str = field(validator=_matching("[0-9a-f]{64}", "a sha256 in hex"))
    size: int = field(validator=_positive)
    tools: tuple[str, ...]
    environment: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Compiled:
    """How a Docker engine compiles a source distribution, while it builds the image.

    ``builder`` is the env in whose image it does; the lock's inputs tell that one's lock.
    ``environment`` is what the compilation sees beside what that image has.
    """

    builder: str = field(validator=_matching(r"[a-z0-9]+([.-][a-z0-9]+)*", "an env's name"))
    environment: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class Wheel(Artifact):
    """A wheel of a package index; ``name`` is normalised (PEP 503).

    ``uploaded`` is when the index received it (RFC 3339, UTC, whole seconds), or empty where
    the index doesn't say. Where ``sdist`` is given, the index has that alone, and the wheel
    is what building it gives. Where ``compiled`` is given, the file is the source distribution,
    and its wheel is made for each image.
    """

    uploaded: str = field(default="", validator=_time)
    sdist: Sdist | None = None
    compiled: Compiled | None = None


@frozen(kw_only=True)
class CondaPackage(Artifact):
    """A package of a conda channel; ``source`` names the channel.

    ``subdir`` is the channel's folder (``linux-64``, ``noarch``); ``depends`` and
    ``constrains`` are the record's match specs as published, in their order.
    """

    build: str = field(validator=_matching(r"[A-Za-z0-9_.+-]+", "a build"))
    build_number: int
    subdir: str = field(validator=_matching("[a-z0-9-]+", "a folder of a channel"))
    md5: str = field(validator=_matching("[0-9a-f]{32}", "an MD5 in hex"))
    depends: tuple[str, ...] = field(default=(), validator=_MATCH_SPECS)
    constrains: tuple[str, ...] = field(default=(), validator=_MATCH_SPECS)


@frozen(kw_only=True)
class Blob:
    """A blob of a registry; ``digest`` is a sha256 in hex, ``size`` in bytes."""

    digest: str = field(validator=_matching("[0-9a-f]{64}", "a sha256 in hex"))
    size: int = field(validator=_positive)


@frozen(kw_only=True)
class BaseImage:
    """An image of a registry that targets are built on.

    ``image`` is its path in the registry that ``source`` names, ``tag`` what it went by when
    it was locked. ``index`` is the digest of its multi-platform index (empty where it has
    none) and ``manifest`` that of its platform's manifest, both sha256 in hex. ``config``
    and ``layers`` (base first) are there where a registry was asked, and absent where the
    workspace gave the digests.
    """

    image: str = field(validator=_matching(rf"({_FILE}/)*{_FILE}", "an image's path"))
    tag: str = field(validator=_matching(r"[A-Za-z0-9_][A-Za-z0-9._-]*", "a tag"))
    source: str = field(validator=_SOURCE)
    platform: str = field(validator=_PLATFORM)
    index: str = field(default="", validator=_matching("[0-9a-f]{64}|", "a sha256 in hex"))
    manifest: str = field(validator=_matching("[0-9a-f]{64}", "a sha256 in hex"))
    config: Blob | None = None
    layers: tuple[Blob, ...] = ()


@frozen(kw_only=True)
class Target:
    """One variant on one platform, and what its resolution took as given."""

    name: str = field(validator=_matching(r"[a-z0-9][a-z0-9.-]*", "a target's name"))
    variant: str = field(validator=_matching(r"[a-z0-9][a-z0-9.]*", "a variant"))
    platform: str = field(validator=_PLATFORM)
    base: str = field(validator=_matching(r"[a-z0-9][a-z0-9.-]*", "a base"))
    # It names folders of the image.
    python: str = field(validator=_matching(r"[0-9]+\.[0-9]+[A-Za-z0-9.+~]*", "a version"))
    glibc: str = field(validator=_matching(r"[0-9]+\.[0-9]+[A-Za-z0-9.+~]*", "a version"))


@frozen(kw_only=True)
class Lock:
    """Everything that an env's images are made of.

    ``inputs`` maps the name of what the lock was resolved from (``base``, ``env``,
    ``recipe``, ``parent`` where the env extends another, and ``builder`` where another
    compiles for it) to the sha256 of its normalised form.
    """

    env: str
    inputs: Mapping[str, str]
    targets: tuple[Target, ...]
    images: tuple[BaseImage, ...] = field(default=())
    debs: tuple[Deb, ...] = field(default=())
    conda: tuple[CondaPackage, ...] = field(default=())
    wheels: tuple[Wheel, ...] = field(default=())

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """Return every package of every target."""
        return (*self.debs, *self.conda, *self.wheels)
