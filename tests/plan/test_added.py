"""The layers of an env that extends another: the other's, and its own upon them."""

from __future__ import annotations

from typing import Any, cast

import pytest
from attrs import evolve

from lockyard.errors import SpecError
from lockyard.lock.model import Lock
from lockyard.plan.division import SHARED
from lockyard.plan.image import ImagePlan, plan_image
from lockyard.plan.layer import ChosenLayer, DebianLayer, FilesLayer, WheelLayer, layer_key
from lockyard.spec.model import Env, LaidFile, Recipe
from lockyard.spec.reader import Fleet
from tests.build.makers import deb_artifact, wheel_artifact
from tests.plan.test_image import LOCK, MIB, TARGET, fleet

__all__ = ["fleet"]

MORE = wheel_artifact("more", uploaded="2026-03-01T00:00:00Z")
JQ = deb_artifact("jq", "1.6")
MAIN = {"/srv/app/main.py": cast(Any, LaidFile)(source="main.py", owner="user")}


@pytest.fixture
def parent(fleet: Fleet) -> ImagePlan:
    return plan_image(fleet.workspace, fleet.env("demo"), fleet.recipe("trial"), LOCK, TARGET)


def derived(fleet: Fleet, **more: Any) -> Env:
    above = fleet.env("demo")
    return evolve(above, name="child", parent=above, **more)


def plan(
    fleet: Fleet, parent: ImagePlan, env: Env, recipe: Recipe | None = None, **more: Any
) -> ImagePlan:
    lock: Lock = evolve(
        LOCK,
        env=env.name,
        debs=(*LOCK.debs, *more.get("debs", ())),
        wheels=(*LOCK.wheels, *more.get("wheels", ())),
    )
    recipe = recipe or fleet.recipe("trial")
    return plan_image(fleet.workspace, env, recipe, lock, TARGET, parent)


def added(made: ImagePlan, parent: ImagePlan) -> tuple[Any, ...]:
    """Return the layers upon the parent's, which are the very same."""
    count = len(parent.layers)
    assert made.layers[:count] == parent.layers
    assert [*map(layer_key, made.layers[:count])] == [*map(layer_key, parent.layers)]
    return made.layers[count:]


def test_nothing_added_is_the_parents_layers_under_another_name(
    fleet: Fleet, parent: ImagePlan
) -> None:
    made = plan(fleet, parent, derived(fleet))
    assert added(made, parent) == ()
    assert made.names.image.startswith("child-debian12-")
    assert made.config["Labels"]["org.opencontainers.image.title"] == "child"
    assert made.created == parent.created
    assert made.key != parent.key


def test_each_kind_of_addition_in_its_order(fleet: Fleet, parent: ImagePlan) -> None:
    env = derived(fleet, files=MAIN, contents={"main.py": b""})
    debian, wheel, files = added(plan(fleet, parent, env, debs=[JQ], wheels=[MORE]), parent)
    assert isinstance(debian, DebianLayer)
    assert debian.title == "jq 1.6"
    assert parent.layers[0] == DebianLayer(debs=debian.below)
    assert {*debian.debs} == {*debian.below, JQ}
    assert isinstance(wheel, WheelLayer)
    assert wheel.wheels == (MORE,)
    assert isinstance(files, FilesLayer)
    assert files.title == "files of child"


def test_a_chain(fleet: Fleet, parent: ImagePlan) -> None:
    env = derived(fleet)
    middle = plan(fleet, parent, env, debs=[JQ])
    other = deb_artifact("other")
    last = plan(fleet, middle, evolve(env, name="last", parent=env), debs=[JQ, other])
    (layer,) = added(last, middle)
    assert layer.title == "other 1.0"
    assert JQ in layer.below


def test_an_image_is_as_old_as_the_newest_of_both(fleet: Fleet, parent: ImagePlan) -> None:
    assert plan(fleet, parent, derived(fleet), wheels=[MORE]).created == MORE.uploaded


