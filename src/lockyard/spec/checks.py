"""The kinds of value that a spec may hold, each with the check that a text must pass.

A model's field has one of these types; the reader runs the type's check on the text, so that
the fault carries the field's own key. A check raises Unfit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import NewType

PypiRequirement = NewType("PypiRequirement", str)
DebianRequirement = NewType("DebianRequirement", str)
Platform = NewType("Platform", str)
VariableName = NewType("VariableName", str)
VariantName = NewType("VariantName", str)
BaseName = NewType("BaseName", str)
RecipeName = NewType("RecipeName", str)
CondaRequirement = NewType("CondaRequirement", str)
CondaSourceName = NewType("CondaSourceName", str)
RegistrySourceName = NewType("RegistrySourceName", str)
ImageDigest = NewType("ImageDigest", str)
Date = NewType("Date", str)
GlibcVersion = NewType("GlibcVersion", str)
DebianSourceName = NewType("DebianSourceName", str)
PypiSourceName = NewType("PypiSourceName", str)
Fingerprint = NewType("Fingerprint", str)
ImagePath = NewType("ImagePath", str)
LocalFile = NewType("LocalFile", str)
Mode = NewType("Mode", str)
Owner = NewType("Owner", str)
PythonVersion = NewType("PythonVersion", str)
Port = NewType("Port", int)
UserId = NewType("UserId", int)

PLATFORMS = ("linux/amd64", "linux/arm64")


class Unfit(ValueError):  # noqa: N818 - a value that is unfit, not an error of the program
    """A value doesn't fit its key: why, and what would."""

    def __init__(self, reason: str, solution: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.solution = solution


def check_pypi_requirement(text: str) -> None:
    """Accept a PEP 508 requirement by name and version; no URL, path or option."""
    # A tenth of a second to import, and only needed when there is something to check.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

    if text.startswith("-"):
        raise Unfit(f"{text!r} is an option of pip", "sources are set in WORKSPACE.toml")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        detail = str(error).splitlines()[0]
        raise Unfit(
            f"{text!r} isn't a requirement: {detail}", 'write it as "name>=1.2,<2" (PEP 508)'
        ) from None
    if requirement.url:
        raise Unfit(f"{text!r} names an address", "require it by name and version from a source")


_DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]+( \((<<|<=|=|>=|>>) [0-9A-Za-z.+~:-]+\))?")


def check_debian_requirement(text: str) -> None:
    """Accept a Debian package name, with a version relation where one is wanted."""
    if not _DEBIAN.fullmatch(text):
        raise Unfit(f"{text!r} isn't a Debian package", 'write it as "libgomp1" or "a (>= 1.2)"')


def check_date(text: str) -> None:
    """Accept a calendar day (RFC 3339, full-date)."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text!r} isn't a day", 'write it as "2023-07-01"') from None


def one_of(what: str, known: tuple[str, ...]) -> Callable[[str], None]:
    """Return a check that accepts the known names only, and suggests the nearest."""

    def check(text: str) -> None:
        if text not in known:
            raise Unfit(f"there is no {what} {text!r}", suggestion(text, known))

    return check


def suggestion(text: str, known: tuple[str, ...]) -> str:
    """Return advice that names the nearest of the known names, or all of them."""
    import difflib  # noqa: PLC0415 - only for bad input

    near = difflib.get_close_matches(text, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(sorted(known))}" if known else ""


def matching(pattern: str, what: str, example: str) -> Callable[[str], None]:
    """Return a check that accepts what a regular expression matches whole."""
    compiled = re.compile(pattern)

    def check(text: str) -> None:
        if not compiled.fullmatch(text):
            raise Unfit(f"{text!r} isn't {what}", f"write it as {example}")

    return check


def check_image_path(text: str) -> None:
    """Accept an absolute, normal path."""
    parts = text.split("/")
    if parts[0] or len(parts) < 2 or any(part in {"", ".", ".."} for part in parts[1:]):
        raise Unfit(f"{text!r} isn't an absolute path", 'write it as "/usr/local/bin/start"')


def check_local_file(text: str) -> None:
    """Accept a path that stays below the folder of the file that names it."""
    if any(part in {"", ".", ".."} for part in text.split("/")):
        raise Unfit(f"{text!r} leaves its folder", 'write it as "files/start"')


def between(low: int, high: int) -> Callable[[int], None]:
    """Return a check that accepts whole numbers from low to high."""

    def check(number: int) -> None:
        if not low <= number <= high:
            raise Unfit(f"{number} is out of range", f"from {low} to {high}")

    return check


TEXT_CHECKS: dict[object, Callable[[str], None]] = {
    PypiRequirement: check_pypi_requirement,
    DebianRequirement: check_debian_requirement,
    CondaRequirement: matching(
        r"[a-z0-9_][a-z0-9_.-]*( [0-9A-Za-z_.*+!=<>,|~-]+( [0-9A-Za-z_.*-]+)?)?",
        "a conda requirement",
        '"cudnn 8.0.5.39.*": a name, a version, a build',
    ),
    Date: check_date,
    GlibcVersion: matching(r"2\.[0-9]+", "a version of glibc", '"2.27"'),
    ImageDigest: matching("sha256:[0-9a-f]{64}", "an image's digest", "sha256: and 64 hex digits"),
    Platform: one_of("platform", PLATFORMS),
    VariantName: matching(
        r"cpu|cuda[0-9]+(\.[0-9]+)*", "a variant", '"cpu" or "cuda" and a version'
    ),
    VariableName: matching("[A-Za-z_][A-Za-z0-9_]*", "a variable's name", '"LANG"'),
    Fingerprint: matching(r"[0-9A-F]{40}", "a key's fingerprint", "40 capital hex digits"),
    ImagePath: check_image_path,
    LocalFile: check_local_file,
    Mode: matching(r"0[0-7]{3}", "a mode", '"0644" or "0755"'),
    Owner: one_of("owner", ("root", "user")),
    PythonVersion: matching(r"3\.[0-9]+", "a Python version", '"3.11"'),
}
NUMBER_CHECKS: dict[object, Callable[[int], None]] = {
    Port: between(1, 65535),
    UserId: between(1, 65534),
}
