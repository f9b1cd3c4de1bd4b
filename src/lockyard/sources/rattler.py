"""The credentials that rattler's tools (pixi, rattler-build) keep in a file for channels.

The file's form is that of rattler's crate ``rattler_networking``: credentials by hosts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from lockyard.sources.address import login_of, with_login
from lockyard.sources.credentials import table


def with_rattler_login(address: str, environ: Mapping[str, str]) -> str:
    """Give an address without a user what rattler's files have for its host, if anything.

    They are ``RATTLER_AUTH_FILE``, then ``.rattler/credentials.json`` in the home folder. A user
    and a password go into the address as such, the token of a conda server into its path. A
    bearer token has no place in an address, and is passed over.
    """
    host = urlsplit(address).hostname
    if not host or login_of(address)[0] is not None:
        return address
    for path in _files(environ):
        known = _read(path)
        for name in _names(host):
            if name in known:
                return _with_entry(address, table(known[name]))
    return address


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    if named := environ.get("RATTLER_AUTH_FILE"):
        yield Path(named)
    if home := environ.get("HOME"):
        yield Path(home) / ".rattler" / "credentials.json"


def _read(path: Path) -> dict[str, Any]:
    try:
        return table(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _names(host: str) -> Iterator[str]:
    """Give the host, then what stands for it and its neighbours: ``*.`` and a domain."""
    yield host
    labels = host.split(".")
    yield from (f"*.{'.'.join(labels[start:])}" for start in range(len(labels)))


def _with_entry(address: str, entry: Mapping[str, Any]) -> str:
    basic = table(entry.get("BasicHTTP"))
    user, password = basic.get("username"), basic.get("password")
    if isinstance(user, str) and isinstance(password, str):
        return with_login(address, user, password)
    token = entry.get("CondaToken")
    if isinstance(token, str) and token:
        parts = urlsplit(address)
        return urlunsplit(parts._replace(path=f"/t/{quote(token, safe='')}{parts.path}"))
    return address
