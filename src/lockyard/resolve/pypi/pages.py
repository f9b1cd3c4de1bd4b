"""The pages of a package index, checked before pip reads them (child process only)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, TypeVar

from attrs import frozen
from pip._internal.exceptions import (
    ConnectionFailedError,
    ConnectionTimeoutError,
    NetworkConnectionError,
    ProxyConnectionError,
    SSLVerificationError,
)
from pip._internal.index.collector import (
    IndexContent,
    LinkCollector,
    _get_simple_response,
    _make_index_content,
    _NotAPIContent,
    _NotHTTP,
)
from pip._internal.models.link import Link
from pip._internal.models.search_scope import SearchScope
from pip._internal.network.session import PipSession
from pip._vendor.packaging.utils import canonicalize_name
from pip._vendor.requests.exceptions import RequestException

from .protocol import PageFile
from .refusal import refusal

NETWORK_ERRORS = (
    ConnectionFailedError,
    ConnectionTimeoutError,
    NetworkConnectionError,
    ProxyConnectionError,
    RequestException,
    SSLVerificationError,
)

T = TypeVar("T")

_JSON = "application/vnd.pypi.simple.v1+json"


def describe(error: Exception) -> str:
    """Say in words what went wrong on the way to the index."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return f"answered with HTTP status {status}"
    context = getattr(error, "context", None)
    text = str(context) if context else type(error).__name__
    return text.strip().rstrip(".")


def read_page(data: bytes, package: str, *, dated: bool) -> tuple[PageFile, ...]:
    """Read a project page (PEP 691); with ``dated``, each file must say when it was uploaded.

    Raise Refusal for anything that isn't such a page: pip would fail on it without a word
    on which package is at fault.
    """
    try:
        entries = json.loads(data)["files"]
        files = tuple(_read_file(entry) for entry in entries)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise refusal("page", "the index's page is malformed", package) from error
    if dated and not all(file.uploaded for file in files):
        text = "the index doesn't say when files were uploaded, which a cut-off date needs"
        raise refusal("page", text, package)
    if len({file.file for file in files}) != len(files):
        raise refusal("page", "the index lists two files of one name", package)
    return files


def _read_file(entry: dict[str, Any]) -> PageFile:
    sha256 = _optional(entry["hashes"], "sha256", "")
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError("not a sha256")
    for value in entry["hashes"].values():
        _expect(value, str)
    uploaded = _optional(entry, "upload-time", "")
    if uploaded and datetime.fromisoformat(uploaded).utcoffset() is None:
        raise ValueError("a time without its offset")
    size = entry.get("size")
    if size is not None and (type(size) is not int or size < 0):
        raise TypeError("not a size")
    _expect(entry["url"], str)
    _optional(entry, "core-metadata", False, dict)
    return PageFile(
        file=_expect(entry["filename"], str),
        sha256=sha256,
        size=size,
        uploaded=uploaded,
        requires_python=_optional(entry, "requires-python", ""),
        yanked=_optional(entry, "yanked", False, str) not in {False, ""},
    )


def _optional(entry: dict[str, Any], key: str, default: T, *kinds: type) -> T:
    """Return an entry's value, which must be of its default's type or of other ``kinds``."""
    value = entry.get(key)
    return default if value is None else _expect(value, type(default), *kinds)


def _expect(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds):
        raise TypeError(f"not {kinds}")
    return value


@frozen
class SizedFile:
    """A listed file that can be locked; ``link`` is where pip would get it."""

    file: str
    sha256: str
    size: int
    uploaded: str
    link: Link


class Pages(LinkCollector):
    """Fetch the pages that pip's finder asks for, and remember what they list.

    pip takes a page that can't be had for an empty one, and would then blame the
    requirements; here only an answer of 404 means that there is no such package. pip also
    drops the sizes of files, which the lock records.
    """

    def __init__(self, session: PipSession, search_scope: SearchScope, *, dated: bool) -> None:
        super().__init__(session, search_scope)
        self.dated = dated
        self.files: dict[str, dict[str, PageFile] | None] = {}

    def fetch_response(
        self, location: Link, package_name: str | None = None
    ) -> IndexContent | None:
        """Return the page of a package, None if the index doesn't know the package."""
        package = str(canonicalize_name(package_name or ""))
        try:
            response = _get_simple_response(location.url, session=self.session)
        except NetworkConnectionError as error:
            if error.response is not None and error.response.status_code == 404:
                self.files[package] = None
                return None
            raise refusal("index", describe(error), package) from error
        except NETWORK_ERRORS as error:
            raise refusal("index", describe(error), package) from error
        except (_NotAPIContent, _NotHTTP) as error:
            raise refusal("page", "the index's answer is no package page", package) from error
        if not response.headers.get("Content-Type", "").lower().startswith(_JSON):
            text = "the index has no JSON pages (PEP 691), and others don't tell sizes"
            raise refusal("page", text, package)
        files = read_page(response.content, package, dated=self.dated)
        self.files[package] = {file.file: file for file in files}
        return _make_index_content(response, cache_link_parsing=location.cache_link_parsing)

    def file(self, package: str, link: Link | None) -> SizedFile:
        """Return what the index says of a file; raise Refusal unless it has hash and size."""
        package = str(canonicalize_name(package))
        name = "" if link is None else link.filename
        file = (self.files.get(package) or {}).get(name)
        # A page may name any address, and pip would follow a file: URL to this machine's disk.
        if file is None or link is None or link.scheme not in {"http", "https"}:
            raise refusal("page", f"the index lists no such file as {name!r}", package)
        if not file.sha256:
            raise refusal("page", f"the index gives no sha256 for {file.file}", package)
        if file.size is None:
            raise refusal("page", f"the index gives no size for {file.file}", package)
        return SizedFile(file.file, file.sha256, file.size, file.uploaded, link)
