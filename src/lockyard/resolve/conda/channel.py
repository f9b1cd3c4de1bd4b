"""The records of a channel, wherever they are served (solver process only)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

from attrs import frozen
from rattler import Channel, Gateway, MatchSpec, RepoDataRecord, SparseRepoData
from rattler import solve as solve_served
from rattler import solve_with_sparse_repodata as solve_folder
from rattler.exceptions import GatewayError
from rattler.networking import AddHeadersMiddleware, Client, MirrorMiddleware, RetryMiddleware
from rattler.repo_data.sparse import PackageFormatSelection

from lockyard import __version__
from lockyard.resolve.pypi.refusal import without_addresses

from .protocol import Failure, Refusal

_TIMEOUT = 60  # seconds for one request


class Records(Protocol):
    """The records of one channel for one platform; their addresses are canonical."""

    async def solve(self, specs: Sequence[MatchSpec], **options: Any) -> list[RepoDataRecord]:
        """Solve as rattler does; raise its SolverError."""

    async def named(self, names: Iterable[str]) -> list[RepoDataRecord]:
        """Return all records of the packages of some names."""

    async def names(self) -> list[str]:
        """Return the names of all packages, sorted."""


def open_channel(channel: str, mirror: str | None, subdir: str, cache: Path) -> Records:
    """Open a channel at its mirror, or at its own address where it has none.

    ``cache`` is a folder to keep what a server sent. Raise Refusal where a folder isn't a
    channel; a server is asked later, by the methods.
    """
    place = mirror or channel
    subdirs = (subdir, "noarch")
    if urlsplit(place).scheme == "file":
        return Folder.open(Channel(channel), Path(url2pathname(urlsplit(place).path)), subdirs)
    server, credentials = _split_credentials(place)
    middlewares: list[Any] = [RetryMiddleware(3)]
    if server != channel:
        middlewares.append(MirrorMiddleware({channel: [server]}))
    if credentials:
        host = urlsplit(server).hostname
        sent = {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}
        # After the mirror, so that it sees the host that is asked in truth.
        middlewares.append(AddHeadersMiddleware(lambda asked, _: sent if asked == host else None))
    client = Client(middlewares, user_agent=f"lockyard/{__version__}", timeout=_TIMEOUT)
    # A folder each: what one mirror said of its files' age means nothing to another.
    own = cache / hashlib.sha256(server.encode()).hexdigest()[:16]
    return Served(Channel(channel), Gateway(cache_dir=own, client=client), subdirs)


def _split_credentials(place: str) -> tuple[str, str]:
    """Take the user and password out of an address; they are empty where it has none."""
    parts = urlsplit(place)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote(user)


@frozen
class Served:
    """A channel that a server has."""

    channel: Channel
    gateway: Gateway
    subdirs: tuple[str, ...]

    async def solve(self, specs: Sequence[MatchSpec], **options: Any) -> list[RepoDataRecord]:
        """See Records."""
        try:
            return await solve_served(
                [self.channel],
                specs,
                gateway=self.gateway,
                platforms=self.subdirs,  # type: ignore[arg-type]
                channel_relations="disabled",  # this channel, and none that it points to
                **options,
            )
        except GatewayError as error:
            raise _unreachable(error) from error

    async def named(self, names: Iterable[str]) -> list[RepoDataRecord]:
        """See Records."""
        try:
            found = await self.gateway.query(
                [self.channel],
                self.subdirs,  # type: ignore[arg-type]
                sorted(names),
                recursive=False,
                channel_relations="disabled",
            )
        except GatewayError as error:
            raise _unreachable(error) from error
        return [record for records in found for record in records]

    async def names(self) -> list[str]:
        """See Records."""
        try:
            found = await self.gateway.names([self.channel], self.subdirs)  # type: ignore[arg-type]
        except GatewayError as error:
            raise _unreachable(error) from error
        return sorted({name.normalized for name in found})


@frozen
class Folder:
    """A channel in a folder of this machine."""

    parts: tuple[SparseRepoData, ...]

    @classmethod
    def open(cls, channel: Channel, root: Path, subdirs: Iterable[str]) -> Folder:
        """Open a folder; as for servers, ``noarch`` is what makes it a channel."""
        parts = []
        for subdir in subdirs:
            path = root / subdir / "repodata.json"
            if not path.is_file():
                if subdir == "noarch":
                    text = "there is no channel in the mirror's folder (no noarch/repodata.json)"
                    raise Refusal(Failure(kind="channel", text=text))
                continue
            try:
                parts.append(SparseRepoData(channel, subdir, path))
            except OSError as error:
                raise _unreadable(f"{subdir}/repodata.json: {error}") from error
        return cls(tuple(parts))

    async def solve(self, specs: Sequence[MatchSpec], **options: Any) -> list[RepoDataRecord]:
        """See Records."""
        try:
            return await solve_folder(specs, self.parts, **options)
        except OSError as error:
            raise _unreadable(str(error)) from error

    async def named(self, names: Iterable[str]) -> list[RepoDataRecord]:
        """See Records."""
        kinds = PackageFormatSelection.PREFER_CONDA
        try:
            return [
                record
                for name in sorted(names)
                for part in self.parts
                for record in part.load_records(name, kinds)
            ]
        except OSError as error:
            raise _unreadable(str(error)) from error

    async def names(self) -> list[str]:
        """See Records."""
        kinds = PackageFormatSelection.PREFER_CONDA
        return sorted({name for part in self.parts for name in part.package_names(kinds)})


def _unreadable(text: str) -> Refusal:
    return Refusal(Failure(kind="integrity", text=f"the channel's records can't be read: {text}"))


def _unreachable(error: GatewayError) -> Refusal:
    lines = [line.removeprefix("Caused by: ") for line in str(error).strip().splitlines()]
    text = ": ".join(dict.fromkeys([lines[0], lines[-1]])) if lines else "no answer"
    if "could not find subdir" in text:
        text = "there is no channel at its address (no noarch/repodata.json)"
    return Refusal(Failure(kind="channel", text=without_addresses(text)))
