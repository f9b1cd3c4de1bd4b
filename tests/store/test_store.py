from __future__ import annotations

import hashlib
import os
import pickle
import time
from pathlib import Path

import pytest

from lockyard.errors import IntegrityError, StoreError
from lockyard.store.store import Store

DATA = b"layer"
DIGEST = hashlib.sha256(DATA).hexdigest()


def put(store: Store, data: bytes = DATA) -> Path:
    with store.writer("artifact") as writer:
        writer.write(data)
        return writer.commit()


def test_finds_what_was_written_by_its_digest(store: Store) -> None:
    path = put(store)
    assert path == store.root / "artifacts" / "sha256" / DIGEST[:2] / DIGEST
    assert store.artifact(DIGEST) == path
    assert store.artifact(DIGEST, len(DATA)) == path
    assert path.read_bytes() == DATA


def test_artifacts_and_blobs_are_apart(store: Store) -> None:
    put(store)
    assert store.blob(DIGEST) is None


def test_a_file_of_another_size_is_absent(store: Store) -> None:
    path = put(store)
    path.chmod(0o644)
    path.write_bytes(DATA[:-1])
    assert store.artifact(DIGEST, len(DATA)) is None


def test_a_link_or_folder_in_place_of_a_file_is_absent(store: Store, tmp_path: Path) -> None:
    path = put(store)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert store.artifact(DIGEST) is None
    path.unlink()
    path.mkdir()
    assert store.artifact(DIGEST) is None


def test_verify_reads_the_whole_file(store: Store) -> None:
    path = put(store)
    store.verify(path, DIGEST, len(DATA))
    path.chmod(0o644)
    path.write_bytes(b"lay3r")
    with pytest.raises(IntegrityError, match=DIGEST):
        store.verify(path, DIGEST, len(DATA))


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, DIGEST + "\n", DIGEST[:-1]])
def test_a_digest_that_is_none_is_refused(store: Store, digest: str) -> None:
    with pytest.raises(IntegrityError, match="not a sha256"):
        store.artifact(digest)


def test_records_come_back(store: Store) -> None:
    assert store.record("layer", "key") is None
    store.put_record("layer", "key", {"size": 3, "digest": "sha256:é"})
    assert store.record("layer", "key") == {"digest": "sha256:é", "size": 3}
    store.put_record("layer", "key", {"size": 4})
    assert store.record("layer", "key") == {"size": 4}


@pytest.mark.parametrize("text", [b"", b'{"size": ', b"[1]", b"\xff", b"[" * 100_000])
def test_a_record_that_cannot_be_read_is_absent(store: Store, text: bytes) -> None:
    store.put_record("layer", "key", {"size": 3})
    path = store.root / "records" / "layer" / "key.json"
    path.chmod(0o644)
    path.write_bytes(text)
    assert store.record("layer", "key") is None
    store.put_record("layer", "key", {"size": 3})
    assert store.record("layer", "key") == {"size": 3}


@pytest.mark.parametrize("key", ["", "..", "a/b", ".hidden", "a\nb"])
def test_a_record_stays_in_its_folder(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="not a record's"):
        store.put_record("layer", key, {})


def test_opening_removes_what_dead_processes_left(store: Store) -> None:
    ages = {"tmp/old": 2, "tmp/new": 0, "partial/old": 40, "partial/new": 2}
    for name, days in ages.items():
        path = store.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1e9 - days * 86_400,) * 2)
    assert Store.open(store.root, now=lambda: 1e9) == store
    assert [name for name in ages if (store.root / name).exists()] == ["tmp/new", "partial/new"]


def test_the_environment_moves_the_store(tmp_path: Path) -> None:
    assert Store.default({"LOCKYARD_STORE": str(tmp_path)}).root == tmp_path
    assert Store.default({}).root.name == "lockyard"


def test_a_store_that_is_a_file_is_an_error_with_advice(tmp_path: Path) -> None:
    root = tmp_path / "store"
    root.touch()
    store = Store(root)
    assert store.artifact(DIGEST) is None
    with pytest.raises(StoreError, match="LOCKYARD_STORE"):
        put(store)


def test_a_store_can_be_sent_to_another_process(store: Store) -> None:
    assert pickle.loads(pickle.dumps(store)) == store  # noqa: S301


def test_what_is_asked_for_is_marked_as_used_once_a_day(store: Store) -> None:
    path = put(store)
    store.put_record("layer", "key", {})
    record = store.root / "records/layer/key.json"
    for days, moves in ((0.5, False), (2, True)):
        before = time.time() - days * 86_400
        for each, ask in (
            (path, lambda: store.artifact(DIGEST)),
            (record, lambda: store.record("layer", "key")),
        ):
            os.utime(each, (before, before))
            assert ask() is not None
            assert (each.stat().st_mtime > before + 3600) is moves


def test_a_layer_is_not_marked_since_layouts_share_its_file(store: Store) -> None:
    with store.writer("blob") as writer:
        writer.write(DATA)
        path = writer.commit()
    os.utime(path, (1000, 1000))
    assert store.blob(DIGEST) == path
    assert path.stat().st_mtime == 1000
