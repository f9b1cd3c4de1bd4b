"""Run conda-lock in an environment where nothing of this machine or user shows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from attrs import evolve

from lockyard.errors import ResolveError
from lockyard.resolve import children
from lockyard.resolve.pypi.process import child_environment
from lockyard.resolve.pypi.refusal import without_addresses

from . import protocol
from .protocol import Answer, Request
from .solver import MIRROR, REQUEST

# How long a resolution may take, in seconds: the first download of a large channel's records
# takes minutes on a slow line.
TIME_LIMIT = 1800

# What a private mirror's certificate is checked against.
_TRUST = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def ask(request: Request, environ: Mapping[str, str] = os.environ) -> Answer:
    """Have a request answered by processes of their own.

    Of ``environ`` only the settings of proxies and of certificates reach them. They and their
    files are gone when this returns or raises, KeyboardInterrupt included. Raise ResolveError
    if they break down or take too long.
    """
    with tempfile.TemporaryDirectory(prefix="lockyard-") as name:
        folder = Path(name)
        (folder / REQUEST).write_bytes(protocol.encode(evolve(request, mirror=None)))
        more = {key: environ[key] for key in _TRUST if key in environ}
        if request.mirror is not None:
            # Its address may hold credentials, which no file does.
            more[MIRROR] = request.mirror
        status, out, err = _run(folder, child_environment(environ, folder) | more)
    if status != 0:
        raise _breakdown(err)
    try:
        answer = protocol.decode(out, Answer)
    except ValueError as error:
        raise _breakdown(err) from error
    if not answer.records and answer.failure is None:
        raise _breakdown(err)
    return answer


def _run(folder: Path, environ: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    try:
        done = children.run(
            [sys.executable, "-s", "-P", "-m", "lockyard.resolve.conda.child", str(folder)],
            cwd=folder,
            env=environ,
            limit=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise ResolveError(
            f"no solution found in {TIME_LIMIT // 60} minutes",
            solution="narrow the requirements: name versions, or a cut-off date",
        ) from error
    return done.returncode, done.stdout, done.stderr


def _breakdown(stderr: bytes) -> ResolveError:
    lines = stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
    return ResolveError(
        f"the resolver broke down: {without_addresses(lines[-1])}",
        solution="report this as a bug, with the requirements",
    )
