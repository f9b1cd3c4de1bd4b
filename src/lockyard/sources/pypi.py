"""The package index, and how it is trusted: as pip on this machine is configured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import get_args
from urllib.parse import urlsplit

from lockyard.errors import FetchError
from lockyard.sources.address import checked, login_of, with_login, with_netrc, without_login
from lockyard.sources.keyring import Provider, keyring_login


def index_url(configured: str | None, environ: Mapping[str, str]) -> str:
    """Return the address of the index (PEP 503), without a slash at its end.

    ``configured`` is the workspace's; without one it is what pip would use: ``PIP_INDEX_URL``,
    else ``global.index-url`` of pip's files, else pip's default. Extra indexes are never
    consulted: a package of the same name there must not win. The address may hold
    credentials, which ``.netrc`` gives where it has none of its own; show it only through
    ``redact``. Raises FetchError where pip's files, or the address, can't be read.
    """
    address = configured or _pip_setting("index-url", environ) or _default()
    return with_netrc(checked(address.rstrip("/"), "pypi"))


def index_access(configured: str | None, environ: Mapping[str, str]) -> str:
    """Return ``index_url`` with credentials of a keyring, where the index asks for some.

    As pip does, a keyring is asked only if the index answers 401 to what there is, once a
    process; ``keyring-provider`` of pip's configuration says which, or none. pip's default
    index is for everybody, and isn't asked. Nobody is prompted. Raises FetchError where pip's
    configuration is at fault.
    """
    address = index_url(configured, environ)
    provider = _pip_setting("keyring-provider", environ) or "auto"
    if provider not in get_args(Provider):
        raise FetchError(
            f"pip's keyring-provider is {provider!r}",
            where="source pypi",
            solution=f"Set it to one of {', '.join(get_args(Provider))}.",
        )
    if address == _default():
        return address
    return _with_keyring(address, provider, certificate(environ))


@cache
def _with_keyring(address: str, provider: Provider, cert: str | None) -> str:
    user, password = login_of(address)
    if password is not None:
        return address
    found = None
    if provider != "disabled" and _asks_for_login(address, user, cert):
        bare = without_login(address)
        # Recent versions of pip ask with a slash, older ones did without it.
        services = (f"{bare}/", bare, urlsplit(bare).netloc)
        found = keyring_login(services, user, provider)
    if found is None and user is not None:
        # A token, which pip sends as a user without a password; requests takes it only so.
        found = user, ""
    return with_login(address, *found) if found else address


def _asks_for_login(address: str, user: str | None, cert: str | None) -> bool:
    """Tell whether the index itself, and nobody whom it redirects to, answers 401.

    Where others could read a password on the way, it doesn't matter.
    """
    # Nobody waits for them where the address says everything.
    import requests  # noqa: PLC0415

    from lockyard.sources.http import RETRY, session  # noqa: PLC0415
    from lockyard.sources.login import is_private, origin  # noqa: PLC0415

    if not is_private(address):
        return False
    # The page of a project that any index may have; who may not see it isn't told that.
    page = f"{without_login(address)}/pip/"
    auth = None if user is None else (user, "")
    try:
        connection = session(cert, retry=RETRY.new(total=1))
        with connection.get(page, auth=auth, stream=True) as response:
            return response.status_code == 401 and origin(response.url) == origin(address)
    except (requests.RequestException, OSError):
        # Whoever asks it next says so.
        return False


def certificate(environ: Mapping[str, str]) -> str | None:
    """Return the path of the CA bundle that pip would trust, None for the default one."""
    return (
        _pip_setting("cert", environ)
        or environ.get("REQUESTS_CA_BUNDLE")
        or environ.get("CURL_CA_BUNDLE")
        or None
    )


def _pip_setting(name: str, environ: Mapping[str, str]) -> str | None:
    variable = environ.get("PIP_" + name.upper().replace("-", "_"), "").strip()
    return variable or _file_setting(f"global.{name}")


def _file_setting(key: str) -> str | None:
    """Read pip's files, which pip finds by its process' environment."""
    # pip has no public way to this; its version is pinned. Importing it takes 0.1 s, which a
    # configured index or a warm store saves.
    from pip._internal.configuration import Configuration  # noqa: PLC0415
    from pip._internal.exceptions import PipError  # noqa: PLC0415

    configuration = Configuration(isolated=False)
    try:
        configuration.load()
    except (PipError, OSError) as error:
        raise FetchError(
            f"pip's configuration can't be read ({error})",
            where="source pypi",
            solution="Mend that file, or set `[sources.pypi] index` in the workspace.",
        ) from error
    try:
        return str(configuration.get_value(key)).strip() or None
    except PipError:
        return None


def _default() -> str:
    from pip._internal.models.index import PyPI  # noqa: PLC0415

    return PyPI.simple_url
