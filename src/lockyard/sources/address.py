"""An address with a user and a password in it: the one form in which credentials travel here."""

from __future__ import annotations

import os
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from lockyard.errors import FetchError


def checked(address: str, source: str) -> str:
    """Return the address of a source as it is; raise FetchError where it isn't one."""
    try:
        urlsplit(address).port  # noqa: B018 - it is read only now
    except ValueError:
        raise FetchError(
            "its address can't be read",
            where=f"source {source}",
            solution="Correct it: it has the form https://host:port/path.",
        ) from None
    return address


def login_of(address: str) -> tuple[str | None, str | None]:
    """Return the user and the password of an address, each None where it has none."""
    parts = urlsplit(address)
    user, password = parts.username, parts.password
    return (
        None if user is None else unquote(user),
        None if password is None else unquote(password),
    )


def with_login(address: str, user: str, password: str) -> str:
    """Give an address a user and a password, in place of those that it has."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    secret = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{secret}@{host}"))


def without_login(address: str) -> str:
    """Return an address without its user and password."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def with_netrc(address: str) -> str:
    """Give an address without a password what ``.netrc`` has for its host, if anything.

    Where the address names a user, it is taken only for that one. Processes that see nothing of
    the user can't read the file themselves.
    """
    user, password = login_of(address)
    if password is not None or not _has_netrc():
        return address
    from requests.utils import get_netrc_auth  # noqa: PLC0415 - nobody waits for it without need

    found = get_netrc_auth(address)
    if not found or user not in (None, found[0]):
        return address
    return with_login(address, *found)


def _has_netrc() -> bool:
    """Tell whether there is a file where requests looks for one."""
    named = os.environ.get("NETRC")
    files = (named,) if named is not None else ("~/.netrc", "~/_netrc")
    return any(os.path.exists(os.path.expanduser(file)) for file in files)  # noqa: PTH110, PTH111
