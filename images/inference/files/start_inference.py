#!/usr/bin/env python3
"""Start the inference server as this very process, with the extra packages that it is to have.

The image's start command, in Python 3.7's standard library alone: the first ``python3`` on
PATH is the interpreter that the server is installed for, in every base. ``docs/runtime.md``
says which variables it reads, and what its exit statuses mean.

It has two stages: ``prepare`` checks and installs, ``serve`` is the server. Where an interpreter
has to start with what was prepared, that one takes the place of this for the second stage. What
installs alone needs is imported there: imports take time.
"""

from __future__ import annotations

import glob
import importlib
import os
import signal
import site
import sys
from collections.abc import Callable
from pathlib import Path

LIB_PATH = "AZUREML_EXTRA_PYTHON_LIB_PATH"
CONDA_YAML = "AZUREML_EXTRA_CONDA_YAML"
REQUIREMENTS_TXT = "AZUREML_EXTRA_REQUIREMENTS_TXT"

SCRIPT = os.path.abspath(__file__)  # noqa: PTH100 - as it is called, and not where a link leads
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - Docker and Kubernetes mount it for each container
READ_AT_START = ("PYTHONPATH", "LD_LIBRARY_PATH")
STOPS = (signal.SIGTERM, signal.SIGINT)

WRONG_VARIABLE = 2
NO_INPUT = 66  # EX_NOINPUT of sysexits.h
NO_SCRATCH = 73  # EX_CANTCREAT of sysexits.h
NOT_INSTALLED = 95
NO_SERVER = 96
NO_LIB_PATH = 97
NO_CONDA_YAML = 98
NO_REQUIREMENTS_TXT = 99


class StartError(Exception):
    """Say why the server can't start; ``status`` is the exit status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def main() -> None:
    """Start the server, or exit with what keeps it from starting."""
    # Installers, the server and the interpreter write to standard error as well.
    os.dup2(1, 2)
    try:
        arguments = sys.argv[2:]
        if sys.argv[1:2] != ["serve"]:
            handle_stops(lambda received, _: sys.exit(128 + received))
            given = [sys.executable, *map(os.environ.get, READ_AT_START)]
            python, arguments = prepare()
            if [python, *map(os.environ.get, READ_AT_START)] != given:
                # Kept for the second stage: the kernel drops what comes while process 1 has no
                # handler, unless it is blocked.
                signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
                os.execv(python, [python, SCRIPT, "serve", *arguments])  # noqa: S606
        serve(arguments)
    except StartError as error:
        say(str(error))
        sys.exit(error.status)


def say(text: str) -> None:
    """Log a line."""
    print("start-inference:", text, flush=True)  # noqa: T201


def handle_stops(handler: Callable[[int, object], object]) -> None:
    """Handle SIGTERM and SIGINT, those that were blocked included.

    The kernel does not apply a signal's default action to process 1 of a container: without
    a handler, ``docker stop`` waits for its time to run out.
    """
    for number in STOPS:
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


def prepare() -> tuple[str, list[str]]:
    """Check the environment and bring what it asks for; return interpreter and arguments."""
    # An empty variable counts as one that is not set. The server fails on some.
    for name, value in list(os.environ.items()):
        if not value and name.startswith(("AML_", "AZUREML_", "WORKER_")):
            del os.environ[name]
    root = found("AML_APP_ROOT", Path.cwd(), NO_INPUT, "directory", "/var/azureml-app")
    os.environ["AML_APP_ROOT"] = str(root)
    os.chdir(root)
    entry = found("AZUREML_ENTRY_SCRIPT", root, NO_INPUT, default="main.py")
    arguments = ["--entry_script", str(entry), "--port", "5001", *server_options()]
    provide_scratch()
    python = provide_packages(entry.parent)
    provide_libraries()
    return python, arguments


def found(variable: str, below: Path, status: int, kind: str = "file", default: str = "") -> Path:
    """Return the path of a variable, relative to ``below``; raise unless it can be read."""
    path = below / os.environ.get(variable, default)
    # pathlib's own raise for what is in a folder that nobody lets us enter.
    is_there, rights = (os.path.isfile, 0) if kind == "file" else (os.path.isdir, os.X_OK)
    if is_there(path) and os.access(path, os.R_OK | rights):
        return path
    text = f"there is no {kind} at {path} that uid {os.getuid()} can read: set {variable} to a "
    raise StartError(status, text + f"path, absolute or relative to {below}")


def server_options() -> list[str]:
    """Turn the server's variables into its options; those that it reads itself are checked."""
    options = []
    if "AZUREML_MODEL_DIR" in os.environ:
        options += ["--model_dir", os.environ["AZUREML_MODEL_DIR"]]
    if "WORKER_COUNT" in os.environ:
        options += ["--worker_count", positive("WORKER_COUNT")]
    # The server takes the timeout from the environment alone.
    os.environ["WORKER_TIMEOUT"] = positive("WORKER_TIMEOUT", "300")
    return options


