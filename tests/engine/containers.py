"""Images in a real engine: load them, run them, talk to their servers.

Containers run without any network, so a server is asked from inside its own container, by the
image's own Python. The engine is the one that the environment names (``DOCKER_HOST``).
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

SERVING = Path(__file__).with_name("serving")
# For each framework, train_….py leaves in AZUREML_MODEL_DIR what score_….py serves.
SAMPLES = Path(__file__).parents[2] / "images/inference/samples"


@contextmanager
def running(
    engine: docker.DockerClient,
    image: str,
    command: list[str] | None = None,
    files: Mapping[str, str] | None = None,
    **options: Any,
) -> Iterator[Container]:
    """Run a container without network, and remove it at the end.

    ``files`` (path in the image: text) are laid over the image, as an image derived from it
    does with COPY; other options are those of the engine's SDK.
    """
    options = {"network_mode": "none", **options}
    container = engine.containers.create(image, command, **options)
    try:
        if files:
            container.put_archive("/", archive_of(files))
        container.start()
        yield container
    finally:
        container.remove(force=True, v=True)


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


def ask(
    container: Container, method: str, path: str, body: Any = None, seconds: float = 30
) -> tuple[int, Any]:
    """Ask a container's server; return status and body.

    It tries until the server listens, ``seconds`` at most. A body that is JSON comes parsed.
    """
    text = "" if body is None else json.dumps(body)
    client = (SERVING / "client.py").read_text()
    command = ["python3", "-c", client, method, path, text, str(seconds)]
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
