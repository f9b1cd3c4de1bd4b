"""A container engine, through its API."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lockyard.errors import EngineError
from lockyard.ship.archive import write_archive

if TYPE_CHECKING:
    from docker import DockerClient

# How long (seconds) an engine may be silent while it unpacks; an image has gigabytes.
_LOADING = 3600


def engine_place() -> str:
    """Return where the Docker engine is that the environment names, for messages."""
    return os.environ.get("DOCKER_HOST", "the default socket")


@contextmanager
def connected() -> Iterator[DockerClient]:
    """Give a client of the Docker engine that the environment names.

    Raise EngineError if none answers.
    """
    import docker  # noqa: PLC0415 - a tenth of a second, for those who use an engine only
    import requests  # noqa: PLC0415

    try:
        client = docker.from_env()
        client.ping()
    except (docker.errors.DockerException, requests.RequestException):
        raise EngineError(
            "no Docker engine answers",
            where=engine_place(),
            solution="start one, or point DOCKER_HOST at one",
        ) from None
    with closing(client):
        yield client


def load_image(folder: Path, name: str = "") -> list[str]:
    """Load a layout into the Docker engine that the environment names. Return its tags.

    With a ``name`` and its tag, it goes by that and no other. Raise EngineError if no engine
    answers, or it refuses the image.
    """
    import docker  # noqa: PLC0415
    import requests  # noqa: PLC0415

    with connected() as client, tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch) / "image.tar"
        write_archive(folder, archive, name)
        client.api.timeout = _LOADING
        try:
            with archive.open("rb") as stream:
                images = client.images.load(stream)
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise EngineError(
                f"the engine refuses {folder.name}: {error}",
                where=engine_place(),
                solution="see the engine's log; docker load of the image's --archive tells more",
            ) from None
    return sorted(tag for image in images for tag in image.tags)