def positive(variable: str, default: str = "") -> str:
    """Return a variable's value, a whole number above zero."""
    value = os.environ.get(variable, default)
    if not value.isdecimal() or int(value) == 0:
        raise StartError(WRONG_VARIABLE, f"{variable} is {value!r}, not a whole number above 0")
    return str(int(value))


def provide_scratch() -> None:
    """Set TMPDIR and HOME to directories that can be written, where those given can't.

    gunicorn keeps its workers' heartbeats in the one and its control socket in the other. A
    read-only root leaves only the shared memory to write to, unless something is mounted at
    /tmp; an arbitrary uid has ``/`` for a home.
    """
    places = (os.environ.get("TMPDIR") or "/tmp", SHARED_MEMORY)  # noqa: S108
    folder = next((each for each in places if os.access(each, os.W_OK)), None)
    if folder is None:
        text = f"uid {os.getuid()} can write neither to TMPDIR or /tmp nor to {SHARED_MEMORY}: "
        raise StartError(NO_SCRATCH, text + "mount something at /tmp (docker run --tmpfs /tmp)")
    os.environ["TMPDIR"] = folder
    if not os.access(os.environ.get("HOME", ""), os.W_OK):
        os.environ["HOME"] = folder


def provide_packages(folder: Path) -> str:
    """Bring the extra packages; return the interpreter that sees them.

    The first of the three variables that is set applies, and it alone. A relative path begins
    in ``folder``, which is the entry script's.
    """
    provided = {
        LIB_PATH: provide_lib_path,
        CONDA_YAML: provide_conda_yaml,
        REQUIREMENTS_TXT: provide_requirements_txt,
    }
    variables = [variable for variable in provided if variable in os.environ]
    for ignored in variables[1:]:
        say(f"{ignored} is ignored: {variables[0]} goes before it")
    try:
        return provided[variables[0]](folder) if variables else sys.executable
    except OSError as error:
        raise StartError(NOT_INSTALLED, f"can't bring the extra packages: {error}") from error


def provide_lib_path(folder: Path) -> str:
    """Put a site-packages directory before the image's own."""
    packages = found(LIB_PATH, folder, NO_LIB_PATH, "directory")
    say(f"the packages of {packages} go before the image's")
    put_first("PYTHONPATH", str(packages))
    return sys.executable


def provide_conda_yaml(folder: Path) -> str:
    """Make a conda environment, which has to bring the server as well."""
    import shutil  # noqa: PLC0415

    file = found(CONDA_YAML, folder, NO_CONDA_YAML)
    conda = os.environ.get("CONDA_EXE") or shutil.which("conda")
    if not conda:
        text = f"this image has no conda program, which {CONDA_YAML} needs: name pip packages by "
        text += f"{REQUIREMENTS_TXT}, or derive an image that has the packages"
        raise StartError(NOT_INSTALLED, text)
    made = empty_place()
    command = [conda, "env", "create", "--quiet", "--file", str(file), "--prefix", str(made)]
    install(command, file, "conda needs a channel that it can reach")
    # The image's libraries are for the image's packages.
    os.environ.pop("SERVER_LIBRARY_PATH", None)
    return entered(made, "CONDA_PREFIX")


