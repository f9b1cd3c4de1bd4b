from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from lockyard.build.content import layer_content
from lockyard.build.entry import Entry
from lockyard.errors import BuildError, StoreError
from lockyard.lock.model import BaseImage, CondaPackage, Wheel
from lockyard.plan.layer import (
    ChosenLayer,
    CondaLayer,
    Layer,
    RecipeLayer,
    WheelLayer,
    in_parts,
    layer_key,
)
from lockyard.plan.prefix import Prefix
from lockyard.store.store import Store
from tests.build.conda.makers import Content, Shelf, files
from tests.build.makers import PREFIX, build_layers, folder, make_wheel, recipe, wheel_artifact

SITE = "opt/venv/lib/python3.11/site-packages"
CONDA = Prefix(
    path="/opt/conda", interpreter="/opt/conda/bin/python3.7", python="3.7.12", virtual=False
)


def wheels(store: Store) -> tuple[Wheel, Wheel]:
    """Return two wheels that own one path with another content each, and one path in common."""
    return (
        make_wheel(store, {"both.py": b"1", "same.py": b"s"}, name="one"),
        make_wheel(store, {"both.py": b"2", "same.py": b"s"}, name="two"),
    )


def layer_of(*held: Wheel) -> WheelLayer:
    return WheelLayer(title=", ".join(each.name for each in held), wheels=held, prefix=PREFIX)


def read(entry: Entry | None) -> bytes:
    assert entry is not None
    assert entry.open is not None
    with entry.open() as stream:
        return stream.read()


def put_conda(store: Store, folder: Path, content: Content) -> CondaPackage:
    """Put a conda package into a store."""
    shelf = Shelf(folder)
    package = shelf.make(content)
    with store.writer("artifact") as writer:
        writer.write(shelf.paths[package.file].read_bytes())
        writer.commit()
    return package


def conda_layer(*packages: CondaPackage) -> CondaLayer:
    return CondaLayer(title="", packages=packages, prefix=CONDA, channel="https://channel.example")


