"""Put the resolutions of several targets together, what they share standing once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from attrs import evolve

from lockyard.lock.model import Artifact

A = TypeVar("A", bound=Artifact)


def merge_targets(resolved: Mapping[str, Sequence[A]]) -> tuple[A, ...]:
    """Return the artifacts of all targets, sorted, each with the targets that it serves.

    One that serves every target names none, so that a target more changes no line of it.
    """
    merged: dict[tuple[str, str], A] = {}
    for target, artifacts in sorted(resolved.items()):
        for artifact in artifacts:
            key = artifact.file, artifact.sha256
            known = merged.get(key)
            asking = set(artifact.required_by) | set(known.required_by if known else ())
            merged[key] = evolve(
                artifact,
                required_by=tuple(sorted(asking)),
                targets=(*(known.targets if known else ()), target),
            )
    whole = tuple(sorted(resolved))
    return tuple(
        evolve(each, targets=() if each.targets == whole else each.targets)
        for each in sorted(merged.values(), key=lambda each: (each.name, each.file))
    )
