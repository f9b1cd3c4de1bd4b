"""The pages of a package index, checked before pip reads them (child process only)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from attrs import frozen
from pip._internal.index.collector import IndexContent, LinkCollector
from pip._internal.models.link import Link
from pip._internal.models.search_scope import SearchScope
from pip._vendor.packaging.utils import canonicalize_name

from .memory import Memory
from .protocol import PageFile
from .refusal import refusal
from .suited import Suited
from .supply import PAGE_TYPE, Page, PageSupply

T = TypeVar("T")


def read_entries(
    data: bytes, package: str, fits: Callable[[str], bool] = lambda _: True
) -> list[dict[str, Any]]:
    """Return the entries of a project page (PEP 691) whose files' names fit.

    Raise Refusal for anything that isn't such a page. What an entry says isn't looked at.
    """
    try:
        entries: list[dict[str, Any]] = json.loads(data)["files"]
        return [entry for entry in entries if fits(_expect(entry["filename"], str))]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise refusal("page", "the index's page is malformed", package) from error


def read_files(
    entries: Iterable[dict[str, Any]], package: str, *, dated: bool
) -> tuple[PageFile, ...]:
    """Read entries of a page; with ``dated``, each must say when its file was uploaded.

    Raise Refusal for one that is malformed: pip would fail on it without a word on which
    package is at fault.
    """
    try:
        files = tuple(_read_file(entry) for entry in entries)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
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
    """Give pip's finder the pages that it asks for, and remember what they list.

    pip takes a page that can't be had for an empty one, and would then blame the
    requirements; here only an answer of 404 means that there is no such package. pip also
    drops the sizes of files, which the lock records.

    Pages list a hundred times as many files as fit a target, and most of a resolution's time
    would go by with pip looking at each. It gets those that ``suited`` tells by package and
    name. What they were is remembered with the sha256 of the page, for a page that is the same.
    """

    def __init__(
        self,
        supply: PageSupply,
        search_scope: SearchScope,
        suited: Suited,
        memory: Memory,
        *,
        dated: bool,
    ) -> None:
        super().__init__(supply.session, search_scope)
        self.supply = supply
        self.suited = suited
        self.memory = memory
        self.dated = dated
        self._files: dict[str, dict[str, PageFile]] = {}
        self._pages: dict[str, Page | None] = {}

    def fetch_response(
        self, location: Link, package_name: str | None = None
    ) -> IndexContent | None:
        """Return the page of a package, None if the index doesn't know the package."""
        package = str(canonicalize_name(package_name or ""))
        page = self._pages[package] = self.supply.page(package, location.url)
        if page is None:
            return None
        suiting = self._suiting(package, page.data)
        files = read_files(read_entries(suiting, package), package, dated=self.dated)
        self._files[package] = {file.file: file for file in files}
        return IndexContent(
            suiting,
            PAGE_TYPE,
            encoding=None,
            url=page.url,
            cache_link_parsing=location.cache_link_parsing,
        )

    def _suiting(self, package: str, page: bytes) -> bytes:
        """Return a page as it would be if the index listed nothing but what is suited."""
        key = hashlib.sha256(f"{self.suited.scope(package)} {package}".encode()).hexdigest()
        digest = hashlib.sha256(page).hexdigest().encode()
        head, _, remembered = (self.memory.get(key) or b"").partition(b"\n")
        if head == digest:
            return remembered
        entries = read_entries(page, package, partial(self.suited, package))
        suiting = json.dumps({"files": entries}).encode()
        self.memory.put(key, digest + b"\n" + suiting)
        return suiting

    def listed(self, package: str) -> tuple[PageFile, ...] | None:
        """Return all that the index lists of a package: nothing if it was never asked for.

        None if the index doesn't know the package.
        """
        page = self._pages.get(package, Page(url="", data=b'{"files": []}'))
        if page is None:
            return None
        return read_files(read_entries(page.data, package), package, dated=self.dated)

    def file(self, package: str, link: Link | None) -> SizedFile:
        """Return what the index says of a file; raise Refusal unless it has hash and size."""
        package = str(canonicalize_name(package))
        name = "" if link is None else link.filename
        file = self._files.get(package, {}).get(name)
        # A page may name any address, and pip would follow a file: URL to this machine's disk.
        if file is None or link is None or link.scheme not in {"http", "https"}:
            raise refusal("page", f"the index lists no such file as {name!r}", package)
        if not file.sha256:
            raise refusal("page", f"the index gives no sha256 for {file.file}", package)
        if file.size is None:
            raise refusal("page", f"the index gives no size for {file.file}", package)
        return SizedFile(file.file, file.sha256, file.size, file.uploaded, link)
