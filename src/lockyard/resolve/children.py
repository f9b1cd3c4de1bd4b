"""Child processes, none of which outlives the work that it was started for."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_running: set[int] = set()
_lock = threading.Lock()


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    limit: float,
    input: bytes = b"",  # noqa: A002 - as subprocess calls it
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in a session of its own, and at the end leave no process of that.

    Raise TimeoutExpired after ``limit`` seconds. Any thread may wait here: ``end_all`` ends
    the command from another one.
    """
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=env,
        start_new_session=True,
    )
    with ended(child):
        out, err = child.communicate(input, timeout=limit)
    return subprocess.CompletedProcess(command, child.returncode, out, err)


@contextmanager
def ended(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a child that leads a session, with all of that, when this is left or by end_all."""
    with _lock:
        _running.add(child.pid)
    try:
        yield
    finally:
        with _lock:
            # Once it is waited for, its number may be another's.
            _running.discard(child.pid)
            _kill(child.pid)
        child.wait()


def end_all() -> None:
    """End every child that runs, and what it started."""
    with _lock:
        for pid in _running:
            _kill(pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
