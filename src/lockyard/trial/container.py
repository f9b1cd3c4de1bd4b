"""Containers of an image on trial: without network, bounded, and gone at the end."""

from __future__ import annotations

import json
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import frozen

from lockyard.errors import EngineError
from lockyard.ship.engine import engine_place

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_INSIDE = Path(__file__).with_name("inside")
_MOST_OUTPUT = 64_000_000  # bytes
_MOST_LOG = 4000  # characters of a log that are shown
_SECONDS = 600  # more than any one program takes
# What waits in a container for programs to be run in it.
IDLE = ("-I", "-S", "-c", "import signal; signal.pause()")


class ProgramError(Exception):
    """A program doesn't run in an image as it has to; the text says how."""


@contextmanager
def engine_faults() -> Iterator[None]:
    """Raise EngineError for what the engine refuses, or where it doesn't answer."""
    import docker  # noqa: PLC0415 - a tenth of a second
    import requests  # noqa: PLC0415

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException) as error:
        raise EngineError(
            f"the engine refuses: {str(error).splitlines()[0]}",
            where=engine_place(),
            solution="see the engine's log",
        ) from None


@contextmanager
def running(
    client: DockerClient,
    image: str,
    program: Sequence[str] = (),
    files: Mapping[str, bytes] | None = None,
    archives: Sequence[tuple[str, bytes]] = (),
    **options: Any,
) -> Iterator[Box]:
    """Run a container; give it, and remove it and its volumes at the end.

    ``files`` (path: content) are laid over the image, and ``archives`` are unpacked in folders.
    Without a ``program`` it runs the image's own. Raise EngineError for what the engine refuses,
    and ProgramError where it can't start the program.
    """
    import docker  # noqa: PLC0415 - a tenth of a second

    # By a name that is known before there is a container: an interrupt may come in between.
    name = f"lockyard-test-{uuid4().hex}"
    with engine_faults():
        if program:
            options |= {"entrypoint": [program[0]], "command": list(program[1:])}
        try:
            made = client.containers.create(image, name=name, network_mode="none", **options)
            if files:
                made.put_archive("/", archive_of(files))
            for folder, data in archives:
                made.put_archive(folder, data)
            _start(made)
            yield Box(client=client, container=made)
        finally:
            with suppress(docker.errors.NotFound):
                client.api.remove_container(name, force=True, v=True)


def _start(container: Container) -> None:
    import docker  # noqa: PLC0415

    try:
        container.start()
    except docker.errors.APIError as error:
        raise ProgramError(f"it can't be started: {error.explanation}") from None


@frozen
class Box:
    """A container that runs."""

    client: DockerClient
    container: Container

    def inside(self, python: str, program: str, *arguments: str, user: str = "") -> Any:
        """Run a program of ``inside/`` by a Python of the image; return what it tells.

        Raise ProgramError where it fails or tells no JSON.
        """
        code = (_INSIDE / f"{program}.py").read_text(encoding="utf-8")
        status, output, errors = self.run([python, "-I", "-c", code, *arguments], user=user)
        try:
            if status == 0:
                return json.loads(output)
        except (ValueError, RecursionError):
            errors = f"it told no JSON: {output[:200]!r}"
        raise ProgramError(f"{python} ends with status {status}: {tail(errors)}")

    def run(self, command: Sequence[str], user: str = "") -> tuple[int | None, str, str]:
        """Run a command; return its status, its output and its errors.

        Raise ProgramError where it doesn't end, or says more than anybody reads: the container
        ends with it then. And so where the container has ended.
        """
        import docker  # noqa: PLC0415

        watch = threading.Timer(_SECONDS, self.kill)
        watch.start()
        try:
            return self._run(command, user)
        except docker.errors.APIError as error:
            # It has ended before the command began (409), or meanwhile, and its commands are gone.
            if error.status_code not in {404, 409}:
                raise
            status = self.container.wait()["StatusCode"]
            raise ProgramError(f"the container has ended with status {status}") from None
        finally:
            watch.cancel()

    def _run(self, command: Sequence[str], user: str) -> tuple[int | None, str, str]:
        api = self.client.api
        made = api.exec_create(str(self.container.id), list(command), user=user)["Id"]
        parts: tuple[list[bytes], list[bytes]] = ([], [])
        left = _MOST_OUTPUT
        for pair in api.exec_start(made, stream=True, demux=True):
            for data, kept in zip(pair, parts, strict=True):
                left -= len(data or b"")
                kept.append(data or b"")
            if left < 0:
                self.kill()
                raise ProgramError(f"{command[0]} says more than {_MOST_OUTPUT} bytes")
        output, errors = (b"".join(each).decode("utf-8", "backslashreplace") for each in parts)
        return api.exec_inspect(made)["ExitCode"], output, errors

    def kill(self) -> None:
        """End the container, whatever it does."""
        import docker  # noqa: PLC0415

        try:
            self.container.kill()
        except docker.errors.APIError:
            return  # it has ended

    def log(self) -> str:
        """Return the end of what the container wrote."""
        return tail(self.container.logs(tail=40).decode("utf-8", "backslashreplace"))

    def taken(self, path: str) -> bytes:
        """Return a path of the container as a tar archive. Raise ProgramError for a large one."""
        stream, _ = self.container.get_archive(path)
        data = bytearray()
        for part in stream:
            data += part
            if len(data) > _MOST_OUTPUT:
                raise ProgramError(f"{path} has more than {_MOST_OUTPUT} bytes")
        return bytes(data)


def tail(text: str) -> str:
    """Return the end of a text, where what went wrong mostly stands."""
    text = text.strip()
    return text if len(text) <= _MOST_LOG else f"…{text[-_MOST_LOG:]}"


def archive_of(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of files that anyone may read."""
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, data in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(data), 0o644
            archive.addfile(member, BytesIO(data))
    return buffer.getvalue()
