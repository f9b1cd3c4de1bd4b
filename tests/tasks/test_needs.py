from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from lockyard.errors import LockError, StoreError
from lockyard.lock.file import write_lock
from lockyard.lock.model import BaseImage, Blob, Sdist
from lockyard.resolve.sdist.cache import build_key, built_wheels
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store
from lockyard.tasks.needs import Needs, needs_of
from tests.tasks.conftest import lock_of, wheel


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def needs(fleet: Fleet, store: Store) -> Needs:
    return needs_of([fleet.root], store)


def test_a_workspace_without_locks_needs_nothing(fleet: Fleet, store: Store) -> None:
    found = needs(fleet, store)
    assert (found.digests, found.folders, found.locks) == (frozenset(), frozenset(), ())
    assert len(found.records) == 1  # its own


def test_a_base_image_needs_what_its_manifest_names(fleet: Fleet, store: Store) -> None:
    with store.writer("artifact") as writer:
        writer.write(b'{"config": {"digest": "sha256:%s"}}' % (b"c" * 64))
        manifest = writer.commit().name
    path = fleet.root / "WORKSPACE.toml"
    added = '[sources.docker-hub]\nkind = "registry"\nregistry = "docker.io"\n'
    path.write_text(f"{path.read_text()}\n{added}")
    image = BaseImage(
        image="team/base",
        tag="latest",
        source="docker-hub",
        platform="linux/amd64",
        index="1" * 64,
        manifest=manifest,
    )
    lock = lock_of(fleet)
    write_lock(fleet.root, evolve(lock, images=(image,)))
    assert needs(fleet, store).digests == {"1" * 64, manifest, "c" * 64}
    known = evolve(
        image,
        manifest="2" * 64,
        config=Blob(digest="3" * 64, size=1),
        layers=(Blob(digest="4" * 64, size=1),),
    )
    write_lock(fleet.root, evolve(lock, images=(known,)))
    assert needs(fleet, store).digests == {"1" * 64, "2" * 64, "3" * 64, "4" * 64}


def test_a_wheel_from_source_needs_its_source_and_its_build(fleet: Fleet, store: Store) -> None:
    sdist = Sdist(file="a-1.tar.gz", sha256="5" * 64, size=9, tools=("setuptools==68.0.0",))
    write_lock(fleet.root, lock_of(fleet, evolve(wheel("a", "1", "6"), sdist=sdist)))
    found = needs(fleet, store)
    assert found.digests == {"5" * 64, "6" * 64}
    kept = built_wheels(store.cache / "pypi").put(build_key(sdist), "a-1-py3-none-any.whl", b"")
    assert kept.path.parent.relative_to(store.cache).as_posix() in found.folders
    assert "pypi/tools" in found.folders


def test_half_a_lock_of_a_killed_process_is_none(fleet: Fleet, store: Store) -> None:
    write_lock(fleet.root, lock_of(fleet))
    for name in (".trial.lock.toml.abcd1234", ".#trial.lock.toml", "notes.txt"):
        (fleet.root / "locks" / name).write_text("half")
    assert needs(fleet, store).locks == (str(fleet.root / "locks/trial.lock.toml"),)


def test_a_damaged_lock_is_named_by_its_whole_path(fleet: Fleet, store: Store) -> None:
    write_lock(fleet.root, lock_of(fleet))
    path = fleet.root / "locks/trial.lock.toml"
    path.rename(path.with_name("other.lock.toml"))
    with pytest.raises(LockError) as caught:
        needs(fleet, store)
    assert caught.value.where == str(fleet.root / "locks/other.lock.toml")
    assert "it is the lock of 'trial'" in caught.value.reason


def test_locks_that_cannot_be_listed_are_told(fleet: Fleet, store: Store) -> None:
    (fleet.root / "locks").touch()
    with pytest.raises(StoreError, match="can't be known"):
        needs(fleet, store)


def test_a_workspace_that_cannot_be_read_keeps_its_artifacts(fleet: Fleet, store: Store) -> None:
    write_lock(fleet.root, lock_of(fleet, wheel("a", "1", "6")))
    assert len(needs(fleet, store).records) > 1
    (fleet.root / "WORKSPACE.toml").write_text("format = 99\n")
    found = needs(fleet, store)
    assert found.digests == {"6" * 64}
    assert found.unplanned == found.locks
