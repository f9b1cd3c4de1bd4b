"""Whether what a lock holds belongs together: every package asked for, and once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lockyard.lock.finding import Finding, Subject, serving
from lockyard.lock.model import Artifact, Target
from lockyard.lock.parent import parent_label


def labels(subject: Subject) -> frozenset[str]:
    """Return who may ask for a package by a requirement of its own."""
    found = {"env", f"recipe {subject.recipe.name}", f"base {subject.env.base}"}
    if subject.env.parent is not None:
        found.add(parent_label(subject.env.parent.name))
    return frozenset(found)


def check_closure(subject: Subject) -> Iterator[Finding]:
    """Find packages that nobody asks for, that stand twice, or that are in each other's way."""
    lock = subject.lock
    known = {target.name for target in lock.targets}
    for artifact in lock.artifacts:
        strange = sorted(set(artifact.targets) - known)
        if strange:
            yield subject.finding(
                f"it serves {', '.join(strange)}, which isn't a target of the lock",
                package=artifact.name,
            )
    for kind in (lock.debs, lock.conda, lock.wheels):
        yield from _check_askers(subject, kind)
        for target in lock.targets:
            held = serving(kind, target)
            yield from _check_reached(subject, held, target)
            yield from _check_once(subject, held, target)
    for target in lock.targets:
        yield from _check_sides(subject, target)


def _check_askers(subject: Subject, artifacts: Sequence[Artifact]) -> Iterator[Finding]:
    """Find who requires a package without being locked.

    What several targets share stands once, with all who require it in any of them.
    """
    known = {each.name for each in artifacts} | labels(subject)
    for each in artifacts:
        for asker in each.required_by:
            if asker not in known:
                yield subject.finding(f"required by {asker}, which isn't locked", package=each.name)


def _check_reached(subject: Subject, held: Sequence[Artifact], target: Target) -> Iterator[Finding]:
    """Follow who requires whom in a target, from the spec on, and find what that leaves out."""
    required: dict[str, list[str]] = {}
    for each in held:
        for asker in each.required_by:
            required.setdefault(asker, []).append(each.name)
    reached: set[str] = set()
    waiting = sorted(labels(subject) & required.keys())
    while waiting:
        new = set(required.get(waiting.pop(), ())) - reached
        reached |= new
        waiting += new
    for name in sorted({each.name for each in held} - reached):
        yield subject.finding("nothing in the spec leads to it", package=name, target=target.name)


def _check_once(subject: Subject, held: Sequence[Artifact], target: Target) -> Iterator[Finding]:
    for name, count in Counter(each.name for each in held).items():
        if count > 1:
            yield subject.finding(
                f"locked {count} times for one target", package=name, target=target.name
            )


def _check_sides(subject: Subject, target: Target) -> Iterator[Finding]:
    """Find packages that come from conda and from an index.

    There is no exception for pip and setuptools: both sides install into one site-packages,
    and whichever is second would leave a mixture of two versions' files.
    """
    if not subject.lock.conda:
        return
    from packaging.utils import canonicalize_name  # noqa: PLC0415

    conda = {
        str(canonicalize_name(each.name)): each for each in serving(subject.lock.conda, target)
    }
    for wheel in serving(subject.lock.wheels, target):
        other = conda.get(wheel.name)
        if other is not None:
            yield subject.finding(
                f"it comes from {other.source} ({other.version}) and from {wheel.source} "
                f"({wheel.version}), and one would overwrite the other",
                package=wheel.name,
                target=target.name,
                solution=f"ask for it on one side only, then {subject.relock}",
            )
