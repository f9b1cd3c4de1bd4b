"""Run rattler in a process of its own, where nothing of this machine or user shows."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from lockyard.build.conda.child import JOBS, Job, encoded
from lockyard.errors import BuildError
from lockyard.fetch.pool import Cancel
from lockyard.resolve.pypi.process import child_environment

# How long the packages of one layer may take, in seconds: some gigabytes are copied at most.
TIME_LIMIT = 1800
_LOOK = 0.2  # seconds


def run_jobs(jobs: list[Job], files: list[str], folder: Path, cancel: Cancel | None = None) -> None:
    """Do installations, of which ``files`` name the packages; ``folder`` is the child's own.

    The child is gone when this returns or raises, also where it is cancelled. Raise BuildError
    for a package that can't be installed, or where the child breaks down or takes too long.
    """
    (folder / JOBS).write_bytes(encoded(jobs))
    deadline = time.monotonic() + TIME_LIMIT
    with subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "lockyard.build.conda.child", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=child_environment({}, folder),
        umask=0o022,
        start_new_session=True,
    ) as child:
        try:
            told = _told(child, deadline, cancel or Cancel())
        except subprocess.TimeoutExpired:
            raise _breakdown(f"it took more than {TIME_LIMIT // 60} minutes", files) from None
        finally:
            child.kill()
    if child.returncode != 0:
        raise _breakdown(f"it ended with status {child.returncode}", files)
    if told:
        failure = json.loads(told)
        raise BuildError(
            f"it can't be installed: {failure['reason'].replace(str(folder), '')}",
            where=files[failure["job"]],
            solution="the package is broken: report it, or lock another version",
        )


def _told(child: subprocess.Popen[bytes], deadline: float, cancel: Cancel) -> bytes:
    """Return what the child says until its end; look now and then whether it is still wanted."""
    while True:
        try:
            return child.communicate(timeout=_LOOK)[0]
        except subprocess.TimeoutExpired:
            cancel.check()
            if time.monotonic() > deadline:
                raise


def _breakdown(reason: str, files: list[str]) -> BuildError:
    return BuildError(
        f"installing conda packages broke down: {reason}",
        where=", ".join(files),
        solution="report this as a bug, with the packages",
    )
