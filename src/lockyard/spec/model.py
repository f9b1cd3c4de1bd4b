"""The models of the workspace, an env and a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from attrs import field, frozen

from lockyard.spec.checks import (
    SOME,
    Address,
    BaseName,
    Component,
    CondaRequirement,
    CondaSourceName,
    Date,
    DatedSourceName,
    DebianRequirement,
    DebianSourceName,
    EnvironmentPrefix,
    EnvName,
    Fingerprint,
    GlibcVersion,
    ImageDigest,
    ImagePath,
    Line,
    LocalFile,
    Mode,
    NamePart,
    Owner,
    PackageName,
    Platform,
    Port,
    PypiName,
    PypiRequirement,
    PypiSourceName,
    PythonVersion,
    RecipeName,
    Registry,
    RegistrySourceName,
    RepositoryPath,
    Signal,
    SourceName,
    Suite,
    UserId,
    UserName,
    Value,
    VariableName,
    VariantName,
)


@frozen(kw_only=True)
class NameParts:
    """What the names of all images and curated environments share."""

    registry: Registry
    repository: RepositoryPath
    environment_prefix: EnvironmentPrefix


@frozen(kw_only=True)
class PypiSource:
    """A package index; ``index`` only where it isn't the one that pip is configured to use."""

    kind: Literal["pypi"]
    index: Address | None = None


@frozen(kw_only=True)
class DebianSource:
    """A Debian archive; ``mirror`` only where it isn't the one that the host's apt uses.

    ``keys`` are the fingerprints of the certificates one of which must have signed a suite;
    ``keyring`` is a folder of the workspace with public keys beside those of the distribution.
    """

    kind: Literal["debian"]
    keys: Annotated[tuple[Fingerprint, ...], SOME]
    keyring: LocalFile | None = None
    mirror: Address | None = None


@frozen(kw_only=True)
class CondaSource:
    """A conda channel at its canonical address; a ``mirror`` serves the same records.

    Where the environment has LOCKYARD_<NAME>_MIRROR, that serves them instead.
    """

    kind: Literal["conda"]
    channel: Address
    mirror: Address | None = None


@frozen(kw_only=True)
class RegistrySource:
    """A registry of images by its name, as ``docker.io``; a ``mirror`` serves the same."""

    kind: Literal["registry"]
    registry: Registry
    mirror: Address | None = None


Source = PypiSource | DebianSource | CondaSource | RegistrySource


@frozen(kw_only=True)
class DebianBase:
    """A base made of Debian packages, and where Python packages go in it.

    ``prefix`` is the virtual environment that holds the wheels; it runs ``python``, which
    stands at ``interpreter``.
    """

    kind: Literal["debian"] = "debian"
    source: DebianSourceName
    suite: Suite
    components: Annotated[tuple[Component, ...], SOME]
    packages: Annotated[tuple[DebianRequirement, ...], SOME]
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
    image: RepositoryPath
    tag: NamePart
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
    sources: Mapping[SourceName, Source]
    build_tools: tuple[PypiRequirement, ...] = ()
    bases: Mapping[NamePart, Base]


@frozen(kw_only=True)
class Requirements:
    """What somebody asks for, by ecosystem."""

    pypi: tuple[PypiRequirement, ...] = ()
    conda: tuple[CondaRequirement, ...] = ()
    debian: tuple[DebianRequirement, ...] = ()


@frozen(kw_only=True)
class SdistRule:
    """Allow a package to be built from source, in the env ``builder`` if it must be compiled."""

    builder: EnvName | None = None
    environment: Mapping[VariableName, Value] = field(factory=dict)


@frozen(kw_only=True)
class LaidFile:
    """A file that is laid over the packages; ``source`` stands beside the spec that names it."""

    source: LocalFile
    mode: Mode = Mode("0644")
    owner: Owner = Owner("root")


