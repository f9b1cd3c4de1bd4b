"""An image's repository in a registry, to push to (OCI distribution specification 1.1)."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urljoin

import requests
from attrs import field, frozen

from lockyard.assemble.document import Document
from lockyard.errors import FetchError, PushError
from lockyard.sources.http import UnreachableError
from lockyard.sources.login import Access, origin
from lockyard.sources.manifest import INDEXES, MANIFESTS
from lockyard.sources.registry import Registry

_ACCEPT = {"Accept": ", ".join(sorted(INDEXES | MANIFESTS))}
_PAGES = 1000  # of a list of tags; a registry that has more repeats itself


@frozen(kw_only=True)
class Repository:
    """Ask and write one repository; errors are FetchErrors until the push tells them."""

    registry: Registry
    image: str

    @property
    def access(self) -> Access:
        """Return what requests to it need."""
        return Access(self.image, push=True)

    @property
    def name(self) -> str:
        """Return the repository's whole name."""
        return f"{self.registry.name}/{self.image}"

    def has_blob(self, digest: str) -> bool:
        """Tell whether the repository has a blob."""
        return _has_blob(self.registry, self.image, digest, self.access)

    def manifest_digest(self, reference: str) -> str | None:
        """Return the digest of the manifest that a tag or a digest names, if there is one."""
        return _manifest_digest(self.registry, self.image, reference, self.access)

    def put_manifest(self, reference: str, document: Document) -> None:
        """Write a manifest or an index under a tag or its digest.

        Raise PushError where the registry says that it stored something else.
        """
        what = f"{self.name} {reference}"
        with self.registry.request(
            "PUT",
            f"{self.image}/manifests/{reference}",
            access=self.access,
            what=what,
            data=document.data,
            headers={"Content-Type": document.media_type},
        ) as response:
            said = response.headers.get("Docker-Content-Digest")
        if said not in (None, f"sha256:{document.digest}"):
            raise PushError(
                "the registry says that it stored another manifest than the one sent",
                where=what,
                solution="use another registry: who pulls by digest wouldn't find the image",
            )

    def tags(self) -> set[str]:
        """Return all tags, none where there is no such repository yet."""
        found: set[str] = set()
        url, what = f"{self.image}/tags/list?n=1000", f"the tags of {self.name}"
        for _ in range(_PAGES):
            with self.registry.request(
                "GET", url, access=self.access, what=what, allowed={404}
            ) as response:
                if response.status_code == 404:
                    return found
                more = _tags(self.registry.body(response, what), what)
                follows = response.links.get("next", {}).get("url")
                if not follows or more <= found:
                    return found | more
                found |= more
                url = urljoin(response.url, follows)
                if origin(url) != origin(response.url):
                    break
        raise FetchError(
            "the registry's list of tags leads elsewhere, or has no end",
            where=what,
            solution="use another registry",
        )


@frozen(kw_only=True)
class Donor:
    """Another repository of the same registry, that blobs may be mounted from.

    ``reference`` is a tag or a digest that it has if it is there at all. ``digests`` are the
    blobs that it may have, None where that isn't known.
    """

    registry: Registry
    image: str
    reference: str
    digests: frozenset[str] | None = None
    asked: dict[str, bool] = field(factory=dict, eq=False)

    def has(self, digest: str) -> bool:
        """Tell whether a blob can be mounted from here; what can't be asked hasn't it."""
        if self.digests is not None and digest not in self.digests:
            return False
        if "" not in self.asked:
            self.asked[""] = self._says("")
        if self.asked[""] and digest not in self.asked:
            self.asked[digest] = self._says(digest)
        return self.asked.get(digest, False)

    def _says(self, digest: str) -> bool:
        access = Access(self.image)
        try:
            if digest:
                return _has_blob(self.registry, self.image, digest, access)
            return _manifest_digest(self.registry, self.image, self.reference, access) is not None
        except UnreachableError:
            raise
        except FetchError:
            # Private, or no registry that can be asked so: then the blob is sent.
            return False


def _has_blob(registry: Registry, image: str, digest: str, access: Access) -> bool:
    what = f"blob {digest} of {registry.name}/{image}"
    with registry.request(
        "HEAD", f"{image}/blobs/{digest}", access=access, what=what, allowed={404}
    ) as response:
        return response.status_code < 400


def _manifest_digest(registry: Registry, image: str, reference: str, access: Access) -> str | None:
    what = f"{registry.name}/{image} {reference}"
    url = f"{image}/manifests/{reference}"

    def ask(method: str) -> requests.Response:
        return registry.request(
            method, url, access=access, what=what, headers=_ACCEPT, allowed={404}
        )

    with ask("HEAD") as response:
        if response.status_code == 404:
            return None
        if said := response.headers.get("Docker-Content-Digest"):
            return said
    with ask("GET") as response:
        # The header is optional.
        body = registry.body(response, what)
        return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _tags(data: bytes, what: str) -> set[str]:
    try:
        # None is what some say of an empty repository.
        tags = json.loads(data)["tags"] or []
        if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
            return set(tags)
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    raise FetchError(
        "the registry's list of tags is malformed", where=what, solution="use another registry"
    )
