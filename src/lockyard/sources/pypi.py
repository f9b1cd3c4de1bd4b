"""The package index, and how it is trusted: as pip on this machine is configured."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit, urlunsplit

from lockyard.errors import FetchError


def index_url(configured: str | None, environ: Mapping[str, str]) -> str:
    """Return the address of the index (PEP 503), without a slash at its end.

    ``configured`` is the workspace's; without one it is what pip would use: ``PIP_INDEX_URL``,
    else ``global.index-url`` of pip's files, else pip's default. Extra indexes are never
    consulted: a package of the same name there must not win. The address may hold
    credentials, which ``.netrc`` gives where it has none of its own; show it only through
    ``redact``. Raises FetchError where pip's files can't be read.
    """
    address = (configured or _pip_setting("index-url", environ) or _default()).rstrip("/")
    return _with_netrc(address)


def _with_netrc(address: str) -> str:
    """Add what ``.netrc`` has for the index: the resolver's child can't read it itself."""
    from requests.utils import get_netrc_auth  # noqa: PLC0415 - nobody waits for it without need

    parts = urlsplit(address)
    found = get_netrc_auth(address) if "@" not in parts.netloc else None
    if not found:
        return address
    user, password = (quote(each, safe="") for each in found)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))


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
