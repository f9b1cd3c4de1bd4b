"""Envs that extend others: how they are locked, and when their locks are stale."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.errors import LockError, ResolveError, UsageError
from lockyard.events import Silent
from lockyard.lock.file import write_lock
from lockyard.resolve.moves import Moves
from lockyard.spec.reader import read_fleet
from lockyard.store.store import Store
from lockyard.tasks.check import check_fleet
from lockyard.tasks.list import list_env
from lockyard.tasks.lock import Locker, check_moves
from lockyard.tasks.parents import parents_first
from lockyard.tasks.plan import plan_env
from lockyard.tasks.why import why_package
from tests.resolve.debian.conftest import paragraph
from tests.tasks.world import World, index, signer, site, world

__all__ = ["index", "signer", "site", "world"]


@pytest.fixture
def locked(world: World) -> World:
    """An env with old packages, and one that extends it, both locked."""
    for version in ("1.0", "2.0"):
        world.index.wheel("leaf", version)
        world.index.wheel("top", version, "leaf")
    world.index.wheel("extra", "1.0", "leaf")
    world.debs(paragraph("tool", "1", Depends="libc6"))
    world.env("app", "top==1.0", "leaf==1.0")
    world.lock("app")
    world.derived("child", "app", "extra")
    world.lock("child")
    return world


def versions(world: World, name: str) -> dict[str, str]:
    return {each.name: each.version for each in world.read(name).wheels}


def askers(world: World, name: str) -> dict[str, tuple[str, ...]]:
    return {each.name: each.required_by for each in world.read(name).artifacts}


def findings(world: World, name: str = "") -> list[str]:
    return [str(each) for each in check_fleet(read_fleet(world.root), name).findings]


def state(world: World, name: str) -> str:
    (listed,) = list_env(read_fleet(world.root), name, Path("dist"))
    return listed.lock


def refused(world: World, name: str) -> str:
    """Return why an env can't be planned."""
    with pytest.raises(LockError) as caught:
        plan_env(read_fleet(world.root), name)
    return str(caught.value)


def test_the_lock_has_all_that_the_parents_has_and_what_is_added(locked: World) -> None:
    assert versions(locked, "child") == {"top": "1.0", "leaf": "1.0", "extra": "1.0"}
    parent, child = locked.read("app"), locked.read("child")
    held = {each.sha256 for each in child.artifacts}
    assert {each.sha256 for each in parent.artifacts} < held
    assert child.targets == parent.targets
    asked = askers(locked, "child")
    assert asked["extra"] == ("env",)
    assert asked["top"] == ("parent app",)
    assert asked["leaf"] == ("extra", "parent app", "top")
    assert asked["libc6"] == ("base trial", "parent app", "python3.11")
    assert findings(locked) == []
    assert state(locked, "child") == "fresh"


def test_what_is_taken_as_it_is_says_the_same_as_what_is_resolved(locked: World) -> None:
    locked.derived("bare", "app")
    locked.lock("bare")
    taken = locked.read("bare")
    # With something of each kind added and taken away again, all is resolved.
    locked.derived("bare", "app", "extra", **{"requirements.debian": '["tool"]'})
    locked.lock("bare")
    resolved = locked.read("bare")
    names = {"extra", "tool"}
    assert taken.debs == tuple(
        evolve(each, required_by=tuple(by for by in each.required_by if by not in names))
        for each in resolved.debs
        if each.name not in names
    )
    assert taken.wheels == tuple(
        evolve(each, required_by=tuple(by for by in each.required_by if by not in names))
        for each in resolved.wheels
        if each.name not in names
    )
    assert askers(locked, "bare")["tool"] == ("env",)


def test_nothing_that_is_the_parents_asks_a_source(locked: World) -> None:
    assert locked.site is not None
    locked.site.publish(paragraph("libc6", "3-1"), paragraph("python3.11", "3.11.9-1"))
    locked.derived("bare", "app")
    locked.lock("bare")
    assert locked.read("bare").debs[0].version == "2.36-9"


