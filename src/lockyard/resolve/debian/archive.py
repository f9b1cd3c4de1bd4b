"""Fetch a suite's documents from a mirror, each verified before it is read."""

from __future__ import annotations

import hashlib
import lzma
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests
import zstandard
from attrs import frozen

from lockyard.errors import FetchError, IntegrityError, StoreError
from lockyard.events import Reporter
from lockyard.resolve.debian.release import Listed, Release

TIMEOUT = (15, 60)
CHUNK = 1 << 20
RELEASE_LIMIT = 16 << 20
INDEX_LIMIT = 1 << 30
RETRY = "Check the network and the mirror's address, or try again."


@frozen(kw_only=True)
class Archive:
    """A suite on a mirror: ``source`` is its name in messages, ``cache`` holds its indexes."""

    session: requests.Session
    mirror: str
    source: str
    suite: str
    cache: Path
    reporter: Reporter

    def release(self) -> bytes:
        """Download the suite's InRelease document; nothing about it is verified yet."""
        return self._get("InRelease", RELEASE_LIMIT)

    def packages(self, release: Release, component: str, architecture: str) -> bytes:
        """Return a component's Packages index, uncompressed.

        It is kept in the cache by its sha256, packed such that it is unpacked in a tenth of the
        time that xz takes. Raises IntegrityError where the Release doesn't list it, or it isn't
        what the Release lists.
        """
        path = f"{component}/binary-{architecture}/Packages"
        packed, plain = (self._listed(release, name) for name in (f"{path}.xz", path))
        text = self._cached(plain)
        if text is None:
            data = self._fetched(release, f"{path}.xz", packed)
            text = _unpack(data, plain, f"{self.source} {self.suite} {path}.xz")
            self._keep(zstandard.compress(text), _kept_name(plain))
        return text

    def _listed(self, release: Release, path: str) -> Listed:
        component, directory, _ = path.rsplit("/", 2)
        architecture = directory.removeprefix("binary-")
        where = f"{self.source} {self.suite}"
        for kind, name, known in (
            ("component", component, release.components),
            ("architecture", architecture, release.architectures),
        ):
            if name not in known:
                raise IntegrityError(
                    f"the suite has no {kind} {name}",
                    where=where,
                    solution=f"It has {', '.join(known)}.",
                )
        if path not in release.files or release.files[path].size > INDEX_LIMIT:
            raise IntegrityError(
                f"the suite's Release lists no {path} of a size that can be read",
                where=where,
                solution="Use a suite whose indexes are compressed with xz.",
            )
        return release.files[path]

    def _cached(self, plain: Listed) -> bytes | None:
        try:
            data = (self.cache / _kept_name(plain)).read_bytes()
            with zstandard.ZstdDecompressor().stream_reader(data) as reader:
                text = reader.read(plain.size + 1)
        except (OSError, zstandard.ZstdError):
            return None
        return text if _is(text, plain) else None

    def _fetched(self, release: Release, path: str, listed: Listed) -> bytes:
        data = self._by_hash(path, listed) if release.by_hash else None
        if data is None:
            data = self._get(path, listed.size, expected=listed.size)
        if not _is(data, listed):
            raise IntegrityError(
                f"the file has {len(data)} bytes and not the {listed.size} that the Release lists"
                if len(data) != listed.size
                else "the file's sha256 is not the one that the Release lists",
                where=f"{self.source} {self.suite} {path}",
                solution="The mirror may be in the middle of an update: try again in a while.",
            )
        return data

    def _by_hash(self, path: str, listed: Listed) -> bytes | None:
        """Download a file by its hash, which an update of the mirror doesn't pull away."""
        folder = path.rpartition("/")[0]
        try:
            return self._get(
                f"{folder}/by-hash/SHA256/{listed.sha256}", listed.size, expected=listed.size
            )
        except _NotFoundError:
            return None

    def _keep(self, data: bytes, name: str) -> None:
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self.cache, prefix=".tmp-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                Path(temporary).replace(self.cache / name)
            except BaseException:
                with suppress(OSError):
                    Path(temporary).unlink()
                raise
        except OSError as error:
            raise StoreError(
                f"the cache of package indexes can't be written ({error.strerror})",
                where=str(self.cache),
                solution="Make the folder writable, or set another.",
            ) from error

    def _get(self, document: str, limit: int, expected: int | None = None) -> bytes:
        """Download a document of the suite, at most one byte more than ``limit``."""
        url = f"{self.mirror.rstrip('/')}/dists/{self.suite}/{document}"
        where = f"{self.source} {urlsplit(url).path}"
        task = f"debian {self.source} {self.suite} {document}"
        self.reporter.begin(task, f"{self.suite} {document}", expected)
        try:
            # requests would unpack a Content-Encoding without a bound.
            headers = {"Accept-Encoding": "identity"}
            with self.session.get(url, stream=True, timeout=TIMEOUT, headers=headers) as response:
                if response.status_code == 404:
                    raise _NotFoundError(
                        "the mirror doesn't have the document", where=where, solution=RETRY
                    )
                response.raise_for_status()
                return self._read(response, limit, task)
        except requests.RequestException as error:
            raise FetchError(
                f"the document can't be downloaded ({_words(error)})", where=where, solution=RETRY
            ) from error
        finally:
            self.reporter.end(task)

    def _read(self, response: requests.Response, limit: int, task: str) -> bytes:
        data = bytearray()
        for chunk in response.iter_content(CHUNK):
            data += chunk
            self.reporter.advance(task, len(chunk))
            if len(data) > limit:
                break
        return bytes(data[: limit + 1])


class _NotFoundError(FetchError):
    """The mirror answers that it doesn't have a document."""


def _words(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"status {error.response.status_code}"
    return type(error).__name__


def _kept_name(plain: Listed) -> str:
    return f"{plain.sha256}.zst"


def _is(data: bytes, listed: Listed) -> bool:
    return len(data) == listed.size and hashlib.sha256(data).hexdigest() == listed.sha256


def _unpack(data: bytes, plain: Listed, where: str) -> bytes:
    """Decompress an index, at most one byte more than the Release says that it holds."""
    try:
        text = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(data, plain.size + 1)
    except lzma.LZMAError as error:
        raise IntegrityError(
            f"the file can't be decompressed ({error})", where=where, solution=RETRY
        ) from error
    if not _is(text, plain):
        raise IntegrityError(
            "the file doesn't decompress to what the Release lists", where=where, solution=RETRY
        )
    return text