def test_big_packages_are_alone_as_long_as_the_parent_leaves_room(
    fleet: Fleet, parent: ImagePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = [wheel_artifact(f"big{number}", size=9 * MIB) for number in range(30)]
    assert len(added(plan(fleet, parent, derived(fleet), wheels=wheels), parent)) == 30
    alone = sum(isinstance(each, WheelLayer) and len(each.wheels) == 1 for each in parent.layers)
    for room in (2, 0, -5):
        monkeypatch.setattr("lockyard.plan.image.MOST_BIG", alone + room)
        layers = added(plan(fleet, parent, derived(fleet), wheels=wheels), parent)
        assert sum(len(layer.wheels) for layer in layers) == 30
        assert len(layers) <= max(room, 0) + SHARED


def test_the_users_folders_stay_the_users(fleet: Fleet, parent: ImagePlan) -> None:
    folders = {"/srv/app": "user", "/srv": "root", "/opt/venv/lib": "user", "/home/x": "user"}
    recipe = evolve(fleet.recipe("trial"), directories=cast(Any, folders))

    def laid(env: Env, **more: Any) -> list[str]:
        layers = added(plan(fleet, parent, env, recipe, **more), parent)
        found = [each for each in layers if isinstance(each, FilesLayer)]
        return sorted(path for each in found for path in each.directories)

    files = derived(fleet, files=MAIN, contents={"main.py": b""})
    assert laid(derived(fleet)) == []
    assert laid(files) == ["/srv/app"]
    assert laid(derived(fleet), wheels=[MORE]) == ["/opt/venv/lib"]
    assert laid(derived(fleet), debs=[JQ]) == ["/home/x", "/opt/venv/lib", "/srv/app"]
    own = derived(fleet, directories={"/srv/app/more": "root"})
    assert laid(own) == ["/srv/app", "/srv/app/more"]
    # Those of an env between count as the recipe's.
    last = evolve(files, parent=derived(fleet, directories={"/srv/app": "user"}))
    assert laid(last) == ["/srv/app"]


def test_choices_among_files_stand_over_what_is_added(fleet: Fleet, parent: ImagePlan) -> None:
    above = evolve(fleet.env("demo"), owners=cast(Any, {"/opt/venv/x": "small"}))
    args = (fleet.workspace, above, fleet.recipe("trial"), LOCK, TARGET)
    below = plan_image(*cast(Any, args))
    env = evolve(above, name="child", parent=above)
    assert added(plan(fleet, below, env), below) == ()
    wheel, chosen = added(plan(fleet, below, env, wheels=[MORE]), below)
    assert isinstance(chosen, ChosenLayer)
    assert chosen in below.layers
    own = evolve(env, owners=cast(Any, {"/opt/venv/x": "more"}))
    wheel, chosen = added(plan(fleet, below, own, wheels=[MORE]), below)
    assert chosen.artifacts == wheel.artifacts == (MORE,)
    with pytest.raises(SpecError, match="1 fault"):
        plan(fleet, below, evolve(env, owners=cast(Any, {"/opt/venv/x": "nobody"})))


def test_what_an_engine_installs_is_in_no_layer(fleet: Fleet, parent: ImagePlan) -> None:
    env = derived(fleet, run_scripts=True)
    made = plan(fleet, parent, env, debs=(JQ,))
    assert added(made, parent) == ()
    assert made.installed == (JQ,)
    # One that extends it has all of those installed, and not only its own.
    child = evolve(env, name="grandchild", parent=env)
    other = deb_artifact("other", "1.0")
    assert plan(fleet, made, child, debs=(JQ, other)).installed == (JQ, other)
    # What a layer below has is left there.
    plain = plan(fleet, parent, derived(fleet), debs=(JQ,))
    assert plan(fleet, plain, env, debs=(JQ, other)).installed == (other,)
