from __future__ import annotations

from collections.abc import Callable
from functools import partial as partial_of
from typing import Any

import pytest
import requests

from lockyard.errors import FetchError, IntegrityError, LockyardError
from lockyard.fetch.download import TRIES, Download
from lockyard.fetch.pool import Cancel
from lockyard.lock.model import Deb
from lockyard.sources.http import get
from lockyard.store.store import Store

DATA = bytes(range(256)) * 2_000
HALF = len(DATA) // 2
PATH = "/debian/pool/a.deb"
REST = f"bytes={HALF}-"

Obtain = Callable[..., bytes]


@pytest.fixture
def obtain(site: Any, store: Store, session: requests.Session, deb: Callable[..., Deb]) -> Obtain:
    """Download an artifact that is served with faults; return its bytes from the store."""

    def call(*faults: str, before: bytes = b"") -> bytes:
        artifact = deb("a", DATA, *faults)
        with store.partial(artifact.sha256) as partial:
            partial.append(before)
        done: list[int] = []
        with store.partial(artifact.sha256) as partial:
            Download(
                ask=partial_of(
                    get, session, site.url + PATH, what="a.deb", source="debian", stream=True
                ),
                artifact=artifact,
                partial=partial,
                cancel=Cancel(),
                progress=done.append,
            ).run()
        assert sum(done) == len(DATA)
        path = store.artifact(artifact.sha256, artifact.size)
        assert path
        return path.read_bytes()

    return call


@pytest.mark.parametrize(
    ("faults", "ranges"),
    [
        ((), [None]),
        (("busy", "busy"), [None, None, None]),
        (("cut",), [None, REST]),
        (("unlabelled_cut",), [None, REST]),
        (("cut", "busy"), [None, REST, REST]),
        (("cut", "whole"), [None, REST]),
        (("cut", "other_range"), [None, REST, None]),
        (("cut", "no_range"), [None, REST, None]),
        (("cut", "wrong"), [None, REST, None]),
        (("gzip",), [None]),
        (("cut", "gzip"), [None, REST]),
    ],
)
def test_passing_faults_are_overcome(
    obtain: Obtain, site: Any, faults: tuple[str, ...], ranges: list[str | None]
) -> None:
    assert obtain(*faults) == DATA
    assert site.asked(PATH) == ranges


@pytest.mark.parametrize(
    ("before", "ranges"),
    [
        (DATA[:HALF], [REST]),
        (DATA, []),
        (DATA + b"more", [None]),
        (b"?" * HALF, [REST, None]),
        (b"?" * len(DATA), [None]),
    ],
)
def test_what_came_earlier_is_used_if_it_fits(
    obtain: Obtain, site: Any, before: bytes, ranges: list[str | None]
) -> None:
    assert obtain(before=before) == DATA
    assert site.asked(PATH) == ranges


@pytest.mark.parametrize(
    ("faults", "family", "reason", "requests"),
    [
        (("wrong",), IntegrityError, "its sha256 is", 1),
        (("longer",), IntegrityError, f"{len(DATA) + 4} bytes where {len(DATA)} are due", 1),
        (("endless",), IntegrityError, f"more bytes where {len(DATA)} are due", 1),
        (("cut", "wrong", "wrong"), IntegrityError, "its sha256 is", 3),
        (("cut", "longer"), IntegrityError, "are due", 2),
        (("cut",) * 9, FetchError, f"broke {TRIES} times, at last after {HALF}", TRIES),
        (("unlabelled_cut",) * 9, FetchError, f"at last after {HALF}", TRIES),
        (("busy",) * 9, FetchError, "503", 3),
    ],
)
def test_lasting_faults_are_errors(
    obtain: Obtain,
    site: Any,
    store: Store,
    faults: tuple[str, ...],
    family: type[LockyardError],
    reason: str,
    requests: int,
) -> None:
    with pytest.raises(family, match=reason) as caught:
        obtain(*faults)
    assert caught.value.where == "a.deb (source debian)"
    assert len(site.asked(PATH)) == requests
    assert not (store.root / "artifacts").exists()


def test_bytes_that_proved_wrong_are_not_resumed(obtain: Obtain, site: Any) -> None:
    with pytest.raises(IntegrityError):
        obtain("wrong")
    site.requests.clear()
    assert obtain() == DATA
    assert site.asked(PATH) == [None]


def test_asks_for_the_bytes_as_they_are(obtain: Obtain, site: Any) -> None:
    obtain()
    assert site.encodings == ["identity"]
