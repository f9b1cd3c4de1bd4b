"""Whether the packages in an image are those of its lock, and fit each other: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from lockyard.spec.names import normalised
from lockyard.trial.outcome import WrongError
from lockyard.trial.subject import Packages, Subject


@frozen(kw_only=True)
class Distribution:
    """What a folder of metadata in an image says; ``record`` has the paths of modules alone."""

    place: str
    name: str
    version: str
    requires: tuple[str, ...] = ()
    python: str = ""
    record: tuple[str, ...] = ()
    top: tuple[str, ...] = ()


@frozen(kw_only=True)
class CondaRecord:
    """What conda has recorded of a package; ``files`` are those of Python's folders alone."""

    name: str
    version: str
    files: tuple[str, ...] = ()


@frozen(kw_only=True)
class Installed:
    """What an image says of its packages; see ``inside/packages.py``."""

    distributions: tuple[Distribution, ...]
    conda: tuple[CondaRecord, ...]
    debs: tuple[tuple[str, ...], ...]
    markers: Mapping[str, str]

    @property
    def wheels(self) -> tuple[Distribution, ...]:
        """Return the distributions that aren't conda packages'."""
        files = [path for record in self.conda for path in record.files]
        known = {part for path in files for part in path.split("/") if part.endswith("-info")}
        return tuple(each for each in self.distributions if _folder(each) not in known)


def check_packages(subject: Subject, installed: Installed) -> str:
    """Compare the packages in an image with those of its lock, by names and versions."""
    wheels = [(normalised(each.name), each.version) for each in installed.wheels]
    wrong = [
        *_compared("wheel", subject.wheels, wheels, more=subject.runs),
        *_compared("conda", subject.conda, [(each.name, each.version) for each in installed.conda]),
        *_compared("deb", subject.debs, [(each[0], each[1]) for each in installed.debs], True),
    ]
    if wrong:
        raise WrongError(
            "\n".join(expected for expected, _ in wrong), "\n".join(found for _, found in wrong)
        )
    counts = {"wheels": subject.wheels, "conda": subject.conda, "Debian": subject.debs}
    return ", ".join(f"{len(held)} {kind}" for kind, held in counts.items() if held)


def _compared(
    kind: str, wanted: Packages, found: Iterable[tuple[str, str]], more: bool = False
) -> Iterator[tuple[str, str]]:
    """Give what is wanted and what is found where they differ; ``more`` may be found."""
    have: dict[str, set[str]] = {}
    for name, version in found:
        have.setdefault(name, set()).add(version)
    for name in sorted(wanted.keys() | have.keys()):
        want = {wanted[name]} if name in wanted else set()
        got = have.get(name, set())
        if got != want and (want or not more):
            yield f"{kind} {name}: {_said(want)}", f"{kind} {name}: {_said(got)}"


def _said(versions: Iterable[str]) -> str:
    return ", ".join(sorted(versions)) or "none"


def check_consistency(installed: Installed) -> str:
    """Tell whether each distribution's requirements are there, as ``pip check`` does."""
    versions = {normalised(each.name): each.version for each in installed.distributions}
    wrong = [
        (f"{each.name} {each.version}: {want}", f"{each.name} {each.version}: {have}")
        for each in installed.distributions
        for want, have in _unmet(each, versions, installed.markers)
    ]
    if wrong:
        raise WrongError(
            "\n".join(expected for expected, _ in wrong), "\n".join(found for _, found in wrong)
        )
    return f"{len(installed.distributions)} distributions"


def _unmet(
    each: Distribution, versions: Mapping[str, str], markers: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Give what a distribution wants and what there is of it, where that isn't enough."""
    try:
        Version(each.version)
        if not each.name:
            raise InvalidVersion
    except InvalidVersion:
        yield "a name and a version", f"{each.name!r} {each.version!r} in {each.place}"
        return
    try:
        if each.python and markers["python_full_version"] not in SpecifierSet(each.python):
            yield f"Python {each.python}", f"Python {markers['python_full_version']}"
        for text in each.requires:
            requirement = Requirement(text)
            if requirement.marker and not requirement.marker.evaluate({**markers, "extra": ""}):
                continue
            have = versions.get(normalised(requirement.name))
            if have is None or not requirement.specifier.contains(have, prereleases=True):
                yield text, f"{requirement.name} {have or 'is missing'}"
    except (InvalidRequirement, InvalidSpecifier, InvalidVersion, ValueError, LookupError) as error:
        yield "requirements that can be read", str(error).splitlines()[0]


def has_package(requirement: str, packages: Sequence[Packages]) -> bool:
    """Tell whether some packages have one that a requirement asks for."""
    asked = Requirement(requirement)
    for held in packages:
        version = {normalised(name): each for name, each in held.items()}.get(
            normalised(asked.name)
        )
        if version is not None and asked.specifier.contains(version, prereleases=True):
            return True
    return False


def _folder(distribution: Distribution) -> str:
    return distribution.place.rsplit("/", 1)[-1]


def installed_of(told: Any) -> Installed:
    """Return what ``inside/packages.py`` told. Raise ValueError for anything else."""
    from cattrs import Converter  # noqa: PLC0415
    from cattrs.errors import ClassValidationError, IterableValidationError  # noqa: PLC0415

    try:
        return Converter().structure(told, Installed)
    except (ClassValidationError, IterableValidationError, TypeError) as error:
        raise ValueError(f"it told something else: {type(error).__name__}") from None
