from __future__ import annotations

import os
from pathlib import Path

import pytest

from lockyard.errors import StoreError
from lockyard.store.contents import FOLDERS, Held, contents, remove
from lockyard.store.store import Store

KEY = "k" * 8


@pytest.fixture
def filled(store: Store) -> Store:
    """A store with a file of each kind, and what isn't the store's."""
    with store.writer("artifact") as writer:
        writer.write(b"package")
        writer.commit()
    with store.writer("blob") as writer:
        writer.write(b"layer!")
        blob = writer.commit().name
    store.put_record("layer", KEY, {"digest": blob, "size": 6})
    for path in (f"partial/{'a' * 64}", "cache/pypi/one/file", "cache/two", "tmp/new"):
        (store.root / path).parent.mkdir(parents=True, exist_ok=True)
        (store.root / path).write_bytes(b"some")
    for path in (
        "artifacts/sha256/notes.txt",
        "blobs/README",
        "records/layer/.x",
        "records/a.json",
    ):
        (store.root / path).write_text("somebody's own")
    (store.root / "artifacts/sha256" / ("b" * 64)).symlink_to("/etc/passwd")
    return store


def test_every_file_is_told_with_its_kind(filled: Store) -> None:
    found = {each.kind: each for each in contents(filled) if each.name != "two"}
    assert set(found) == set(FOLDERS)
    assert found["record"].name == f"layer/{KEY}"
    assert found["record"].names == {found["layer"].name}
    assert found["layer"].names == frozenset()
    assert (found["artifact"].size, found["layer"].size, found["cache"].size) == (7, 6, 4)
    assert found["cache"].name == "pypi/one/file"
    assert found["download"].name == "a" * 64
    assert all(each.path.is_file() and not each.path.is_symlink() for each in found.values())
    assert len(list(contents(filled))) == 6


def test_the_time_of_use_is_told(filled: Store) -> None:
    for each in contents(filled):
        os.utime(each.path, (5, 1_000))
    assert {each.used for each in contents(filled)} == {1_000.0}


def test_a_store_that_is_not_there_holds_nothing(store: Store) -> None:
    assert list(contents(store)) == []


def test_what_is_chosen_goes_and_nothing_else(filled: Store) -> None:
    everything = list(contents(filled))
    chosen = [each for each in everything if each.kind in {"artifact", "cache"}]
    remove(filled, chosen)
    remove(filled, chosen)  # gone already: that is no fault
    assert list(contents(filled)) == [each for each in everything if each not in chosen]
    assert list((filled.root / "cache").iterdir()) == []
    assert (filled.root / "artifacts/sha256/notes.txt").exists()


def test_a_record_goes_before_what_it_names(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[Path] = []
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok: removed.append(path))
    remove(filled, reversed(list(contents(filled))))
    kinds = [path.relative_to(filled.root).parts[0] for path in removed]
    assert kinds[:3] == ["records", "blobs", "artifacts"]


def test_what_cannot_be_removed_is_told(filled: Store) -> None:
    folder = filled.root / "artifacts"
    held = Held(kind="artifact", name="sha256", path=folder / "sha256", size=0, used=0)
    with pytest.raises(StoreError):
        remove(filled, [held])
