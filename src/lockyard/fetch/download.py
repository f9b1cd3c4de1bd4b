"""One download: resumed, repeated, bounded, verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import requests
import urllib3
from attrs import field, frozen

from lockyard.errors import FetchError, IntegrityError
from lockyard.fetch.pool import Cancel
from lockyard.store.partial import Partial

CHUNK = 1 << 18  # bytes read at once, at most
TRIES = 5  # bodies in a row that break without bringing anything worth speaking of
FRUITFUL = 1 << 20  # bytes that are worth speaking of
BACKOFF = 0.2  # seconds after the first of them; doubled each time

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)


class Content(Protocol):
    """What is wanted: the bytes of a sha256 and a size; errors call it ``file``."""

    @property
    def file(self) -> str:
        """Return what people call it."""

    @property
    def sha256(self) -> str:
        """Return the digest in hex."""

    @property
    def size(self) -> int:
        """Return the number of bytes."""

    @property
    def source(self) -> str:
        """Return the name of the source that has it."""


class Ask(Protocol):
    """Request a content from where it is; each call finds the way and logs in anew."""

    def __call__(
        self, *, headers: Mapping[str, str], allowed: Collection[int]
    ) -> requests.Response:
        """Return a response, its body unread; raise FetchError as ``http.get`` does."""


class _BrokenBodyError(Exception):
    """The body ended before its end."""


@frozen(kw_only=True)
class Download:
    """Bring what a server has of one content into the store, if it is that content.

    ``progress`` receives bytes, negative ones where a download starts over.
    """

    ask: Ask
    artifact: Content
    partial: Partial
    cancel: Cancel
    progress: Callable[[int], None]
    where: str = field()

    @where.default
    def _where(self) -> str:
        return f"{self.artifact.file} (source {self.artifact.source})"

    def run(self) -> None:
        """Download, verify, and make the artifact visible.

        Bytes of an earlier run, or of several answers, are trusted only once the whole has the
        right sha256; that says more than the ETag of one of several mirrors. Where it hasn't,
        one more try starts from nothing. Raises FetchError, IntegrityError and StoreError.
        """
        artifact, partial = self.artifact, self.partial
        self.progress(partial.size)
        if partial.size > artifact.size:
            self._clear()
        resumed = partial.size > 0
        requested = self._complete()
        if (resumed or requested > 1) and partial.sha256() != artifact.sha256:
            self._clear()
            self._complete()
        partial.commit(sha256=artifact.sha256, size=artifact.size, where=self.where)

    def _complete(self) -> int:
        """Receive until all bytes are here; return how many requests that took."""
        requested = fruitless = best = 0
        while self.partial.size < self.artifact.size:
            self.cancel.check()
            requested += 1
            try:
                self._receive()
            except _BrokenBodyError:
                fruitless = 0 if self.partial.size >= best + FRUITFUL else fruitless + 1
                best = max(best, self.partial.size)
                if fruitless == TRIES:
                    raise self._broken(best) from None
                self.cancel.wait(BACKOFF * 2**fruitless)
        return requested

    def _receive(self) -> None:
        """Ask for what is missing, and append it."""
        offset = self.partial.size
        # The bytes of the file itself: what a server compresses on the fly has no fixed bytes,
        # and no ranges.
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        response = self.ask(headers=headers, allowed=(416,) if offset else ())
        with response, self.cancel.watching(response):
            if offset and not _continues(response, offset, self.artifact.size):
                self._clear()
                if response.status_code != 200:
                    return
            self._check_length(response)
            self._read(response)

    def _check_length(self, response: requests.Response) -> None:
        length = response.headers.get("Content-Length", "")
        whole = response.status_code == 200 and "Content-Encoding" not in response.headers
        if whole and length.isdecimal() and int(length) != self.artifact.size:
            raise self._wrong_size(f"{int(length)} bytes")

    def _read(self, response: requests.Response) -> None:
        size = self.artifact.size
        while chunk := self._chunk(response):
            if self.partial.size + len(chunk) > size:
                self._clear()
                raise self._wrong_size("more bytes")
            self.partial.append(chunk)
            self.progress(len(chunk))
        if self.partial.size < size:
            raise _BrokenBodyError

    def _chunk(self, response: requests.Response) -> bytes:
        try:
            # Decoded where the server compresses though it was asked not to.
            chunk: bytes = response.raw.read1(CHUNK, decode_content=True)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.cancel.check()
            raise _BrokenBodyError from error
        self.cancel.check()
        return chunk

    def _clear(self) -> None:
        self.progress(-self.partial.size)
        self.partial.clear()

    def _wrong_size(self, found: str) -> IntegrityError:
        return IntegrityError(
            f"the source has {found} where {self.artifact.size} are due",
            where=self.where,
            solution="Check the source: it serves another file under this name.",
        )

    def _broken(self, best: int) -> FetchError:
        return FetchError(
            f"the connection broke {TRIES} times, at last after {best} of"
            f" {self.artifact.size} bytes",
            where=self.where,
            solution="Check the network and the proxy, or point this source to a mirror.",
        )


def _continues(response: requests.Response, offset: int, size: int) -> bool:
    """Tell whether a response brings the bytes from ``offset`` on of a file of ``size`` bytes."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return (
        response.status_code == 206
        and match is not None
        and int(match[1]) == offset
        and match[2] in ("*", str(size))
        and "Content-Encoding" not in response.headers
    )
