"""What the contexts of images have for packages that are compiled there."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from attrs import evolve

from lockyard.build.built import BuiltLayer
from lockyard.docker.compile import compile_texts
from lockyard.docker.context import archived, context_of
from lockyard.docker.template import render
from lockyard.errors import SpecError
from lockyard.lock.model import Compiled, Wheel
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import layer_key
from lockyard.store.store import Store
from tests.build.makers import build_layers
from tests.docker.conftest import base_image

ODD = "it's $HOME\nand \\more"
FAST = Wheel(
    name="fast",
    version="1.0",
    file="fast-1.0.tar.gz",
    sha256="f" * 64,
    size=7,
    source="pypi",
    required_by=("env",),
    compiled=Compiled(builder="trial", environment={"WORD": ODD, "TZ": "elsewhere"}),
)


@pytest.fixture
def compiling(plan: ImagePlan) -> ImagePlan:
    """An image with a package that is compiled in another one, which is the same but for it."""
    return evolve(plan, compiled=(FAST,), builder=plan)


@pytest.fixture
def built(compiling: ImagePlan, store: Store) -> Mapping[str, BuiltLayer]:
    layers = list({layer_key(layer): layer for layer in archived(compiling)}.values())
    made = build_layers(layers, store)
    return {layer_key(layer): each for layer, each in zip(layers, made, strict=True)}


def test_a_context_has_the_builder_and_the_sources(
    compiling: ImagePlan, built: Mapping[str, BuiltLayer]
) -> None:
    context = context_of(compiling, "", built)
    files = {file.path: file for file in context.files}
    assert [path for path in files if path.startswith(("layers/builder", "sdists/"))] == [
        *(f"layers/builder-{number:03}.tar.gz" for number in (1, 2, 3, 4)),
        "sdists/fast-1.0.tar.gz",
        "sdists/fast-1.0.tar.gz.sh",
        "sdists/requirements.txt",
    ]
    assert files["sdists/fast-1.0.tar.gz"].sha256 == "f" * 64
    assert files["sdists/requirements.txt"].data == b"fast==1.0\n"
    # pip has its hash no more than anybody else, before it is made.
    assert b"fast" not in (files["requirements.txt"].data or b"")
    sums = files["SHA256SUMS"].data or b""
    assert b"./sdists/fast-1.0.tar.gz.sh" in sums
    assert b"./layers/builder-004.tar.gz" in sums


def test_a_command_sees_what_it_is_given_alone(
    compiling: ImagePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "seen")
    script = tmp_path / "fast.sh"
    script.write_text(dict(compile_texts(compiling))["sdists/fast-1.0.tar.gz.sh"])
    shell = subprocess.run(
        ["sh", str(script), "env", "-0"], capture_output=True, text=True, check=True, timeout=10
    )
    seen = dict(line.split("=", 1) for line in shell.stdout.split("\0") if line)
    assert seen.pop("SOURCE_DATE_EPOCH") == "315532800"
    assert seen == {
        "HOME": "/tmp",
        "LC_ALL": "C",
        "PATH": "/opt/venv/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "TZ": "UTC",
        "WORD": ODD,
    }


def test_what_the_stage_stands_on(plan: ImagePlan, compiling: ImagePlan) -> None:
    told = [
        render("@{builder}", each, "Dockerfile")
        for each in (plan, compiling, evolve(compiling, image=base_image()))
    ]
    assert told == ["checked", "scratch", "checked"]


def test_a_template_that_compiles_nothing(plan: ImagePlan, compiling: ImagePlan) -> None:
    assert render("FROM scratch", plan, "Dockerfile") == "FROM scratch"
    with pytest.raises(SpecError) as caught:
        render("FROM scratch", compiling, "images/own/Dockerfile")
    (fault,) = caught.value.faults
    assert (fault.key, fault.reason) == ("@{builder}", "it isn't there, and this image needs it")


def test_all_that_is_compiled_counts(compiling: ImagePlan, plan: ImagePlan) -> None:
    fast, below = FAST, compiling.builder
    assert below is not None
    other = Compiled(builder="trial", environment={"WORD": "other"})
    others = [
        plan,
        evolve(compiling, compiled=(evolve(fast, sha256="e" * 64),)),
        evolve(compiling, compiled=(evolve(fast, compiled=other),)),
        evolve(compiling, builder=evolve(below, layers=below.layers[:-1])),
        evolve(compiling, builder=evolve(below, config={**below.config, "Env": ["CC=gcc"]})),
    ]
    assert len({compiling.key, *(each.key for each in others)}) == 6
    labelled = evolve(below, config={**below.config, "Labels": {}})
    assert evolve(compiling, builder=labelled).key == compiling.key
