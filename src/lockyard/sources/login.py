"""Answers to a registry's challenges: tokens and passwords (RFC 6750, RFC 7617)."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from attrs import frozen
from requests.auth import AuthBase

from lockyard.errors import FetchError
from lockyard.sources.credentials import IDENTITY, docker_credentials, table

DOCKER_HUB = {"docker.io": "https://registry-1.docker.io"}  # whose name isn't its address
LOOPBACK = frozenset({"localhost", "127.0.0.1"})
_MOST = 1 << 20  # bytes of a token's answer
# As RFC 6750 writes tokens; nothing in it ends a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@frozen
class Access:
    """What a request needs: to read an image's repository, or to write it, too.

    ``mounts`` are the repositories of the same registry that blobs may come from.
    """

    image: str
    push: bool = False
    mounts: tuple[str, ...] = ()

    def scopes(self, said: str) -> list[str]:
        """Return what a token must be good for, given the scope that a challenge names."""
        named = said.split()
        if not self.push:
            return named or [f"repository:{self.image}:pull"]
        mounts = [f"repository:{each}:pull" for each in self.mounts]
        return list(dict.fromkeys([*named, f"repository:{self.image}:pull,push", *mounts]))


@frozen
class Authorization(AuthBase):
    """A value of the header that ``.netrc`` doesn't take the place of."""

    value: str

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Set the header; requests takes it off again where a redirect leaves the server."""
        request.headers["Authorization"] = self.value
        return request


class Login:
    """Hold what one registry takes for an authorization, for any number of threads.

    The credentials are those of the host at ``address``: a mirror never gets those of the
    registry that it stands for.
    """

    def __init__(
        self, name: str, address: str, environ: Mapping[str, str], session: requests.Session
    ) -> None:
        self._name = name
        self._address = address
        self._host = login_name(address)
        self._environ = environ
        self._session = session
        self._lock = threading.Lock()
        self._known: dict[Access, Authorization] = {}

    def known(self, access: Access) -> Authorization | None:
        """Return the authorization that served last, if any."""
        return self._known.get(access)

    def answer(
        self, challenge: str, access: Access, refused: Authorization | None, what: str
    ) -> Authorization:
        """Return a new authorization, in place of the one that was ``refused``.

        ``challenge`` is the header WWW-Authenticate, ``what`` names the document in errors.
        Raise FetchError where there are no credentials, or the token service gives no token.
        """
        with self._lock:
            # Another thread may have had the same answer, and be done.
            held = self._known.get(access)
            if held is None or held == refused:
                held = self._known[access] = Authorization(self._answer(challenge, access, what))
            return held

    def _answer(self, challenge: str, access: Access, what: str) -> str:
        scheme, _, rest = challenge.partition(" ")
        credentials = docker_credentials(self._host, self._environ)
        if credentials and not is_private(self._address):
            raise FetchError(
                "the registry wants credentials, and isn't reached by HTTPS",
                where=f"{what} (source {self._name})",
                solution="use an address that begins with https://, or one of this machine",
            )
        if scheme.lower() == "basic" and credentials:
            return f"Basic {base64.b64encode(':'.join(credentials).encode()).decode()}"
        fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        where = f"{what} (source {self._name})"
        if scheme.lower() != "bearer" or "realm" not in fields:
            raise FetchError(
                "the registry wants credentials",
                where=where,
                solution=f"log in first: docker login {self._host}",
            )
        if not is_private(fields["realm"]):
            raise FetchError(
                "the registry's token service isn't reached by HTTPS",
                where=where,
                solution="use a registry or a mirror whose tokens nobody on the way can read",
            )
        scopes = access.scopes(fields.get("scope", ""))
        try:
            value = self._token(fields["realm"], fields.get("service", ""), scopes, credentials)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError, OSError):
            value = {}
        except RecursionError:
            value = {}
        token = value.get("token") or value.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise FetchError(
                "the registry's token service gives no token",
                where=where,
                solution=f"try again later, or log in: docker login {self._host}",
            )
        return f"Bearer {token}"

    def _token(
        self, realm: str, service: str, scopes: list[str], credentials: tuple[str, str] | None
    ) -> dict[str, Any]:
        """Ask a token service, as Docker's documentation of it has it."""
        if credentials and credentials[0] == IDENTITY:
            form = {
                "grant_type": "refresh_token",
                "service": service,
                "client_id": "lockyard",
                "scope": " ".join(scopes),
                "refresh_token": credentials[1],
            }
            asked = self._session.post(realm, data=form, stream=True, allow_redirects=False)
        else:
            query = {"service": service, "scope": scopes}
            asked = self._session.get(realm, params=query, auth=credentials, stream=True)
        with asked as response:
            response.raise_for_status()
            body = response.raw.read(_MOST, decode_content=True)
        return table(json.loads(body))


def login_name(address: str) -> str:
    """Return what ``docker login`` calls the registry at an address: its host and port."""
    for name, known in DOCKER_HUB.items():
        if address == known:
            return name
    return urlsplit(address).netloc.rpartition("@")[2]


def origin(url: str) -> tuple[str, str]:
    """Return whom an address is of: credentials go no further."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2].lower()


def is_private(url: str) -> bool:
    """Tell whether nobody on the way reads what is sent to an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        return False
