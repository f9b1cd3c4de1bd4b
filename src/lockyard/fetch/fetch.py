"""Fetch all artifacts of a lock that the store doesn't hold."""

from __future__ import annotations

from collections.abc import Iterable

import requests
from attrs import field, frozen

from lockyard.errors import FetchError, IntegrityError, LockyardError
from lockyard.events import Reporter, Silent
from lockyard.fetch.download import Download
from lockyard.fetch.failures import gathered
from lockyard.fetch.locate import Locate
from lockyard.fetch.pool import Cancel, run
from lockyard.lock.model import Artifact
from lockyard.sources.http import UnreachableError
from lockyard.store.store import Store

_OVERALL = "fetch"


@frozen(kw_only=True)
class FetchSummary:
    """What a fetch did: artifacts that were there, artifacts that came, and their bytes."""

    present: int
    fetched: int
    size: int


def fetch(
    artifacts: Iterable[Artifact],
    *,
    store: Store,
    locate: Locate,
    session: requests.Session,
    reporter: Reporter | None = None,
    jobs: int = 8,
    verify: bool = False,
) -> FetchSummary:
    """Have every artifact in the store, verified; each is fetched once.

    What the store holds with the right size is taken as sound, since it was hashed before it
    got there; with ``verify`` it is hashed again, and fetched again where it is damaged. One
    artifact that fails doesn't stop the others, and all that came is kept. Raises FetchError,
    or IntegrityError where any artifact isn't what the lock says, naming each that failed;
    StoreError at once. An interrupt ends within about a second, and the next call goes on from
    the bytes that came.
    """
    wanted = distinct(artifacts)
    missing = [
        artifact
        for artifact in wanted
        if verify or store.artifact(artifact.sha256, artifact.size) is None
    ]
    fetcher = _Fetcher(
        store=store, locate=locate, session=session, reporter=reporter or Silent(), verify=verify
    )
    outcomes = fetcher.run(missing, jobs) if missing else []
    failures = [outcome for outcome in outcomes if isinstance(outcome, LockyardError)]
    if failures:
        raise gathered(failures, len(wanted))
    fetched = [outcome for outcome in outcomes if isinstance(outcome, Artifact)]
    return FetchSummary(
        present=len(wanted) - len(fetched),
        fetched=len(fetched),
        size=sum(artifact.size for artifact in fetched),
    )


def distinct(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """Return each content once, the largest first: the last to come is then a small one."""
    by_content = {(artifact.sha256, artifact.size): artifact for artifact in artifacts}
    return sorted(by_content.values(), key=lambda artifact: (-artifact.size, artifact.sha256))


@frozen(kw_only=True)
class _Fetcher:
    store: Store
    locate: Locate
    session: requests.Session
    reporter: Reporter
    verify: bool
    cancel: Cancel = field(factory=Cancel)
    unreachable: dict[str, UnreachableError] = field(factory=dict)

    def run(self, artifacts: list[Artifact], jobs: int) -> list[Artifact | LockyardError | None]:
        total = sum(artifact.size for artifact in artifacts)
        self.reporter.begin(_OVERALL, f"Fetching {len(artifacts)} artifacts", total)
        try:
            return run(self._attempt, artifacts, jobs=jobs, cancel=self.cancel)
        finally:
            self.reporter.end(_OVERALL)

    def _attempt(self, artifact: Artifact) -> Artifact | LockyardError | None:
        """Return the artifact where it was fetched, None where it was there, else why not."""
        where = f"{artifact.file} (source {artifact.source})"
        if known := self.unreachable.get(artifact.source):
            # A hundred artifacts of a source that doesn't answer fail as fast as one.
            return UnreachableError(known.reason, where=where, solution=known.solution)
        self.reporter.begin(artifact.sha256, artifact.file, artifact.size)
        try:
            return artifact if self._obtain(artifact) else None
        except UnreachableError as error:
            self.unreachable[artifact.source] = error
            return error
        except (FetchError, IntegrityError) as error:
            return error
        finally:
            self.reporter.end(artifact.sha256)

    def _obtain(self, artifact: Artifact) -> bool:
        """Have one artifact in the store; tell whether it had to be fetched."""
        if self.verify and self._sound(artifact):
            self._advance(artifact, artifact.size)
            return False
        with self.store.partial(artifact.sha256, self.cancel.wait) as partial:
            # Another process may have fetched it while this one waited for its turn.
            if not self.verify and self.store.artifact(artifact.sha256, artifact.size):
                partial.clear()
                self._advance(artifact, artifact.size)
                return False
            Download(
                url=self.locate(artifact),
                artifact=artifact,
                partial=partial,
                session=self.session,
                cancel=self.cancel,
                progress=lambda amount: self._advance(artifact, amount),
            ).run()
        return True

    def _sound(self, artifact: Artifact) -> bool:
        path = self.store.artifact(artifact.sha256, artifact.size)
        if path is None:
            return False
        try:
            self.store.verify(path, artifact.sha256, artifact.size)
        except IntegrityError:
            self.reporter.note(f"{artifact.file} is damaged in the store; fetching it again")
            return False
        return True

    def _advance(self, artifact: Artifact, amount: int) -> None:
        if amount:
            self.reporter.advance(artifact.sha256, amount)
            self.reporter.advance(_OVERALL, amount)
