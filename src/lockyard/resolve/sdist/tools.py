"""The pinned tools that wheels are built with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import (
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from lockyard.errors import FetchError, SpecError
from lockyard.lock.model import is_file_name

from .cache import FileCache, KeptFile

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

    from .index import Index  # which pinned tools alone don't need

_LARGEST = 64 << 20
_ANY_PYTHON_3 = {"py3-none-any", "py2-none-any"}


@frozen(order=True)
class Tool:
    """A package of one version; ``name`` is normalised."""

    name: NormalizedName
    version: Version

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def parse_tools(texts: Iterable[str]) -> tuple[Tool, ...]:
    """Parse pinned requirements, sorted by name; raise SpecError for anything else."""
    tools = sorted({_parse_tool(text) for text in texts})
    for first, second in pairwise(tools):
        if first.name == second.name:
            raise SpecError(
                f"{first.name} has two versions, {first.version} and {second.version}",
                where="WORKSPACE.toml: build-tools",
                solution="pin it once",
            )
    return tuple(tools)


def _parse_tool(text: str) -> Tool:
    try:
        requirement = Requirement(text)
        (specifier,) = requirement.specifier
        version = Version(specifier.version)
    except (InvalidRequirement, InvalidVersion, ValueError):
        raise _not_pinned(text) from None
    if specifier.operator != "==" or requirement.url or requirement.marker or requirement.extras:
        raise _not_pinned(text)
    return Tool(canonicalize_name(requirement.name), version)


def _not_pinned(text: str) -> SpecError:
    return SpecError(
        f"{text!r} is no pinned tool",
        where="WORKSPACE.toml: build-tools",
        solution='write a name with its one version, such as "setuptools==68.0.0"',
    )


def fetch_tools(tools: Sequence[Tool], index: Index, cache: Path) -> tuple[KeptFile, ...]:
    """Return a wheel for each tool, from the cache or else from the index.

    Only wheels for any platform are taken, so that each machine has the same. Raise FetchError
    where there is none, IntegrityError where one isn't what the index says.
    """
    kept = FileCache(cache / "tools")
    return tuple(_cached(tool, index, kept) for tool in tools)


def _cached(tool: Tool, index: Index, kept: FileCache) -> KeptFile:
    # Two indexes may have different files under one name.
    key = hashlib.sha256(f"{index.source}\n{tool}".encode()).hexdigest()
    found = kept.get(key)
    if found is not None:
        return found
    listed = _choose(tool, index)
    sha256 = listed.digests["sha256"]
    return kept.put(
        key, listed.filename, index.download(listed, sha256=sha256, size=listed.size or _LARGEST)
    )


def _choose(tool: Tool, index: Index) -> DistributionPackage:
    fitting = [each for each in index.files(tool.name) if _fits(each, tool)]
    if not fitting:
        raise FetchError(
            f"the index has no wheel of {tool} for any platform, with its sha256",
            where=f"source {index.source}",
            solution="pin another version in build-tools",
        )
    return min(fitting, key=lambda each: each.filename)


def _fits(listed: DistributionPackage, tool: Tool) -> bool:
    # A build tag may hold anything, and the name becomes a path.
    if not is_file_name(listed.filename):
        return False
    try:
        name, version, _, tags = parse_wheel_filename(listed.filename)
    except InvalidWheelFilename:
        return False
    texts = {str(tag) for tag in tags}
    right = (name, version) == (tool.name, tool.version) and "py3-none-any" in texts
    return right and texts <= _ANY_PYTHON_3 and "sha256" in listed.digests
