"""The models of the workspace, an env and a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from lockyard.spec.checks import (
    BaseName,
    CondaRequirement,
    CondaSourceName,
    Date,
    DebianRequirement,
    DebianSourceName,
    Fingerprint,
    GlibcVersion,
    ImageDigest,
    ImagePath,
    LocalFile,
    Mode,
    Owner,
    Platform,
    Port,
    PypiRequirement,
    PypiSourceName,
    PythonVersion,
    RecipeName,
    RegistrySourceName,
    UserId,
    VariableName,
    VariantName,
)


@frozen(kw_only=True)
class NameParts:
    """What the names of all images and curated environments share."""

    registry: str
    repository: str
    environment_prefix: str


@frozen(kw_only=True)
class PypiSource:
    """A package index; ``index`` only where it isn't the one that pip is configured to use."""

    kind: Literal["pypi"]
    index: str | None = None


@frozen(kw_only=True)
class DebianSource:
    """A Debian archive; ``mirror`` only where it isn't the one that the host's apt uses.

    ``keys`` are the fingerprints of the certificates one of which must have signed a suite;
    ``keyring`` is a folder of the workspace with public keys beside those of the distribution.
    """

    kind: Literal["debian"]
    keys: tuple[Fingerprint, ...]
    keyring: LocalFile | None = None
    mirror: str | None = None


@frozen(kw_only=True)
class CondaSource:
    """A conda channel at its canonical address; a ``mirror`` serves the same records.

    Where the environment has LOCKYARD_<NAME>_MIRROR, that serves them instead.
    """

    kind: Literal["conda"]
    channel: str
    mirror: str | None = None


@frozen(kw_only=True)
class RegistrySource:
    """A registry of images by its name, as ``docker.io``; a ``mirror`` serves the same."""

    kind: Literal["registry"]
    registry: str
    mirror: str | None = None


Source = PypiSource | DebianSource | CondaSource | RegistrySource


@frozen(kw_only=True)
class DebianBase:
    """A base made of Debian packages, and where Python packages go in it.

    ``prefix`` is the virtual environment that holds the wheels; it runs ``python``, which
    stands at ``interpreter``.
    """

    kind: Literal["debian"]
    source: DebianSourceName
    suite: str
    components: tuple[str, ...]
    packages: tuple[DebianRequirement, ...]
    python: PythonVersion
    interpreter: ImagePath
    prefix: ImagePath
    pypi: PypiSourceName


@frozen(kw_only=True)
class ImageBase:
    """A base that is an image of a registry, with Python from conda at ``prefix``.

    ``image`` and ``tag`` are looked up in the registry, unless ``manifests`` gives the digest
    of each platform's manifest, which is taken as it is, and ``index`` that of its index.
    ``glibc`` is the image's, which decides the packages that can run on it.
    """

    kind: Literal["image"]
    source: RegistrySourceName
    image: str
    tag: str
    index: ImageDigest | None = None
    manifests: Mapping[Platform, ImageDigest] = field(factory=dict)
    glibc: GlibcVersion
    python: PythonVersion
    interpreter: ImagePath
    prefix: ImagePath
    conda: CondaSourceName
    pypi: PypiSourceName


Base = DebianBase | ImageBase


@frozen(kw_only=True)
class Workspace:
    """What the whole fleet shares; ``build_tools`` are pins, for building from source."""

    format: int
    names: NameParts
    sources: Mapping[str, Source]
    build_tools: tuple[PypiRequirement, ...] = ()
    bases: Mapping[str, Base]


@frozen(kw_only=True)
class Requirements:
    """What somebody asks for, by ecosystem."""

    pypi: tuple[PypiRequirement, ...] = ()
    conda: tuple[CondaRequirement, ...] = ()
    debian: tuple[DebianRequirement, ...] = ()


@frozen(kw_only=True)
class SdistRule:
    """Allow a package to be built from source; ``environment`` is what its build needs."""

    environment: Mapping[VariableName, str] = field(factory=dict)


@frozen(kw_only=True)
class Env:
    """One image described; its name is its file's.

    ``stem`` is what its image names begin with, where that isn't its own name. ``as_of``
    leaves out what was published from that day on. ``sdists`` names the packages that may be
    built from source.

    ``variants`` adds requirements of its own to each variant; ``environment`` holds variables
    of the image, over the recipe's.
    """

    name: str = ""
    title: str
    base: BaseName
    stem: str = ""
    as_of: Date | None = None
    sdists: Mapping[str, SdistRule] = field(factory=dict)
    recipe: RecipeName = RecipeName("inference")
    requirements: Requirements = Requirements()
    variants: Mapping[VariantName, Requirements] = field(
        factory=lambda: {VariantName("cpu"): Requirements()}
    )
    platforms: tuple[Platform, ...] = (Platform("linux/amd64"),)
    environment: Mapping[VariableName, str] = field(factory=dict)


@frozen(kw_only=True)
class User:
    """The user that an image runs as."""

    name: str
    uid: UserId
    gid: UserId
    home: ImagePath


@frozen(kw_only=True)
class LaidFile:
    """A file that a recipe lays over the packages; ``source`` stands beside the recipe."""

    source: LocalFile
    mode: Mode = Mode("0644")
    owner: Owner = Owner("root")


@frozen(kw_only=True)
class ImageConfig:
    """The part of the OCI config that a recipe decides."""

    workdir: ImagePath
    command: tuple[str, ...]
    ports: tuple[Port, ...] = ()
    stop_signal: str = "SIGTERM"
    environment: Mapping[VariableName, str] = field(factory=dict)


@frozen(kw_only=True)
class Recipe:
    """How a family of images is put together; its name is its folder's.

    ``contents`` holds the bytes of every file that ``files`` names, by its ``source``.
    """

    name: str = ""
    title: str
    suffix: str
    user: User
    config: ImageConfig
    requirements: Requirements = Requirements()
    files: Mapping[ImagePath, LaidFile] = field(factory=dict)
    directories: Mapping[ImagePath, Owner] = field(factory=dict)
    contents: Mapping[str, bytes] = field(factory=dict)
