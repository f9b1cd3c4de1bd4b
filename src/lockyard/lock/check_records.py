"""Whether a lock names only what it may: sources of the workspace, and no place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockyard.lock.finding import Finding, Subject
from lockyard.lock.model import Artifact, CondaPackage, Wheel
from lockyard.spec.checks import PypiName

# An address, or a path from a machine's root, home or drive, at the beginning of a word.
_PLACE = re.compile(
    r"""[a-z][a-z0-9+.-]*:// | (?:^|[\s='"@:(,]) (?: /\w | ~/ | [a-z]:[\\/] | \\\\ )""",
    re.IGNORECASE | re.VERBOSE,
)
_REGISTRY = re.compile(r"[^/]*[.:][^/]*/.*|localhost/.*")


def check_records(subject: Subject) -> Iterator[Finding]:
    """Find sources that the workspace lacks, and addresses and paths that leaked in."""
    lock = subject.lock
    for kind, artifacts in (("debian", lock.debs), ("conda", lock.conda), ("pypi", lock.wheels)):
        for source in sorted({each.source for each in artifacts}):
            yield from _check_source(subject, source, kind)
    for source in sorted({image.source for image in lock.images}):
        yield from _check_source(subject, source, "registry")
    yield from _check_places(subject)


def _check_places(subject: Subject) -> Iterator[Finding]:
    lock = subject.lock
    for target in lock.targets:
        if _PLACE.search(" ".join((target.name, target.base, target.python, target.glibc))):
            yield _leak(subject, f"target {target.name}")
    for image in lock.images:
        if _REGISTRY.match(image.image) or _PLACE.search(image.tag):
            yield _leak(subject, f"image {image.platform}")
    texts = [(each.name, "\n".join(_free_texts(subject, each))) for each in lock.artifacts]
    for name, text in texts:
        # Every place has one of these, and hardly any other text: most are told at once.
        if ("/" in text or "\\" in text) and _PLACE.search(text):
            yield _leak(subject, name)


def _check_source(subject: Subject, source: str, kind: str) -> Iterator[Finding]:
    known = subject.workspace.sources.get(source)
    if known is None:
        yield subject.finding(
            f"the workspace has no source {source!r}",
            solution=f"add it to [sources], or {subject.relock}",
        )
    elif known.kind != kind:
        yield subject.finding(
            f"source {source!r} is of kind {known.kind}, and the lock takes it for {kind}"
        )


def _free_texts(subject: Subject, artifact: Artifact) -> Iterator[str]:
    """Give the texts that the model lets be anything."""
    yield artifact.version
    yield artifact.source
    yield from artifact.required_by
    if isinstance(artifact, CondaPackage):
        yield artifact.build
        yield from artifact.depends
        yield from artifact.constrains
    elif isinstance(artifact, Wheel):
        yield artifact.uploaded
        source = artifact.sdist or artifact.compiled
        if artifact.sdist is not None:
            yield from artifact.sdist.tools
        if source is not None:
            # A variable that the spec gives is its author's, not a machine's.
            rule = subject.env.sdists.get(PypiName(artifact.name))
            given = {str(key): value for key, value in rule.environment.items()} if rule else {}
            for name, value in source.environment.items():
                if given.get(name) != value:
                    yield value


def _leak(subject: Subject, name: str) -> Finding:
    return subject.finding(
        "an address or a machine's path is recorded; locks name sources only", package=name
    )
