"""What a target stands on, and who resolves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from lockyard.errors import SpecError
from lockyard.lock.model import BaseImage, CondaPackage, Deb, Target
from lockyard.spec.model import Requirements


@frozen(kw_only=True)
class Asked:
    """One target, and what is asked for it beside its base; ``by`` maps who asks to what."""

    variant: str
    platform: str
    name: str
    by: Mapping[str, Requirements]

    def refuse(self, kind: str, reason: str) -> None:
        """Raise SpecError if anybody asks for a kind of package that the base can't have."""
        for label, each in self.by.items():
            if getattr(each, kind):
                raise SpecError(
                    reason,
                    where=f"{label}: requirements.{kind}",
                    solution="leave these requirements out, or choose another base",
                )

    def target(self, base: str, python: str, glibc: str) -> Target:
        """Return the target, now that its base's Python and glibc are known."""
        return Target(
            name=self.name,
            variant=self.variant,
            platform=self.platform,
            base=base,
            python=python,
            glibc=glibc,
        )


@frozen(kw_only=True)
class ResolvedBase:
    """A target, and what of it isn't wheels."""

    target: Target
    debs: tuple[Deb, ...] = ()
    conda: tuple[CondaPackage, ...] = ()
    image: BaseImage | None = None


class BaseResolver(Protocol):
    """Resolve the base of one target."""

    def resolve(self, asked: Asked) -> ResolvedBase:
        """Raise ResolveError, FetchError or IntegrityError where that can't be."""
