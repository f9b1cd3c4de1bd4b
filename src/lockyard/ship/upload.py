"""One blob on its way into a repository: there already, mounted, or sent."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, Literal
from urllib.parse import urljoin

import requests
from attrs import frozen

from lockyard.errors import FetchError
from lockyard.fetch.pool import Cancel
from lockyard.ship.layout import Layout, check_blob, damaged
from lockyard.ship.repository import Donor, Repository
from lockyard.sources.http import RefusedError, UnreachableError
from lockyard.sources.login import Access
from lockyard.sources.manifest import Descriptor

Way = Literal["present", "mounted", "sent"]

TRIES = 5  # uploads in a row that break without bringing anything worth speaking of
FRUITFUL = 1 << 20  # bytes that are worth speaking of
BACKOFF = 0.4  # seconds after the first of them; doubled each time
PATIENCE = 30.0  # seconds that a registry may ask to be left alone
# Seconds that a registry may take to receive a piece, and to store a blob of gigabytes.
_TIMEOUT = (60.0, 900.0)
_RECEIVED = re.compile(r"(?:bytes=)?0-(\d+)", re.ASCII)
# What another try may mend: an upload that was lost or is out of step, and a busy server.
_PASSING = frozenset({404, 408, 416, 425, 429, 500, 502, 503, 504})


@frozen(kw_only=True)
class Upload:
    """Bring one blob of a layout into a repository, without sending it where that can be.

    ``progress`` receives the bytes that were sent, also those that are sent again.
    """

    layout: Layout
    blob: Descriptor
    repository: Repository
    donors: Sequence[Donor]
    cancel: Cancel
    progress: Callable[[int], None]

    def way(self) -> Way:
        """Return how the blob would come there; asks, and changes nothing."""
        if self.repository.has_blob(self.blob.digest):
            return "present"
        return "mounted" if self._donor() else "sent"

    def run(self) -> Way:
        """Have the blob in the repository. Raise FetchError, or IntegrityError if it's damaged."""
        if self.repository.has_blob(self.blob.digest):
            return "present"
        location = self._mount(donor) if (donor := self._donor()) else ""
        if location is None:
            return "mounted"
        try:
            self._send(location)
        except RefusedError:
            # A registry hashes what it gets: perhaps it is right, and the file isn't.
            check_blob(self.layout, self.blob)
            raise
        return "sent"

    def _donor(self) -> Donor | None:
        return next((each for each in self.donors if each.has(self.blob.digest)), None)

    def _send(self, location: str) -> None:
        """Send the blob, going on from what the registry has of it after each break."""
        offset = best = fruitless = 0
        while True:
            location = location or self._begin()
            try:
                if offset < self.blob.size:
                    location = self._patch(location, offset)
                self._finish(location)
                return
            except (UnreachableError, RefusedError) as error:
                self.cancel.check()
                # All may have come, and the answer alone got lost.
                if self._arrived(error):
                    return
                wait = _pause(error)
                if wait is None:
                    raise
                location, offset = self._status(location)
                fruitless = 0 if offset >= best + FRUITFUL else fruitless + 1
                best = max(best, offset)
                if fruitless == TRIES:
                    raise
                self.cancel.wait(max(wait, BACKOFF * 2**fruitless))

    def _arrived(self, error: FetchError) -> bool:
        try:
            return self.repository.has_blob(self.blob.digest)
        except FetchError:
            raise error from None

    def _mount(self, donor: Donor) -> str | None:
        """Return None where a mount served, else where the blob is to be sent, "" for anywhere.

        The token for it is one of its own: who mayn't read the donor may still push.
        """
        image = self.repository.image
        query = {"mount": self.blob.digest, "from": donor.image}
        try:
            with self._request(
                "POST",
                f"{image}/blobs/uploads/",
                params=query,
                access=Access(image, push=True, mounts=(donor.image,)),
            ) as response:
                return None if response.status_code == 201 else self._location(response)
        except UnreachableError:
            raise
        except FetchError:
            return ""

    def _begin(self) -> str:
        """Open an upload, and return its address."""
        with self._request("POST", f"{self.repository.image}/blobs/uploads/") as response:
            return self._location(response)

    def _patch(self, location: str, offset: int) -> str:
        """Send the blob from an offset on; return where the upload goes on."""
        headers = {"Content-Type": "application/octet-stream"}
        if offset:
            headers["Content-Range"] = f"{offset}-{self.blob.size - 1}"
        try:
            file = self.layout.path(self.blob.sha256).open("rb")
        except OSError:
            raise damaged(self.layout.folder, self.blob.sha256) from None
        with file:
            if os.fstat(file.fileno()).st_size != self.blob.size:
                raise damaged(self.layout.folder, self.blob.sha256)

            def body() -> _Rest:
                return _Rest(file, offset, self.blob.size, self._sent)

            with self._request("PATCH", location, data=body, headers=headers) as response:
                return self._location(response)

    def _sent(self, amount: int) -> None:
        self.cancel.check()
        self.progress(amount)

    def _finish(self, location: str) -> None:
        query = {"digest": self.blob.digest}
        self._request("PUT", location, params=query, data=b"").close()

    def _status(self, location: str) -> tuple[str, int]:
        """Return where a broken upload goes on, and from which byte; "" where it begins anew."""
        if not location:
            return "", 0
        try:
            with self._request("GET", location) as response:
                match = _RECEIVED.fullmatch(response.headers.get("Range", ""))
                # Some say 0-0 of nothing, since there is no other way to write it.
                received = int(match[1]) + 1 if match and int(match[1]) else 0
                if response.status_code != 204 or not 0 < received <= self.blob.size:
                    return "", 0
                moved = response.headers.get("Location")
                return (urljoin(response.url, moved) if moved else location), received
        except FetchError:
            return "", 0

    def _request(self, method: str, url: str, **options: Any) -> requests.Response:
        return self.repository.registry.request(
            method,
            url,
            what=f"blob {self.blob.digest} for {self.repository.name}",
            timeout=_TIMEOUT,
            **{"access": self.repository.access, **options},
        )

    def _location(self, response: requests.Response) -> str:
        location = response.headers.get("Location")
        if not location:
            raise FetchError(
                "the registry doesn't say where an upload goes on",
                where=f"blob {self.blob.digest} for {self.repository.name}",
                solution="use another registry",
            )
        return urljoin(response.url, location)


class _Rest:
    """A file from an offset to its end, as a body that is read once.

    ``len`` is what requests makes the Content-Length of; it takes for a stream only what can
    be iterated, and lets it be read.
    """

    def __init__(self, file: BinaryIO, start: int, end: int, sent: Callable[[int], None]) -> None:
        file.seek(start)
        self.len = end - start
        self._file = file
        self._end = end
        self._sent = sent

    def read(self, most: int) -> bytes:
        """Return the next bytes."""
        data = self._file.read(min(most, self._end - self._file.tell()))
        self._sent(len(data))
        return data

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces."""
        while data := self.read(1 << 16):
            yield data


def _pause(error: UnreachableError | RefusedError) -> float | None:
    """Return the seconds to wait before another try, or None where none would help."""
    if isinstance(error, UnreachableError):
        return 0
    if error.code not in _PASSING or (error.wait or 0) > PATIENCE:
        return None
    return error.wait or 0
