"""A registry of images: its address, and its documents (OCI distribution specification)."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from lockyard.errors import FetchError
from lockyard.sources.http import get, session
from lockyard.sources.pypi import certificate
from lockyard.spec.model import RegistrySource

# The one registry whose name isn't its address.
_DOCKER_HUB = {"docker.io": "https://registry-1.docker.io"}
_LOOPBACK = {"localhost", "127.0.0.1"}
_MOST = 4 << 20  # bytes; the specification lets registries refuse larger manifests


def registry_address(name: str, source: RegistrySource, environ: Mapping[str, str]) -> str:
    """Return where a source's registry answers, without a slash at the end.

    ``LOCKYARD_<NAME>_MIRROR`` wins, then the workspace's mirror, then the registry itself. A
    host without a scheme is spoken to by HTTPS, this machine by HTTP, as Docker does.
    """
    variable = f"LOCKYARD_{re.sub('[^A-Z0-9]', '_', name.upper())}_MIRROR"
    chosen = environ.get(variable) or source.mirror or source.registry
    if "://" in chosen:
        return chosen.rstrip("/")
    host = chosen.partition(":")[0]
    scheme = "http" if host in _LOOPBACK else "https"
    return _DOCKER_HUB.get(chosen, f"{scheme}://{chosen}").rstrip("/")


class Registry:
    """Ask one registry for documents, with what credentials Docker's own config has for it.

    ``name`` is what errors call it. The credentials are those of the host at ``address``: a
    mirror never gets those of the registry that it stands for.
    """

    def __init__(self, name: str, address: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self._address = address
        self._environ = environ
        self._session = session(certificate(environ))
        self._tokens: dict[str, str] = {}

    def manifest(self, image: str, reference: str, kinds: list[str]) -> bytes:
        """Return a manifest or an index by tag or digest.

        Raise FetchError if there is none, or if it is larger than 4 MiB.
        """
        accept = {"Accept": ", ".join(kinds)}
        return self._document(image, f"manifests/{reference}", f"image {image} {reference}", accept)

    def blob(self, image: str, digest: str) -> bytes:
        """Return a small blob by the hex of its sha256, which the caller verifies.

        Raise FetchError if there is none, or if it is larger than 4 MiB.
        """
        what = f"blob sha256:{digest} of image {image}"
        return self._document(image, f"blobs/sha256:{digest}", what, {})

    def _document(self, image: str, path: str, what: str, headers: Mapping[str, str]) -> bytes:
        url = f"{self._address}/v2/{image}/{path}"
        with self._get(url, what, {**headers, **self._authorization(image)}, {401}) as response:
            if response.status_code != 401:
                return self._body(response, what)
            challenge = response.headers.get("WWW-Authenticate", "")
            if _origin(response.url) != _origin(self._address):
                # Whoever it was redirected to doesn't say where the credentials go.
                challenge = ""
        self._log_in(image, challenge, what)
        with self._get(url, what, {**headers, **self._authorization(image)}) as response:
            return self._body(response, what)

    def _get(
        self, url: str, what: str, headers: Mapping[str, str], allowed: Collection[int] = ()
    ) -> requests.Response:
        return get(
            self._session,
            url,
            what=what,
            source=self.name,
            headers=headers,
            stream=True,
            allowed=allowed,
        )

    def _body(self, response: requests.Response, what: str) -> bytes:
        """Read a body, and no more of it than a document has."""
        where = f"{what} (source {self.name})"
        body = bytearray()
        try:
            for chunk in response.iter_content(1 << 16):
                body += chunk
                if len(body) > _MOST:
                    raise FetchError(
                        f"the registry sends more than {_MOST} bytes",
                        where=where,
                        solution="use another registry",
                    )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            raise FetchError(
                "the connection broke", where=where, solution="check the network, and try again"
            ) from None
        return bytes(body)

    def _authorization(self, image: str) -> dict[str, str]:
        return {"Authorization": self._tokens[image]} if image in self._tokens else {}

    def _log_in(self, image: str, challenge: str, what: str) -> None:
        """Answer a challenge, with a token or a password (RFC 6750, RFC 7617)."""
        scheme, _, rest = challenge.partition(" ")
        host = login_name(self._address)
        credentials = docker_credentials(host, self._environ)
        if scheme.lower() == "basic" and credentials:
            plain = f"{credentials[0]}:{credentials[1]}".encode()
            self._tokens[image] = f"Basic {base64.b64encode(plain).decode()}"
            return
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme.lower() != "bearer" or "realm" not in fields:
            raise FetchError(
                "the registry wants credentials",
                where=f"{what} (source {self.name})",
                solution=f"log in first: docker login {host}",
            )
        if not _is_private(fields["realm"]):
            raise FetchError(
                "the registry's token service isn't reached by HTTPS",
                where=f"{what} (source {self.name})",
                solution="use a registry or a mirror whose tokens nobody on the way can read",
            )
        scope = fields.get("scope") or f"repository:{image}:pull"
        params = {"service": fields.get("service", ""), "scope": scope}
        try:
            with self._session.get(
                fields["realm"], params=params, auth=credentials, stream=True
            ) as answer:
                answer.raise_for_status()
                value = _table(json.loads(self._body(answer, f"token of {what}")))
        except (requests.RequestException, ValueError, RecursionError):
            value = {}
        token = value.get("token") or value.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise FetchError(
                "the registry's token service gives no token",
                where=f"{what} (source {self.name})",
                solution=f"try again later, or log in: docker login {host}",
            )
        self._tokens[image] = f"Bearer {token}"


# As RFC 6750 writes tokens; nothing in it ends a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


def login_name(address: str) -> str:
    """Return what ``docker login`` calls the registry at an address: its host and port."""
    for name, known in _DOCKER_HUB.items():
        if address == known:
            return name
    return urlsplit(address).netloc.rpartition("@")[2]


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def _is_private(url: str) -> bool:
    """Tell whether nobody on the way reads what is sent to an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        return False


def docker_credentials(name: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the user and password that Docker's config has for a registry, if any.

    They come from a credential helper or from the config itself, as for ``docker pull``, and
    are never written anywhere.
    """
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "/")) / ".docker")
    try:
        config = json.loads((Path(folder) / "config.json").read_text())
    except (OSError, ValueError, RecursionError):
        return None
    key = "https://index.docker.io/v1/" if name == "docker.io" else name
    helper = _table(_table(config).get("credHelpers")).get(name) or _table(config).get("credsStore")
    if helper:
        return _from_helper(str(helper), key)
    encoded = str(_table(_table(_table(config).get("auths")).get(key)).get("auth", ""))
    try:
        user, _, password = base64.b64decode(encoded).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if user else None


def _table(value: object) -> dict[str, Any]:
    """Return a JSON object, or an empty one for anything else: the file is the user's."""
    return value if isinstance(value, dict) else {}


def _from_helper(helper: str, key: str) -> tuple[str, str] | None:
    try:
        done = subprocess.run(
            [f"docker-credential-{helper}", "get"],
            input=key,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        value = json.loads(done.stdout)
        return str(value["Username"]), str(value["Secret"])
    except (OSError, subprocess.SubprocessError, ValueError, LookupError):
        return None
