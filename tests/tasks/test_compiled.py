"""Envs with packages that an engine compiles, in the image of another env."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from lockyard.errors import BuildError, LockError, ResolveError
from lockyard.lock.file import write_lock
from lockyard.lock.model import Compiled
from lockyard.spec.reader import read_fleet
from lockyard.tasks.check import check_fleet
from lockyard.tasks.method import Embedded
from lockyard.tasks.parents import parents_first
from lockyard.tasks.plan import fresh_lock, plan_env
from tests.resolve.sdist.conftest import make_tar
from tests.tasks.world import World, index, signer, site, world

__all__ = ["index", "signer", "site", "world"]

FAST = {"sdists": '{ fast = { builder = "compilers", environment = { WORD = "given" } } }'}
SAYS = "Metadata-Version: 2.2\nName: fast\nVersion: 1.0\nRequires-Dist: leaf>=1\n"


@pytest.fixture
def locked(world: World) -> World:
    """An env whose one package is compiled, and the env that does so."""
    world.index.wheel("leaf", "1.0")
    world.index.wheel("tool", "1.0")
    world.index.add("fast-1.0.tar.gz", make_tar({"fast-1.0/PKG-INFO": SAYS}))
    world.env("compilers", "tool")
    world.env("app", "fast", **FAST)
    world.lock("compilers")
    world.lock("app")
    return world


def findings(world: World) -> list[str]:
    return [str(each) for each in check_fleet(read_fleet(world.root), "app").findings]


def test_the_lock_has_its_source(locked: World) -> None:
    wheels = {wheel.name: wheel for wheel in locked.read().wheels}
    assert wheels["fast"].file == "fast-1.0.tar.gz"
    assert wheels["fast"].sdist is None
    assert wheels["fast"].compiled == Compiled(builder="compilers", environment={"WORD": "given"})
    # What it says that it requires was asked for.
    assert wheels["leaf"].required_by == ("fast",)
    assert findings(locked) == []
    assert not locked.lock("app").changed


def test_a_builder_that_was_locked_anew_makes_it_stale(locked: World) -> None:
    locked.index.wheel("tool", "2.0")
    locked.lock("compilers", everything=True)
    with pytest.raises(LockError, match="the builder compilers changed since it was made"):
        fresh_lock(read_fleet(locked.root), read_fleet(locked.root).env("app"))
    assert any("made from another builder compilers" in each for each in findings(locked))
    locked.lock("app")
    assert findings(locked) == []


def test_a_builder_that_has_no_lock(locked: World) -> None:
    (locked.root / "locks/compilers.lock.toml").unlink()
    with pytest.raises(LockError) as caught:
        locked.lock("app")
    assert caught.value.where == "locks/compilers.lock.toml"


def test_a_lock_that_has_it_compiled_in_another_way_by_hand(locked: World) -> None:
    lock = locked.read()
    other = tuple(
        evolve(each, compiled=Compiled(builder="compilers")) if each.compiled else each
        for each in lock.wheels
    )
    write_lock(locked.root, evolve(lock, wheels=other))
    assert any("fast: the spec has it compiled in another way" in each for each in findings(locked))
    named = tuple(
        evolve(each, file="fast-2.0.tar.gz") if each.compiled else each for each in lock.wheels
    )
    write_lock(locked.root, evolve(lock, wheels=named))
    assert any("fast: fast-2.0.tar.gz isn't its source" in each for each in findings(locked))


def test_it_is_planned_beside_the_layers(locked: World) -> None:
    fleet = read_fleet(locked.root)
    (plan,) = plan_env(fleet, "app")
    (builder,) = plan_env(fleet, "compilers")
    assert [each.name for each in plan.compiled] == ["fast"]
    assert plan.builder == builder
    assert "fast" in [each.name for each in plan.artifacts]
    assert "fast" not in [each.name for layer in plan.layers for each in layer.artifacts]
    with pytest.raises(BuildError, match="fast must be compiled") as caught:
        Embedded().suited([plan])
    assert caught.value.where == "envs/app.toml: sdists"
    assert caught.value.solution == "run: invoke build app --builder docker"


def test_an_env_that_extends_it_has_it_too(locked: World) -> None:
    locked.derived("child", "app", "tool")
    locked.lock("child")
    fleet = read_fleet(locked.root)
    (plan,) = plan_env(fleet, "child")
    assert [each.name for each in plan.compiled] == ["fast"]
    assert plan.builder is not None
    with pytest.raises(BuildError, match="must be compiled"):
        Embedded().suited([plan])
    assert parents_first(fleet, fleet.env_names()) == ("compilers", "app", "child")


def test_nothing_is_compiled_where_a_wheel_fits(locked: World, tmp_path: Path) -> None:
    locked.index.wheel("fast", "1.0")
    locked.lock("app", refresh=True)
    (plan,) = plan_env(read_fleet(locked.root), "app")
    assert plan.compiled == ()
    assert Embedded().suited([plan]) == [plan]


def test_an_sdist_that_does_not_say_what_it_requires(locked: World) -> None:
    setup = "import os\nos.execvp(os.environ['CC'], [])\n"
    locked.index.add("fast-2.0.tar.gz", make_tar({"fast-2.0/setup.py": setup}))
    with pytest.raises((BuildError, ResolveError)) as caught:
        locked.lock("app", packages=frozenset({"fast"}))
    assert "fast-2.0.tar.gz" in str(caught.value)
