from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
from attrs import asdict

from lockyard.errors import FetchError, IntegrityError, StoreError
from lockyard.fetch.fetch import FetchSummary, fetch
from lockyard.fetch.locate import Locate
from lockyard.fetch.pool import GRACE, Cancel
from lockyard.lock.model import Deb
from lockyard.store.partial import Partial
from lockyard.store.store import Store

DATA = bytes(range(256)) * 2_000
OTHER = b"another package" * 100

MakeDeb = Callable[..., Deb]
Fetch = Callable[..., FetchSummary]


@pytest.fixture
def run(store: Store, locate: Locate, session: requests.Session) -> Fetch:
    def call(*artifacts: Deb, **options: Any) -> FetchSummary:
        options = {"locate": locate, **options}
        return fetch(artifacts, store=store, session=session, **options)

    return call


def held(store: Store, artifact: Deb) -> bytes | None:
    path = store.artifact(artifact.sha256)
    return path.read_bytes() if path else None


def left_over(store: Store) -> list[Path]:
    return [path for name in ("tmp", "partial") for path in (store.root / name).glob("*")]


def test_brings_each_content_once(run: Fetch, store: Store, deb: MakeDeb, site: Any) -> None:
    first, second, twin = deb("a", DATA), deb("b", OTHER), deb("c", DATA)
    assert run(first, second, twin, first) == FetchSummary(
        present=0, fetched=2, size=len(DATA) + len(OTHER)
    )
    assert (held(store, first), held(store, second)) == (DATA, OTHER)
    assert len(site.requests) == 2
    assert left_over(store) == []


def test_a_warm_store_needs_no_source(run: Fetch, deb: MakeDeb) -> None:
    def nowhere(artifact: object) -> str:
        raise AssertionError("nothing is to be located")

    run(deb("a", DATA))
    assert run(deb("a", DATA), locate=nowhere) == FetchSummary(present=1, fetched=0, size=0)
    assert run(deb("a", DATA), locate=nowhere, verify=True).present == 1
    assert run() == FetchSummary(present=0, fetched=0, size=0)


@pytest.mark.parametrize("damage", [DATA[:-1], DATA[:-1] + b"?"])
def test_what_is_damaged_in_the_store_is_fetched_again(
    run: Fetch, store: Store, deb: MakeDeb, count: Any, damage: bytes
) -> None:
    artifact = deb("a", DATA)
    run(artifact)
    path = store.artifact(artifact.sha256)
    assert path
    path.chmod(0o644)
    path.write_bytes(damage)
    assert run(artifact, verify=True, reporter=count).fetched == 1
    assert held(store, artifact) == DATA
    assert left_over(store) == []


def test_one_that_fails_does_not_stop_the_others(
    run: Fetch, store: Store, deb: MakeDeb, site: Any
) -> None:
    good, gone, wrong = deb("good", DATA), deb("gone", OTHER), deb("wrong", OTHER * 2, "wrong")
    del site.files["/debian/pool/gone.deb"]
    with pytest.raises(IntegrityError) as caught:
        run(wrong, gone, good, jobs=1)
    lines = caught.value.reason.splitlines()
    assert lines[0] == "2 of 3 artifacts can't be fetched"
    assert lines[1].startswith("  gone.deb (source debian): the server doesn't have")
    assert lines[2].startswith("  wrong.deb (source debian): its sha256 is")
    assert "kept" in caught.value.solution
    assert held(store, good) == DATA
    assert held(store, wrong) is None


def test_a_single_failure_speaks_for_itself(run: Fetch, deb: MakeDeb, site: Any) -> None:
    artifact = deb("gone", OTHER)
    site.files.clear()
    with pytest.raises(FetchError, match="404") as caught:
        run(artifact)
    assert caught.value.where == "gone.deb (source debian)"


def test_a_source_that_does_not_answer_is_asked_once(run: Fetch, deb: MakeDeb) -> None:
    asked = []

    def silent(artifact: Deb) -> str:
        asked.append(artifact.name)
        return "http://127.0.0.1:9/secret"

    with pytest.raises(FetchError, match="3 of 3") as caught:
        run(*(deb(name, name.encode()) for name in "abc"), locate=silent, jobs=1)
    assert len(asked) == 1
    for name in "abc":
        assert f"{name}.deb (source debian): no answer from http://127.0.0.1:9" in str(caught.value)


