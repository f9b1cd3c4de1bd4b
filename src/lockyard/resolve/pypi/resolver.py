"""Requirements to wheels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from attrs import evolve, frozen
from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from lockyard.errors import (
    FetchError,
    IntegrityError,
    LockyardError,
    ResolveError,
    SpecError,
)
from lockyard.events import Reporter, Silent
from lockyard.lock.model import Wheel
from lockyard.resolve.sdist.tools import parse_tools

from .built import Builder, ask_and_build, builder_of, with_built, with_compiled
from .explain import explain
from .protocol import Answer, Chosen, Failure, Request
from .target import PythonTarget


@frozen
class Requirement:
    """What is asked for, and by whom: a PEP 508 string and a label such as ``env``."""

    text: str
    origin: str


def resolve_pypi(  # noqa: PLR0913 - each is a given of the resolution, and named by the caller
    *,
    requirements: Sequence[Requirement],
    target: PythonTarget,
    pinned: Mapping[str, str],
    index: str,
    source: str,
    cache: Path,
    cert: str | None = None,
    cutoff: datetime | None = None,
    upgrade: frozenset[str] = frozenset(),
    sdists: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    builders: Mapping[str, str] = MappingProxyType({}),
    build_tools: Sequence[str] = (),
    reporter: Reporter = Silent(),  # noqa: B008 - it has no state
    shared: Path | None = None,
) -> tuple[Wheel, ...]:
    """Choose one wheel a package such that all requirements hold on a target.

    ``pinned`` maps names to versions that win where they fit, ``upgrade`` names those that
    don't (``name``, or ``name==version`` to move it there). ``index`` is the address of a
    package index with JSON pages (PEP 691), ``source`` its name in the lock, ``cert`` a file
    of certificates to trust, ``cache`` a folder to remember metadata in. ``cutoff`` leaves out
    what was uploaded from then on.

    ``sdists`` maps the names of packages that may be built from source, where no wheel of any
    version will do, to the environment of their build, and ``build_tools`` pins what they are
    built with (``setuptools==68.0.0``). Their wheels are kept in ``cache`` (see lockyard.
    resolve.sdist). Those that ``builders`` maps to the names of envs are compiled there, while
    an image is built; here only their metadata is asked for. ``shared`` is an empty folder of
    this run's: resolutions that are given the same one see each page of the index as the first
    of them did.

    The wheels are sorted by name; ``required_by`` holds packages and origins. Raise SpecError
    for what isn't a requirement, ResolveError if there is no solution, FetchError if the index
    can't be reached, IntegrityError if it contradicts itself, BuildError if what has to be
    built can't be, or isn't pure Python.
    """
    parsed = [(parse_requirement(each), each.origin) for each in requirements]
    moved = [parse_requirement(Requirement(text, "upgrade")) for text in sorted(upgrade)]
    free = {canonicalize_name(each.name) for each in moved}
    request = Request(
        requirements=tuple(sorted({str(each) for each, _ in parsed})),
        constraints=tuple(str(each) for each in moved if each.specifier),
        pins={
            name: version
            for given, version in sorted(pinned.items())
            if (name := canonicalize_name(given)) not in free
        },
        target=target,
        index=_checked_index(index, source),
        cert=_checked_cert(cert, source),
        cache=str(cache.absolute()),
        cutoff=None if cutoff is None else _in_utc(cutoff).isoformat(),
        sdists={canonicalize_name(name): dict(each) for name, each in sorted(sdists.items())},
        compiled=tuple(sorted(canonicalize_name(name) for name in builders)),
        tools=tuple(str(tool) for tool in parse_tools(build_tools)),
        shared="" if shared is None else str(shared.absolute()),
    )
    builder = builder_of(request, source, reporter)
    task = f"resolve {source}"
    reporter.begin(task, f"Resolving {len(parsed)} requirements for {target}")
    try:
        answer = ask_and_build(request, builder)
    finally:
        reporter.end(task)

    def explained(failure: Failure) -> LockyardError:
        return explain(
            failure,
            source=source,
            target=target,
            cutoff=cutoff,
            askers=parsed,
            sdists=request.sdists,
        )

    if answer.failure is not None:
        raise explained(answer.failure)
    _refuse_yanked_pins(request, answer, builder, source, explained)
    origins = _origins(parsed, target)
    for each in answer.wheels:
        before = request.pins.get(each.name, each.version)
        if before != each.version:
            reporter.note(f"{each.name} {before} no longer fits: {each.version} is taken instead")
    wheels = [_wheel(each, source, origins.get(each.name, set())) for each in answer.wheels]
    return tuple(_made(each, builder, builders, target) if each.sdist else each for each in wheels)


def _made(
    wheel: Wheel, builder: Builder, builders: Mapping[str, str], target: PythonTarget
) -> Wheel:
    compiling = builders.get(wheel.name)
    return with_compiled(wheel, compiling) if compiling else with_built(wheel, builder, target)


def _refuse_yanked_pins(
    request: Request,
    answer: Answer,
    builder: Builder,
    source: str,
    explained: Callable[[Failure], LockyardError],
) -> None:
    """Raise ResolveError for a yanked release that nothing but the old lock holds (PEP 592).

    Whether a requirement pins it as well shows in what is chosen without the old lock's pin.
    Where that can't be found out, raise why.
    """
    held = {
        each.name: each.version
        for each in answer.wheels
        if each.yanked and request.pins.get(each.name) == each.version
    }
    if not held:
        return
    pins = {name: version for name, version in request.pins.items() if name not in held}
    freed = ask_and_build(evolve(request, pins=pins), builder)
    if freed.failure is not None and freed.failure.kind != "conflict":
        raise explained(freed.failure)
    now = {each.name: each.version for each in freed.wheels}
    for name, version in sorted(held.items()):
        if freed.failure is not None or now.get(name) != version:
            raise ResolveError(
                f"{name} {version}, which the lock pins, has been yanked by its authors",
                where=f"source {source}",
                solution=f"move it with --upgrade-package {name}, or require {name}=={version} "
                "to keep it all the same",
            )


def parse_requirement(requirement: Requirement) -> Parsed:
    """Parse a requirement; raise SpecError unless it is a name with versions and markers."""
    try:
        parsed = Parsed(requirement.text)
    except InvalidRequirement as error:
        raise SpecError(
            f"{requirement.text!r} is no requirement of a package",
            where=requirement.origin,
            solution='write a name with versions, such as "numpy>=1.21" (PEP 508); options, '
            "paths and repositories aren't taken",
        ) from error
    if parsed.url is not None:
        raise SpecError(
            f"{parsed.name} is required from an address",
            where=requirement.origin,
            solution=f"publish it to an index, and require {parsed.name!r} by its version",
        )
    return parsed


def _checked_index(index: str, source: str) -> str:
    if urlsplit(index).scheme not in {"http", "https"}:
        raise FetchError(
            "its address isn't of the form https://…",
            where=f"source {source}",
            solution="set an index that is served by HTTPS",
        )
    return index


def _checked_cert(cert: str | None, source: str) -> str | None:
    if cert is not None and not Path(cert).exists():
        raise FetchError(
            f"there are no certificates at {cert}",
            where=f"source {source}",
            solution="set the file of certificates that the index's own is signed with",
        )
    return cert


def _in_utc(cutoff: datetime) -> datetime:
    if cutoff.utcoffset() is None:
        raise SpecError(
            f"the cut-off date {cutoff} has no time zone",
            solution=f"write it with its offset: {cutoff.isoformat()}Z",
        )
    return cutoff.astimezone(UTC)


def _origins(parsed: Sequence[tuple[Parsed, str]], target: PythonTarget) -> dict[str, set[str]]:
    """Map normalised names to the labels of those that ask for them on the target."""
    origins: dict[str, set[str]] = {}
    for requirement, origin in parsed:
        if requirement.marker is None or requirement.marker.evaluate(dict(target.markers)):
            origins.setdefault(canonicalize_name(requirement.name), set()).add(origin)
    return origins


def _wheel(chosen: Chosen, source: str, origins: set[str]) -> Wheel:
    where = f"source {source}, package {chosen.name}"
    parse = parse_sdist_filename if chosen.sdist else parse_wheel_filename
    try:
        if parse(chosen.file)[0] != chosen.name:
            raise IntegrityError(f"{chosen.file} is no file of it", where=where)
        return Wheel(
            name=chosen.name,
            version=chosen.version,
            file=chosen.file,
            sha256=chosen.sha256,
            size=chosen.size,
            source=source,
            required_by=tuple(sorted({*chosen.required_by, *origins})),
            uploaded=_whole_seconds(chosen.uploaded),
            sdist=chosen.sdist,
        )
    except (OverflowError, ValueError) as error:
        raise IntegrityError(
            f"what the index says of {chosen.file!r} can't be locked: {error}",
            where=where,
            solution="use another index, or exclude this version with !=",
        ) from error


def _whole_seconds(time: str) -> str:
    """Write an RFC 3339 time in UTC, cut to whole seconds.

    Raise OverflowError for one that UTC would put before the year 1 or after 9999.
    """
    if not time:
        return ""
    whole = datetime.fromisoformat(time).astimezone(UTC).replace(tzinfo=None)
    return f"{whole.isoformat(timespec='seconds')}Z"
