"""One resolution by pip-tools, for another Python (child process only)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pip._internal.exceptions import DistributionNotFound, PipError, UnsupportedPythonVersion
from pip._internal.req import InstallRequirement
from pip._internal.req.constructors import install_req_from_line
from pip._internal.resolution.resolvelib.base import Candidate
from pip._internal.utils.packaging import requirement_without_marker
from pip._vendor.packaging.utils import canonicalize_name
from pip._vendor.resolvelib import ResolutionImpossible
from piptools.resolver import BacktrackingResolver

from .pages import Pages
from .protocol import Answer, Cause, Chosen, Failure, Request
from .refusal import Refusal, without_addresses
from .repository import ForeignRepository
from .seams import check_seams, lead_markers


def solve(request: Request) -> Answer:
    """Answer a request; raise Refusal where there is no solution. Patches pip for good."""
    check_seams()
    lead_markers(request.target)
    try:
        return _resolve(request)
    except PipError as error:
        raise Refusal(Failure(kind="metadata", text=without_addresses(str(error)))) from error


def _resolve(request: Request) -> Answer:
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
    wheels = _wheels(chosen, repository)
    repository.foresight.learn(wheels)
    return Answer(wheels=wheels)


def _wheels(
    chosen: Iterable[InstallRequirement], repository: ForeignRepository
) -> tuple[Chosen, ...]:
    wheels = []
    for requirement in chosen:
        name = str(canonicalize_name(requirement.name or ""))
        file = repository.pages.file(name, requirement.link)
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
                yanked=file.link.is_yanked,
                sdist=None if file.link.is_wheel else repository.recipes.sdist(name, file),
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
            cause.package: files for cause in causes if (files := pages.listed(cause.package)) != ()
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
