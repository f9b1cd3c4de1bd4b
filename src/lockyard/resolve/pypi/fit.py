"""Whether the files that an index lists of a package fit a target, and why they don't."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from attrs import frozen
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

from .protocol import PageFile
from .target import PythonTarget

# So many of a release's tags are told; that is enough to see what it is built for.
_TAGS_TOLD = 8


@frozen
class _Release:
    """A file whose name could be read; ``tags`` is empty for a source distribution."""

    file: PageFile
    version: Version
    tags: frozenset[Tag]


def why_unavailable(
    requirement: str,
    files: Sequence[PageFile],
    target: PythonTarget,
    cutoff: datetime | None,
    *,
    buildable: bool = False,
) -> str | None:
    """Say why no file meets a requirement on a target; return None if one does.

    With ``buildable``, a source distribution does as well.
    """
    specifier = _specifier(requirement)
    releases = [
        release
        for file in files
        if (release := _read(file)) and specifier.contains(release.version, prereleases=True)
    ]
    if not releases:
        return f"no release matches {requirement}"
    releases = [each for each in releases if not _too_late(each.file, cutoff)]
    if not releases:
        return f"no release that matches {requirement} was uploaded before {cutoff}"
    if buildable and any(_can_be_built(each, target) for each in releases):
        return None
    wheels = [each for each in releases if each.tags]
    if not wheels:
        return f"{requirement} has only source distributions, and no wheel for {target}"
    return _why_no_wheel(requirement, wheels, target)


def _can_be_built(release: _Release, target: PythonTarget) -> bool:
    file = release.file
    return not release.tags and not file.yanked and _supports_python(file, target)


def _why_no_wheel(requirement: str, wheels: list[_Release], target: PythonTarget) -> str | None:
    suited = [each for each in wheels if _supports_python(each.file, target)]
    if not suited:
        needed = ", ".join(sorted({each.file.requires_python for each in wheels}))
        return f"{requirement} needs Python {needed}, and not {target.python}"
    supported = frozenset(target.tags)
    fitting = [each for each in suited if each.tags & supported]
    if not fitting:
        newest = max(each.version for each in suited)
        tags = _tags_in_words([each for each in suited if each.version == newest], target)
        return f"{requirement} has no wheel for {target}: those of {newest} are for {tags}"
    if all(each.file.yanked for each in fitting):
        return f"every release that matches {requirement} was withdrawn by its authors"
    return None


def _read(file: PageFile) -> _Release | None:
    try:
        if file.file.endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(file.file)
            return _Release(file, version, tags)
        return _Release(file, parse_sdist_filename(file.file)[1], frozenset())
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def _specifier(requirement: str) -> SpecifierSet:
    try:
        return Requirement(requirement).specifier
    except InvalidRequirement:  # pip names a single candidate as "numpy 1.20"
        return SpecifierSet()


def _too_late(file: PageFile, cutoff: datetime | None) -> bool:
    if cutoff is None or not file.uploaded:
        return False
    return datetime.fromisoformat(file.uploaded) >= cutoff


def _supports_python(file: PageFile, target: PythonTarget) -> bool:
    try:
        return SpecifierSet(file.requires_python).contains(target.python, prereleases=True)
    except InvalidSpecifier:  # pip takes no notice of it either
        return True


def _tags_in_words(wheels: list[_Release], target: PythonTarget) -> str:
    """Tell the tags of the wheels that come nearest to the target."""
    interpreter = target.tags[0].interpreter

    def nearness(tag: Tag) -> tuple[bool, bool]:
        here = "linux" in tag.platform and tag.platform.endswith(target.machine)
        return here, tag.interpreter == interpreter

    best = max(nearness(tag) for each in wheels for tag in each.tags)
    near = [each for each in wheels if any(nearness(tag) == best for tag in each.tags)]
    told = sorted({"-".join(each.file.file[:-4].split("-")[-3:]) for each in near})
    more = f" and {len(told) - _TAGS_TOLD} more" if len(told) > _TAGS_TOLD else ""
    return ", ".join(told[:_TAGS_TOLD]) + more
