"""Push an image layout to a registry: what is missing, the manifests after it, the tags last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import partial

from attrs import frozen

from lockyard.assemble.document import Document
from lockyard.errors import FetchError, PushError
from lockyard.events import Reporter
from lockyard.fetch.pool import Cancel, run
from lockyard.ship.layout import Layout
from lockyard.ship.repository import Donor, Repository
from lockyard.ship.tags import LATEST, newest_dated, next_dated
from lockyard.ship.upload import Upload, Way
from lockyard.sources.http import RefusedError, UnreachableError
from lockyard.sources.manifest import Descriptor

_TASK = "push"
_AGAIN = "push again: what has arrived isn't sent twice"


@frozen(kw_only=True)
class Pushed:
    """What a push did, or would do; sizes in bytes.

    ``sent`` counts all that left, also what had to be sent again and each tag's manifest;
    ``mounted`` and ``present`` what needn't be sent. ``tags`` name the image now; of those
    ``tagged`` are new or moved.
    """

    digest: str
    size: int
    sent: int
    mounted: int
    present: int
    tags: tuple[str, ...]
    tagged: tuple[str, ...]


@frozen(kw_only=True)
class Push:
    """Push one image. ``day`` is that of its dated tag; ``extra`` are more tags to set."""

    layout: Layout
    repository: Repository
    donors: Sequence[Donor]
    day: date
    extra: Sequence[str]
    reporter: Reporter
    jobs: int = 4

    def run(self, *, dry_run: bool = False) -> Pushed:
        """Have all of the image there, and tag it; with ``dry_run`` only find what that takes.

        Safe to be repeated: what arrived isn't sent again, and a dated tag never moves. Raise
        PushError where the registry can't be reached or refuses, IntegrityError where the
        layout is damaged.
        """
        with told(self.repository.registry.name):
            ways, sent = self._blobs(dry_run)
            below = [each for each in self.layout.manifests if each != self.layout.top]
            missing = [each for each in below if not self._has(each)]
            wanted, tagged = self._tags()
            if not dry_run:
                for document in missing:
                    self.repository.put_manifest(f"sha256:{document.digest}", document)
                for tag in tagged:
                    self.repository.put_manifest(tag, self.layout.top)
            # What the tags name comes with them, once for each.
            documents = [*missing, *(self.layout.top for _ in tagged)]
            there = {*below, self.layout.top}.difference(documents)
            return Pushed(
                digest=self._digest,
                size=self.layout.size,
                sent=sent + sum(len(each.data) for each in documents),
                mounted=_size(ways, "mounted"),
                present=_size(ways, "present") + sum(len(each.data) for each in there),
                tags=tuple(wanted),
                tagged=tuple(tagged),
            )

    @property
    def _digest(self) -> str:
        return f"sha256:{self.layout.top.digest}"

    def _blobs(self, dry_run: bool) -> tuple[dict[Descriptor, Way], int]:
        """Bring the blobs, the largest first; return how each came, and the bytes that left."""
        cancel, left = Cancel(), dict.fromkeys(self.layout.blobs, 0)

        def sent(blob: Descriptor, amount: int) -> None:
            # Each blob has one thread.
            left[blob] += amount
            self.reporter.advance(_TASK, amount)

        def bring(blob: Descriptor) -> tuple[Descriptor, Way]:
            upload = Upload(
                layout=self.layout,
                blob=blob,
                repository=self.repository,
                donors=self.donors,
                cancel=cancel,
                progress=partial(sent, blob),
            )
            way = upload.way() if dry_run else upload.run()
            if way != "sent":
                self.reporter.advance(_TASK, blob.size)
            return blob, way

        verb = "Looking at" if dry_run else "Pushing"
        blobs = sorted(self.layout.blobs, key=lambda blob: (-blob.size, blob.digest))
        self.reporter.begin(_TASK, f"{verb} {self.repository.name}", self.layout.size)
        try:
            ways = dict(run(bring, blobs, jobs=self.jobs, cancel=cancel))
        finally:
            self.reporter.end(_TASK)
        return ways, _size(ways, "sent") if dry_run else sum(left.values())

    def _has(self, document: Document) -> bool:
        return self.repository.manifest_digest(f"sha256:{document.digest}") is not None

    def _tags(self) -> tuple[list[str], list[str]]:
        """Return the tags that name the image in the end, and those of them to set.

        The dated one comes first: whoever finds the image as ``latest`` finds it dated, too.
        """
        known = self.repository.tags()
        newest = newest_dated(known)
        if newest is None or not self._names(newest):
            newest = next_dated(known, self.day)
            # A list may be older than what it lists.
            while self.repository.manifest_digest(newest) is not None:
                known.add(newest)
                newest = next_dated(known, self.day)
        wanted = list(dict.fromkeys([newest, LATEST, *self.extra]))
        return wanted, [tag for tag in wanted if not self._names(tag)]

    def _names(self, tag: str) -> bool:
        return self.repository.manifest_digest(tag) == self._digest


def _size(ways: dict[Descriptor, Way], way: Way) -> int:
    return sum(blob.size for blob, how in ways.items() if how == way)


@contextmanager
def told(registry: str) -> Iterator[None]:
    """Turn what is told of a source into what is told of a registry to push to."""
    try:
        yield
    except FetchError as error:
        solution = error.solution
        if isinstance(error, RefusedError):
            solution = _advice(error, registry)
        elif isinstance(error, UnreachableError):
            solution = f"check the network and the proxy, then {_AGAIN}"
        raise PushError(error.reason, where=error.where, solution=solution) from None


def _advice(error: RefusedError, registry: str) -> str:
    if error.code in (401, 403, 407):
        return f"log in as a user who may push there: docker login {registry}"
    if error.code == 404:
        return "make the repository first, if this registry doesn't make it by itself"
    if error.code < 400:
        return "name the registry that it leads to: what is sent goes nowhere else by itself"
    if error.code == 413:
        return "this registry takes no blobs of that size: use another one, or raise its limit"
    if error.code == 429 or error.wait:
        return f"wait{f' {error.wait} seconds' if error.wait else ''}, then {_AGAIN}"
    return _AGAIN if error.code >= 500 else "see the registry's log for why it refuses this"
