"""Fetch all artifacts of a lock that the store doesn't hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

import requests
from attrs import field, frozen

from lockyard.errors import FetchError, IntegrityError, LockyardError
from lockyard.events import Reporter, Silent
from lockyard.fetch.download import Ask, Content, Download
from lockyard.fetch.failures import gathered
from lockyard.fetch.locate import Locate
from lockyard.fetch.pool import Cancel, run
from lockyard.lock.model import Artifact
from lockyard.sources.http import UnreachableError, get
from lockyard.store.store import Store

_OVERALL = "fetch"
_JOBS = 8

Wanted = TypeVar("Wanted", bound=Content)


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
    jobs: int = _JOBS,
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
    ask = partial(_ask, locate, session)
    return obtain(artifacts, store=store, ask=ask, reporter=reporter, jobs=jobs, verify=verify)


def fetch_each(
    artifacts: Iterable[Artifact],
    *,
    store: Store,
    locate: Locate,
    session: requests.Session,
    reporter: Reporter | None = None,
    verify: bool = False,
) -> dict[str, LockyardError]:
    """Have what artifacts can be had in the store; return why others can't, by their sha256.

    See ``fetch``. Raises StoreError.
    """
    fetcher = _Fetcher(
        store=store,
        ask=partial(_ask, locate, session),
        reporter=reporter or Silent(),
        verify=verify,
    )
    wanted = distinct(artifacts)
    outcomes = fetcher.run(fetcher.missing(wanted), _JOBS)
    return {sha256: each for sha256, each in outcomes.items() if isinstance(each, LockyardError)}


def _ask(locate: Locate, session: requests.Session, artifact: Artifact) -> Ask:
    url = locate(artifact)
    return partial(get, session, url, what=artifact.file, source=artifact.source, stream=True)


def obtain(
    contents: Iterable[Wanted],
    *,
    store: Store,
    ask: Callable[[Wanted], Ask],
    reporter: Reporter | None = None,
    jobs: int = _JOBS,
    verify: bool = False,
) -> FetchSummary:
    """Have contents of any kind in the store; ``ask`` gives the way to one. See ``fetch``."""
    wanted = distinct(contents)
    fetcher = _Fetcher(store=store, ask=ask, reporter=reporter or Silent(), verify=verify)
    outcomes = fetcher.run(fetcher.missing(wanted), jobs).values()
    failures = [outcome for outcome in outcomes if isinstance(outcome, LockyardError)]
    if failures:
        raise gathered(failures, len(wanted))
    sizes = [outcome for outcome in outcomes if isinstance(outcome, int)]
    return FetchSummary(present=len(wanted) - len(sizes), fetched=len(sizes), size=sum(sizes))


def distinct(contents: Iterable[Wanted]) -> list[Wanted]:
    """Return each content once, the largest first: the last to come is then a small one."""
    by_content = {(each.sha256, each.size): each for each in contents}
    return sorted(by_content.values(), key=lambda each: (-each.size, each.sha256))


@frozen(kw_only=True)
class _Fetcher(Generic[Wanted]):
    store: Store
    ask: Callable[[Wanted], Ask]
    reporter: Reporter
    verify: bool
    cancel: Cancel = field(factory=Cancel)
    unreachable: dict[str, UnreachableError] = field(factory=dict)

    def missing(self, contents: Iterable[Wanted]) -> list[Wanted]:
        """Return what must be looked at: all with ``verify``, else what the store lacks."""
        held = self.store.artifact
        return [each for each in contents if self.verify or held(each.sha256, each.size) is None]

    def run(self, artifacts: list[Wanted], jobs: int) -> dict[str, int | LockyardError | None]:
        """Return by its sha256 what came of each; see ``_attempt``."""
        if not artifacts:
            return {}
        total = sum(artifact.size for artifact in artifacts)
        self.reporter.begin(_OVERALL, f"Fetching {len(artifacts)} artifacts", total)
        try:
            return dict(run(self._outcome, artifacts, jobs=jobs, cancel=self.cancel))
        finally:
            self.reporter.end(_OVERALL)

    def _outcome(self, artifact: Wanted) -> tuple[str, int | LockyardError | None]:
        return artifact.sha256, self._attempt(artifact)

    def _attempt(self, artifact: Wanted) -> int | LockyardError | None:
        """Return the bytes that were fetched, None where it was there, else why not."""
        where = f"{artifact.file} (source {artifact.source})"
        if known := self.unreachable.get(artifact.source):
            # A hundred artifacts of a source that doesn't answer fail as fast as one.
            return UnreachableError(known.reason, where=where, solution=known.solution)
        self.reporter.begin(artifact.sha256, artifact.file, artifact.size)
        try:
            return artifact.size if self._obtain(artifact) else None
        except UnreachableError as error:
            self.unreachable[artifact.source] = error
            return error
        except (FetchError, IntegrityError) as error:
            return error
        finally:
            self.reporter.end(artifact.sha256)

    def _obtain(self, artifact: Wanted) -> bool:
        """Have one artifact in the store; tell whether it had to be fetched."""
        if self.verify and self._sound(artifact):
            self._advance(artifact, artifact.size)
            return False
        with self.store.partial(artifact.sha256, self.cancel.wait) as begun:
            # Another process may have fetched it while this one waited for its turn.
            if not self.verify and self.store.artifact(artifact.sha256, artifact.size):
                begun.clear()
                self._advance(artifact, artifact.size)
                return False
            Download(
                ask=self.ask(artifact),
                artifact=artifact,
                partial=begun,
                cancel=self.cancel,
                progress=lambda amount: self._advance(artifact, amount),
            ).run()
        return True

    def _sound(self, artifact: Wanted) -> bool:
        path = self.store.artifact(artifact.sha256, artifact.size)
        if path is None:
            return False
        try:
            self.store.verify(path, artifact.sha256, artifact.size)
        except IntegrityError:
            self.reporter.note(f"{artifact.file} is damaged in the store; fetching it again")
            return False
        return True

    def _advance(self, artifact: Wanted, amount: int) -> None:
        if amount:
            self.reporter.advance(artifact.sha256, amount)
            self.reporter.advance(_OVERALL, amount)