def test_in_a_layer_the_first_package_of_a_path_wins(store: Store) -> None:
    with layer_content(layer_of(*wheels(store)), store) as content:
        assert read(content.tree.get(f"{SITE}/both.py")) == b"1"
        owners = [each.owner for each in content.owned if each.path == f"{SITE}/both.py"]
    assert owners == ["one-1.0-py3-none-any.whl", "two-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("shared", [True, False])
def test_an_image_of_packages_that_collide_is_refused(store: Store, shared: bool) -> None:
    one, two = wheels(store)
    layers = [layer_of(one, two)] if shared else [layer_of(one), layer_of(two)]
    with pytest.raises(BuildError, match=r"two packages own this path: one.* and two") as caught:
        build_layers(layers, store)
    assert caught.value.where == f"/{SITE}/both.py"
    assert "owners" in caught.value.solution


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("winner", [0, 1])
def test_the_env_may_choose_whose_file_stands(store: Store, shared: bool, winner: int) -> None:
    both = wheels(store)
    packages: Sequence[Layer] = (
        [layer_of(*both)] if shared else [layer_of(both[0]), layer_of(both[1])]
    )
    path = f"/{SITE}/both.py"
    chosen = ChosenLayer(layer=layer_of(both[winner]), paths=(path,))
    layers = [*packages, chosen]
    built = build_layers(layers, store, owners={path: both[winner].name})
    assert built[-1].owned == ()
    with layer_content(chosen, store) as content:
        assert [each.path for each in content.tree if each.kind == "file"] == [path[1:]]
        assert read(content.tree.get(path[1:])) == str(winner + 1).encode()


def test_a_choice_of_what_is_not_there(store: Store) -> None:
    one, _ = wheels(store)
    chosen = ChosenLayer(layer=layer_of(one), paths=(f"/{SITE}/other.py",))
    with pytest.raises(BuildError, match="has no such file"), layer_content(chosen, store):
        pass


def test_conda_packages_stand_in_their_prefix(store: Store, tmp_path: Path) -> None:
    app = Content(members=files({"bin/app": b"#!/bin/sh\n"}))
    package = put_conda(store, tmp_path / "packages", app)
    with layer_content(conda_layer(package), store) as content:
        paths = {each.path for each in content.owned}
        assert {"opt/conda/bin/app", "opt/conda/conda-meta/app-1.0-0.json"} <= paths
        assert {each.owner for each in content.owned} == {package.file}
    assert list((store.root / "tmp").iterdir()) == [], "nothing is left of what was unpacked"


def test_a_wheel_that_collides_with_a_conda_package(store: Store, tmp_path: Path) -> None:
    path = "lib/python3.7/site-packages/both.py"
    package = put_conda(store, tmp_path / "packages", Content(members=files({path: b"conda's"})))
    wheel = make_wheel(store, {"both.py": b"PyPI's"}, name="one")
    wheel_layer = WheelLayer(title="", wheels=(wheel,), prefix=CONDA)
    layers: list[Layer] = [conda_layer(package), wheel_layer]
    with pytest.raises(BuildError, match=r"app-1.0-0.conda and one-1.0-py3-none-any.whl"):
        build_layers(layers, store)


def test_a_folder_of_one_package_and_a_file_of_another(store: Store, tmp_path: Path) -> None:
    lists = Content(name="lists", members=[folder("share/x")])
    has = Content(name="has", members=files({"share/x": b"file"}))
    held = [put_conda(store, tmp_path / each.name, each) for each in (lists, has)]
    for layers in ([conda_layer(*held)], [conda_layer(each) for each in held]):
        with pytest.raises(BuildError, match="two packages own this path"):
            build_layers(layers, store)


def test_a_choice_counts_for_its_own_path_alone(store: Store) -> None:
    one = make_wheel(store, {"x": b"a file"}, name="one")
    two = make_wheel(store, {"x/y.py": b"below it"}, name="two")
    path = f"/{SITE}/x"
    chosen = ChosenLayer(layer=layer_of(one), paths=(path,))
    with pytest.raises(BuildError, match="lies below it"):
        build_layers([layer_of(one), layer_of(two), chosen], store, owners={path: "one"})


def test_a_recipe_on_an_image_that_has_gone(store: Store) -> None:
    image = BaseImage(
        image="base", tag="1", source="hub", platform="linux/amd64", manifest="0" * 64
    )
    layer = RecipeLayer(recipe=recipe(), prefix=CONDA, image=image)
    with pytest.raises(StoreError, match="has gone"), layer_content(layer, store):
        pass


def test_an_artifact_that_has_gone(store: Store) -> None:
    with (
        pytest.raises(StoreError, match=r"gone-1.0.* has gone"),
        layer_content(layer_of(wheel_artifact("gone")), store),
    ):
        pass


def test_a_package_too_large_for_a_layer_is_divided(store: Store) -> None:
    wheel = make_wheel(store, {f"m{number}.py": b"x" for number in range(40)})
    whole = layer_of(wheel)
    parts = in_parts(whole, -(-wheel.size // 3))
    assert [layer.title for layer in parts] == [f"demo part {n} of 3" for n in (1, 2, 3)]
    assert in_parts(whole, wheel.size) == [whole]
    found: list[str] = []
    for layer in parts:
        with layer_content(layer, store) as content:
            held = [each.path for each in content.tree if each.kind == "file"]
            assert len(held) > 5
            assert sorted(each.path for each in content.owned) == sorted(held)
            found += held
    with layer_content(whole, store) as content:
        assert sorted(found) == sorted(each.path for each in content.tree if each.kind == "file")
    assert len({layer_key(layer) for layer in [whole, *parts]}) == 4
    assert len(build_layers(parts, store)) == 3
