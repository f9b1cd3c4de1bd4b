"""What the processes that resolve are asked, and what they answer: JSON both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal, TypeVar

import cattrs
from attrs import frozen

T = TypeVar("T")

FailureKind = Literal[
    "breakdown",  # conda-lock or the solver did what it never should
    "channel",  # the channel can't be reached, or isn't there
    "conflict",  # the requirements can't all be met
    "integrity",  # the channel says too little of a package, or nonsense
    "spec",  # a requirement isn't a match spec; package is its text
    "unknown",  # the channel has no such package; known holds similar names
    "version",  # the channel has the package, not that version; known holds those it has
]


@frozen(kw_only=True)
class Pin:
    """A package that was locked before, as its channel should list it still."""

    name: str
    subdir: str
    file: str
    sha256: str


@frozen(kw_only=True)
class Request:
    """One resolution.

    ``requirements`` are match specs, ``constraints`` likewise, but they add nothing by
    themselves. ``pins`` win where they fit. The packages that ``upgrade`` names are moved to
    the newest that the requirements allow, and the pins give way. ``virtual`` maps virtual
    packages to versions (a build after a space). ``channel`` is the canonical address of the
    channel, ``mirror`` the address that serves it in truth, both without a slash at the end.
    ``cutoff`` is an RFC 3339 time with its offset: what was published from then on is out.
    """

    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    pins: tuple[Pin, ...] = ()
    upgrade: tuple[str, ...] = ()
    subdir: str
    virtual: Mapping[str, str]
    channel: str
    mirror: str | None = None
    cache: str
    cutoff: str | None = None


@frozen(kw_only=True)
class Record:
    """A package of the solution, as its channel describes it; the digests are in hex."""

    name: str
    version: str
    build: str
    build_number: int
    subdir: str
    file: str
    md5: str
    sha256: str
    size: int
    depends: tuple[str, ...]
    constrains: tuple[str, ...]


@frozen(kw_only=True)
class Failure:
    """Why there is no solution."""

    kind: FailureKind
    text: str = ""
    package: str = ""
    known: tuple[str, ...] = ()


@frozen(kw_only=True)
class Answer:
    """The solution, sorted by name, or why there is none."""

    records: tuple[Record, ...] = ()
    failure: Failure | None = None


class Refusal(Exception):  # noqa: N818 - it carries an answer, it is no fault of the program
    """End a resolution with a failure as its answer."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def encode(message: Request | Answer) -> bytes:
    """Write a message."""
    return json.dumps(cattrs.unstructure(message), sort_keys=True).encode("ascii")


def decode(data: bytes, kind: type[T]) -> T:
    """Read a message of a kind; raise ValueError for anything else."""
    try:
        return cattrs.structure(json.loads(data), kind)
    except cattrs.BaseValidationError as error:
        raise ValueError("; ".join(cattrs.transform_error(error))) from error