def test_a_conflict_with_the_parents_pins_is_explained(locked: World) -> None:
    locked.derived("child", "app", "leaf>=2")
    with pytest.raises(ResolveError) as caught:
        locked.lock("child")
    assert "parent app asks for leaf==1.0; env asks for leaf>=2" in caught.value.reason
    assert caught.value.solution == (
        "loosen one of these requirements; "
        "what app has moves in its own lock alone (invoke lock app)"
    )
    locked.derived("child", "app", **{"requirements.debian": '["libc6 (>> 2.36-9)"]'})
    locked.debs(paragraph("libc6", "2.36-10"))
    with pytest.raises(ResolveError) as caught:
        locked.lock("child")
    assert "parent app asks for libc6 (= 2.36-9)" in caught.value.reason


def test_a_conflict_that_is_the_specs_own_is_not_put_on_the_parent(locked: World) -> None:
    locked.derived("child", "app", "extra>=9")
    with pytest.raises(ResolveError) as caught:
        locked.lock("child")
    assert "app" not in caught.value.solution


def test_the_parents_packages_never_move(locked: World) -> None:
    assert not locked.lock("child", everything=True).changed
    assert not locked.lock("child", packages=frozenset({"leaf"})).changed
    locked.index.wheel("extra", "2.0", "leaf")
    done = locked.lock("child", everything=True)
    assert [str(each) for each in done.changes] == ["  extra 1.0 -> 2.0"]


def test_moving_a_package_of_the_parent_says_where_to_do_it(locked: World) -> None:
    locked.derived("last", "child")
    locked.lock("last")
    fleet = read_fleet(locked.root)
    leaf, extra = Moves(packages=frozenset({"Leaf==2.0"})), Moves(packages=frozenset({"extra"}))
    with pytest.raises(UsageError) as caught:
        check_moves(fleet, ("last",), leaf)
    assert caught.value.reason == "last has leaf of app, which it extends"
    assert caught.value.solution == (
        "move it there: invoke lock app --upgrade-package Leaf==2.0, "
        "then invoke lock child, then invoke lock last"
    )
    check_moves(fleet, ("app", "child", "last"), leaf)
    check_moves(fleet, ("child",), extra)
    with pytest.raises(UsageError, match="last has extra of child"):
        check_moves(fleet, ("last",), extra)


def test_a_bump_of_the_parent_makes_the_lock_stale(locked: World) -> None:
    locked.env("app", "top", "leaf")
    locked.lock("app")
    # Another word on the same packages changes nothing for who extends it.
    assert state(locked, "child") == "fresh"
    assert findings(locked) == []
    locked.lock("app", packages=frozenset({"leaf"}))
    assert state(locked, "child") == "stale"
    assert refused(locked, "child") == (
        "locks/child.lock.toml: the parent app changed since it was made\nrun: invoke lock child"
    )
    assert findings(locked) == [
        "locks/child.lock.toml: made from another parent app (invoke lock child)",
        "locks/child.lock.toml: leaf: app has 2.0, and 1.0 is locked (invoke lock child)",
    ]
    done = locked.lock("child")
    assert [str(each) for each in done.changes] == ["  leaf 1.0 -> 2.0"]
    assert findings(locked) == []


def test_a_parent_without_a_fresh_lock_is_an_error(locked: World) -> None:
    locked.env("app", "top==2.0", "leaf")
    told = "locks/app.lock.toml: the env changed since it was made\nrun: invoke lock app"
    with pytest.raises(LockError) as caught:
        locked.lock("child")
    assert str(caught.value) == told
    assert refused(locked, "child") == told
    assert state(locked, "child") == "stale"
    (locked.root / "locks/app.lock.toml").unlink()
    with pytest.raises(LockError, match="there is no lock yet"):
        locked.lock("child")
    assert (
        "locks/child.lock.toml: app, which it extends, has no lock "
        "(invoke lock app, then invoke lock child)" in findings(locked)
    )
    (locked.root / "locks/app.lock.toml").write_text("format = ")
    assert [each.partition(":")[0] for each in findings(locked)] == 2 * ["locks/app.lock.toml"]


