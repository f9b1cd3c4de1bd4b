"""A registry of images: its address, and requests to it (OCI distribution specification)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import requests
import urllib3

from lockyard.errors import FetchError, IntegrityError
from lockyard.sources.http import RETRY, ask, session
from lockyard.sources.login import DOCKER_HUB, LOOPBACK, Access, Login, is_private, origin
from lockyard.sources.pypi import certificate
from lockyard.spec.model import RegistrySource

MOST = 4 << 20  # bytes; the specification lets registries refuse larger manifests
_LITTLE = 1 << 16  # bytes of an answer that nobody reads
# Blobs go another way: what was read from a file can't be repeated without looking.
_PATIENT = RETRY.new(allowed_methods=("GET", "HEAD", "POST", "PUT"))


def registry_address(name: str, source: RegistrySource, environ: Mapping[str, str]) -> str:
    """Return where a source's registry answers, without a slash at the end.

    ``LOCKYARD_<NAME>_MIRROR`` wins, then the workspace's mirror, then the registry itself.
    """
    variable = f"LOCKYARD_{re.sub('[^A-Z0-9]', '_', name.upper())}_MIRROR"
    return host_address(environ.get(variable) or source.mirror or source.registry)


def host_address(host: str) -> str:
    """Return the address of a registry that may be given by its host alone.

    A host without a scheme is spoken to by HTTPS, this machine by HTTP, as Docker does.
    """
    if "://" in host:
        return host.rstrip("/")
    scheme = "http" if host.partition(":")[0] in LOOPBACK else "https"
    return DOCKER_HUB.get(host, f"{scheme}://{host}").rstrip("/")


def source_registry(name: str, source: RegistrySource, environ: Mapping[str, str]) -> Registry:
    """Return the registry of a workspace's source, or the mirror that stands for it."""
    return Registry(source.registry, registry_address(name, source, environ), environ)


class Registry:
    """Ask one registry, from any thread, with what credentials Docker's own config has for it.

    ``name`` is what errors call it. Credentials go to the host at ``address`` and to nobody
    whom it redirects to. ``connection`` is a session to share.
    """

    def __init__(
        self,
        name: str,
        address: str,
        environ: Mapping[str, str],
        connection: requests.Session | None = None,
    ) -> None:
        self.name = name
        self._address = address
        self._session = connection or session(certificate(environ), retry=_PATIENT)
        self._login = Login(name, address, environ, self._session)

    def manifest(self, image: str, reference: str, kinds: list[str]) -> bytes:
        """Return a manifest or an index by tag or digest, verified where that is a digest.

        Raise FetchError if there is none, or if it is larger than 4 MiB; IntegrityError if it
        isn't what the digest names.
        """
        accept = {"Accept": ", ".join(kinds)}
        data = self.document(image, f"manifests/{reference}", f"image {image} {reference}", accept)
        if reference.startswith("sha256:"):
            _verify(data, reference, f"{self.name}/{image} {reference}")
        return data

    def blob(self, image: str, digest: str) -> bytes:
        """Return a small blob by the hex of its sha256, verified; see ``manifest``."""
        what = f"blob sha256:{digest} of image {image}"
        data = self.document(image, f"blobs/sha256:{digest}", what, {})
        _verify(data, f"sha256:{digest}", f"{self.name}/{image}, blob sha256:{digest}")
        return data

    def open_blob(
        self, image: str, digest: str, headers: Mapping[str, str], allowed: Collection[int] = ()
    ) -> requests.Response:
        """Ask for a large blob, or the range of it that ``headers`` name; nothing is verified.

        Each call has its own token and redirect, since either may end during a long pull.
        """
        return self.request(
            "GET",
            f"{image}/blobs/sha256:{digest}",
            access=Access(image),
            what=f"blob sha256:{digest} of image {image}",
            headers=headers,
            allowed=allowed,
        )

    def document(self, image: str, path: str, what: str, headers: Mapping[str, str]) -> bytes:
        """Return a small body below an image's path, unverified; ``what`` names it in errors."""
        url, access = f"{image}/{path}", Access(image)
        with self.request("GET", url, access=access, what=what, headers=headers) as response:
            return self.body(response, what)

    def request(
        self,
        method: str,
        url: str,
        *,
        access: Access,
        what: str,
        data: Callable[[], Any] | bytes | None = None,
        allowed: Collection[int] = (),
        **options: Any,
    ) -> requests.Response:
        """Send a request, logging in where the registry asks for that.

        The body of an answer is left to be read where the method is GET.
        ``url`` is below ``/v2/``, or whole as the registry gave it; one that isn't the
        registry's own gets no credentials. ``data`` is a function where it can be read but
        once. Raise FetchError for a status of 400 or above that isn't ``allowed``.
        """
        whole = url if "://" in url else f"{self._address}/v2/{url}"
        where = f"{what} (source {self.name})"
        own = origin(whole) == origin(self._address)
        if not own and not is_private(whole):
            raise FetchError(
                "the registry names an address that isn't reached by HTTPS",
                where=where,
                solution="use a registry whose data nobody on the way can read",
            )
        auth = self._login.known(access) if own else None

        def send(also: Collection[int]) -> requests.Response:
            body = data() if callable(data) else data
            answer = ask(
                self._session,
                method,
                whole,
                where=where,
                data=body,
                auth=auth,
                stream=True,
                allowed={*allowed, *also},
                **options,
            )
            if method != "GET" or answer.status_code == 401:
                _settle(answer)
            return answer

        response = send({401} if own else ())
        if response.status_code != 401 or not own:
            return response
        response.close()
        challenge = response.headers.get("WWW-Authenticate", "")
        if origin(response.url) != origin(self._address):
            # Whoever it was redirected to doesn't say where the credentials go.
            challenge = ""
        auth = self._login.answer(challenge, access, auth, what)
        return send(())

    def body(self, response: requests.Response, what: str) -> bytes:
        """Read a body, and no more of it than a document has."""
        where = f"{what} (source {self.name})"
        body = bytearray()
        try:
            for chunk in response.iter_content(1 << 16):
                body += chunk
                if len(body) > MOST:
                    raise FetchError(
                        f"the registry sends more than {MOST} bytes",
                        where=where,
                        solution="use another registry",
                    )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
            raise FetchError(
                "the connection broke", where=where, solution="check the network, and try again"
            ) from None
        return bytes(body)


def _settle(response: requests.Response) -> None:
    """Read what little an answer says, so that its connection serves for the next request."""
    try:
        response.raw.read(_LITTLE)
    except (urllib3.exceptions.HTTPError, OSError):
        # It has been answered; the next request opens another connection.
        response.close()


def _verify(data: bytes, digest: str, where: str) -> None:
    found = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if found != digest:
        raise IntegrityError(
            f"the registry gives a document of digest {found}",
            where=where,
            solution="don't use this registry or mirror until it is mended",
        )
