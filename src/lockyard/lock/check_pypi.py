"""Whether a lock's wheels meet the spec's requirements, and fit the targets that they serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from packaging.requirements import Requirement
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from lockyard.lock.finding import Finding, Python, Subject, serving
from lockyard.lock.model import Compiled, Target, Wheel
from lockyard.spec.checks import PypiName
from lockyard.spec.model import SdistRule


def check_pypi(subject: Subject) -> Iterator[Finding]:
    """Find requirements that no package meets."""
    for target in subject.lock.targets:
        wheels = {wheel.name: wheel for wheel in serving(subject.lock.wheels, target)}
        python = subject.pythons.get(target.name)
        if python is None:
            continue
        # What conda installs is there for pip's packages as well.
        conda = {
            str(canonicalize_name(each.name)): each.version
            for each in serving(subject.lock.conda, target)
        }
        for label, text in subject.asked(target, "pypi"):
            yield from _check_requirement(subject, wheels, conda, label, text, target)


def check_wheels(subject: Subject) -> Iterator[Finding]:
    """Find wheels that a target can't load: another Python's, or a newer glibc's."""
    for target in subject.lock.targets:
        python = subject.pythons.get(target.name)
        if python is None:
            continue
        for wheel in serving(subject.lock.wheels, target):
            yield from _check_wheel(subject, wheel, python, target)


def applies(text: str, python: Python | None) -> str | None:
    """Return the normalised name that a requirement asks for, None where its markers say no."""
    requirement, name = _requirement(text)
    if requirement.marker is None or python is None:
        return name
    return name if requirement.marker.evaluate(dict(python.markers)) else None


def _check_requirement(
    subject: Subject,
    wheels: Mapping[str, Wheel],
    conda: Mapping[str, str],
    label: str,
    text: str,
    target: Target,
) -> Iterator[Finding]:
    name = applies(text, subject.pythons[target.name])
    if name is None:
        return
    wheel = wheels.get(name)
    version = wheel.version if wheel else conda.get(name)
    if version is None:
        yield subject.finding(f"{label} requires {text}, which isn't locked", target=target.name)
    elif not _admits(text, version):
        yield subject.finding(
            f"{label} requires {text}, and {version} is locked", package=name, target=target.name
        )
    elif wheel is not None and label not in wheel.required_by:
        yield subject.finding(
            f"{label} requires it, and the lock doesn't say so", package=name, target=target.name
        )


def _check_wheel(
    subject: Subject, wheel: Wheel, python: Python, target: Target
) -> Iterator[Finding]:
    name, version, tags = _sdist(wheel.file) if wheel.compiled else _file(wheel.file)
    if name != wheel.name or version != _version(wheel.version):
        kind = "source" if wheel.compiled else "wheel"
        yield subject.finding(f"{wheel.file} isn't its {kind}", package=wheel.name)
    elif wheel.compiled:
        yield from _check_compiled(subject, wheel, wheel.compiled)
    elif tags.isdisjoint(python.tags):
        wanted = f"Python {target.python}, glibc {target.glibc}"
        yield subject.finding(
            f"{wheel.file} doesn't load on {wanted}", package=wheel.name, target=target.name
        )


def _check_compiled(subject: Subject, wheel: Wheel, compiled: Compiled) -> Iterator[Finding]:
    """Find what is compiled in another way than the spec says."""
    rule = subject.env.sdists.get(PypiName(wheel.name), SdistRule())
    given = {str(name): value for name, value in rule.environment.items()}
    if (compiled.builder, compiled.environment) != (rule.builder, given):
        yield subject.finding("the spec has it compiled in another way", package=wheel.name)


# A fleet's locks and specs say the same things again and again.
@cache
def _requirement(text: str) -> tuple[Requirement, str]:
    requirement = Requirement(text)
    return requirement, canonicalize_name(requirement.name)


@cache
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@cache
def _admits(text: str, version: str) -> bool:
    parsed = _version(version)
    specifier = _requirement(text)[0].specifier
    return parsed is not None and specifier.contains(parsed, prereleases=True)


@cache
def _sdist(file: str) -> tuple[str, Version | None, frozenset[str]]:
    try:
        return (*parse_sdist_filename(file), frozenset())
    except InvalidSdistFilename:
        return "", None, frozenset()


@cache
def _file(file: str) -> tuple[str, Version | None, frozenset[str]]:
    try:
        name, version, _, tags = parse_wheel_filename(file)
    except InvalidWheelFilename:
        return "", None, frozenset()
    return name, version, frozenset(map(str, tags))
