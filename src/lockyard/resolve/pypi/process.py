"""Run the child in an environment where nothing of this machine or user shows."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

import lockyard
from lockyard.errors import ResolveError
from lockyard.resolve import children

from . import protocol
from .protocol import Answer, Request
from .refusal import without_addresses

# How long a resolution may take, in seconds. The largest sets take half a minute; what takes
# this long tries versions without end.
TIME_LIMIT = 1800

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def ask(request: Request, environ: Mapping[str, str] = os.environ) -> Answer:
    """Have a request answered by a process of its own.

    Of ``environ`` only the settings of proxies reach it. The process and its temporary files
    are gone when this returns or raises, KeyboardInterrupt included. Raise ResolveError if it
    breaks down or takes too long.
    """
    with tempfile.TemporaryDirectory(prefix="lockyard-") as folder:
        try:
            done = children.run(
                [sys.executable, "-s", "-P", "-m", "lockyard.resolve.pypi.child"],
                input=protocol.encode(request),
                cwd=Path(folder),
                env=child_environment(environ, Path(folder)),
                limit=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired as error:
            raise ResolveError(
                f"no solution found in {TIME_LIMIT // 60} minutes",
                solution="narrow the requirements: give lower bounds, or a cut-off date",
            ) from error
    if done.returncode != 0:
        raise _breakdown(done.stderr)
    try:
        return protocol.decode(done.stdout, Answer)
    except ValueError as error:
        raise _breakdown(done.stderr) from error


def child_environment(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of the child, whose home and temporary folder is ``folder``.

    There is no PATH: pip asks programs about the machine, to tell the index of it.
    """
    kept = {key: value for key, value in environ.items() if key.lower() in _PROXIES}
    root = str(Path(lockyard.__file__).parents[1])
    if root != sysconfig.get_path("purelib"):
        kept["PYTHONPATH"] = root
    return kept | {
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PATH": str(folder),
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TMPDIR": str(folder),
        "TZ": "UTC",
    }


def _breakdown(stderr: bytes) -> ResolveError:
    lines = stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return ResolveError(
        f"the resolver broke down: {without_addresses(lines[-1])}",
        solution="report this as a bug, with the requirements",
    )
