from __future__ import annotations

from pathlib import Path

import pytest

from lockyard.build.built import BuiltLayer
from lockyard.docker.context import archived
from lockyard.lock.model import BaseImage, Target
from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import ChosenLayer, DebianLayer, WheelLayer, layer_key
from lockyard.spec.names import Names
from lockyard.store.store import Store
from tests.build.makers import (
    PREFIX,
    base_passwd,
    build_layers,
    make_wheel,
    put_deb,
    recipe_layer,
)

TARGET = Target(
    name="cpu-linux-amd64",
    variant="cpu",
    platform="linux/amd64",
    base="debian12",
    python="3.11.2",
    glibc="2.36",
)


def base_image() -> BaseImage:
    """Return a registry's image of which only the digest matters."""
    return BaseImage(
        image="library/ubuntu",
        tag="18.04",
        source="docker-hub",
        platform="linux/amd64",
        index="b" * 64,
        manifest="a" * 64,
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def plan(store: Store) -> ImagePlan:
    """An image of two wheels, one of them pip, whose one file the env has chosen."""
    base = put_deb(store, "base-passwd", base_passwd())
    demo = make_wheel(store, {"demo.py": b"pass\n"})
    pip = make_wheel(store, {"pip/__main__.py": b"pass\n"}, name="pip", version="26.3")
    wheels = WheelLayer(title="demo 1.0, pip 26.3", wheels=(demo, pip), prefix=PREFIX)
    alone = wheels.alone("demo")
    assert alone is not None
    path = f"/{PREFIX.site_packages}/demo.py"
    return ImagePlan(
        env="trial",
        names=Names(image="trial-cpu", repository="registry.example/trial-cpu", environment="T"),
        target=TARGET,
        layers=(
            DebianLayer(debs=(base,)),
            wheels,
            ChosenLayer(layer=alone, paths=(path,)),
            recipe_layer(base),
        ),
        config={
            "User": "1000:1000",
            "Env": ["PATH=/opt/venv/bin:/bin"],
            "Cmd": ["/usr/local/bin/start", "a b"],
            "WorkingDir": "/srv",
            "ExposedPorts": {"80/tcp": {}, "9000/tcp": {}},
            "StopSignal": "SIGINT",
            "Labels": {"title": "Trial"},
        },
        created="2026-01-02T03:04:05Z",
        owners={path: "demo"},
    )


@pytest.fixture
def built(plan: ImagePlan, store: Store) -> dict[str, BuiltLayer]:
    """The archives of the image's context, by the keys of their layers."""
    layers = archived(plan)
    return {
        layer_key(layer): made
        for layer, made in zip(layers, build_layers(layers, store), strict=True)
    }
