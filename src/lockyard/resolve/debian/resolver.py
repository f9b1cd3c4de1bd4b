"""Resolve Debian packages from a suite's own signed index, with no apt on the host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePosixPath

import requests
from attrs import frozen
from debian.debian_support import NativeVersion

from lockyard.errors import IntegrityError, ResolveError, UsageError
from lockyard.events import Reporter, Silent
from lockyard.lock.model import Deb
from lockyard.resolve.debian.archive import Archive
from lockyard.resolve.debian.explain import explain
from lockyard.resolve.debian.index import Index, Scan
from lockyard.resolve.debian.keys import find_certs
from lockyard.resolve.debian.record import Record
from lockyard.resolve.debian.relation import Clause, Relation, parse_clauses
from lockyard.resolve.debian.release import Release, read_release
from lockyard.resolve.debian.solver import Requirement, Unsatisfiable, ask, required, solve
from lockyard.resolve.once import Once


@frozen(kw_only=True)
class Resolution:
    """The packages to lock, sorted by name, and when their suite was released."""

    debs: tuple[Deb, ...]
    release_date: datetime


def resolve_debian(  # noqa: PLR0913 (every part of the world comes in by name)
    *,
    session: requests.Session,
    mirror: str,
    source: str,
    suite: str,
    components: tuple[str, ...],
    architecture: str,
    keys: tuple[str, ...],
    roots: Mapping[str, tuple[str, ...]],
    pinned: Mapping[str, str],
    cache: Path,
    now: datetime,
    keyring: Path | None = None,
    reporter: Reporter | None = None,
    once: Once | None = None,
) -> Resolution:
    """Find the packages that a suite needs to meet the roots.

    ``roots`` maps the label of who asks to relations as Depends writes them; the suite's
    ``Essential`` packages are asked for by the first label. ``pinned`` maps names to versions
    that stay wherever they can. ``keys`` are fingerprints to trust, ``keyring`` a folder of
    more public keys, ``cache`` a folder for verified indexes, ``now`` an aware datetime.
    Resolutions that share ``once`` fetch and verify a suite's documents once, for all of them.

    Raises UsageError for a malformed root or key, FetchError and IntegrityError for what the
    mirror gives, ResolveError where the roots can't be met together.
    """
    asked = {label: _parse_roots(label, texts, architecture) for label, texts in roots.items()}
    archive = Archive(
        session=session,
        mirror=mirror,
        source=source,
        suite=suite,
        cache=cache,
        reporter=reporter or Silent(),
    )
    once = once or Once()

    def verified() -> Release:
        certs = find_certs(keys, keyring)
        return read_release(archive.release(), suite=suite, certs=certs, now=now)

    key = (mirror, source, suite, keys, keyring)
    release = once.get(key, verified)
    scan = once.get(
        (key, components, architecture),
        lambda: _read_scan(archive, release, components, architecture),
    )
    index = Index(scan, architecture)
    requirements = _requirements(index, asked)
    try:
        records = solve(index, requirements, pinned)
    except Unsatisfiable as found:
        raise explain(index, found, suite) from None
    return Resolution(debs=_lock(index, records, requirements, source), release_date=release.date)


def upstream_version(deb: Deb) -> str:
    """Tell the version that the software itself has, as ``3.11.2`` of ``3.11.2-6+deb12u6``."""
    return str(NativeVersion(deb.version).upstream_version)


def _parse_roots(label: str, texts: Iterable[str], architecture: str) -> tuple[Clause, ...]:
    try:
        return tuple(clause for text in texts for clause in parse_clauses(text, architecture))
    except ValueError as error:
        raise UsageError(
            str(error),
            where=label,
            solution="Write a package's name, or a name and version as python3.11 (>= 3.11.2).",
        ) from error


def _read_scan(
    archive: Archive, release: Release, components: Iterable[str], architecture: str
) -> Scan:
    apart = release.all_apart and "all" in release.architectures
    architectures = (architecture, "all") if apart else (architecture,)
    texts = {
        f"{archive.source} {archive.suite}/{component}/{name}": archive.packages(
            release, component, name
        )
        for component in components
        for name in architectures
    }
    return Scan(texts)


def _requirements(index: Index, asked: Mapping[str, tuple[Clause, ...]]) -> tuple[Requirement, ...]:
    """List what the roots ask for; first the Essential packages, that no Depends names."""
    if not asked:
        raise ResolveError(
            "nothing asks for a package", solution="Give at least one label in the roots."
        )
    first = next(iter(asked))
    essential = [Clause((Relation(record.name),)) for record in index.essential()]
    labelled = [(first, clause) for clause in essential]
    labelled += [(label, clause) for label, clauses in asked.items() for clause in clauses]
    return tuple(
        requirement for label, clause in labelled for requirement in ask(index, clause, label=label)
    )


def _lock(
    index: Index, records: Sequence[Record], roots: Iterable[Requirement], source: str
) -> tuple[Deb, ...]:
    """Turn the chosen records into what a lock keeps, with who requires each."""
    chosen = set(records)
    required_by: dict[Record, set[str]] = {record: set() for record in records}
    for root in roots:
        for record in chosen.intersection(root.options):
            required_by[record].add(root.label)
    for asker in records:
        for record in required(index, asker, chosen):
            required_by[record].add(asker.name)
    return tuple(_deb(record, tuple(sorted(required_by[record])), source) for record in records)


def _deb(record: Record, required_by: tuple[str, ...], source: str) -> Deb:
    try:
        return Deb(
            name=record.name,
            version=record.version,
            architecture=record.architecture,
            file=PurePosixPath(record.path).name,
            path=record.path,
            sha256=record.sha256,
            size=record.size,
            source=source,
            required_by=required_by,
        )
    except ValueError as error:  # the model is stricter than the format of an archive
        raise IntegrityError(
            f"the record of {record} can't be locked: {error}",
            where=source,
            solution="The archive itself is at fault: use another suite or another mirror.",
        ) from error
