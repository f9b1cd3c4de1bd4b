"""Where conda's tools find the packages of a lock: at the channel's canonical address."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from lockyard.errors import LockError, UsageError
from lockyard.lock.model import CondaPackage
from lockyard.spec.model import CondaSource, Source

# conda's own name of each platform.


def channel_address(sources: Mapping[str, Source], name: str) -> str:
    """Return the canonical address of the channel that a source names, never its mirror's.

    Raise LockError where the workspace has no such channel, UsageError where its address
    holds a password or a token, which must not be written out.
    """
    source = sources.get(name)
    if not isinstance(source, CondaSource):
        raise LockError(
            f"the workspace has no conda source {name!r}",
            where="WORKSPACE.toml: sources",
            solution="add it, or lock again",
        )
    parts = urlsplit(source.channel)
    if "@" in parts.netloc or parts.path.startswith("/t/"):
        raise UsageError(
            "the channel's address holds a secret",
            where=f"WORKSPACE.toml: sources.{name}.channel",
            solution="give the plain address there, and the secret to conda's own configuration",
        )
    return source.channel.rstrip("/")


def package_address(sources: Mapping[str, Source], package: CondaPackage) -> str:
    """Return the address of a package."""
    channel = channel_address(sources, package.source)
    return f"{channel}/{package.subdir}/{quote(package.file)}"
