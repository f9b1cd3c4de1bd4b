"""Run rattler in a process of its own, where nothing of this machine or user shows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from lockyard.build.conda.child import JOBS, Job, encoded
from lockyard.errors import BuildError
from lockyard.resolve.pypi.process import child_environment
from lockyard.store.faults import store_faults

# How long the packages of one layer may take, in seconds: some gigabytes are copied at most.
TIME_LIMIT = 1800


def run_jobs(jobs: list[Job], files: list[str], folder: Path) -> None:
    """Do installations, of which ``files`` name the packages; ``folder`` is the child's own.

    The child is gone when this returns or raises, KeyboardInterrupt included. Raise BuildError
    for a package that can't be installed, or where the child breaks down or takes too long.
    """
    with store_faults(folder):
        (folder / JOBS).write_bytes(encoded(jobs))
    try:
        ended = subprocess.run(
            [sys.executable, "-s", "-P", "-m", "lockyard.build.conda.child", str(folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=folder,
            env=child_environment({}, folder),
            umask=0o022,
            start_new_session=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _breakdown(f"it took more than {TIME_LIMIT // 60} minutes", files) from None
    if ended.returncode != 0:
        raise _breakdown(f"it ended with status {ended.returncode}", files)
    if ended.stdout:
        failure = json.loads(ended.stdout)
        raise BuildError(
            f"it can't be installed: {failure['reason'].replace(str(folder), '')}",
            where=files[failure["job"]],
            solution="make room if the disk is full, else report the package or lock another",
        )


def _breakdown(reason: str, files: list[str]) -> BuildError:
    return BuildError(
        f"installing conda packages broke down: {reason}",
        where=", ".join(files),
        solution="report this as a bug, with the packages",
    )
