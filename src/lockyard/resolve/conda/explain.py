"""Failures of a resolution, in the words of whoever has to mend them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from lockyard.errors import FetchError, IntegrityError, LockyardError, ResolveError
from lockyard.lock.virtual import VirtualPackages
from lockyard.resolve.pypi.refusal import without_addresses

from .protocol import Failure, FailureKind
from .requirement import CondaRequirement, not_a_requirement

_FAMILIES: Mapping[FailureKind, tuple[type[LockyardError], str]] = {
    "breakdown": (ResolveError, "report this as a bug, with the requirements"),
    "channel": (FetchError, "check the network, and the address of the channel or its mirror"),
    "integrity": (IntegrityError, "try again, or use another mirror"),
}


def explain(
    failure: Failure,
    *,
    source: str,
    virtual: VirtualPackages,
    cutoff: datetime | None,
    askers: Sequence[CondaRequirement],
) -> LockyardError:
    """Return the error that says what a failure means.

    ``askers`` holds what was asked for, and by whom.
    """
    where = f"source {source}"
    match failure.kind:
        case "spec":
            asker = next((each for each in askers if each.text == failure.package), None)
            return not_a_requirement(
                asker or CondaRequirement(failure.package, "the upgrade"), failure.text
            )
        case "unknown":
            return _unknown(failure, where, askers)
        case "version":
            return _version(failure, where, askers)
        case "conflict":
            return _conflict(failure, where, virtual, cutoff, askers)
    family, solution = _FAMILIES[failure.kind]
    return family(without_addresses(failure.text), where=where, solution=solution)


def _unknown(failure: Failure, where: str, askers: Sequence[CondaRequirement]) -> LockyardError:
    near = f"; it has {', '.join(failure.known)}" if failure.known else ""
    return ResolveError(
        f"the channel has no package {failure.package}{near}: {_words(failure.package, askers)}",
        where=where,
        solution="check the name, or the channel that the source stands for",
    )


def _version(failure: Failure, where: str, askers: Sequence[CondaRequirement]) -> LockyardError:
    return ResolveError(
        f"the channel has no {failure.text}, but {', '.join(failure.known)}: "
        f"{_words(failure.package, askers)}",
        where=where,
        solution="ask for a version that is there",
    )


def _conflict(
    failure: Failure,
    where: str,
    virtual: VirtualPackages,
    cutoff: datetime | None,
    askers: Sequence[CondaRequirement],
) -> LockyardError:
    asked = [
        _words(name, askers)
        for name in sorted({each.name for each in askers})
        if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", failure.text)
    ]
    solution = "loosen one of these requirements"
    if cutoff is not None and "cutoff date" in failure.text:
        solution = f"take a later date than {cutoff.isoformat()}, or loosen the requirements"
    elif "__cuda" in failure.text:
        solution = f"the variant's CUDA is {virtual.cuda or 'none'}: ask for what fits it"
    elif "__glibc" in failure.text:
        solution = f"the base's glibc is {virtual.glibc}: ask for what fits it, or change the base"
    asking = f" ({'; '.join(asked)})" if asked else ""
    return ResolveError(
        f"no set of packages meets the requirements{asking}: {failure.text}",
        where=where,
        solution=solution,
    )


def _words(name: str, askers: Sequence[CondaRequirement]) -> str:
    """Say who asks for a package: ``env asks for numpy 1.21.*``."""
    parts = [f"{each.origin} asks for {each.text}" for each in askers if each.name == name]
    return "; ".join(dict.fromkeys(parts)) or f"the upgrade asks for {name}"
