#!/usr/bin/env python3
"""Start the inference server in this very process.

The image's start command, in Python 3.7's standard library alone: the first ``python3`` on
PATH is the interpreter that the server is installed for, in every base.

Reads ``AML_APP_ROOT``, ``AZUREML_ENTRY_SCRIPT`` (relative to the app root), ``AZUREML_MODEL_DIR``,
``WORKER_COUNT`` and ``WORKER_TIMEOUT`` (seconds); the server reads the rest, such as
``AZUREML_LOG_LEVEL``, itself. ``SERVER_LIBRARY_PATH`` names folders of shared libraries for the
server alone. An empty variable counts as one that is not set. All logs go to standard output.

Exit statuses of its own: 2 a variable is wrong, 66 the app root or the entry script is missing
(EX_NOINPUT of sysexits.h), 96 the server package is missing, 143 stopped before it served.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import signal
import sys
from pathlib import Path

PORT = "5001"
SERVER = "azureml_inference_server_http"

WRONG_VARIABLE = 2
NO_INPUT = 66
NO_SERVER = 96


class StartError(Exception):
    """Say why the server can't start; ``status`` is the exit status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def main() -> None:
    """Start the server, or exit with what keeps it from starting."""
    provide_libraries()
    stop_at_once_when_told()
    try:
        arguments = server_arguments()
        provide_scratch()
        serve(arguments)
    except StartError as error:
        print("start-inference:", error, file=sys.stderr)  # noqa: T201
        sys.exit(error.status)


def provide_libraries() -> None:
    """Start anew with the folders of SERVER_LIBRARY_PATH in LD_LIBRARY_PATH, where there are any.

    Its patterns stand in their order, and the folders of each by name, before what was given.
    The loader reads LD_LIBRARY_PATH once, when a program starts. As a variable of the image it
    would have the system's own programs load these libraries in place of theirs.
    """
    # Taken out, so that this happens once.
    patterns = os.environ.pop("SERVER_LIBRARY_PATH", "").split(":")
    # Path.glob takes no pattern from the root.
    folders = [each for pattern in patterns for each in sorted(glob.glob(pattern))]  # noqa: PTH207
    if not folders:
        return
    given = os.environ.get("LD_LIBRARY_PATH")
    os.environ["LD_LIBRARY_PATH"] = ":".join([*folders, given] if given else folders)
    # Python 3.7 keeps its own options nowhere else.
    called = Path("/proc/self/cmdline").read_bytes().split(b"\0")[1:-1]
    os.execv(sys.executable, [os.fsencode(sys.executable), *called])  # noqa: S606


def stop_at_once_when_told() -> None:
    """Let SIGTERM and SIGINT end this process until the server installs its own handlers.

    The kernel does not apply a signal's default action to process 1 of a container: without
    a handler, ``docker stop`` during the server's slow imports waits for its time to run out.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        # _exit: nothing is open yet, and no library can catch it on the way out.
        signal.signal(number, lambda received, _: os._exit(128 + received))


def server_arguments() -> list[str]:
    """Turn the environment into the server's arguments, its paths checked."""
    root = Path(os.environ.get("AML_APP_ROOT") or "/var/azureml-app")
    if not root.is_dir():
        raise StartError(NO_INPUT, f"AML_APP_ROOT is {root}, which is not a directory")
    os.environ["AML_APP_ROOT"] = str(root)
    os.chdir(root)

    entry = root / (os.environ.get("AZUREML_ENTRY_SCRIPT") or "main.py")
    if not entry.is_file():
        raise StartError(
            NO_INPUT,
            f"no entry script at {entry}: put it there, or set AZUREML_ENTRY_SCRIPT "
            f"to its path relative to {root}",
        )
    arguments = ["--entry_script", str(entry), "--port", PORT]

    model = os.environ.get("AZUREML_MODEL_DIR")
    if model:
        arguments += ["--model_dir", model]
    # Taken out, because the server fails on an empty one.
    workers = os.environ.pop("WORKER_COUNT", "")
    if workers:
        arguments += ["--worker_count", str(positive("WORKER_COUNT", workers))]
    # The server takes the timeout from the environment alone.
    timeout = os.environ.get("WORKER_TIMEOUT") or "300"
    os.environ["WORKER_TIMEOUT"] = str(positive("WORKER_TIMEOUT", timeout))
    return arguments


def positive(variable: str, value: str) -> int:
    """Read a variable's value as a whole number above zero."""
    if not value.isdecimal() or int(value) == 0:
        raise StartError(WRONG_VARIABLE, f"{variable} is {value!r}, not a whole number above 0")
    return int(value)


def provide_scratch() -> None:
    """Set TMPDIR and HOME to directories that can be written, where those given can't.

    gunicorn keeps its workers' heartbeats in the one and its control socket in the other. A
    read-only root leaves only the shared memory to write to, unless something is mounted at
    /tmp; an arbitrary uid has ``/`` for a home.
    """
    shared_memory = "/dev/shm"  # noqa: S108 - Docker and Kubernetes mount it for each container
    if not os.access(temporary_directory(), os.W_OK) and os.access(shared_memory, os.W_OK):
        os.environ["TMPDIR"] = shared_memory
    if not os.access(os.environ.get("HOME", ""), os.W_OK):
        os.environ["HOME"] = temporary_directory()


def temporary_directory() -> str:
    """Say where temporary files go, as the environment stands."""
    return os.environ.get("TMPDIR") or "/tmp"  # noqa: S108


def serve(arguments: list[str]) -> None:
    """Become the server; return never, unless it is not installed."""
    if importlib.util.find_spec(SERVER) is None:
        raise StartError(
            NO_SERVER, f"the package {SERVER.replace('_', '-')} is not installed in {sys.prefix}"
        )
    sys.stderr.flush()
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    server = importlib.import_module(SERVER + ".amlserver")
    sys.argv = ["azmlinfsrv", *arguments]
    sys.exit(server.run())


if __name__ == "__main__":
    main()
