"""The kinds of value that a spec may hold, each with the check that a text must pass.

A model's field has one of these types; the reader runs the type's check on the text, so that
the fault carries the field's own key. A check raises Unfit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, NewType

from lockyard.spec.platform import PLATFORMS
from lockyard.spec.unfit import Unfit, shown, suggestion

PypiName = NewType("PypiName", str)
PackageName = NewType("PackageName", str)
PypiRequirement = NewType("PypiRequirement", str)
DebianRequirement = NewType("DebianRequirement", str)
Platform = NewType("Platform", str)
VariableName = NewType("VariableName", str)
VariantName = NewType("VariantName", str)
BaseName = NewType("BaseName", str)
EnvName = NewType("EnvName", str)
RecipeName = NewType("RecipeName", str)
CondaRequirement = NewType("CondaRequirement", str)
CondaSourceName = NewType("CondaSourceName", str)
RegistrySourceName = NewType("RegistrySourceName", str)
DatedSourceName = NewType("DatedSourceName", str)
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

# Texts that a model takes as they are, and only the reader looks at.
Registry = Annotated[str, "a registry's host"]
RepositoryPath = Annotated[str, "a path in a registry"]
EnvironmentPrefix = Annotated[str, "the start of a curated environment's name"]
NamePart = Annotated[str, "a part of an image's name"]
SourceName = Annotated[str, "a source's name"]
Address = Annotated[str, "an address"]
Suite = Annotated[str, "a suite"]
Component = Annotated[str, "a component"]
UserName = Annotated[str, "a user's name"]
Signal = Annotated[str, "a signal"]
Line = Annotated[str, "a line of text"]
Value = Annotated[str, "an argument or a variable's value"]

# Marks a list or a table that must have something in it: Annotated[tuple[Platform, ...], SOME].
SOME = "at least one"

_LONGEST_REQUIREMENT = 1000


# What markers are evaluated in, to see that they can be: any target's values would do. The
# kernel's are empty, for an image has none.
_MARKERS = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.0",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}


def check_pypi_requirement(text: str) -> None:
    """Accept a PEP 508 requirement by name and version; no URL, path or option.

    Its markers must compare what can be compared.
    """
    # A tenth of a second to import, and only needed when there is something to check.
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415

    if len(text) > _LONGEST_REQUIREMENT:
        raise Unfit(f"{shown(text)} is too long", f"at most {_LONGEST_REQUIREMENT} characters")
    if text.startswith("-"):
        raise Unfit(f"{shown(text)} is an option of pip", "sources are set in WORKSPACE.toml")
    try:
        requirement = Requirement(text)
    except (InvalidRequirement, RecursionError) as error:
        detail = str(error).splitlines()[0]
        raise Unfit(
            f"{shown(text)} isn't a requirement: {detail}", 'write it as "name>=1.2,<2" (PEP 508)'
        ) from None
    if requirement.url:
        raise Unfit(
            f"{shown(text)} names an address", "require it by name and version from a source"
        )
    try:
        if requirement.marker is not None:
            requirement.marker.evaluate(dict(_MARKERS))
    except (ValueError, LookupError) as error:
        detail = str(error).splitlines()[0]
        raise Unfit(
            f"{shown(text)} has a marker that says nothing: {detail}",
            "write it as \"name; python_version < '3.8'\" (PEP 508)",
        ) from None


_DEBIAN = re.compile(r"[a-z0-9][a-z0-9+.-]+( \((<<|<=|=|>=|>>) [0-9A-Za-z.+~:-]+\))?")


def check_debian_requirement(text: str) -> None:
    """Accept a Debian package name, with a version relation where one is wanted."""
    if not _DEBIAN.fullmatch(text):
        raise Unfit(
            f"{shown(text)} isn't a Debian package", 'write it as "libgomp1" or "a (>= 1.2)"'
        )


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def check_date(text: str) -> None:
    """Accept a calendar day (RFC 3339, full-date)."""
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        date.fromisoformat(text)
    except ValueError:
        raise Unfit(f"{text!r} isn't a day", 'write it as "2023-07-01"') from None


def one_of(what: str, known: tuple[str, ...]) -> Callable[[str], None]:
    """Return a check that accepts the known names only, and suggests the nearest."""

    def check(text: str) -> None:
        if text not in known:
            raise Unfit(f"there is no {what} {shown(text)}", suggestion(text, known))

    return check


def matching(pattern: str, what: str, example: str) -> Callable[[str], None]:
    """Return a check that accepts what a regular expression matches whole."""
    compiled = re.compile(pattern)

    def check(text: str) -> None:
        if not compiled.fullmatch(text):
            raise Unfit(f"{shown(text)} isn't {what}", f"write it as {example}")

    return check


# What an image has as links, in place of which a file below them would put a folder.
_LINKS: Mapping[str, str] = {
    **{
        f"/{name}": f"/usr/{name}"
        for name in ("bin", "lib", "lib32", "lib64", "libo32", "libx32", "sbin")
    },
    "/var/run": "/run",
    "/var/lock": "/run/lock",
}


def check_image_path(text: str) -> None:
    """Accept an absolute, normal path that leads through no link of a base."""
    parts = text.split("/")
    # A colon would end a field of passwd(5), or a folder of PATH.
    if ":" in text or not text.isprintable():
        raise Unfit(f"{shown(text)} has a colon or a control character", "name it without")
    if parts[0] or len(parts) < 2 or any(part in {"", ".", ".."} for part in parts[1:]):
        raise Unfit(f"{shown(text)} isn't an absolute path", 'write it as "/usr/local/bin/start"')
    for link, target in _LINKS.items():
        if text == link or text.startswith(f"{link}/"):
            solution = f'write it as "{target}{text.removeprefix(link)}"'
            raise Unfit(f"{link} is a link to {target} in images", solution)


def check_local_file(text: str) -> None:
    """Accept a path that stays below the folder of the file that names it."""
    if not text.isprintable():
        raise Unfit(f"{shown(text)} has a control character", "name the file without")
    if any(part in {"", ".", ".."} for part in text.split("/")):
        raise Unfit(f"{shown(text)} leaves its folder", 'write it as "files/start"')


def between(low: int, high: int) -> Callable[[int], None]:
    """Return a check that accepts whole numbers from low to high."""

    def check(number: int) -> None:
        if not low <= number <= high:
            raise Unfit(f"{number} is out of range", f"from {low} to {high}")

    return check


def check_line(text: str) -> None:
    """Accept one line of text that says something."""
    if not text.strip() or not text.isprintable():
        raise Unfit(f"{shown(text)} isn't a line of text", "write a few words, in one line")


def check_value(text: str) -> None:
    """Accept what a process can be given."""
    if "\0" in text:
        raise Unfit("it has a NUL character", "no process can be given one")


_PART = "[a-z0-9]+([.-][a-z0-9]+)*"

TEXT_CHECKS: dict[object, Callable[[str], None]] = {
    PypiName: matching(
        "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", "a package's name", '"pyyaml" (PEP 508)'
    ),
    PackageName: matching(
        "[A-Za-z0-9_][A-Za-z0-9._+-]*", "a package's name", '"numpy", as the lock has it'
    ),
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
    Registry: matching(r"[A-Za-z0-9.-]+(:[0-9]+)?", "a registry's host", '"registry.example"'),
    RepositoryPath: matching(
        "[a-z0-9]+([._/-][a-z0-9]+)*", "a path in a registry", '"team/images" in small letters'
    ),
    EnvironmentPrefix: matching(r"([A-Za-z0-9][A-Za-z0-9_.-]*)?", "a prefix", '"AzureML-"'),
    NamePart: matching(_PART, "a part of an image's name", '"debian12": a-z, 0-9, dots, dashes'),
    SourceName: matching("[a-z0-9]+(-[a-z0-9]+)*", "a source's name", '"debian"'),
    Address: matching(r"https?://[^\s/]+(/\S*)?", "an address", '"https://mirror.example/debian"'),
    Suite: matching(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9.-]*)*", "a suite", '"bookworm"'),
    Component: matching("[a-z0-9]+([/-][a-z0-9]+)*", "a component", '"main"'),
    UserName: matching("[a-z_][a-z0-9_-]{0,31}", "a user's name", '"dockeruser"'),
    Signal: matching(r"SIG[A-Z0-9]+([+-][0-9]+)?", "a signal", '"SIGTERM"'),
    Line: check_line,
    Value: check_value,
    PythonVersion: matching(r"3\.[0-9]+", "a Python version", '"3.11"'),
}
NUMBER_CHECKS: dict[object, Callable[[int], None]] = {
    Port: between(1, 65535),
    UserId: between(1, 65534),
}
