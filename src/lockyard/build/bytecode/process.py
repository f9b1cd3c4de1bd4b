"""A process that compiles modules, one after the other."""

from __future__ import annotations

import os
import resource
import select
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lockyard.build.bytecode import child
from lockyard.errors import BuildError
from lockyard.fetch.pool import Cancel

# No module takes a second: what takes this long, in seconds, won't end.
TIME_LIMIT = 120
_LOOK = 0.2  # seconds
_CHUNK = 1 << 20
# How deep a source may be nested depends on the stack, so all have the usual one.
_STACK = 8 << 20


class CompilingProcess:
    """An image's own Python, which answers with the bytecode of sources.

    A context manager: the process is gone when it is left.
    """

    def __init__(
        self, command: Sequence[str], home: Path, folder: Path, cancel: Cancel | None = None
    ) -> None:
        """Begin; ``command`` runs the Python of ``home``, ``folder`` is the process's own."""
        self._cancel = cancel or Cancel()
        try:
            self._process = subprocess.Popen(
                [*command, "-S", "-s", "-W", "ignore", child.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={
                    "HOME": str(folder),
                    "LC_ALL": "C.UTF-8",
                    # A Python that looks for its libraries by the path that it has in the image.
                    "LD_LIBRARY_PATH": str(home / "lib"),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONHASHSEED": "0",
                    "PYTHONHOME": str(home),
                    "PYTHONUTF8": "1",
                    "TMPDIR": str(folder),
                },
                start_new_session=True,
            )
        except OSError as error:
            raise _cannot_run(f"it doesn't run on this machine ({error.strerror})") from None
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        self._asked, self._told = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._asked, False)
        limit = resource.getrlimit(resource.RLIMIT_STACK)[1]
        with suppress(OSError, ValueError):
            resource.prlimit(self._process.pid, resource.RLIMIT_STACK, (_STACK, limit))

    def compile(self, path: str, source: bytes) -> bytes:
        """Return the .pyc of a module that stands at a path of the image.

        It is empty where the source can't be compiled. Raise BuildError where the process fails.
        """
        name = os.fsencode(path)
        deadline = time.monotonic() + TIME_LIMIT
        try:
            self._ask(b"%d %d\n" % (len(name), len(source)) + name + source, deadline)
            return self._answer(deadline)
        except (OSError, EOFError, ValueError):
            self._process.kill()
            status = self._process.wait()
            raise _cannot_run(f"it broke down at {path} (status {status})") from None

    def _ask(self, request: bytes, deadline: float) -> None:
        rest = memoryview(request)
        while rest:
            self._wait(self._asked, select.POLLOUT, deadline)
            rest = rest[os.write(self._asked, rest) :]

    def _answer(self, deadline: float) -> bytes:
        held = b""
        while b"\n" not in held:
            held += self._read(deadline)
        line, _, rest = held.partition(b"\n")
        parts, missing = [rest], int(line) - len(rest)
        while missing > 0:
            parts.append(self._read(deadline))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _read(self, deadline: float) -> bytes:
        self._wait(self._told, select.POLLIN, deadline)
        data = os.read(self._told, _CHUNK)
        if not data:
            raise EOFError
        return data

    def _wait(self, descriptor: int, event: int, deadline: float) -> None:
        """Wait for the process; look now and then whether it is still wanted."""
        poll = select.poll()
        poll.register(descriptor, event)
        while not poll.poll(_LOOK * 1000):
            self._cancel.check()
            if time.monotonic() > deadline:
                raise EOFError

    def __enter__(self) -> CompilingProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:
            pass


def _cannot_run(reason: str) -> BuildError:
    return BuildError(
        f"the image's own Python can't compile its modules: {reason}",
        solution="build on a machine of the image's platform, or one that emulates it (binfmt); "
        "or set bytecode = false in the recipe",
    )
