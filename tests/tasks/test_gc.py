from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from lockyard.errors import LockError
from lockyard.lock.file import write_lock
from lockyard.plan.layer import layer_key
from lockyard.spec.reader import Fleet
from lockyard.store.contents import Held, Kind, contents
from lockyard.store.store import Store
from lockyard.tasks.gc import Collected, Collector, unneeded
from lockyard.tasks.needs import Needs
from lockyard.tasks.plan import plan_env
from lockyard.tasks.workspaces import remember
from tests.tasks.conftest import lock_of, wheel

NOW = 1e9
DAY = 86_400
NAMES = st.sampled_from("abcdef")
SOME = st.frozensets(NAMES, max_size=3)


def held(kind: Kind, name: str, days: float, names: frozenset[str] = frozenset()) -> Held:
    path = Path(kind, name)
    return Held(kind=kind, name=name, path=path, size=1, used=NOW - days * DAY, names=names)


AGES = st.integers(0, 60)
FILES = st.one_of(
    st.builds(held, st.sampled_from(("artifact", "layer", "download")), NAMES, AGES),
    st.builds(held, st.just("record"), NAMES.map("layer/{}".format), AGES, SOME),
    st.builds(held, st.just("cache"), NAMES.map("pypi/built/{}/file".format), AGES),
)
STORES = st.lists(FILES, unique_by=lambda each: each.path, max_size=12)
NEEDS = st.builds(
    Needs,
    digests=SOME,
    records=SOME.map(lambda keys: frozenset(f"layer/{key}" for key in keys)),
    folders=SOME.map(lambda keys: frozenset(f"pypi/built/{key}" for key in keys)),
)


@given(STORES, NEEDS, AGES)
def test_nothing_needed_or_recent_goes_and_all_else_does(
    files: list[Held], needs: Needs, days: int
) -> None:
    since = NOW - days * DAY
    going = unneeded(files, needs, since)
    staying = [each for each in files if each not in going]
    records = [each for each in files if each.kind == "record"]
    good = {record.name for record in records if record.used >= since} | needs.records
    named = {name for record in records if record.name in good for name in record.names}
    for each in files:
        wanted = {
            "record": each.name in needs.records,
            "cache": each.name.removesuffix("/file") in needs.folders,
        }.get(each.kind, each.name in needs.digests | named)
        assert (each in staying) is (wanted or each.used >= since)
    assert unneeded(staying, needs, since) == []


@given(STORES, NEEDS, AGES, AGES)
def test_keeping_longer_removes_no_more(
    files: list[Held], needs: Needs, days: int, more: int
) -> None:
    longer = unneeded(files, needs, NOW - (days + more) * DAY)
    assert set(longer) <= set(unneeded(files, needs, NOW - days * DAY))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def put(store: Store, data: bytes, days: float = 100) -> str:
    """Put an artifact into a store that nobody has used for some days."""
    with store.writer("artifact") as writer:
        writer.write(data)
        path = writer.commit()
    age(path, days)
    return path.name


def age(path: Path, days: float) -> None:
    os.utime(path, (NOW - days * DAY,) * 2)


def put_layer(store: Store, key: str, days: float = 100) -> str:
    with store.writer("blob") as writer:
        writer.write(key.encode())
        path = writer.commit()
    store.put_record("layer", key, {"digest": path.name, "size": len(key)})
    age(path, 100)
    age(store.root / f"records/layer/{key}.json", days)
    return path.name


def collect(store: Store, root: Path, days: int = 30) -> Collected:
    return Collector(store=store, root=root, days=days, now=lambda: NOW).collect()


def left(store: Store) -> set[str]:
    return {each.name for each in contents(store) if not each.name.startswith("workspace/")}


def locked(fleet: Fleet, *data: bytes) -> None:
    wheels = [
        evolve(wheel(f"p{number}", "1"), sha256=hashlib.sha256(each).hexdigest(), size=len(each))
        for number, each in enumerate(data)
    ]
    write_lock(fleet.root, lock_of(fleet, *wheels))


def test_what_a_lock_names_stays_and_what_none_does_goes(fleet: Fleet, store: Store) -> None:
    locked(fleet, b"one")
    kept, gone = put(store, b"one"), put(store, b"two")
    done = collect(store, fleet.root)
    assert left(store) == {kept}
    assert (store.artifact(kept) is None, store.artifact(gone) is None) == (False, True)
    (tally,) = (each for each in done.tallies if each.kind == "artifact")
    assert (tally.kept, tally.kept_size, tally.removed, tally.removed_size) == (1, 3, 1, 3)


