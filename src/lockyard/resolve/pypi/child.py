"""The process that resolves: ``python -m lockyard.resolve.pypi.child``.

Reads a Request on standard input and writes an Answer to standard output, where nothing else
goes; pip's own words go to standard error. It patches pip for good, so it serves one request
and ends. Its parent cleans the environment that it runs in (see process).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any, BinaryIO

from pip._internal.exceptions import DistributionNotFound, PipError, UnsupportedPythonVersion
from pip._internal.req import InstallRequirement
from pip._internal.req.constructors import install_req_from_line
from pip._internal.resolution.resolvelib.base import Candidate
from pip._internal.utils.packaging import requirement_without_marker
from pip._vendor.packaging.utils import canonicalize_name
from pip._vendor.resolvelib import ResolutionImpossible
from piptools.resolver import BacktrackingResolver

from . import protocol
from .pages import Pages
from .protocol import Answer, Cause, Chosen, Failure, Request
from .refusal import Refusal, refusal, without_addresses
from .repository import ForeignRepository
from .seams import check_seams, lead_markers


def resolve(request: Request) -> Answer:
    """Answer a request; raise Refusal where there is no solution."""
    if request.allow_sdists:
        raise refusal("unsupported", "source distributions can't be taken yet")
    check_seams()
    lead_markers(request.target)
    repository = ForeignRepository(request)
    resolver = BacktrackingResolver(
        constraints=[
            *(install_req_from_line(line) for line in request.requirements),
            *(install_req_from_line(line, constraint=True) for line in request.constraints),
        ],
        existing_constraints={
            name: install_req_from_line(f"{name}=={version}", constraint=True)
            for name, version in request.pins.items()
        },
        repository=repository,
        allow_unsafe=True,  # "unsafe" are pip and setuptools, which are packages as any other
    )
    try:
        chosen = resolver.resolve(max_rounds=len(request.pins) + 1)
    except (DistributionNotFound, UnsupportedPythonVersion) as error:
        if not isinstance(error.__cause__, ResolutionImpossible):
            raise
        raise Refusal(_conflict(error.__cause__, request, repository.pages)) from error
    return Answer(wheels=_wheels(chosen, repository.pages))


def _wheels(chosen: Iterable[InstallRequirement], pages: Pages) -> tuple[Chosen, ...]:
    wheels = []
    for requirement in chosen:
        name = str(canonicalize_name(requirement.name or ""))
        file = pages.file(name, requirement.link)
        (specifier,) = requirement.specifier
        wheels.append(
            Chosen(
                name=name,
                version=specifier.version,
                file=file.file,
                sha256=file.sha256,
                size=file.size,
                uploaded=file.uploaded,
                required_by=tuple(sorted(requirement._required_by)),  # type: ignore[attr-defined]
            )
        )
    return tuple(sorted(wheels, key=lambda wheel: wheel.name))


def _conflict(
    impossible: ResolutionImpossible[Any, Candidate], request: Request, pages: Pages
) -> Failure:
    causes = {_cause(cause.requirement, cause.parent) for cause in impossible.causes}
    # Constraints aren't among the causes that pip tells, though they may be what is at fault.
    packages = {cause.package for cause in causes}
    for line in request.constraints:
        name = str(canonicalize_name(install_req_from_line(line).name or ""))
        if name in packages:
            causes.add(Cause(requirement=line, package=name, parent="the upgrade"))
    return Failure(
        kind="conflict",
        causes=tuple(
            sorted(causes, key=lambda each: (each.package, each.parent, each.requirement))
        ),
        pages={
            cause.package: None if files is None else tuple(files.values())
            for cause in causes
            if (files := pages.files.get(cause.package, {})) != {}
        },
    )


def _cause(requirement: Any, parent: Candidate | None) -> Cause:
    lookup = requirement.get_candidate_lookup()[1]
    text = str(requirement) if lookup is None else str(requirement_without_marker(lookup.req))
    return Cause(
        requirement=text,
        package=str(requirement.project_name),
        parent="" if parent is None else f"{parent.project_name} {parent.version}",
    )


def answer(data: bytes) -> Answer:
    """Answer a request as it was read; pip's own errors become failures."""
    try:
        return resolve(protocol.decode(data, Request))
    except Refusal as error:
        return Answer(failure=error.failure)
    except PipError as error:
        return Answer(failure=Failure(kind="metadata", text=without_addresses(str(error))))


def _claim_stdout() -> BinaryIO:
    """Take standard output for the answer alone; what else is written there goes to stderr."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def main() -> None:
    """Serve one request."""
    with _claim_stdout() as out:
        out.write(protocol.encode(answer(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
