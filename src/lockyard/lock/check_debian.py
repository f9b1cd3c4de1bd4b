"""Whether a lock's Debian packages meet the base's and the spec's requirements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lockyard.lock.finding import Finding, Subject, serving
from lockyard.lock.model import Deb, Target
from lockyard.spec.model import DebianBase

_RELATION = re.compile(r"(?P<name>\S+)(?: \((?P<comparison>\S+) (?P<version>\S+)\))?")


def check_debian(subject: Subject) -> Iterator[Finding]:
    """Find requirements that no package meets, and packages that fit no target."""
    for target in subject.lock.targets:
        debs = {deb.name: deb for deb in serving(subject.lock.debs, target)}
        for deb in debs.values():
            yield from _check_deb(subject, deb, target)
        base = subject.base
        asked = list(subject.asked(target, "debian"))
        if isinstance(base, DebianBase):
            asked += [(f"base {subject.env.base}", text) for text in base.packages]
            yield from _check_facts(subject, debs, target)
        elif debs:
            yield subject.finding("it holds Debian packages, and its base is a registry's image")
        for label, text in asked:
            yield from _check_requirement(subject, debs, label, text, target)


def _check_deb(subject: Subject, deb: Deb, target: Target) -> Iterator[Finding]:
    if deb.architecture not in {"all", target.platform.partition("/")[2]}:
        yield subject.finding(f"it is for {deb.architecture}", package=deb.name, target=target.name)
    if deb.path.rpartition("/")[2] != deb.file or not deb.file.startswith(f"{deb.name}_"):
        yield subject.finding("its file is of another package", package=deb.name)


def _check_facts(subject: Subject, debs: Mapping[str, Deb], target: Target) -> Iterator[Finding]:
    """Compare what wheels were chosen for with the packages that decide it."""
    for name, fact, said in (
        (f"python{subject.base.python}", "Python", target.python),
        ("libc6", "glibc", target.glibc),
    ):
        found = _upstream(debs[name].version) if name in debs else "none"
        if found != said:
            yield subject.finding(
                f"its target has {fact} {said}, and the packages have {found}",
                package=name,
                target=target.name,
            )


def _check_requirement(
    subject: Subject, debs: Mapping[str, Deb], label: str, text: str, target: Target
) -> Iterator[Finding]:
    parsed = _RELATION.fullmatch(text)
    deb = debs.get(parsed["name"]) if parsed else None
    if parsed is None or deb is None:
        yield subject.finding(f"{label} requires {text}, which isn't locked", target=target.name)
    elif not _admits(parsed["comparison"], deb.version, parsed["version"]):
        yield subject.finding(
            f"{label} requires {text}, and {deb.version} is locked",
            package=deb.name,
            target=target.name,
        )
    elif label not in deb.required_by:
        yield subject.finding(
            f"{label} requires it, and the lock doesn't say so",
            package=deb.name,
            target=target.name,
        )


def _admits(comparison: str | None, version: str, wanted: str) -> bool:
    """Compare versions as dpkg does (Debian Policy 5.6.12 and 7.1)."""
    if comparison is None:
        return True
    from debian.debian_support import NativeVersion  # noqa: PLC0415 - rarely needed

    order = (NativeVersion(version) > NativeVersion(wanted)) - (
        NativeVersion(version) < NativeVersion(wanted)
    )
    return {"<<": order < 0, "<=": order <= 0, "=": not order, ">=": order >= 0}.get(
        comparison, order > 0
    )


def _upstream(version: str) -> str:
    """Return the part between epoch and revision (Debian Policy 5.6.12)."""
    after = version.partition(":")[2] or version
    return after.rpartition("-")[0] or after