@frozen(kw_only=True)
class Env:
    """One image described; its name is its file's.

    ``stem`` is what its image names begin with, where that isn't its own name. ``as_of``
    leaves out what a source published from a day on. ``sdists`` names the packages that may be
    built from source, normalised (PEP 503).

    ``variants`` adds requirements of its own to each variant; ``environment`` holds variables
    of the image, over the recipe's. ``run`` has shell commands that only a Docker engine can run
    while it builds. ``owners`` names the package whose file stands at a path
    that several packages have, each with another content. ``run_scripts`` has an engine install
    the Debian packages that are added to the parent, by their own scripts.

    ``builder`` is the env in whose image packages of ``sdists`` are compiled, if any are.

    Where the env extends another, that is its ``parent``, and ``requirements``, those of its
    ``variants``, ``files`` and ``directories`` are what it adds to it; ``contents`` holds the
    bytes of every file that ``files`` names, by its ``source``. All else holds as it is.
    """

    name: str = ""
    parent: Env | None = None
    builder: Env | None = None
    title: Line
    base: BaseName
    stem: NamePart = ""
    as_of: Mapping[DatedSourceName, Date] = field(factory=dict)
    sdists: Mapping[PypiName, SdistRule] = field(factory=dict)
    recipe: RecipeName = RecipeName("inference")
    requirements: Requirements = Requirements()
    variants: Annotated[Mapping[VariantName, Requirements], SOME] = field(
        factory=lambda: {VariantName("cpu"): Requirements()}
    )
    platforms: Annotated[tuple[Platform, ...], SOME] = (Platform("linux/amd64"),)
    environment: Mapping[VariableName, Value] = field(factory=dict)
    run: tuple[Value, ...] = ()
    run_scripts: bool = False
    owners: Mapping[ImagePath, PackageName] = field(factory=dict)
    files: Mapping[ImagePath, LaidFile] = field(factory=dict)
    directories: Mapping[ImagePath, Owner] = field(factory=dict)
    contents: Mapping[str, bytes] = field(factory=dict)


@frozen(kw_only=True)
class DerivedEnv:
    """One image described by another that it ``extends``, and by what is added to that.

    Base and recipe are the other's. ``variants`` and ``platforms`` name some of its own, or
    none for all. What both give of ``as_of``, ``sdists``, ``environment`` and ``owners``, this
    one decides. Its ``run`` comes after the other's. ``run_scripts`` has a Docker engine install
    the Debian packages that it adds, by their own scripts; so are the other's, if they are there.
    """

    title: Line
    extends: EnvName
    stem: NamePart = ""
    as_of: Mapping[DatedSourceName, Date] = field(factory=dict)
    sdists: Mapping[PypiName, SdistRule] = field(factory=dict)
    requirements: Requirements = Requirements()
    variants: Mapping[VariantName, Requirements] = field(factory=dict)
    platforms: tuple[Platform, ...] = ()
    environment: Mapping[VariableName, Value] = field(factory=dict)
    run: tuple[Value, ...] = ()
    run_scripts: bool = False
    owners: Mapping[ImagePath, PackageName] = field(factory=dict)
    files: Mapping[ImagePath, LaidFile] = field(factory=dict)
    directories: Mapping[ImagePath, Owner] = field(factory=dict)


@frozen(kw_only=True)
class User:
    """The user that an image runs as."""

    name: UserName
    uid: UserId
    gid: UserId
    home: ImagePath


@frozen(kw_only=True)
class ImageConfig:
    """The part of the OCI config that a recipe decides."""

    workdir: ImagePath
    command: Annotated[tuple[Value, ...], SOME]
    ports: tuple[Port, ...] = ()
    stop_signal: Signal = "SIGTERM"
    environment: Mapping[VariableName, Value] = field(factory=dict)


@frozen(kw_only=True)
class Recipe:
    """How a family of images is put together; its name is its folder's.

    With ``bytecode``, modules are compiled. ``contents`` holds files by their ``source``.
    """

    name: str = ""
    title: Line
    suffix: NamePart
    user: User
    config: ImageConfig
    bytecode: bool = False
    requirements: Requirements = Requirements()
    files: Mapping[ImagePath, LaidFile] = field(factory=dict)
    directories: Mapping[ImagePath, Owner] = field(factory=dict)
    contents: Mapping[str, bytes] = field(factory=dict)
