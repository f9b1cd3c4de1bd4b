"""What decides a layer's key, and what doesn't: a test for each input."""

from __future__ import annotations

from typing import Any, cast

import pytest
from attrs import evolve

from lockyard.plan import layer as module
from lockyard.plan.layer import (
    DebianLayer,
    FilesLayer,
    Layer,
    WheelLayer,
    digest_of,
    layer_key,
)
from lockyard.spec.model import LaidFile
from tests.build.makers import PREFIX, deb_artifact, recipe, recipe_layer, wheel_artifact

DEBS = (deb_artifact("a"), deb_artifact("b"))
WHEELS = (wheel_artifact("a"), wheel_artifact("b"))
DEBIAN = DebianLayer(debs=DEBS)
WHEEL = WheelLayer(title="a, b", wheels=WHEELS, prefix=PREFIX)
RECIPE = recipe_layer(*DEBS)
OTHER = "f" * 64
ADDED = DebianLayer(debs=DEBS, below=DEBS[:1])
FILES = FilesLayer(
    env="demo",
    user=recipe().user,
    files=recipe().files,
    directories=recipe().directories,
    contents=recipe().contents,
)


def laid(**more: Any) -> dict[str, Any]:
    return {
        "/usr/local/bin/start": cast(Any, LaidFile)(**{"source": "start", "mode": "0755"} | more)
    }


DECIDE: dict[str, tuple[Layer, Layer]] = {
    "a package's content": (DEBIAN, DebianLayer(debs=(DEBS[0], evolve(DEBS[1], sha256=OTHER)))),
    "a package's file": (DEBIAN, DebianLayer(debs=(DEBS[0], evolve(DEBS[1], file="c.deb")))),
    "one package less": (DEBIAN, DebianLayer(debs=DEBS[:1])),
    "a wheel's content": (
        WHEEL,
        evolve(WHEEL, wheels=(WHEELS[0], evolve(WHEELS[1], sha256=OTHER))),
    ),
    "a wheel's file": (WHEEL, evolve(WHEEL, wheels=(WHEELS[0], evolve(WHEELS[1], file="c.whl")))),
    "one wheel less": (WHEEL, evolve(WHEEL, wheels=WHEELS[:1])),
    "the prefix": (WHEEL, evolve(WHEEL, prefix=evolve(PREFIX, path="/srv/venv"))),
    "the Python": (WHEEL, evolve(WHEEL, prefix=evolve(PREFIX, python="3.12.0"))),
    "the user's name": (RECIPE, recipe_layer(*DEBS, user=evolve(recipe().user, name="other"))),
    "the user's id": (RECIPE, recipe_layer(*DEBS, user=evolve(recipe().user, uid=cast(Any, 7)))),
    "the group's id": (RECIPE, recipe_layer(*DEBS, user=evolve(recipe().user, gid=cast(Any, 7)))),
    "the home": (RECIPE, recipe_layer(*DEBS, user=evolve(recipe().user, home=cast(Any, "/x")))),
    "a folder": (RECIPE, recipe_layer(*DEBS, directories={"/elsewhere": "user"})),
    "a folder's owner": (RECIPE, recipe_layer(*DEBS, directories={"/home/someone": "root"})),
    "a file's content": (RECIPE, recipe_layer(*DEBS, contents={"start": b"other"})),
    "a file's mode": (RECIPE, recipe_layer(*DEBS, files=laid(mode="0700"))),
    "a file's owner": (RECIPE, recipe_layer(*DEBS, files=laid(owner="user"))),
    "a file's path": (
        RECIPE,
        recipe_layer(
            *DEBS, files={"/usr/bin/start": recipe().files[cast(Any, "/usr/local/bin/start")]}
        ),
    ),
    "the interpreter": (
        RECIPE,
        evolve(RECIPE, prefix=evolve(PREFIX, interpreter="/usr/bin/python3")),
    ),
    "the base's accounts": (RECIPE, evolve(RECIPE, account_debs=DEBS[:1])),
    "what stands below": (ADDED, DEBIAN),
    "the content of what stands below": (
        ADDED,
        evolve(ADDED, below=(evolve(DEBS[0], sha256=OTHER),)),
    ),
    "the content of an env's file": (FILES, evolve(FILES, contents={"start": b"other"})),
    "the mode of an env's file": (FILES, evolve(FILES, files=cast(Any, laid(mode="0700")))),
    "an env's folder": (FILES, evolve(FILES, directories={})),
    "the id of an env's user": (FILES, evolve(FILES, user=evolve(FILES.user, uid=cast(Any, 7)))),
    "the kind": (DebianLayer(debs=()), WheelLayer(title="", wheels=(), prefix=PREFIX)),
}
INDIFFERENT: dict[str, tuple[Layer, Layer]] = {
    "the order of packages": (DEBIAN, DebianLayer(debs=DEBS[::-1])),
    "the order of wheels": (WHEEL, evolve(WHEEL, wheels=WHEELS[::-1])),
    "the last number of a wheel's Python": (
        WHEEL,
        evolve(WHEEL, prefix=evolve(PREFIX, python=f"{PREFIX.minor}.99")),
    ),
    "the title": (WHEEL, evolve(WHEEL, title="other")),
    "who requires it": (
        WHEEL,
        evolve(WHEEL, wheels=(evolve(WHEELS[0], required_by=("x",)), WHEELS[1])),
    ),
    "the source": (DEBIAN, DebianLayer(debs=(evolve(DEBS[0], source="other"), DEBS[1]))),
    "the place on a mirror": (DEBIAN, DebianLayer(debs=(evolve(DEBS[0], path="x/a.deb"), DEBS[1]))),
    "the targets": (DEBIAN, DebianLayer(debs=(evolve(DEBS[0], targets=("t",)), DEBS[1]))),
    "the recipe's name": (RECIPE, recipe_layer(*DEBS, name="other")),
    "the recipe's title": (RECIPE, recipe_layer(*DEBS, title="other")),
    "the name of a file's source": (
        RECIPE,
        recipe_layer(*DEBS, files=laid(source="x"), contents={"x": b"#!/bin/sh\n"}),
    ),
    "the env's name": (FILES, evolve(FILES, env="other")),
    "the name of the env's user": (FILES, evolve(FILES, user=evolve(FILES.user, name="other"))),
    "a file that isn't laid": (
        RECIPE,
        recipe_layer(*DEBS, contents={**recipe().contents, "other": b""}),
    ),
    "the config": (
        RECIPE,
        recipe_layer(*DEBS, config=evolve(recipe().config, stop_signal=cast(Any, "SIGINT"))),
    ),
}


