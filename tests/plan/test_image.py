from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.model import Lock, Target
from lockyard.plan import image as module
from lockyard.plan.image import ImagePlan, plan_image
from lockyard.plan.layer import DebianLayer, RecipeLayer, WheelLayer
from lockyard.spec.checks import VariableName
from lockyard.spec.reader import Fleet, read_fleet
from tests.build.makers import PREFIX, deb_artifact, wheel_artifact

WORKSPACE = """
format = 1
[names]
registry = "registry.example"
repository = "team"
environment-prefix = "Team-"
[sources.pypi]
kind = "pypi"
[sources.debian]
kind = "debian"
keys = ["0000000000000000000000000000000000000000"]
[bases.debian12]
source = "debian"
suite = "bookworm"
components = ["main"]
packages = ["python3.11"]
python = "3.11"
interpreter = "/usr/bin/python3.11"
prefix = "/opt/venv"
pypi = "pypi"
"""
ENV = """
title = "Demo"
base = "debian12"
recipe = "trial"
[environment]
SHARED = "env's"
"""
RECIPE = """
title = "Trial"
suffix = "trial"
[user]
name = "someone"
uid = 1000
gid = 1001
home = "/home/someone"
[config]
workdir = "/srv"
command = ["/usr/bin/env", "a b"]
ports = [9000, 80]
stop-signal = "SIGINT"
[config.environment]
SHARED = "recipe's"
ONLY = "recipe's"
"""
MIB = 1 << 20
TARGET = Target(
    name="cpu-linux-amd64",
    variant="cpu",
    platform="linux/amd64",
    base="debian12",
    python="3.11.2",
    glibc="2.36",
)
LOCK = Lock(
    env="demo",
    inputs={},
    targets=(TARGET,),
    debs=(
        deb_artifact("base-passwd"),
        deb_artifact("libc6"),
        deb_artifact("arm-only", targets=("arm",)),
    ),
    wheels=(
        wheel_artifact("big", size=9 * MIB, uploaded="2026-01-02T00:00:00Z"),
        wheel_artifact("small", uploaded="2026-01-10T00:00:00Z"),
        wheel_artifact("undated"),
        wheel_artifact("arm_only", targets=("arm",), uploaded="2030-01-01T00:00:00Z"),
    ),
)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    files = {"WORKSPACE.toml": WORKSPACE, "envs/demo.toml": ENV, "images/trial/recipe.toml": RECIPE}
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read_fleet(tmp_path)


def plan(fleet: Fleet, lock: Lock = LOCK, target: Target = TARGET) -> ImagePlan:
    return plan_image(fleet.workspace, fleet.env("demo"), fleet.recipe("trial"), lock, target)


def named(layers: list[WheelLayer]) -> list[list[str]]:
    return [[wheel.name for wheel in layer.wheels] for layer in layers]


def test_the_base_is_first_and_the_recipe_last(fleet: Fleet) -> None:
    layers = plan(fleet).layers
    assert isinstance(layers[0], DebianLayer)
    assert isinstance(layers[-1], RecipeLayer)
    assert all(isinstance(layer, WheelLayer) for layer in layers[1:-1])
    assert [deb.name for deb in layers[0].debs] == ["base-passwd", "libc6"]
    assert [deb.name for deb in layers[-1].account_debs] == ["base-passwd"]
    assert layers[-1].prefix == PREFIX


def test_what_serves_another_target_is_left_out(fleet: Fleet) -> None:
    names = [artifact.name for artifact in plan(fleet).artifacts]
    assert sorted(names) == ["base-passwd", "big", "libc6", "small", "undated"]
    other = plan(fleet, target=evolve(TARGET, name="arm", platform="linux/arm64"))
    assert {"arm_only-1.0-py3-none-any.whl", "arm-only_1.0_amd64.deb"} < {
        artifact.file for artifact in other.artifacts
    }


def test_the_config_of_an_image(fleet: Fleet) -> None:
    assert plan(fleet).config == {
        "User": "1000:1001",
        "Env": [
            "HOME=/home/someone",
            "ONLY=recipe's",
            "PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SHARED=env's",
        ],
        "Cmd": ["/usr/bin/env", "a b"],
        "WorkingDir": "/srv",
        "ExposedPorts": {"80/tcp": {}, "9000/tcp": {}},
        "StopSignal": "SIGINT",
        "Labels": {
            "org.opencontainers.image.title": "demo",
            "org.opencontainers.image.description": "Demo: Trial",
            "org.opencontainers.image.base.name": "debian12",
        },
    }


def test_a_cuda_variant_says_so_unless_its_env_says_otherwise(fleet: Fleet) -> None:
    cuda = evolve(TARGET, name="cuda12.5-linux-amd64", variant="cuda12.5")
    env = evolve(fleet.env("demo"), environment={VariableName("NVIDIA_VISIBLE_DEVICES"): "0"})
    made = plan_image(fleet.workspace, env, fleet.recipe("trial"), LOCK, cuda)
    assert {"NVIDIA_REQUIRE_CUDA=cuda>=12.5", "NVIDIA_VISIBLE_DEVICES=0"} < {*made.config["Env"]}
    assert made.config["Labels"]["com.nvidia.cuda.version"] == "12.5"
    assert "cuda12.5-gpu" in made.names.image


def test_an_image_is_as_old_as_its_newest_package(fleet: Fleet) -> None:
    assert plan(fleet).created == "2026-01-10T00:00:00Z"
    assert plan(fleet, evolve(LOCK, wheels=())).created == "1980-01-01T00:00:00Z"


CHANGES: dict[str, dict[str, Any]] = {
    "created": {"created": "2000-01-01T00:00:00Z"},
    "config": {"config": {"User": "0:0"}},
    "layers": {"layers": ()},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_part_decides_the_key(change: dict[str, Any], fleet: Fleet) -> None:
    assert evolve(plan(fleet), **change).key != plan(fleet).key


def test_what_else_decides_the_key(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(fleet)
    assert isinstance(made.layers[1], WheelLayer)
    retitled = evolve(made.layers[1], title="other")
    others = [
        evolve(made, target=evolve(TARGET, platform="linux/arm64")),
        evolve(made, names=evolve(made.names, repository="elsewhere")),
        # Titles stand in the image's history.
        evolve(made, layers=(made.layers[0], retitled, *made.layers[2:])),
        evolve(made, layers=(made.layers[0], *made.layers[:0:-1])),
    ]
    keys = {made.key, *(other.key for other in others)}
    assert len(keys) == 5
    monkeypatch.setattr(module, "ASSEMBLY_VERSION", -1)
    assert made.key not in keys


def test_what_no_image_holds_does_not_decide_the_key(fleet: Fleet) -> None:
    made = plan(fleet)
    assert evolve(made, names=evolve(made.names, environment="other")).key == made.key
    assert evolve(made, target=evolve(TARGET, glibc="2.99")).key == made.key
