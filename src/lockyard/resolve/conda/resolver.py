"""Requirements to conda packages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from lockyard.errors import FetchError, IntegrityError, SpecError
from lockyard.events import Reporter, Silent
from lockyard.lock.model import CondaPackage
from lockyard.lock.virtual import VirtualPackages
from lockyard.sources.conda import address

from .explain import explain
from .process import ask
from .protocol import Pin, Record, Request
from .requirement import CondaRequirement, check_form, not_a_requirement, required_name

__all__ = ["CondaRequirement", "VirtualPackages", "resolve_conda"]


def resolve_conda(  # noqa: PLR0913 - each is a given of the resolution, and named by the caller
    *,
    requirements: Sequence[CondaRequirement],
    subdir: str,
    virtual: VirtualPackages,
    channel: str,
    source: str,
    cache: Path,
    mirror: str | None = None,
    pinned: Sequence[CondaPackage] = (),
    upgrade: frozenset[str] = frozenset(),
    exclude_newer: datetime | None = None,
    reporter: Reporter = Silent(),  # noqa: B008 - it has no state
) -> tuple[CondaPackage, ...]:
    """Choose one build a package such that all requirements hold on a target.

    ``subdir`` is the channel's folder for the target's platform, ``virtual`` what the target
    gives. ``channel`` is the channel's canonical address and ``source`` its name in the lock;
    a ``mirror`` (an http, https or file address, or a folder) serves the same records. The
    packages of an older lock that are ``pinned`` win where they fit and the channel still has
    them; ``upgrade`` names those that don't (``name``, or ``name==version`` to move it there).
    ``cache`` is a folder to remember records in. ``exclude_newer`` leaves out what was
    published from then on.

    The packages are sorted by name; ``required_by`` holds packages and origins. Raise SpecError
    for what isn't a requirement, ResolveError if there is no solution, FetchError if the channel
    can't be reached, IntegrityError if it contradicts itself or gives no digest of a package.
    """
    for each in requirements:
        check_form(each)
    moved = dict(_parsed_upgrade(each) for each in sorted(upgrade))
    request = Request(
        requirements=tuple(sorted({each.text for each in requirements})),
        constraints=tuple(f"{name} =={moved[name]}" for name in sorted(moved) if moved[name]),
        pins=tuple(
            Pin(name=each.name, subdir=each.subdir, file=each.file, sha256=each.sha256)
            for each in sorted(pinned, key=lambda each: each.name)
            if each.name not in moved
        ),
        upgrade=tuple(sorted(name for name, version in moved.items() if not version)),
        subdir=subdir,
        virtual=virtual.versions(subdir),
        channel=_without_credentials(_checked(address(channel), source), source),
        mirror=None if mirror is None else _checked(address(mirror), source),
        cache=str(cache.absolute()),
        cutoff=None if exclude_newer is None else _in_utc(exclude_newer).isoformat(),
    )
    if not request.requirements:
        return ()
    task = f"resolve {source}"
    reporter.begin(task, f"Resolving {len(requirements)} requirements for {subdir}")
    try:
        answer = ask(request)
    finally:
        reporter.end(task)
    if answer.failure is not None:
        raise explain(
            answer.failure,
            source=source,
            virtual=virtual,
            cutoff=exclude_newer,
            askers=requirements,
        )
    _note_moves(answer.records, pinned, moved, reporter)
    return _packages(answer.records, source, requirements)


def _parsed_upgrade(text: str) -> tuple[str, str]:
    """Split ``name`` or ``name==version``; the version is empty where there is none."""
    name, _, version = text.partition("==")
    asked = CondaRequirement(f"{name.lower()} =={version}" if version else name.lower(), "upgrade")
    if " " in name:
        raise not_a_requirement(CondaRequirement(text, "upgrade"))
    check_form(asked)
    return asked.name, version


def _checked(place: str, source: str) -> str:
    if urlsplit(place).scheme not in {"http", "https", "file"}:
        raise FetchError(
            "its address isn't of the form https://…",
            where=f"source {source}",
            solution="set the address of the channel, or a folder that mirrors it",
        )
    return place


def _without_credentials(channel: str, source: str) -> str:
    if "@" in urlsplit(channel).netloc:
        raise FetchError(
            "the address of its channel holds a user or a password",
            where=f"source {source}",
            solution="write the address without them, and one that has them as its mirror",
        )
    return channel


def _in_utc(cutoff: datetime) -> datetime:
    if cutoff.utcoffset() is None:
        raise SpecError(
            f"the cut-off date {cutoff} has no time zone",
            solution=f"write it with its offset: {cutoff.isoformat()}Z",
        )
    return cutoff.astimezone(UTC)


def _note_moves(
    records: Iterable[Record],
    pinned: Iterable[CondaPackage],
    moved: Iterable[str],
    reporter: Reporter,
) -> None:
    found = {each.name: each for each in records}
    for before in pinned:
        after = found.get(before.name)
        if after and before.name not in moved and after.file != before.file:
            reporter.note(f"{before.file} no longer fits: {after.file} is taken instead")


def _packages(
    records: Sequence[Record], source: str, requirements: Iterable[CondaRequirement]
) -> tuple[CondaPackage, ...]:
    askers: dict[str, set[str]] = {each.name: set() for each in records}
    for each in requirements:
        askers.setdefault(each.name, set()).add(each.origin)
    for record in records:
        for spec in record.depends:
            if (name := required_name(spec)) != record.name:
                askers.setdefault(name, set()).add(record.name)
    return tuple(_package(each, source, askers[each.name]) for each in records)


def _package(record: Record, source: str, askers: Iterable[str]) -> CondaPackage:
    try:
        return CondaPackage(
            name=record.name,
            version=record.version,
            build=record.build,
            build_number=record.build_number,
            subdir=record.subdir,
            file=record.file,
            md5=record.md5,
            sha256=record.sha256,
            size=record.size,
            source=source,
            depends=record.depends,
            constrains=record.constrains,
            required_by=tuple(sorted(askers)),
        )
    except ValueError as error:
        raise IntegrityError(str(error), where=f"source {source}") from error
