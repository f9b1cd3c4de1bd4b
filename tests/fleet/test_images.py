"""The first generation's small images, from the lock to an answer of their server."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from lockyard.tasks.build import Built
from tests.engine.conftest import engine
from tests.fleet.images import compute, loaded, program, serve
from tests.fleet.locked import first_generation, locked_pins
from tests.fleet.standin.workspace import StandIn

__all__ = ["engine"]

# The others have a gigabyte each: `python -m tests.fleet.images` tries all.
SMALL = ["minimal", "onnxruntime-1.6", "sklearn-0.24.1", "xgboost-0.9"]

needs = [pytest.mark.network, pytest.mark.engine, pytest.mark.xdist_group("stand-in")]


@pytest.fixture(scope="module", params=[pytest.param(env, marks=needs) for env in SMALL])
def built(request: pytest.FixtureRequest, standin: StandIn) -> Built:
    env: str = request.param
    standin.lock(env)
    (image,) = standin.builder().build(env)
    return image


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient, built: Built) -> Iterator[str]:
    with loaded(engine, built) as tag:
        yield tag


def test_it_computes(engine: docker.DockerClient, image: str, built: Built) -> None:
    name, version = compute(engine, image, built.env).split()[:2]
    assert locked_pins(built.env)[name] == version


def test_it_serves(engine: docker.DockerClient, image: str) -> None:
    serve(engine, image)


@pytest.mark.parametrize("env", first_generation())
def test_every_env_has_something_to_compute(env: str) -> None:
    compile(program(env), env, "exec")