def provide_requirements_txt(folder: Path) -> str:
    """Install requirements into a virtual environment that stands upon the image's.

    So pip takes what the image has for installed, and what it replaces stays where it is.
    ``pip install --target`` would bring another copy of each dependency, in any version.
    """
    import venv  # noqa: PLC0415

    file = found(REQUIREMENTS_TXT, folder, NO_REQUIREMENTS_TXT)
    made = empty_place()
    venv.create(made, symlinks=True)
    below = [f"import site; site.addsitedir({each!r})\n" for each in site.getsitepackages()]
    for packages in made.glob("lib/python*/site-packages"):
        (packages / "image.pth").write_text("".join(below))
    python = entered(made, "VIRTUAL_ENV")
    options = ["--no-input", "--no-cache-dir", "--disable-pip-version-check"]
    command = [python, "-m", "pip", "install", *options, "--requirement", str(file)]
    hint = "pip needs an index that it can reach (PIP_INDEX_URL), or --no-index and --find-links"
    install(command, file, hint)
    return python


def empty_place() -> Path:
    """Return where extra packages go: a folder that isn't there yet, or not any more.

    It has one name: a container that is started again would fill its disk with new ones.
    """
    import shutil  # noqa: PLC0415

    scratch = Path(os.environ["TMPDIR"])
    if os.statvfs(scratch).f_flag & os.ST_NOEXEC:
        say(
            f"{scratch} is mounted noexec, so compiled modules can't be loaded from there: if an "
            "extra package has any, let programs run from /tmp (docker run --tmpfs /tmp:exec)"
        )
    folder = scratch / "azureml-extra-packages"
    if folder.exists():
        shutil.rmtree(folder)
    return folder


def install(command: list[str], file: Path, hint: str) -> None:
    """Run an installer in the folder of its file, and nothing of it beyond this process."""
    import subprocess  # noqa: PLC0415

    say(" ".join(command))
    with subprocess.Popen(command, cwd=file.parent, start_new_session=True) as process:
        try:
            status = process.wait()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if status:
        text = f"the packages of {file} could not be installed. The command above ended with "
        raise StartError(NOT_INSTALLED, text + f"{status}, and says why; {hint}")


def entered(folder: Path, variable: str) -> str:
    """Put an environment's programs first on PATH; return its interpreter."""
    python = folder / "bin" / "python3"
    if not python.exists():
        raise StartError(NO_SERVER, f"the environment at {folder} has no python3")
    put_first("PATH", str(python.parent))
    os.environ[variable] = str(folder)
    return str(python)


def put_first(variable: str, value: str) -> None:
    """Put a path before those that a variable has."""
    given = os.environ.get(variable)
    os.environ[variable] = value + os.pathsep + given if given else value


def provide_libraries() -> None:
    """Put the folders of SERVER_LIBRARY_PATH first in LD_LIBRARY_PATH.

    Its patterns stand in their order, and the folders of each by name. The loader reads
    LD_LIBRARY_PATH once, when a program starts. As a variable of the image it would have the
    system's own programs load these libraries in place of theirs.
    """
    patterns = os.environ.pop("SERVER_LIBRARY_PATH", "").split(":")
    # Path.glob takes no pattern from the root.
    folders = [each for pattern in patterns for each in sorted(glob.glob(pattern))]  # noqa: PTH207
    if folders:
        put_first("LD_LIBRARY_PATH", ":".join(folders))


def serve(arguments: list[str]) -> None:
    """Become the server; return never, unless it can't be imported."""
    # Until the server has handlers of its own. _exit: no library can catch it on the way out.
    handle_stops(lambda received, _: os._exit(128 + received))
    try:
        server = importlib.import_module("azureml_inference_server_http.amlserver")
    except Exception as error:
        text = f"{sys.executable} can't import the package azureml-inference-server-http: {error!r}"
        raise StartError(NO_SERVER, text) from error
    sys.argv = ["azmlinfsrv", *arguments]
    sys.exit(server.run())


if __name__ == "__main__":
    main()
