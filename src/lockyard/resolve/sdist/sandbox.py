"""Where builds run: an environment of pinned tools alone, that shows nothing of the machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from attrs import frozen
from build import BuildBackendException, BuildException
from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.exceptions import InstallerError
from installer.sources import WheelFile

from lockyard.errors import BuildError, IntegrityError, SpecError
from lockyard.resolve import children

# How long a hook of a build may take, in seconds. Pure packages take one or two.
TIME_LIMIT = 600
NO_COMPILER = "no-compiler-in-pure-builds"
# The last two are what answers of a backend give that aren't of the types they should be.
BACKEND_FAILURES = (
    BuildBackendException,
    BuildException,
    subprocess.SubprocessError,
    TypeError,
    ValueError,
)
_NO_NETWORK = ("unshare", "--map-current-user", "--net", "--")


@frozen
class Sandbox:
    """A virtual environment with its own home and temporary folder, all below ``folder``.

    ``environment`` holds all variables that its processes see. It keeps builds from taking in
    what differs from one machine to the next; it doesn't keep hostile code from the user's
    files, and who allows a package to be built trusts it as who installs it does.
    """

    folder: Path
    environment: Mapping[str, str]

    @property
    def python(self) -> str:
        """Return the path of the environment's Python."""
        return str(self.folder / "env" / "bin" / "python")

    def run(
        self,
        cmd: Sequence[str],
        cwd: str | None = None,
        extra_environ: Mapping[str, str] | None = None,
    ) -> None:
        """Run a command, its output kept in the log; raise CalledProcessError if it fails.

        It has no network where the system lets a user take that away. When this returns or
        raises, the command and what it left running are gone.
        """
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*isolation(), *cmd],
                cwd=cwd,
                env={**self.environment, **(extra_environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                umask=0o022,
            )
            with children.ended(process):
                status = process.wait(TIME_LIMIT)
        if status:
            raise subprocess.CalledProcessError(status, list(cmd))

    def last_words(self) -> str:
        """Return the last line that was written to the log."""
        text = (self.folder / "log").read_bytes()[-4096:].decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing"


def make_sandbox(
    folder: Path, tools: Iterable[Path], environment: Mapping[str, str], python: str
) -> Sandbox:
    """Make a sandbox in a folder, of a Python's own library and of the wheels of tools.

    Raise SpecError if ``environment`` has what a sandbox sets itself, IntegrityError if a tool
    is no sound wheel, BuildError if that Python can't make environments.
    """
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    sandbox = Sandbox(folder, _environment(folder, environment))
    command = [python, "-I", "-m", "venv", "--without-pip", str(folder / "env")]
    try:
        sandbox.run(command)
    except (OSError, subprocess.SubprocessError) as error:
        raise BuildError(
            f"this Python can't make virtual environments: {sandbox.last_words()}",
            where="WORKSPACE.toml: build-tools",
            solution="install Python's module venv",
        ) from error
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    for tool in tools:
        _install(tool, site, folder / "env", sandbox.python)
    return sandbox


def _environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    own = {
        # What asks for a compiler finds none, so that none of this machine decides whether an
        # optional extension is there.
        "CC": NO_COMPILER,
        "CXX": NO_COMPILER,
        "HOME": str(folder / "home"),
        "LC_ALL": "C",
        "PATH": str(folder / "env" / "bin"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "SOURCE_DATE_EPOCH": "315532800",  # 1980-01-01, the first that a zip archive can hold
        "TMPDIR": str(folder / "tmp"),
        "TZ": "UTC",
    }
    for name, value in given.items():
        if name in own or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or "\0" in value:
            raise SpecError(
                f"a build's environment can't set {name!r}",
                where="sdists",
                solution="take it out: builds set it themselves, or it is no variable's name",
            )
    return own | dict(given)


def _install(tool: Path, site: Path, prefix: Path, python: str) -> None:
    scheme = {
        "purelib": str(site),
        "platlib": str(site),
        "headers": str(prefix / "include"),
        "scripts": str(prefix / "bin"),
        "data": str(prefix),
    }
    destination = SchemeDictionaryDestination(scheme, interpreter=python, script_kind="posix")
    try:
        with WheelFile.open(tool) as source:
            source.validate_record(validate_contents=True)
            install(source, destination, additional_metadata={})
    except (InstallerError, ValueError, KeyError, OSError) as error:
        raise IntegrityError(
            f"it is no sound wheel: {error}", where=tool.name, solution="pin another version"
        ) from error


@cache
def isolation() -> tuple[str, ...]:
    """Return the command that takes the network away, empty where the system lets no user.

    It is a network namespace of a user namespace of its own, so it needs no root.
    """
    if shutil.which(_NO_NETWORK[0]) is None:
        return ()
    try:
        done = subprocess.run([*_NO_NETWORK, "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return ()
    # By its whole path: in the sandbox there is no other program to be found.
    return (shutil.which(_NO_NETWORK[0]) or "", *_NO_NETWORK[1:]) if done.returncode == 0 else ()
