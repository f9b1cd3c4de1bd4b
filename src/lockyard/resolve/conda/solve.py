"""One resolution by rattler's solver (solver process only)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from attrs import frozen
from rattler import ChannelPriority, GenericVirtualPackage, MatchSpec, PackageName, RepoDataRecord
from rattler import Version as RattlerVersion
from rattler.exceptions import InvalidMatchSpecError, SolverError
from rattler.package import BuildString

from .channel import Records
from .protocol import Failure, Record, Refusal, Request

_CAUSE = "Cannot solve the request because of: "
_SHOWN = 8  # versions in an explanation


@frozen
class Solver:
    """What stays the same in all solving for one request."""

    request: Request
    records: Records
    virtual: Mapping[str, str]

    async def solve(self, specs: Iterable[str]) -> tuple[Record, ...]:
        """Solve ``specs`` and the request's own; the records are sorted by name.

        ``specs`` are as conda writes them, where ``python 3.7.12`` asks for that very version.
        Raise Refusal where there is no solution, or the channel says too little of a package.
        """
        wanted = [self._parse(text) for text in self.request.requirements]
        wanted += [self._parse(text, strict=False) for text in specs]
        constraints = [self._parse(text) for text in self.request.constraints]
        if self.request.upgrade:
            constraints += await self._newest(wanted, constraints)
        found = await self._solved(wanted, constraints, await self._pinned())
        return tuple(sorted((to_record(each) for each in found), key=lambda each: each.name))

    async def _newest(
        self, wanted: list[MatchSpec], constraints: list[MatchSpec]
    ) -> list[MatchSpec]:
        """Pin the packages to upgrade to what they are in a solution without any pins.

        The solver prefers what was locked, and would leave a package in its old place for the
        sake of another that need not have stayed.
        """
        free = await self._solved(wanted, constraints, [])
        return [
            MatchSpec(f"{name} =={record.version} {record.build}")
            for record in free
            if (name := record.name.normalized) in self.request.upgrade
        ]

    async def _solved(
        self,
        wanted: Sequence[MatchSpec],
        constraints: Sequence[MatchSpec],
        locked: Sequence[RepoDataRecord],
    ) -> list[RepoDataRecord]:
        try:
            return await self.records.solve(
                wanted,
                constraints=constraints,
                locked_packages=locked,
                virtual_packages=virtual_packages(self.virtual),
                channel_priority=ChannelPriority.Strict,
                exclude_newer=self._cutoff(),
            )
        except SolverError as error:
            raise Refusal(await self._explained(error, wanted, constraints)) from error

    async def _pinned(self) -> list[RepoDataRecord]:
        """Find the pins in the channel, whose word on them is the newer one."""
        pins = {(pin.subdir, pin.file, pin.sha256) for pin in self.request.pins}
        if not pins:
            return []
        cutoff = self._cutoff()
        return [
            record
            for record in await self.records.named({pin.name for pin in self.request.pins})
            if (record.subdir, record.file_name, (record.sha256 or b"").hex()) in pins
            and (cutoff is None or (record.timestamp is not None and record.timestamp <= cutoff))
        ]

    def _cutoff(self) -> datetime | None:
        """Return the last moment that is not cut off; rattler counts in milliseconds."""
        if self.request.cutoff is None:
            return None
        cutoff = datetime.fromisoformat(self.request.cutoff).astimezone(UTC)
        return cutoff - timedelta(milliseconds=1)

    async def _explained(
        self, error: SolverError, wanted: Sequence[MatchSpec], constraints: Sequence[MatchSpec]
    ) -> Failure:
        """Say what is wrong: a name or a version that isn't there, or else rattler's words.

        A constraint may name what isn't there: it may be meant for another source.
        """
        for spec in (*wanted, *constraints):
            name = spec.name.normalized
            found = await self.records.named([name])
            if not found and spec in wanted:
                close = get_close_matches(name, await self.records.names(), n=3)
                return Failure(kind="unknown", text=str(spec), package=name, known=tuple(close))
            if found and not any(spec.matches(record) for record in found):
                known = tuple(dict.fromkeys(str(each.version) for each in newest_first(found)))
                return Failure(kind="version", text=str(spec), package=name, known=known[:_SHOWN])
        return Failure(kind="conflict", text=str(error).removeprefix(_CAUSE).strip())

    @staticmethod
    def _parse(text: str, *, strict: bool = True) -> MatchSpec:
        try:
            return MatchSpec(text, strict=strict)
        except InvalidMatchSpecError as error:
            raise Refusal(Failure(kind="spec", package=text, text=str(error))) from error


def virtual_packages(versions: Mapping[str, str]) -> list[GenericVirtualPackage]:
    """Turn names and versions (a build after a space) into rattler's virtual packages."""
    found = []
    for name, text in sorted(versions.items()):
        version, _, build = text.partition(" ")
        found.append(
            GenericVirtualPackage(
                PackageName(name), RattlerVersion(version), BuildString(build or "0")
            )
        )
    return found


def newest_first(records: Iterable[RepoDataRecord]) -> list[RepoDataRecord]:
    """Sort records by version, the newest first."""
    return sorted(records, key=lambda each: each.version, reverse=True)


def to_record(record: RepoDataRecord) -> Record:
    """Take what a lock needs; raise Refusal unless all of it is there."""
    lacking = [
        what
        for what, value in (
            ("sha256", record.sha256),
            ("md5", record.md5),
            ("size", record.size),
        )
        if not value
    ]
    if lacking or record.sha256 is None or record.md5 is None or record.size is None:
        text = f"the channel gives no {' and no '.join(lacking)} of {record.file_name}"
        raise Refusal(Failure(kind="integrity", package=record.name.normalized, text=text))
    canonical = f"{str(record.channel).rstrip('/')}/{record.subdir}/{record.file_name}"
    if record.url != canonical:
        text = f"the channel keeps {record.file_name} outside of its own folders"
        raise Refusal(Failure(kind="integrity", package=record.name.normalized, text=text))
    return Record(
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        build_number=record.build_number,
        subdir=record.subdir,
        file=record.file_name,
        md5=record.md5.hex(),
        sha256=record.sha256.hex(),
        size=record.size,
        depends=tuple(record.depends),
        constrains=tuple(record.constrains),
    )


def to_actions(records: Sequence[Record], channel: str) -> dict[str, Any]:
    """Write a solution as conda does in its dry runs, for conda-lock to read."""
    fetch = [
        {
            "name": each.name,
            "version": each.version,
            "build": each.build,
            "build_number": each.build_number,
            "channel": channel,
            "url": f"{channel}/{each.subdir}/{each.file}",
            "fn": each.file,
            "subdir": each.subdir,
            "md5": each.md5,
            "sha256": each.sha256,
            "depends": list(each.depends),
            "constrains": list(each.constrains),
            "timestamp": 0,
        }
        for each in records
    ]
    link = [
        {
            "name": each.name,
            "version": each.version,
            "base_url": channel,
            "channel": channel,
            "dist_name": f"{each.name}-{each.version}-{each.build}",
            "platform": each.subdir,
            "build_string": each.build,
        }
        for each in records
    ]
    return {"success": True, "actions": {"FETCH": fetch, "LINK": link}}
