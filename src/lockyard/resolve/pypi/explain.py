"""Failures of a resolution, in the words of whoever has to mend them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

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
}


def explain(
    failure: Failure,
    *,
    source: str,
    target: PythonTarget,
    cutoff: datetime | None,
    askers: Sequence[tuple[Requirement, str]],
    sdists: Collection[str] = (),
) -> LockyardError:
    """Return the error that says what a failure means.

    ``askers`` holds what was asked for, and by whom; ``sdists`` names what may be built.
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
                f"the index has no package {cause.package}: {_words([cause], askers)}",
                where=where,
                solution="check the name, or the index that the source stands for",
            )
        buildable = cause.package in sdists
        reason = why_unavailable(cause.requirement, files, target, cutoff, buildable=buildable)
        if reason is not None:
            return ResolveError(
                f"{reason}: {_words([cause], askers)}",
                where=where,
                solution="ask for another version, or change the target's Python or base"
                + ("" if buildable else "; what is pure Python can be allowed in sdists"),
            )
    return ResolveError(
        f"the requirements contradict each other for {target}: {_words(failure.causes, askers)}",
        where=where,
        solution="loosen one of these requirements",
    )


def _words(causes: Iterable[Cause], askers: Sequence[tuple[Requirement, str]]) -> str:
    """Say who asks for what: ``env asks for numpy<1.20; pandas 2.1.0 requires numpy>=1.22``."""
    parts = [
        f"{cause.parent} requires {cause.requirement}"
        if cause.parent
        else f"{_who(cause, askers)} asks for {cause.requirement}"
        for cause in causes
    ]
    return "; ".join(dict.fromkeys(parts))


def _who(cause: Cause, askers: Sequence[tuple[Requirement, str]]) -> str:
    try:
        specifier = Requirement(cause.requirement).specifier
    except InvalidRequirement:  # pip names a single candidate as "numpy 1.20"
        specifier = None
    same = [each for each in askers if canonicalize_name(each[0].name) == cause.package]
    exact = [each for each in same if each[0].specifier == specifier]
    return ", ".join(sorted({origin for _, origin in exact or same})) or "the spec"
