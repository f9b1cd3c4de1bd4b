"""The credentials that apt on this machine has for a mirror: apt_auth.conf(5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from lockyard.sources.address import login_of, with_login

_KEYS = ("machine", "login", "password")


def with_apt_login(address: str, apt: Path) -> str:
    """Give an address without a user what ``auth.conf`` and its folder below ``apt`` have for it.

    The first entry that fits is taken. One without a protocol is for https alone. Files that
    this user may not read have nothing.
    """
    if login_of(address)[0] is not None:
        return address
    for path in (apt / "auth.conf", *sorted((apt / "auth.conf.d").glob("*.conf"))):
        for entry in _entries(path):
            if "login" in entry and "password" in entry and _fits(entry["machine"], address):
                return with_login(address, entry["login"], entry["password"])
    return address


def _entries(path: Path) -> Iterator[dict[str, str]]:
    """Read entries of the form of netrc; a word that apt doesn't know is passed over."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    words = iter(" ".join(lines).split())
    entry: dict[str, str] = {}
    for word in words:
        if word == "machine" and entry:
            yield entry
            entry = {}
        if word == "machine" or (word in _KEYS and entry):
            entry[word] = next(words, "")
    if entry:
        yield entry


def _fits(machine: str, address: str) -> bool:
    """Tell whether ``[protocol://]host[:port][/path]`` is of an address; a path is a prefix."""
    protocol, _, rest = machine.rpartition("://")
    host, slash, path = rest.partition("/")
    try:
        parts = urlsplit(address)
        named, own = urlsplit(f"//{host}"), parts.port or {"http": 80}.get(parts.scheme, 443)
        return (
            parts.scheme == (protocol or "https")
            and parts.hostname == named.hostname
            and (named.port in (None, own))
            and f"{parts.path}/".startswith(slash + path)
        )
    except ValueError:
        return False
