"""What of an old lock still binds, and what doesn't."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from lockyard.lock.model import BaseImage, Lock, Target
from lockyard.resolve.moves import Moves
from lockyard.resolve.request import Pins
from lockyard.spec.checks import (
    CondaSourceName,
    GlibcVersion,
    ImageDigest,
    ImagePath,
    PypiSourceName,
    PythonVersion,
    RegistrySourceName,
)
from lockyard.spec.model import ImageBase

BASE = ImageBase(
    kind="image",
    source=RegistrySourceName("hub"),
    image="library/base",
    tag="18.04",
    glibc=GlibcVersion("2.27"),
    python=PythonVersion("3.7"),
    interpreter=ImagePath("/opt/conda/bin/python3.7"),
    prefix=ImagePath("/opt/conda"),
    conda=CondaSourceName("conda-forge"),
    pypi=PypiSourceName("pypi"),
)
IMAGE = BaseImage(
    image="library/base",
    tag="18.04",
    source="hub",
    platform="linux/amd64",
    index="1" * 64,
    manifest="2" * 64,
)
TARGET = Target(
    name="cpu-linux-amd64",
    variant="cpu",
    platform="linux/amd64",
    base="ubuntu",
    python="3.7.12",
    glibc="2.27",
)
LOCK = Lock(env="trial", inputs={}, targets=(TARGET,), images=(IMAGE,))


def test_a_base_image_stays() -> None:
    assert Pins(old=LOCK, moves=Moves()).image(BASE, "linux/amd64") == IMAGE


@pytest.mark.parametrize(
    "moves",
    [Moves(everything=True), Moves(packages=frozenset({"library/base"}))],
)
def test_a_base_image_that_may_move(moves: Moves) -> None:
    assert Pins(old=LOCK, moves=moves).image(BASE, "linux/amd64") is None


@pytest.mark.parametrize(
    "change",
    [
        {"tag": "20.04"},
        {"image": "library/other"},
        {"source": RegistrySourceName("other")},
        {"index": ImageDigest(f"sha256:{'3' * 64}")},
    ],
)
def test_another_base_image_than_the_old_one(change: dict[str, Any]) -> None:
    assert Pins(old=LOCK, moves=Moves()).image(evolve(BASE, **change), "linux/amd64") is None


def test_a_platform_that_the_old_lock_has_not() -> None:
    assert Pins(old=LOCK, moves=Moves()).image(BASE, "linux/arm64") is None
    assert Pins(old=None, moves=Moves()).image(BASE, "linux/amd64") is None
