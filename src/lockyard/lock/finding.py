"""What a check looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Literal, Protocol, TypeVar

from attrs import evolve, frozen

from lockyard.lock.model import Artifact, Lock, Target
from lockyard.spec.model import Base, Env, Recipe, Requirements, Workspace

Kind = Literal["conda", "debian", "pypi"]
A = TypeVar("A", bound=Artifact)


class Python(Protocol):
    """The facts of a target that wheels and markers depend on."""

    @property
    def markers(self) -> Mapping[str, str]:
        """Return the environment that dependency markers are evaluated in (PEP 508)."""

    @property
    def tags(self) -> Set[str]:
        """Return the wheel tags that the target supports (PEP 425)."""


def relock(env: str) -> str:
    """Say what mends an env's lock that no longer fits: the solution of such findings."""
    return f"invoke lock {env}"


@frozen(kw_only=True)
class Finding:
    """One thing that is wrong with a lock, and what mends it.

    ``lock`` is its file. ``package`` is empty where it isn't one package's fault, and
    ``targets`` where it is so in every target.
    """

    lock: str
    package: str
    targets: tuple[str, ...] = ()
    reason: str
    solution: str

    def __str__(self) -> str:
        scope = f" ({', '.join(self.targets)})" if self.targets else ""
        what = f"{self.package}{scope}: {self.reason}" if self.package else self.reason + scope
        return f"{self.lock}: {what} ({self.solution})"


@frozen(kw_only=True)
class Subject:
    """A lock, and everything that it has to satisfy.

    ``pythons`` holds the facts of each target, by its name, where the target is sound.
    ``parent`` is the lock of the env that this one extends, if it does and there is one, and
    ``builder`` that of the one that compiles for it.
    """

    file: str
    lock: Lock
    workspace: Workspace
    env: Env
    recipe: Recipe
    pythons: Mapping[str, Python]
    parent: Lock | None = None
    builder: Lock | None = None

    @property
    def base(self) -> Base:
        """Return the base that the spec builds on."""
        return self.workspace.bases[self.env.base]

    @property
    def relock(self) -> str:
        """Say what mends a lock that no longer fits."""
        return relock(self.env.name)

    def asked(self, target: Target, kind: Kind) -> Iterator[tuple[str, str]]:
        """Give each requirement of the env and the recipe on a target, after who asks."""
        added = self.env.variants.get(target.variant, Requirements())  # type: ignore[call-overload]
        for label, requirements in (
            ("env", self.env.requirements),
            ("env", added),
            (f"recipe {self.recipe.name}", self.recipe.requirements),
        ):
            for text in getattr(requirements, kind):
                yield label, text

    def finding(
        self, reason: str, *, package: str = "", target: str = "", solution: str = ""
    ) -> Finding:
        """Return a finding on this lock; what mends it is locking again, unless told."""
        return Finding(
            lock=self.file,
            package=package,
            targets=(target,) if target else (),
            reason=reason,
            solution=solution or self.relock,
        )


def serving(artifacts: Sequence[A], target: Target) -> list[A]:
    """Return the artifacts that serve a target."""
    return [each for each in artifacts if each.serves(target.name)]


def gathered(found: Sequence[Finding], lock: Lock) -> tuple[Finding, ...]:
    """Put together what is the same in several targets, in the order of the packages."""
    merged: dict[Finding, set[str]] = {}
    for each in found:
        merged.setdefault(evolve(each, targets=()), set()).update(each.targets)
    every = {target.name for target in lock.targets}
    return tuple(
        evolve(each, targets=() if targets == every else tuple(sorted(targets)))
        for each, targets in sorted(
            merged.items(), key=lambda item: (item[0].package, item[0].reason)
        )
    )
