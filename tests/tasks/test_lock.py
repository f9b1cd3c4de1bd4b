from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve

from lockyard.errors import LockError, ResolveError
from lockyard.events import Silent
from lockyard.lock import check as checking
from lockyard.lock.file import lock_path, read_lock, write_lock
from lockyard.lock.model import Lock
from lockyard.resolve import env as resolving
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.check import check_fleet
from lockyard.tasks.lock import Locked, Locker, changes, check_moves
from tests.tasks.conftest import lock_of, wheel
from tests.tasks.world import World, index, signer, site, world

__all__ = ["index", "signer", "site", "world"]


def run(fleet: Fleet, *, dry_run: bool = False) -> Locked:
    locker = Locker(
        fleet=fleet,
        store=Store(fleet.root / "store"),
        environ={},
        now=datetime(2026, 1, 1, tzinfo=UTC),
        reporter=Silent(),
        refresh=True,
        dry_run=dry_run,
    )
    return locker.lock("trial")


def resolves_to(monkeypatch: pytest.MonkeyPatch, lock: Lock) -> None:
    monkeypatch.setattr(resolving, "resolve_env", lambda *_: lock)
    # These locks are too small to be of any base.
    monkeypatch.setattr(checking, "check_lock", lambda *_: ())


def test_first_lock(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_of(fleet, wheel("flask", "1.0"), wheel("numpy", "2.0"))
    resolves_to(monkeypatch, lock)
    done = run(fleet)
    assert (done.new, done.changed, done.packages, done.size) == (True, True, 2, 2000)
    assert read_lock(fleet.root, "trial") == lock


@pytest.mark.parametrize("old", [None, "1.0", "2.0"])
def test_dry_run_tells_and_writes_nothing(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, old: str | None
) -> None:
    if old:
        write_lock(fleet.root, lock_of(fleet, wheel("flask", old)))
    before = sorted((path, path.stat().st_mtime_ns) for path in fleet.root.rglob("*"))
    resolves_to(monkeypatch, lock_of(fleet, wheel("flask", "2.0")))
    assert run(fleet, dry_run=True).changed is (old != "2.0")
    assert sorted((path, path.stat().st_mtime_ns) for path in fleet.root.rglob("*")) == before


def test_what_the_old_lock_pins_is_given_to_the_resolver(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = lock_of(fleet, wheel("flask", "1.0"))
    write_lock(fleet.root, lock)
    seen: list[Any] = []

    def resolve(*given: Any) -> Lock:
        seen.extend(given)
        return lock

    resolves_to(monkeypatch, lock)
    monkeypatch.setattr(resolving, "resolve_env", resolve)
    assert not run(fleet).changed
    assert seen[3] == lock


def test_an_error_leaves_the_old_lock(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    write_lock(fleet.root, lock_of(fleet, wheel("flask", "1.0")))
    before = (fleet.root / lock_path("trial")).read_bytes()

    def resolve(*_: Any) -> Lock:
        raise ResolveError("nothing fits")

    monkeypatch.setattr(resolving, "resolve_env", resolve)
    with pytest.raises(ResolveError):
        run(fleet)
    assert (fleet.root / lock_path("trial")).read_bytes() == before


def test_a_damaged_lock_says_how_to_go_on(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves_to(monkeypatch, lock_of(fleet))
    path = fleet.root / lock_path("trial")
    path.parent.mkdir()
    path.write_text("format = ")
    with pytest.raises(LockError) as caught:
        run(fleet)
    # Locking again alone would only say the same once more.
    assert "remove it and lock again" in caught.value.solution
    path.unlink()
    assert run(fleet).new


def test_changes(fleet: Fleet) -> None:
    old = lock_of(fleet, wheel("a", "1"), wheel("b", "1"), wheel("c", "1"))
    new = lock_of(fleet, wheel("b", "2"), wheel("c", "1"), wheel("d", "1"))
    assert [str(each) for each in changes(old, new)] == ["- a 1", "  b 1 -> 2", "+ d 1"]
    assert changes(old, old) == ()
    assert [str(each) for each in changes(None, lock_of(fleet, wheel("a", "1")))] == ["+ a 1"]


def test_a_package_of_several_versions_is_one_change(fleet: Fleet) -> None:
    old = lock_of(fleet, wheel("a", "1", "1"), wheel("a", "2", "2"))
    (change,) = changes(old, lock_of(fleet, wheel("a", "2", "2")))
    assert str(change) == "  a 1, 2 -> 2"


def test_what_the_check_would_refuse_is_not_written(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolving, "resolve_env", lambda *_: lock_of(fleet, wheel("flask", "1.0")))
    with pytest.raises(ResolveError, match="doesn't hold together"):
        run(fleet)
    assert read_lock(fleet.root, "trial") is None


def test_cuda_in_a_cpu_variant_is_not_written(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    nccl = wheel("nvidia-nccl-cu12", "2.30")
    lock = lock_of(fleet, nccl)
    monkeypatch.setattr(resolving, "resolve_env", lambda *_: lock)
    # The rest of a lock as small as this isn't sound.
    monkeypatch.setattr(checking, "check_lock", checking.check_coherence)
    with pytest.raises(ResolveError, match="which is of CUDA 12, and the variant is cpu") as caught:
        run(fleet)
    assert caught.value.where == "trial: nvidia-nccl-cu12"
    assert caught.value.solution.startswith("require what does without CUDA")
    assert read_lock(fleet.root, "trial") is None


def test_moves_pass_over_a_lock_that_is_damaged(fleet: Fleet) -> None:
    path = fleet.root / lock_path("trial")
    path.parent.mkdir(exist_ok=True)
    path.write_text("<<<<<<< HEAD\n")
    check_moves(fleet, ("trial",), Moves())
    check_moves(fleet, ("trial",), Moves(packages=frozenset({"flask"})))


def test_a_lock_that_another_process_wrote_meanwhile(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = lock_of(fleet, wheel("numpy", "2.0"))

    def resolve(*_: Any) -> Lock:
        write_lock(fleet.root, theirs)
        return lock_of(fleet, wheel("flask", "1.0"))

    resolves_to(monkeypatch, theirs)
    monkeypatch.setattr(resolving, "resolve_env", resolve)
    with pytest.raises(LockError, match="changed while it was being locked"):
        run(fleet)
    assert read_lock(fleet.root, "trial") == theirs


def test_a_lock_that_was_broken_by_hand_is_mended_as_the_check_advises(world: World) -> None:
    world.index.wheel("leaf", "1.0")
    world.index.wheel("top", "1.0", "leaf")
    world.env("app", "top")
    world.lock()
    sound, text = world.read(), world.text()
    world.index.wheel("top", "2.0", "leaf")
    leaf, top = sound.wheels
    write_lock(world.root, evolve(sound, wheels=(evolve(leaf, required_by=("gone",)), top)))
    faults = check_fleet(read_fleet(world.root)).findings
    assert {fault.solution for fault in faults} == {"invoke lock app"}
    assert world.lock().changed
    assert world.text() == text, "what it pins stays"
    asked = len(world.index.requests)
    assert not world.lock().changed
    assert len(world.index.requests) == asked, "a sound one is left alone"
