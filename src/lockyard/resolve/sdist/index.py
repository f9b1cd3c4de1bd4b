"""Files of a package index, downloaded whole and verified."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

import requests
import urllib3
from attrs import field, frozen
from pypi_simple import DistributionPackage, ProjectPage, UnsupportedRepoVersionError

from lockyard.errors import FetchError, IntegrityError
from lockyard.sources.http import get, session, with_credentials

_JSON = "application/vnd.pypi.simple.v1+json"
_LARGEST_PAGE = 128 << 20


@frozen(kw_only=True)
class Index:
    """A package index with JSON pages (PEP 691).

    ``address`` may hold credentials and shows in no error; ``source`` is its name in locks,
    ``cert`` a file of certificates to trust.
    """

    address: str
    source: str
    cert: str | None = None
    _session: requests.Session = field(init=False, eq=False, repr=False)

    @_session.default
    def _make_session(self) -> requests.Session:
        return session(self.cert)

    def files(self, project: str) -> tuple[DistributionPackage, ...]:
        """Return what the index lists of a project; raise FetchError where it can't."""
        what = f"the index page of {project}"
        url = f"{self.address.rstrip('/')}/{quote(project)}/"
        body, base = self._get(url, what, _LARGEST_PAGE, accept=_JSON)
        try:
            return tuple(ProjectPage.from_json_data(json.loads(body), base_url=base).packages)
        except (ValueError, KeyError, TypeError, RecursionError, UnsupportedRepoVersionError):
            raise FetchError(
                "the answer is no page of a package index",
                where=f"{what} (source {self.source})",
                solution="use an index that serves JSON pages (PEPs 691 and 700)",
            ) from None

    def file(self, project: str, name: str) -> DistributionPackage:
        """Return a file that the index lists; raise FetchError where it doesn't."""
        for each in self.files(project):
            if each.filename == name:
                return each
        raise FetchError(
            "the index doesn't list this file",
            where=f"{name} (source {self.source})",
            solution="use an index that has it, or lock again: it may have been withdrawn",
        )

    def download(self, listed: DistributionPackage, *, sha256: str, size: int) -> bytes:
        """Return the content of a file of at most ``size`` bytes.

        Raise IntegrityError unless it has the sha256, FetchError where it can't be had.
        """
        url = with_credentials(listed.url, self.address)
        content, _ = self._get(url, listed.filename, size)
        where = f"{listed.filename} (source {self.source})"
        return verified(content, sha256=sha256, where=where)

    def _get(self, url: str, what: str, limit: int, accept: str = "*/*") -> tuple[bytes, str]:
        # The bytes of the file itself: some servers compress on the fly.
        headers = {"Accept": accept, "Accept-Encoding": "identity"}
        where = f"{what} (source {self.source})"
        body = bytearray()
        with get(
            self._session, url, what=what, source=self.source, headers=headers, stream=True
        ) as response:
            try:
                for chunk in response.iter_content(1 << 16):
                    body += chunk
                    if len(body) > limit:
                        raise IntegrityError(
                            f"it has more than {limit} bytes",
                            where=where,
                            solution="try again, or use another mirror",
                        )
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError):
                raise FetchError(
                    "the connection broke", where=where, solution="check the network, and try again"
                ) from None
            return bytes(body), response.url


def verified(content: bytes, *, sha256: str, where: str) -> bytes:
    """Return the content if it has the sha256; raise IntegrityError if it hasn't."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise IntegrityError(
            "it isn't what its sha256 says",
            where=where,
            solution="try again, or use another mirror",
        )
    return content
