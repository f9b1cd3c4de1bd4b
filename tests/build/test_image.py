from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from lockyard.build import image
from lockyard.build.built import BuiltLayer
from lockyard.build.layer import build_layer
from lockyard.errors import BuildError, IntegrityError
from lockyard.events import Silent
from lockyard.lock.model import Wheel
from lockyard.plan.layer import DebianLayer, Layer, WheelLayer
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    base_passwd,
    build_layers,
    make_wheel,
    put_deb,
    put_wheel,
    recipe_layer,
)


def build(layers: Sequence[Layer], store: Store, jobs: int = 2) -> list[BuiltLayer]:
    return build_layers(layers, store, jobs=jobs, reporter=Silent())


def alone(*wheels: Wheel) -> list[WheelLayer]:
    return [WheelLayer(title=wheel.name, wheels=(wheel,), prefix=PREFIX) for wheel in wheels]


def some_layers(store: Store) -> list[Layer]:
    deb = put_deb(store, "base-passwd", base_passwd())
    wheels = [make_wheel(store, {f"m{n}.py": b"x" * n}, name=f"m{n}") for n in range(1, 9)]
    return [DebianLayer(debs=(deb,)), *alone(*wheels), recipe_layer(deb)]


class Events(Silent):
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.told: list[str] = []
        self.ended: list[str] = []

    def begin(self, task: str, text: str, total: int | None = None) -> None:
        self.begun.append(task)
        self.told.append(text.removeprefix("Building "))

    def end(self, task: str) -> None:
        self.ended.append(task)


@pytest.fixture
def layers(store: Store) -> list[Layer]:
    return some_layers(store)


def test_layers_come_in_order_however_many_work(layers: list[Layer], store: Store) -> None:
    found = []
    for jobs in (1, 8):
        other = Store(store.root.with_name(f"store{jobs}"))
        found.append(build(some_layers(other), other, jobs))
    assert [built.title for built in found[0]] == [layer.title for layer in layers]
    assert found[0] == found[1]


def test_what_is_there_is_not_built_again(layers: list[Layer], store: Store) -> None:
    first, second, third = Events(), Events(), Events()
    built = build_layers(layers, store, jobs=2, reporter=first)
    assert build_layers(layers, store, jobs=2, reporter=second) == built
    path = store.blob(built[3].digest)
    assert path
    path.unlink()
    assert build_layers(layers, store, jobs=2, reporter=third) == built
    assert sorted(first.told) == sorted(each.title for each in layers)
    assert sorted(first.begun) == sorted(first.ended)
    assert (second.told, third.told) == ([], [layers[3].title])


def test_an_image_of_layers_that_are_there_needs_no_artifacts(
    layers: list[Layer], store: Store
) -> None:
    built = build(layers, store)
    for path in store.root.glob("artifacts/sha256/*/*"):
        path.unlink()
    assert build(layers, store) == built


SAME = {"shared/data.txt": b"same"}


def test_wheels_of_two_layers_may_bring_the_same_file(store: Store) -> None:
    wheels = make_wheel(store, SAME, name="one"), make_wheel(store, SAME, name="two")
    assert len(build(alone(*wheels), store)) == 2


@pytest.mark.parametrize(
    "files",
    [
        {"shared/data.txt": b"other"},
        {"shared/data.txt/below": b""},
        {"shared": b""},
        {"two-1.0.data/data/lib/python3.11/site-packages/shared/data.txt": b"other"},
    ],
)
def test_wheels_of_two_layers_that_collide_are_named(files: dict[str, bytes], store: Store) -> None:
    layers = alone(make_wheel(store, SAME, name="one"), make_wheel(store, files, name="two"))
    with pytest.raises(BuildError) as caught:
        build(layers, store)
    assert "two-1.0-py3-none-any.whl" in str(caught.value)
    assert "shared" in caught.value.where


def test_a_collision_is_found_when_one_layer_is_there(store: Store) -> None:
    one, two = alone(
        make_wheel(store, SAME, name="one"), make_wheel(store, {"shared": b""}, name="two")
    )
    build([one], store)
    with pytest.raises(BuildError):
        build([one, two], store)


def test_a_collision_is_found_when_all_layers_are_there(store: Store) -> None:
    one, two = alone(
        make_wheel(store, SAME, name="one"), make_wheel(store, {"shared": b""}, name="two")
    )
    build([one], store)
    build([two], store)
    with pytest.raises(BuildError):
        build([one, two], store)


@pytest.mark.parametrize(
    "file", ["scripts/python", "scripts/python3.11", "data/pyvenv.cfg", "data/lib64/python3.11/x"]
)
def test_a_wheel_that_takes_the_environments_own_place(file: str, store: Store) -> None:
    # The recipe's layer lies above: what the wheel brings would be gone without a word.
    wheel = make_wheel(store, {f"demo-1.0.data/{file}": b""})
    deb = put_deb(store, "base-passwd", base_passwd())
    with pytest.raises(BuildError):
        build([*alone(wheel), recipe_layer(deb)], store)


def test_an_error_in_one_layer_leaves_nothing_of_it(layers: list[Layer], store: Store) -> None:
    bad = put_wheel(store, b"not a wheel", name="bad")
    with pytest.raises(IntegrityError, match="damaged") as caught:
        build([*layers, *alone(bad)], store)
    assert caught.value.where == "bad-1.0-py3-none-any.whl"
    assert list((store.root / "tmp").glob("*")) == []


def test_the_error_of_a_layer_comes_out_after_the_others_ended(
    layers: list[Layer], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, running = build_layer, threading.Semaphore(0)
    events = Events()

    def build_or_fail(layer: Layer, *rest: object) -> BuiltLayer:
        if layer is layers[1]:
            assert running.acquire(timeout=60)
            raise BuildError("it broke")
        running.release()
        return real(layer, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(image, "build_layer", build_or_fail)
    with pytest.raises(BuildError, match="it broke"):
        build_layers(layers, store, jobs=2, reporter=events)
    assert sorted(events.begun) == sorted(events.ended)
    assert list((store.root / "tmp").glob("*")) == []
    monkeypatch.undo()
    assert len(build(layers, store)) == len(layers)
