"""The process that resolves: ``python -m lockyard.resolve.conda.child FOLDER``.

Runs conda-lock in FOLDER, which is its own alone, on the request that it finds there, and
writes an Answer to standard output. Its parent cleans the environment that it runs in (see
process).
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import BinaryIO

from lockyard import __version__

from . import protocol
from .protocol import Answer, Failure, Record, Refusal, Request
from .solver import ANSWER, REQUEST

# Its name must not be that of mamba or micromamba, which conda-lock calls otherwise.
_PROGRAM = "lockyard-solver"


def answer(folder: Path) -> Answer:
    """Answer the request in a folder."""
    request = protocol.decode((folder / REQUEST).read_bytes(), Request)
    try:
        _check_requirements(request)
        failure = _run_conda_lock(_arguments(folder, request))
        return _check_lock(_solver_answer(folder, failure), folder, request)
    except Refusal as error:
        return Answer(failure=error.failure)


def _check_requirements(request: Request) -> None:
    """Have conda-lock parse each requirement, and refuse the first that it can't."""
    from conda_lock.src_parser.conda_common import (  # type: ignore[import-untyped]  # noqa: PLC0415
        conda_spec_to_versioned_dep,
    )

    for text in request.requirements:
        try:
            conda_spec_to_versioned_dep(text, "main")
        except Exception as error:
            raise Refusal(Failure(kind="spec", package=text)) from error


def _arguments(folder: Path, request: Request) -> list[str]:
    """Write what conda-lock reads, and return the arguments that name it.

    JSON is YAML. conda-lock knows one requirement a package and takes the last; the solver
    holds all of them from the request.
    """
    virtual = {"subdirs": {request.subdir: {"packages": dict(request.virtual)}}}
    environment = {
        "channels": [request.channel],
        "dependencies": list(request.requirements),
        "platforms": [request.subdir],
    }
    texts = {
        "virtual.yml": json.dumps(virtual),
        "environment.yml": json.dumps(environment),
        "names.json": "{}",  # of packages that are in PyPI too; without it, they are downloaded
        _PROGRAM: _script(folder),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / _PROGRAM).chmod(0o700)
    return [
        "lock",
        f"--conda={folder / _PROGRAM}",
        "--no-mamba",
        f"--file={folder / 'environment.yml'}",
        f"--lockfile={folder / 'conda-lock.yml'}",
        "--kind=lock",
        f"--platform={request.subdir}",
        f"--virtual-package-spec={folder / 'virtual.yml'}",
        f"--pypi_to_conda_lookup_file={folder / 'names.json'}",
    ]


def _script(folder: Path) -> str:
    """Return a program for conda-lock to call, which first asks for its version."""
    solver = [sys.executable, "-s", "-P", "-m", "lockyard.resolve.conda.solver", str(folder)]
    return (
        "#!/bin/sh\n"
        f'if [ "$1" = --version ]; then echo "lockyard {__version__}"; exit; fi\n'
        f'exec {shlex.join(solver)} "$@"\n'
    )


def _run_conda_lock(arguments: list[str]) -> str:
    """Run conda-lock in this process; return the name of what it raised, empty for nothing."""
    from conda_lock.conda_lock import main  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        main(arguments, standalone_mode=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    except SystemExit as error:
        return f"exit status {error.code}"
    return ""


def _solver_answer(folder: Path, failure: str) -> Answer:
    """Read what the solver answered; raise Refusal where it, or conda-lock, failed."""
    path = folder / ANSWER
    if not path.exists():
        raise Refusal(Failure(kind="breakdown", text=failure or "the solver was never asked"))
    found = protocol.decode(path.read_bytes(), Answer)
    if failure and found.failure is None:
        raise Refusal(Failure(kind="breakdown", text=failure))
    return found


def _check_lock(found: Answer, folder: Path, request: Request) -> Answer:
    """Hold the solver's records against conda-lock's lock, which has less of each."""
    if found.failure is not None:
        return found
    from conda_lock.lockfile import parse_conda_lock_file  # type: ignore[import-untyped]  # noqa: PLC0415

    lock = parse_conda_lock_file(folder / "conda-lock.yml")
    locked = sorted(
        (each.name, each.version, each.url, each.hash.md5, each.hash.sha256)
        for each in lock.package
    )
    solved = sorted(_identity(record, request.channel) for record in found.records)
    if locked != solved:
        raise Refusal(
            Failure(kind="breakdown", text="conda-lock's lock isn't the solver's solution")
        )
    return found


def _identity(record: Record, channel: str) -> tuple[str, ...]:
    url = f"{channel}/{record.subdir}/{record.file}"
    return (record.name, record.version, url, record.md5, record.sha256)


def _claim_stdout() -> BinaryIO:
    """Take standard output for the answer alone; what else is written there goes to stderr."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def main() -> None:
    """Serve one request."""
    with _claim_stdout() as out:
        out.write(protocol.encode(answer(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
