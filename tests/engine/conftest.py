"""What tests of images in a real engine share."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tests.engine import containers


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """Give the client of an engine that answers."""
    client = docker.from_env(timeout=120)
    client.ping()
    yield client
    client.close()


@pytest.fixture(scope="session")
def load(engine: docker.DockerClient) -> Callable[[Path], str]:
    """Give a function that loads the one image of an archive and returns the image's id."""

    def load(archive: Path) -> str:
        with archive.open("rb") as file:
            (image,) = engine.images.load(file)
        assert image.id
        return image.id

    return load


@pytest.fixture(scope="session")
def run(engine: docker.DockerClient) -> Callable[..., AbstractContextManager[Container]]:
    """Give ``containers.running`` in the engine."""
    return partial(containers.running, engine)


@pytest.fixture
def skopeo() -> Callable[..., str]:
    """Give a function that runs skopeo and returns what it printed."""
    program = shutil.which("skopeo")
    if program is None:
        required = "engine" in os.environ.get("LOCKYARD_REQUIRE", "").split(",")
        (pytest.fail if required else pytest.skip)("skopeo is not installed")

    def skopeo(*arguments: str) -> str:
        done = subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return skopeo


@pytest.fixture(scope="session")
def ask() -> Callable[..., tuple[int, Any]]:
    """Give ``containers.ask``."""
    return containers.ask
