"""A conda channel's address: as the environment says, else the workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lockyard.sources.address import checked, with_netrc
from lockyard.sources.rattler import with_rattler_login


def mirror_address(name: str, configured: str | None, environ: Mapping[str, str]) -> str | None:
    """Return the address that serves the channel of a source, None for its own.

    ``LOCKYARD_<NAME>_MIRROR`` (``LOCKYARD_CONDA_FORGE_MIRROR`` for ``conda-forge``) wins over
    ``configured``, which is the workspace's. Either may be a folder. There is no slash at the
    end. The address may hold credentials; show it only through ``http.redact``.
    """
    variable = f"LOCKYARD_{re.sub('[^A-Z0-9]', '_', name.upper())}_MIRROR"
    place = environ.get(variable, "").strip() or configured
    return address(place) if place else None


def channel_access(name: str, channel: str, mirror: str | None, environ: Mapping[str, str]) -> str:
    """Return where a source's channel is asked: at its mirror, else at its own address.

    The address may hold credentials. Where it has none of its own, they are those that
    rattler's tools have for its host, else ``.netrc``'s. Raise FetchError for what is none.
    """
    place = mirror_address(name, mirror, environ) or address(channel)
    return with_netrc(with_rattler_login(checked(place, name), environ))


def address(place: str) -> str:
    """Return a place, an address or the path of a folder, as an address without a last slash."""
    if "://" not in place:
        return Path(place).expanduser().absolute().as_uri()
    return place.rstrip("/")
