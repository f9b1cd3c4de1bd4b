"""What tests of images in a real engine share: load them, run them, talk to their servers.

Containers run without any network, so a server is asked from inside its own container, by the
image's own Python. The engine is the one that the environment names (``DOCKER_HOST``).
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

CLIENT = Path(__file__).with_name("serving") / "client.py"


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
    """Give a context manager of a running container without network, removed at its end.

    ``files`` (path in the image: text) are laid over the image, as an image derived from it
    does with COPY; other options are those of the engine's SDK.
    """

    @contextmanager
    def run(
        image: str,
        command: list[str] | None = None,
        files: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Iterator[Container]:
        options = {"network_mode": "none", **options}
        container = engine.containers.create(image, command, **options)
        try:
            if files:
                container.put_archive("/", archive_of(files))
            container.start()
            yield container
        finally:
            container.remove(force=True, v=True)

    return run


def archive_of(files: Mapping[str, str]) -> bytes:
    """Return a tar archive of text files that anyone may read."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size = len(text.encode())
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def volume(engine: docker.DockerClient) -> Iterator[str]:
    """Give the name of an empty volume, removed at the end of the test."""
    made = engine.volumes.create()
    yield made.id or ""
    with suppress(APIError):
        made.remove(force=True)


@pytest.fixture(scope="session")
def ask() -> Callable[..., tuple[int, Any]]:
    """Give a function that asks a container's server and returns status and body.

    It tries until the server listens, ``seconds`` at most. A body that is JSON comes parsed.
    """

    def ask(
        container: Container, method: str, path: str, body: Any = None, seconds: float = 30
    ) -> tuple[int, Any]:
        text = "" if body is None else json.dumps(body)
        command = ["python3", "-c", CLIENT.read_text(), method, path, text, str(seconds)]
        try:
            code, output = container.exec_run(command, demux=True)
        except APIError as error:  # the container has stopped already
            pytest.fail(f"{error}\nThe server's log:\n{container.logs().decode()}")
        stdout, stderr = cast("tuple[bytes | None, bytes | None]", output)
        if code != 0 or stdout is None:
            log = container.logs().decode()
            pytest.fail(f"no answer:\n{(stderr or b'').decode()}\nThe server's log:\n{log}")
        status, answer = json.loads(stdout)
        with suppress(ValueError):
            answer = json.loads(answer)
        return status, answer

    return ask
