"""The errors that users see, one class and one exit status for each family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class LockyardError(Exception):
    """Say what is wrong, where, and what to do.

    ``reason`` is a sentence without its full stop, ``where`` names a file and key or an
    artifact, ``solution`` is what the user does next. ``status`` is the exit status.
    """

    status = 1
    family = "error"

    def __init__(self, reason: str, *, where: str = "", solution: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.where = where
        self.solution = solution

    def __str__(self) -> str:
        head = f"{self.where}: {self.reason}" if self.where else self.reason
        return f"{head}\n{self.solution}" if self.solution else head


class UsageError(LockyardError):
    """A task was called with arguments that don't fit, or names an env that isn't there."""

    status = 2
    family = "usage"


class SpecError(LockyardError):
    """A spec, the workspace or a recipe is wrong; ``faults`` holds every fault found."""

    status = 3
    family = "spec"

    def __init__(
        self,
        reason: str,
        *,
        where: str = "",
        solution: str = "",
        faults: tuple[Fault, ...] = (),
    ) -> None:
        super().__init__(reason, where=where, solution=solution)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {fault}" for fault in self.faults)])


class LockError(LockyardError):
    """A lock is missing, unreadable, or no longer what its spec asks for."""

    status = 4
    family = "lock"


class ResolveError(LockyardError):
    """No set of packages satisfies the requirements."""

    status = 5
    family = "resolve"


class FetchError(LockyardError):
    """A source can't be reached, or doesn't have what it should have."""

    status = 6
    family = "fetch"


class IntegrityError(LockyardError):
    """A file isn't what its hash, its signature or its format says."""

    status = 7
    family = "integrity"


class BuildError(LockyardError):
    """A layer or an image can't be built from its artifacts."""

    status = 8
    family = "build"


class StoreError(LockyardError):
    """The store or the output folder can't be written."""

    status = 9
    family = "store"


class EngineError(LockyardError):
    """The container engine is absent, or refused what was asked."""

    status = 10
    family = "engine"


class PushError(LockyardError):
    """A registry can't be reached to push to, or refuses what is pushed."""

    status = 11
    family = "push"


class VerifyError(LockyardError):
    """An image isn't the same when it is built again, or isn't what it is compared with."""

    status = 12
    family = "verify"

    def __init__(
        self,
        reason: str,
        *,
        where: str = "",
        solution: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(reason, where=where, solution=solution)
        self.details = details or {}


class TrialError(LockyardError):
    """An image isn't what its spec and its lock say, or doesn't do what it has to."""

    status = 13
    family = "test"


class Fault:
    """One fault of a file: its key, what is wrong, and what would be right."""

    def __init__(self, file: str, key: str, reason: str, solution: str = "") -> None:
        self.file = file
        self.key = key
        self.reason = reason
        self.solution = solution

    def __str__(self) -> str:
        text = (
            f"{self.file}: {self.key}: {self.reason}" if self.key else f"{self.file}: {self.reason}"
        )
        return f"{text} ({self.solution})" if self.solution else text
