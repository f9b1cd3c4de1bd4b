from __future__ import annotations

import fcntl
import hashlib
import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError, StoreError
from lockyard.store.store import Store

DATA = b"a wheel of two halves"
DIGEST = hashlib.sha256(DATA).hexdigest()


class BusyError(Exception):
    pass


def give_up(_: float) -> None:
    raise BusyError


def append(root: Path, data: bytes) -> None:
    with Store(root).partial(DIGEST) as partial:
        partial.append(data)


def test_another_process_resumes_what_was_begun(store: Store) -> None:
    child = multiprocessing.get_context("spawn").Process(target=append, args=(store.root, DATA[:7]))
    child.start()
    child.join(30)
    with store.partial(DIGEST) as partial:
        assert partial.size == 7
        assert store.artifact(DIGEST) is None
        partial.append(DATA[7:])
        assert partial.sha256() == DIGEST
        path = partial.commit(sha256=DIGEST, size=len(DATA), where="a wheel")
    assert store.artifact(DIGEST) == path
    assert path.read_bytes() == DATA
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert list((store.root / "partial").iterdir()) == []


def test_what_is_not_as_expected_is_forgotten(store: Store) -> None:
    append(store.root, DATA.upper())
    with store.partial(DIGEST) as partial:
        with pytest.raises(IntegrityError, match="a wheel"):
            partial.commit(sha256=DIGEST, size=len(DATA), where="a wheel")
        assert partial.size == 0
    assert store.artifact(DIGEST) is None


def test_only_one_holds_it(store: Store) -> None:
    with store.partial(DIGEST), pytest.raises(BusyError):
        store.partial(DIGEST, give_up)
    with store.partial(DIGEST, give_up):
        pass


def test_who_waited_for_a_finished_download_starts_from_nothing(store: Store) -> None:
    first = store.partial(DIGEST)

    def finish(_: float) -> None:
        first.append(DATA)
        first.commit(sha256=DIGEST, size=len(DATA), where="a wheel")
        first.__exit__(None, None, None)

    with store.partial(DIGEST, finish) as second:
        assert second.size == 0
        second.append(b"more")
        second.clear()
    path = store.artifact(DIGEST, len(DATA))
    assert path is not None
    assert path.read_bytes() == DATA


def test_clearing_starts_the_hash_over(store: Store) -> None:
    with store.partial(DIGEST) as partial:
        partial.append(b"other")
        partial.clear()
        partial.append(DATA)
        assert partial.sha256() == DIGEST


def test_a_file_that_was_renamed_before_it_was_locked_is_not_taken(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.root / "partial" / DIGEST
    flock = fcntl.flock

    def late(descriptor: int, operation: int) -> None:
        monkeypatch.undo()
        path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with store.partial(DIGEST, lambda _: None) as partial:
        partial.append(DATA)
        assert path.read_bytes() == DATA


def test_nothing_is_left_where_nothing_came(store: Store) -> None:
    with store.partial(DIGEST):
        pass
    assert list((store.root / "partial").iterdir()) == []


def test_an_interrupt_while_syncing_leaves_what_can_be_resumed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    def finish() -> None:
        with store.partial(DIGEST) as partial:
            partial.append(DATA)
            partial.commit(sha256=DIGEST, size=len(DATA), where="a wheel")

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        finish()
    assert stat.S_IMODE((store.root / "partial" / DIGEST).stat().st_mode) == 0o600
    with store.partial(DIGEST) as partial:
        assert partial.size == len(DATA)


def as_an_ordinary_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files refuse to be opened as their modes say, which the superuser doesn't see."""
    real = os.open

    def refuse(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR and path.exists() and not path.stat().st_mode & stat.S_IWUSR:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)


def test_a_kill_before_the_rename_leaves_what_can_be_resumed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(store.root, DATA)
    (store.root / "partial" / DIGEST).chmod(0o444)
    as_an_ordinary_user(monkeypatch)
    with store.partial(DIGEST) as partial:
        assert partial.size == len(DATA)
        path = partial.commit(sha256=DIGEST, size=len(DATA), where="a wheel")
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_a_folder_that_refuses_new_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(StoreError, match="Permission denied"):
        store.partial(DIGEST)