def test_a_full_disk_ends_it_at_once(
    run: Fetch, store: Store, deb: MakeDeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(StoreError, match="no room"):
        run(deb("a", DATA), deb("b", OTHER))
    assert not (store.root / "artifacts").exists()


def test_progress_ends_at_the_total(run: Fetch, deb: MakeDeb, count: Any) -> None:
    artifacts = deb("a", DATA, "cut", "whole"), deb("b", OTHER)
    run(*artifacts, reporter=count)
    assert count.done == count.totals
    assert count.totals["fetch"] == len(DATA) + len(OTHER)
    assert sorted(count.ended) == sorted(count.totals)


def test_an_interrupted_thread_lets_go_of_its_download(
    run: Fetch,
    store: Store,
    deb: MakeDeb,
    site: Any,
    count: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that waits for a silent server ends when the caller is interrupted."""
    artifact = deb("a", DATA, "stall")

    def advance(task: str, amount: int) -> None:
        count.done[task] += amount
        if count.done[artifact.sha256] == len(DATA) // 2:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    monkeypatch.setattr(count, "advance", advance)
    with pytest.raises(KeyboardInterrupt):
        run(artifact, reporter=count)
    assert held(store, artifact) is None
    # Its lock is free again, though the server still holds the connection.
    with store.partial(artifact.sha256, lambda _: pytest.fail("still locked")) as partial:
        assert isinstance(partial, Partial)
        assert partial.size == len(DATA) // 2
    run(artifact)
    assert site.asked("/debian/pool/a.deb") == [None, f"bytes={len(DATA) // 2}-"]
    assert held(store, artifact) == DATA


def test_who_waited_for_another_finds_the_artifact(
    run: Fetch, store: Store, deb: MakeDeb, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = deb("a", DATA)
    other = store.partial(artifact.sha256)

    def finish(*_: object) -> None:
        other.append(DATA)
        other.commit(sha256=artifact.sha256, size=artifact.size, where="elsewhere")
        other.__exit__(None, None, None)

    monkeypatch.setattr(Cancel, "wait", finish)
    assert run(artifact).fetched == 0
    assert site.requests == []
    assert left_over(store) == []


CHILD = """
import json, sys, pathlib
from lockyard.fetch.fetch import fetch
from lockyard.fetch.locate import Locator
from lockyard.lock.model import Deb
from lockyard.sources.http import session
from lockyard.store.store import Store
root, url, text = sys.argv[1:]
made = session()
locate = Locator(made, {"debian": lambda: url})
artifact = Deb(**json.loads(text))
print(fetch([artifact], store=Store(pathlib.Path(root)), locate=locate, session=made).fetched)
"""


def child(store: Store, site: Any, artifact: Deb) -> subprocess.Popen[str]:
    text = json.dumps(asdict(artifact))
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store.root), f"{site.url}/debian", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_was_stopped_is_gone_on_from(
    run: Fetch, store: Store, deb: MakeDeb, site: Any, number: signal.Signals
) -> None:
    artifact = deb("a", DATA, "stall")
    process = child(store, site, artifact)
    assert site.stalled.wait(20)
    half = store.root / "partial" / artifact.sha256
    while half.stat().st_size < len(DATA) // 2:
        time.sleep(0.001)
    process.send_signal(number)
    started = time.monotonic()
    process.communicate(timeout=20)
    assert time.monotonic() - started < GRACE + 2
    assert process.returncode != 0
    assert held(store, artifact) is None
    run(artifact)
    assert site.asked("/debian/pool/a.deb")[1] == f"bytes={len(DATA) // 2}-"
    assert held(store, artifact) == DATA


def test_two_processes_fetch_the_same_once(store: Store, deb: MakeDeb, site: Any) -> None:
    artifact = deb("a", DATA, "stall")
    first = child(store, site, artifact)
    assert site.stalled.wait(20)
    second = child(store, site, artifact)
    # The first one's connection breaks, and it goes on from there; the second one waits.
    site.released.set()
    answers = [process.communicate(timeout=20)[0].strip() for process in (first, second)]
    assert sorted(answers) == ["0", "1"]
    assert held(store, artifact) == DATA
    assert left_over(store) == []
    assert len(site.requests) == 2
