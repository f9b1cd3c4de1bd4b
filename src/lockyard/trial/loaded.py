"""An image in an engine for as long as it is on trial, by a name that is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from lockyard.ship.engine import load_image
from lockyard.trial.container import engine_faults

if TYPE_CHECKING:
    from docker import DockerClient

# RFC 2606: a registry of this name can't be, so nobody pulls from it or pushes to it.
_REPOSITORY = "lockyard.invalid/test"
# How long the engine may be silent: to remove gigabytes takes minutes on a busy machine.
_SECONDS = 600


@contextmanager
def loaded(client: DockerClient, folder: Path) -> Iterator[str]:
    """Load a layout into an engine; give the image's name, and remove it at the end.

    Raise EngineError where the engine refuses.
    """
    import docker  # noqa: PLC0415 - a tenth of a second

    client.api.timeout = _SECONDS
    name = f"{_REPOSITORY}:{uuid4().hex}"
    try:
        load_image(folder, name)
        yield name
    finally:
        with engine_faults(), suppress(docker.errors.ImageNotFound):
            client.images.remove(name, force=True)