def test_a_lock_that_differs_from_the_parents_by_hand(locked: World) -> None:
    lock = locked.read("child")
    without = tuple(each for each in lock.wheels if each.name != "top")
    write_lock(locked.root, evolve(lock, wheels=without))
    assert any("top: app has it (1.0), and it isn't locked" in each for each in findings(locked))
    other = tuple(
        evolve(each, sha256="0" * 64) if each.name == "top" else each for each in lock.wheels
    )
    write_lock(locked.root, evolve(lock, wheels=other))
    (found,) = findings(locked)
    assert "top: app has another file of 1.0: top-1.0-py3-none-any.whl" in found
    # The spec is the same, and so is the parent: locking mends it all the same.
    assert locked.lock("child").changed
    assert locked.read("child") == lock


def test_a_file_of_the_parents_that_the_index_has_another_for_by_now(locked: World) -> None:
    locked.index.wheel("top", "1.0", "leaf", tags="cp311-none-any")
    locked.index.wheel("new", "1.0")
    locked.derived("child", "app", "extra", "new")
    with pytest.raises(ResolveError) as caught:
        locked.lock("child")
    assert caught.value.reason.endswith("app has another file of 1.0: top-1.0-py3-none-any.whl")
    assert caught.value.where == "child: top"
    assert caught.value.solution == "invoke lock app --refresh, then invoke lock child"
    locked.lock("app", refresh=True)
    locked.lock("child")
    assert findings(locked) == []


def test_parents_come_before_those_that_extend_them(locked: World) -> None:
    locked.derived("a", "child")
    locked.derived("b", "nobody")
    fleet = read_fleet(locked.root)
    assert fleet.env_names() == ("a", "app", "b", "child")
    assert parents_first(fleet, fleet.env_names()) == ("app", "child", "a", "b")
    assert parents_first(fleet, ("a", "app")) == ("app", "a")


def test_what_would_be_locked_counts_for_who_extends_it(locked: World) -> None:
    locked.env("app", "top==2.0", "leaf==2.0")
    locker = Locker(
        fleet=read_fleet(locked.root),
        store=Store.open(locked.root.parent / "store"),
        environ=locked.environ,
        now=datetime(2026, 8, 1, tzinfo=UTC),
        reporter=Silent(),
        dry_run=True,
    )
    assert locker.lock("app").changed
    assert [str(each) for each in locker.lock("child").changes] == [
        "  leaf 1.0 -> 2.0",
        "  top 1.0 -> 2.0",
    ]
    assert versions(locked, "child")["leaf"] == "1.0"


def test_why_ends_at_the_parent(locked: World) -> None:
    fleet = read_fleet(locked.root)

    def ways(package: str) -> list[str]:
        return [str(each) for each in why_package(fleet, "child", package)]

    assert ways("leaf") == [
        'pypi: parent app requires "leaf==1.0": leaf 1.0',
        'pypi: env requires "extra": extra 1.0 -> leaf 1.0',
    ]
    assert ways("libc6") == ['debian: parent app requires "libc6 (= 2.36-9)": libc6 2.36-9']
    assert ways("extra") == ['pypi: env requires "extra": extra 1.0']


def test_the_layers_are_the_parents_and_those_of_the_additions(locked: World) -> None:
    locked.derived("child", "app", "extra", **{"requirements.debian": '["tool"]'})
    locked.lock("child")
    fleet = read_fleet(locked.root)
    (parent,), (child,) = plan_env(fleet, "app"), plan_env(fleet, "child")
    assert child.layers[: len(parent.layers)] == parent.layers
    added = child.layers[len(parent.layers) :]
    assert [each.title for each in added] == ["tool 1", "extra 1.0"]
    assert child.names.image == "child-trial-py311-cpu-bare"
