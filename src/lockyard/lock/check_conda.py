"""Whether a lock's conda packages meet the spec's requirements, and each other's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from rattler import BuildString, MatchSpec, PackageRecord

from lockyard.lock.finding import Finding, Subject, serving
from lockyard.lock.model import CondaPackage, Target
from lockyard.lock.virtual import virtual_packages
from lockyard.spec.model import ImageBase
from lockyard.spec.platform import SUBDIRS

_SUFFIXES = (".conda", ".tar.bz2")


def check_conda(subject: Subject) -> Iterator[Finding]:
    """Find requirements, dependencies and constraints that don't hold.

    What the target is, virtual packages say (``__glibc``, ``__cuda``); of those that a target
    has in any version (``__archspec``), only the name is compared.
    """
    base = subject.base
    for target in subject.lock.targets:
        packages = serving(subject.lock.conda, target)
        if not isinstance(base, ImageBase):
            if packages:
                yield subject.finding("it holds conda packages, and its base has no prefix")
            continue
        records: dict[str, PackageRecord | None] = dict(_virtual(target))
        for package in packages:
            records[package.name] = _record(package)
            yield from _check_package(subject, package, target)
        asked = [(f"base {subject.env.base}", f"python {base.python}.*")]
        for label, text in [*asked, *subject.asked(target, "conda")]:
            if not _holds(text, records):
                yield subject.finding(
                    f"{label} requires {text}, which isn't met", target=target.name
                )
        yield from _check_relations(subject, packages, records, target)


def _check_package(subject: Subject, package: CondaPackage, target: Target) -> Iterator[Finding]:
    if package.subdir not in {"noarch", SUBDIRS.get(target.platform)}:
        yield subject.finding(
            f"it is for {package.subdir}", package=package.name, target=target.name
        )
    stem = f"{package.name}-{package.version}-{package.build}"
    if package.file not in {stem + suffix for suffix in _SUFFIXES} or _record(package) is None:
        yield subject.finding(f"{package.file} isn't its file", package=package.name)
    python = package.name == "python"
    if python and package.version != target.python:
        yield subject.finding(
            f"its target has Python {target.python}, and {package.version} is locked",
            package=package.name,
            target=target.name,
        )


def _check_relations(
    subject: Subject,
    packages: Sequence[CondaPackage],
    records: Mapping[str, PackageRecord | None],
    target: Target,
) -> Iterator[Finding]:
    for package in packages:
        for text in package.depends:
            if not _holds(text, records):
                yield subject.finding(
                    f"it depends on {text}, which isn't met",
                    package=package.name,
                    target=target.name,
                )
        for text in package.constrains:
            if _name(text) in records and not _holds(text, records):
                yield subject.finding(
                    f"it allows only {text} beside it, and another is locked",
                    package=package.name,
                    target=target.name,
                )


def _holds(text: str, records: Mapping[str, PackageRecord | None]) -> bool:
    spec, record = _spec(text), records.get(_name(text))
    if spec is None or record is None:
        return False
    return bool(spec.matches(record))


def _virtual(target: Target) -> Iterator[tuple[str, PackageRecord | None]]:
    """Give the virtual packages that a target has, by their names (CEP 30)."""
    given = virtual_packages(target).versions(SUBDIRS.get(target.platform, ""))
    for name, text in given.items():
        version, _, build = text.partition(" ")
        yield name, _made(name, version, build or "0", 0, "noarch")


def _record(package: CondaPackage) -> PackageRecord | None:
    return _made(package.name, package.version, package.build, package.build_number, package.subdir)


# A fleet's locks say the same things again and again.
@cache
def _made(name: str, version: str, build: str, number: int, subdir: str) -> PackageRecord | None:
    try:
        return PackageRecord(name, version, BuildString(build), number, subdir)
    except Exception:
        return None


@cache
def _spec(text: str) -> MatchSpec | None:
    try:
        return MatchSpec(text)
    except Exception:
        return None


@cache
def _name(text: str) -> str:
    spec = _spec(text)
    return spec.name.normalized if spec is not None and spec.name is not None else ""
