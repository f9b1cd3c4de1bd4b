"""Whether the lock of an env that extends another has all that the other's has."""

from __future__ import annotations

from collections.abc import Iterator

from lockyard.lock.finding import Finding, Subject, relock, serving
from lockyard.lock.model import Artifact, Target
from lockyard.lock.parent import Inherited, inherited, parent_label


def check_parent(subject: Subject) -> Iterator[Finding]:
    """Find what the lock has otherwise than the parent's, target by target."""
    if subject.env.parent is None:
        return
    name = subject.env.parent.name
    if subject.parent is None:
        yield subject.finding(f"{name}, which it extends, has no lock", solution=_relock(subject))
        return
    for target in subject.lock.targets:
        held = inherited(subject.parent, target.name)
        if held is None:
            reason = f"the lock of {name}, which it extends, has no such target"
            yield subject.finding(reason, target=target.name, solution=_relock(subject))
        else:
            yield from _check_target(subject, held, target)


def _check_target(subject: Subject, held: Inherited, target: Target) -> Iterator[Finding]:
    assert subject.parent is not None  # noqa: S101 - the caller has seen to it
    parent, lock = subject.parent.env, subject.lock
    if target != held.target:
        yield subject.finding(
            f"it has Python {target.python}, glibc {target.glibc} on {target.base}, and {parent} "
            f"has Python {held.target.python}, glibc {held.target.glibc} on {held.target.base}",
            target=target.name,
        )
    images = [each for each in lock.images if each.platform == target.platform]
    if images != ([held.image] if held.image else []):
        yield subject.finding(f"its base image isn't that of {parent}", target=target.name)
    # By their kind as well: a name may be one of conda and one of Debian.
    has = {(type(each), each.name): each for each in serving(lock.artifacts, target)}
    theirs = {(type(each), each.name): each for each in held.artifacts}
    for key, each in sorted(theirs.items(), key=lambda item: item[0][1]):
        if reason := _otherwise(parent, each, has.get(key)):
            yield subject.finding(reason, package=each.name, target=target.name)
    for key, each in sorted(has.items(), key=lambda item: item[0][1]):
        if parent_label(parent) in each.required_by and key not in theirs:
            reason = f"required by {parent_label(parent)}, which hasn't got it"
            yield subject.finding(reason, package=each.name, target=target.name)


def _otherwise(parent: str, theirs: Artifact, own: Artifact | None) -> str:
    """Return how a package differs from the parent's, or an empty text."""
    if own is None:
        return f"{parent} has it ({theirs.version}), and it isn't locked"
    if own.version != theirs.version:
        return f"{parent} has {theirs.version}, and {own.version} is locked"
    if (own.file, own.sha256) != (theirs.file, theirs.sha256):
        return f"{parent} has another file of {theirs.version}: {theirs.file}"
    if parent_label(parent) not in own.required_by:
        return f"{parent_label(parent)} requires it, and the lock doesn't say so"
    return ""


def _relock(subject: Subject) -> str:
    assert subject.env.parent is not None  # noqa: S101 - asked of derived envs alone
    return f"{relock(subject.env.parent.name)}, then {subject.relock}"