@pytest.mark.parametrize(("one", "other"), DECIDE.values(), ids=DECIDE.keys())
def test_decides_the_key(one: Layer, other: Layer) -> None:
    assert layer_key(one) != layer_key(other)


@pytest.mark.parametrize(("one", "other"), INDIFFERENT.values(), ids=INDIFFERENT.keys())
def test_does_not_decide_the_key(one: Layer, other: Layer) -> None:
    assert layer_key(one) == layer_key(other)


@pytest.mark.parametrize(("name", "value"), [("ASSEMBLY_VERSION", -1), ("COMPRESSION", "none")])
def test_how_layers_are_made_decides_the_key(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [layer_key(layer) for layer in (DEBIAN, WHEEL, RECIPE)]
    monkeypatch.setattr(module, name, value)
    assert not set(before) & {layer_key(layer) for layer in (DEBIAN, WHEEL, RECIPE)}


def test_a_digest_is_of_a_value_and_not_of_its_order() -> None:
    assert digest_of({"b": 1, "a": [1]}) == digest_of({"a": [1], "b": 1}) != digest_of({"a": [1]})


def test_titles_and_artifacts() -> None:
    assert (DEBIAN.title, WHEEL.title, RECIPE.title) == (
        "2 Debian packages",
        "a, b",
        "recipe trial",
    )
    assert (DEBIAN.artifacts, WHEEL.artifacts, RECIPE.artifacts) == (DEBS, WHEELS, DEBS)
    assert (ADDED.title, FILES.title) == ("b 1.0", "files of demo")
    assert (ADDED.artifacts, FILES.artifacts) == (DEBS, ())
