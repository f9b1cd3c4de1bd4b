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
from typing import IO

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
        limit = resource.getrlimit(resource.RLIMIT_STACK)[1]
        with suppress(OSError, ValueError):
            resource.prlimit(self._process.pid, resource.RLIMIT_STACK, (_STACK, limit))

    def compile(self, path: str, source: bytes) -> bytes:
        """Return the .pyc of a module that stands at a path of the image.

        It is empty where the source can't be compiled. Raise BuildError where the process fails.
        """
        name = os.fsencode(path)
        assert self._process.stdin is not None  # noqa: S101 - for the type checker
        try:
            self._process.stdin.write(b"%d %d\n" % (len(name), len(source)) + name + source)
            self._process.stdin.flush()
            return self._answer()
        except (OSError, EOFError, ValueError):
            self._process.kill()
            status = self._process.wait()
            raise _cannot_run(f"it broke down at {path} (status {status})") from None

    def _answer(self) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        deadline = time.monotonic() + TIME_LIMIT
        held = b""
        while b"\n" not in held:
            held += self._read(self._process.stdout, deadline)
        line, _, rest = held.partition(b"\n")
        parts, missing = [rest], int(line) - len(rest)
        while missing > 0:
            parts.append(self._read(self._process.stdout, deadline))
            missing -= len(parts[-1])
        return b"".join(parts)

    def _read(self, stream: IO[bytes], deadline: float) -> bytes:
        while not select.select([stream], [], [], _LOOK)[0]:
            self._cancel.check()
            if time.monotonic() > deadline:
                raise EOFError
        data = os.read(stream.fileno(), _CHUNK)
        if not data:
            raise EOFError
        return data

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