def test_the_layers_of_a_lock_stay(fleet: Fleet, store: Store) -> None:
    locked(fleet, b"one")
    keys = {layer_key(layer) for plan in plan_env(fleet, "trial") for layer in plan.layers}
    needed = {put_layer(store, key) for key in keys}
    recent, old = put_layer(store, "recent", days=3), put_layer(store, "old")
    collect(store, fleet.root)
    assert left(store) == needed | {recent, "layer/recent"} | {f"layer/{key}" for key in keys}
    assert store.blob(old) is None


def test_a_stale_lock_keeps_its_artifacts_and_is_told(fleet: Fleet, store: Store) -> None:
    locked(fleet, b"one")
    spec = fleet.root / "envs/trial.toml"
    spec.write_text(spec.read_text() + 'requirements.pypi = ["numpy"]\n')
    kept = put(store, b"one")
    done = collect(store, fleet.root, days=0)
    assert left(store) == {kept}
    assert done.unplanned == done.locks == (str(fleet.root / "locks/trial.lock.toml"),)


def test_a_lock_without_its_env_counts(fleet: Fleet, store: Store) -> None:
    locked(fleet, b"one")
    (fleet.root / "envs/trial.toml").unlink()
    kept = put(store, b"one")
    collect(store, fleet.root, days=0)
    assert left(store) == {kept}


@pytest.fixture
def elsewhere(fleet: Fleet, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another workspace, which needs nothing."""
    root = tmp_path_factory.mktemp("elsewhere")
    (root / "WORKSPACE.toml").write_text("format = 1\n")
    return root


def test_other_workspaces_count_as_long_as_they_are_there(
    fleet: Fleet, store: Store, elsewhere: Path
) -> None:
    locked(fleet, b"one")
    kept = put(store, b"one")
    remember(store, fleet.root)
    done = collect(store, elsewhere, days=0)
    assert left(store) == {kept}
    assert set(done.workspaces) == {str(fleet.root), str(elsewhere)}
    (fleet.root / "WORKSPACE.toml").unlink()
    for record in (store.root / "records/workspace").iterdir():
        age(record, 100)
    age(store.root / "artifacts/sha256" / kept[:2] / kept, 100)
    collect(store, elsewhere)
    assert left(store) == set()
    assert len(list((store.root / "records/workspace").iterdir())) == 1


def test_a_lock_that_cannot_be_read_stops_all(fleet: Fleet, store: Store, elsewhere: Path) -> None:
    put(store, b"two")
    before = left(store)
    remember(store, fleet.root)
    file = fleet.root / "locks/trial.lock.toml"
    file.parent.mkdir()
    file.write_text("<<<<<<< HEAD\n")
    with pytest.raises(LockError) as caught:
        collect(store, elsewhere, days=0)
    assert caught.value.where == str(file)
    assert left(store) == before


def test_what_a_lock_stops_needing_has_its_days(fleet: Fleet, store: Store) -> None:
    """What was in an image until yesterday isn't as old as its last build."""
    locked(fleet, b"one")
    kept = put(store, b"one")
    collect(store, fleet.root)
    locked(fleet, b"two")
    collect(store, fleet.root)
    assert left(store) == {kept}
    age(store.root / "artifacts/sha256" / kept[:2] / kept, 31)
    collect(store, fleet.root)
    assert left(store) == set()


def test_a_preview_removes_nothing(fleet: Fleet, store: Store) -> None:
    put(store, b"two")
    before = {each.path: each.path.stat().st_mtime for each in contents(store)}
    collector = Collector(store=store, root=fleet.root, days=30, now=lambda: NOW)
    done = collector.preview()
    assert {each.path: each.path.stat().st_mtime for each in contents(store)} == before
    assert sum(each.removed for each in done.tallies) == 1
    remember(store, fleet.root)
    assert collector.preview() == collector.collect()


def test_an_interrupted_collection_leaves_a_sound_store(
    fleet: Fleet, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put_layer(store, f"key{number}")
    unlink = Path.unlink

    def last(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        raise KeyboardInterrupt

    remember(store, fleet.root)
    monkeypatch.setattr(Path, "unlink", last)
    for survivors in (5, 4, 3, 2, 1, 0):
        with pytest.raises(KeyboardInterrupt):
            collect(store, fleet.root)
        assert len(left(store)) == survivors
        assert all(store.blob(name) for each in contents(store) for name in each.names)
