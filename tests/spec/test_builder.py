"""Envs in whose images packages of others are compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lockyard.spec.builder import builder_names, builder_variant
from lockyard.spec.reader import read_fleet

Faults = Callable[[Callable[[], object]], list[str]]
BUILDER = """\
title = "Compilers"
base = "debian12"
"""
ENV = """\
title = "Trial"
base = "debian12"
variants = { cpu = {}, cuda12 = {} }
[sdists.Fast_Pack]
builder = "compilers"
[sdists.plain]
"""


@pytest.fixture
def write(root: Path) -> Callable[..., None]:
    """Return a function that writes envs."""
    texts = {"compilers": BUILDER, "trial": ENV}

    def write(**changed: str) -> None:
        for name, text in {**texts, **changed}.items():
            (root / f"envs/{name}.toml").write_text(text)

    return write


def test_an_env_has_its_builder(write: Callable[..., None], root: Path) -> None:
    write(child='title = "Child"\nextends = "trial"\n')
    fleet = read_fleet(root)
    env, child = fleet.env("trial"), fleet.env("child")
    assert env.builder == fleet.env("compilers")
    assert builder_names(env) == {"fast-pack": "compilers"}
    assert child.builder == env.builder
    assert child.parent == env
    assert fleet.env("compilers").builder is None


def test_the_variant_that_compiles(write: Callable[..., None], root: Path) -> None:
    write(compilers=BUILDER + "variants = { cpu = {}, cuda12 = {} }\n")
    builder = read_fleet(root).env("compilers")
    assert builder_variant(builder, "cuda12") == "cuda12"
    assert builder_variant(builder, "cuda11") == "cpu"


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"trial": ENV.replace("compilers", "compiler")}, "sdists.fast-pack.builder: there is no"),
        (
            {"trial": ENV + 'builder = "trial"\n'},
            "sdists: there are several builders: compilers, t",
        ),
        ({"trial": ENV.replace("compilers", "trial")}, "trial has fast-pack compiled itself"),
        (
            {"compilers": 'title = "C"\nextends = "trial"\n'},
            "compilers has fast-pack compiled itself",
        ),
        (
            {"compilers": BUILDER + 'run = ["ldconfig"]\n'},
            "compilers has commands to run, and the stage that compiles runs none",
        ),
        (
            {
                "below": BUILDER,
                "compilers": 'title = "C"\nextends = "below"\nrun-scripts = true\n',
            },
            "compilers has packages installed by their scripts",
        ),
        (
            {"trial": 'platforms = ["linux/amd64", "linux/arm64"]\n' + ENV},
            "compilers isn't for linux/arm64",
        ),
        (
            {"compilers": BUILDER + "variants = { cuda11 = {} }\n"},
            "compilers has neither variant cuda12 nor cpu",
        ),
    ],
)
def test_faults(
    write: Callable[..., None],
    root: Path,
    faults_of: Faults,
    changed: dict[str, str],
    fault: str,
) -> None:
    write(**changed)
    found = faults_of(lambda: read_fleet(root).env("trial"))
    assert [each for each in found if fault in each], found
    assert all(each.startswith("envs/trial.toml: ") for each in found)


def test_a_builder_of_another_base(
    write: Callable[..., None], root: Path, faults_of: Faults
) -> None:
    workspace = root / "WORKSPACE.toml"
    text = workspace.read_text()
    workspace.write_text(text + text[text.index("[bases.") :].replace("debian12", "other"))
    write(compilers=BUILDER.replace("debian12", "other"))
    (found,) = faults_of(lambda: read_fleet(root).env("trial"))
    assert "compilers stands on other, and this env on debian12" in found
