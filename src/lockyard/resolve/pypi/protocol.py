"""What the resolving child process is asked, and what it answers: JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeVar

import cattrs
from attrs import field, frozen

from lockyard.lock.model import Sdist

from .target import PythonTarget

T = TypeVar("T")

FailureKind = Literal[
    "conflict",  # the requirements can't all be met; see causes and pages
    "index",  # the index can't be reached
    "integrity",  # a file isn't what the index says
    "page",  # the index says too little of a package, or nonsense
    "metadata",  # a wheel's own metadata is unusable
    "seams",  # pip or pip-tools isn't the version that this is made for
    "unbuilt",  # an sdist has to be built first; see sdist
]


@frozen(kw_only=True)
class Request:
    """One resolution.

    ``requirements`` are PEP 508 strings without addresses, ``constraints`` likewise, but they
    add nothing by themselves; ``pins`` maps normalised names to versions, which win where
    they fit. ``cutoff`` is an RFC 3339 time with its offset. ``sdists`` maps the normalised
    names of what may be built from source to the environment of its build, and ``tools`` are
    what it is built with. Of those among ``compiled`` only metadata is made. ``shared`` is a
    folder in which those of one run have their pages of the index, empty where there is none.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    pins: Mapping[str, str]
    target: PythonTarget
    index: str
    cert: str | None
    cache: str
    cutoff: str | None
    sdists: Mapping[str, Mapping[str, str]] = field(factory=dict)
    compiled: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    shared: str = ""


@frozen(kw_only=True)
class PageFile:
    """A file that a page of the index lists (PEPs 691 and 700).

    ``sha256`` and ``uploaded`` are empty and ``size`` is None where the index doesn't say.
    """

    file: str
    sha256: str
    size: int | None
    uploaded: str
    requires_python: str
    yanked: bool


@frozen(kw_only=True)
class Chosen:
    """A file of the solution; ``required_by`` holds normalised names of packages, sorted.

    With ``sdist``, its wheel isn't the index's, and file, sha256 and size are the sdist's.
    """

    name: str
    version: str
    file: str
    sha256: str
    size: int
    uploaded: str
    required_by: tuple[str, ...]
    yanked: bool = False
    sdist: Sdist | None = None


@frozen(kw_only=True)
class Cause:
    """A requirement that takes part in a conflict.

    ``parent`` is the package and version that has it, empty for what the request asks for.
    """

    requirement: str
    package: str
    parent: str


@frozen(kw_only=True)
class Failure:
    """Why there is no solution.

    ``pages`` maps each package of a conflict to what the index lists of it, None where the
    index doesn't know it; a package whose page was never asked for is absent. ``sdist`` is
    what has to be built before its dependencies are known.
    """

    kind: FailureKind
    text: str = ""
    package: str = ""
    causes: tuple[Cause, ...] = ()
    pages: Mapping[str, tuple[PageFile, ...] | None] = field(factory=dict)
    sdist: Sdist | None = None


@frozen(kw_only=True)
class Answer:
    """The solution, sorted by name, or why there is none."""

    wheels: tuple[Chosen, ...] = ()
    failure: Failure | None = None


def encode(message: Request | Answer) -> bytes:
    """Write a message."""
    return json.dumps(cattrs.unstructure(message), sort_keys=True).encode("ascii")


def decode(data: bytes, kind: type[T]) -> T:
    """Read a message of a kind; raise ValueError for anything else."""
    try:
        return cattrs.structure(json.loads(data), kind)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error))) from error
