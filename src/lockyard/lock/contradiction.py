"""What a lock must not say, though each of its values is well formed."""

from __future__ import annotations

from collections import Counter

from lockyard.lock.model import Artifact, Lock


def contradiction(lock: Lock) -> str:
    """Return what in a lock contradicts itself, or an empty text.

    A name, or a file's name, that stands twice for one target would have one of the two lost
    without a word.
    """
    targets = [target.name for target in lock.targets]
    if not targets:
        return "it has no target"
    if twice := _twice(targets):
        return f"it has target {twice!r} twice"
    kinds: tuple[tuple[Artifact, ...], ...] = (lock.debs, lock.conda, lock.wheels)
    for artifacts in kinds:
        for artifact in artifacts:
            if unknown := sorted({*artifact.targets} - {*targets}):
                return f"{artifact.file} serves {unknown[0]!r}, which is no target of it"
        for target in targets:
            served = [each for each in artifacts if each.serves(target)]
            if twice := _twice([each.name for each in served]):
                return f"it has {twice} twice for {target}"
            if twice := _twice([each.file for each in served]):
                return f"it has {twice} twice for {target}"
    return ""


def _twice(names: list[str]) -> str:
    return next((name for name, count in Counter(names).items() if count > 1), "")
