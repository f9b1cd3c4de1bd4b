"""Failures of a resolution, in the words of whoever has to mend them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from lockyard.errors import FetchError, IntegrityError, LockyardError, ResolveError

from .fit import why_unavailable
from .protocol import Cause, Failure, FailureKind
from .target import PythonTarget

# Each kind of failure but conflicts: its family, and what to do.
_FAMILIES: Mapping[FailureKind, tuple[type[LockyardError], str]] = {
    "index": (FetchError, "check the network, the index's address and its certificate"),
    "integrity": (IntegrityError, "try again, or use another mirror"),
    "metadata": (ResolveError, "exclude that version with !=, or ask for another"),
    "page": (FetchError, "use an index that serves JSON pages (PEPs 691 and 700)"),
    "seams": (ResolveError, "install the pinned versions: pip install -e ."),
    "unsupported": (ResolveError, "take it out of the spec"),
}


def explain(
    failure: Failure,
    *,
    source: str,
    target: PythonTarget,
    cutoff: datetime | None,
    origins: Mapping[str, Iterable[str]],
) -> LockyardError:
    """Return the error that says what a failure means.

    ``origins`` maps normalised names to the labels of those that ask for them.
    """
    where = f"source {source}"
    if failure.kind != "conflict":
        family, solution = _FAMILIES[failure.kind]
        text = f"{failure.package}: {failure.text}" if failure.package else failure.text
        return family(text, where=where, solution=solution)
    for cause in failure.causes:
        if cause.package not in failure.pages:
            continue
        files = failure.pages[cause.package]
        if files is None:
            return ResolveError(
                f"the index has no package {cause.package}: {_words([cause], origins)}",
                where=where,
                solution="check the name, or the index that the source stands for",
            )
        reason = why_unavailable(cause.requirement, files, target, cutoff)
        if reason is not None:
            return ResolveError(
                f"{reason}: {_words([cause], origins)}",
                where=where,
                solution="ask for another version, or change the target's Python or base",
            )
    return ResolveError(
        f"the requirements contradict each other for {target}: {_words(failure.causes, origins)}",
        where=where,
        solution="loosen one of these requirements",
    )


def _words(causes: Iterable[Cause], origins: Mapping[str, Iterable[str]]) -> str:
    """Say who asks for what: ``env asks for numpy<1.20; pandas 2.1.0 requires numpy>=1.22``."""
    parts = []
    for cause in causes:
        if cause.parent:
            parts.append(f"{cause.parent} requires {cause.requirement}")
        else:
            who = " and ".join(sorted(origins.get(cause.package, ()))) or "an upgrade"
            parts.append(f"{who} asks for {cause.requirement}")
    return "; ".join(dict.fromkeys(parts))
