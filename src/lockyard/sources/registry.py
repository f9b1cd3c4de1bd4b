"""A registry of images: its address, and its documents (OCI distribution specification)."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from lockyard.errors import FetchError
from lockyard.sources.http import get, session
from lockyard.sources.pypi import certificate
from lockyard.spec.model import RegistrySource

# The one registry whose name isn't its address.
_DOCKER_HUB = {"docker.io": "https://registry-1.docker.io"}
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
    scheme = "http" if host in {"localhost", "127.0.0.1"} else "https"
    return _DOCKER_HUB.get(chosen, f"{scheme}://{chosen}").rstrip("/")


class Registry:
    """Ask one registry for documents, with what credentials Docker's own config has for it."""

    def __init__(self, name: str, address: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self._address = address
        self._environ = environ
        self._session = session(certificate(environ))
        self._tokens: dict[str, str] = {}

    def manifest(self, image: str, reference: str, kinds: list[str]) -> bytes:
        """Return a manifest or an index by tag or digest. Raise FetchError if there is none."""
        url = f"{self._address}/v2/{image}/manifests/{reference}"
        what = f"image {image} {reference}"
        headers = {"Accept": ", ".join(kinds)} | self._authorization(image)
        response = get(
            self._session, url, what=what, source=self.name, headers=headers, allowed={401}
        )
        if response.status_code == 401:
            self._log_in(image, response.headers.get("WWW-Authenticate", ""), what)
            headers |= self._authorization(image)
            response = get(self._session, url, what=what, source=self.name, headers=headers)
        if len(response.content) > _MOST:
            raise FetchError(
                f"the registry sends more than {_MOST} bytes",
                where=what,
                solution="use another registry",
            )
        return response.content

    def _authorization(self, image: str) -> dict[str, str]:
        return {"Authorization": self._tokens[image]} if image in self._tokens else {}

    def _log_in(self, image: str, challenge: str, what: str) -> None:
        """Answer a challenge, with a token or a password (RFC 6750, RFC 7617)."""
        scheme, _, rest = challenge.partition(" ")
        credentials = docker_credentials(self.name, self._environ)
        if scheme.lower() == "basic" and credentials:
            plain = f"{credentials[0]}:{credentials[1]}".encode()
            self._tokens[image] = f"Basic {base64.b64encode(plain).decode()}"
            return
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        if scheme.lower() != "bearer" or "realm" not in fields:
            raise FetchError(
                "the registry wants credentials",
                where=f"{what} (source {self.name})",
                solution=f"log in first: docker login {self.name}",
            )
        try:
            answer = self._session.get(
                fields["realm"],
                params={
                    "service": fields.get("service", ""),
                    "scope": fields.get("scope") or f"repository:{image}:pull",
                },
                auth=credentials,
            )
            answer.raise_for_status()
            value: dict[str, Any] = answer.json()
            token = value.get("token") or value["access_token"]
        except (requests.RequestException, ValueError, LookupError):
            raise FetchError(
                "the registry's token service gives no token",
                where=f"{what} (source {self.name})",
                solution=f"try again later, or log in: docker login {self.name}",
            ) from None
        self._tokens[image] = f"Bearer {token}"


def docker_credentials(name: str, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the user and password that Docker's config has for a registry, if any.

    They come from a credential helper or from the config itself, as for ``docker pull``, and
    are never written anywhere.
    """
    folder = environ.get("DOCKER_CONFIG") or str(Path(environ.get("HOME", "/")) / ".docker")
    try:
        config = json.loads((Path(folder) / "config.json").read_text())
    except (OSError, ValueError):
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
