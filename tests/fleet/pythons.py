"""Pythons of this machine, and environments of them that see the tests' own index alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import uv
from attrs import frozen

from lockyard.sources.pypi import certificate, index_url
from tests.conftest import ROOT

# Have a folder made once, for all of the tests' processes: see conftest.
Shared = Callable[[str, Callable[[Path], object]], Path]

# So do pip and uv leave settings of this machine aside, and other indexes with them.
_OWN = ("PIP_", "UV_", "VIRTUAL_ENV", "PYTHON", "PYENV_VERSION")

# PEP 600 lets an environment say what its C library is. The fleet's images have glibc 2.27,
# which the machine that tests is newer than: without this, pip would take more than they can.
_MANYLINUX = """\
def manylinux_compatible(major, minor, arch):
    return (major, minor) <= (2, 27)
"""


def find_python(version: str) -> str:
    """Return a Python of a version: on the path, of pyenv, or installed beside this one.

    Where there is none, the test is left out, and fails where LOCKYARD_REQUIRE is set.
    """
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = (pyenv, Path(sys.base_prefix).parent, Path(sys.base_prefix).parent.parent)
    # A folder named by the environment may be another user's, who lets nobody in.
    readable = [folder for folder in folders if os.access(folder, os.R_OK | os.X_OK)]
    beside = [path for folder in readable for path in folder.glob(f"{version}*/**/bin/{name}")]
    for python in [shutil.which(name), *map(str, sorted(beside))]:
        command = [python or "", "-I", "-c", "import sys, venv; print(sys.executable)"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        except (OSError, subprocess.SubprocessError):
            continue  # pyenv's shims answer for versions that aren't chosen
        return done.stdout.strip()
    if os.environ.get("LOCKYARD_REQUIRE"):
        pytest.fail(f"LOCKYARD_REQUIRE is set, but there is no Python {version}")
    pytest.skip(f"there is no Python {version}")


def program_of(version: str, shared: Shared) -> str:
    """Return a Python of a version that has the program: this one, or one that is made."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    find_python(version)
    place = shared(f"lockyard-{version}", lambda folder: _install(version, folder))
    return str(place / "env/bin/python")


def _install(version: str, folder: Path) -> None:
    """Install the program into an environment of its own, which takes uv a few seconds."""
    python = find_python(version)
    environment = plain_environment(UV_CACHE_DIR=str(folder / "cache"))
    checked(
        [uv.find_uv_bin(), "venv", "--quiet", "--python", python, str(folder / "env")], environment
    )
    checked(
        [
            uv.find_uv_bin(), "pip", "install", "--quiet", f"--python={folder / 'env/bin/python'}",
            f"--default-index={index_url(None, os.environ)}", "--editable", str(ROOT),
        ],
        environment,
    )  # fmt: skip


def plain_environment(**more: str) -> dict[str, str]:
    """Return this process' environment without settings of pip, uv and Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    own = {
        "NO_PROXY": "127.0.0.1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_CACHE_DIR": "1",
        "UV_NO_CONFIG": "1",
    }
    if bundle := certificate(os.environ):
        own |= {"PIP_CERT": bundle, "SSL_CERT_FILE": bundle}
    return {**kept, **own, **more}


@frozen
class Native:
    """A Python 3.7 of its own with the last pip and pip-tools for it, on a glibc of 2.27."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, python: str) -> Native:
        """Make the environment. The pip that Python brings is too old for the tests' index."""
        made, index = cls(folder), index_url(None, os.environ)
        checked([python, "-I", "-m", "venv", str(folder)], plain_environment())
        made.run("-m", "pip", "install", "--quiet", "pip==24.0", "pip-tools==6.14.0", index=index)
        (site,) = folder.glob("lib/python3.7/site-packages")
        (site / "_manylinux.py").write_text(_MANYLINUX)
        return made

    def run(
        self, *arguments: str, index: str, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with an index, in a home of its own; fail the test unless it succeeds."""
        (home := self.folder / "home").mkdir(exist_ok=True)
        environment = plain_environment(HOME=str(home), PIP_INDEX_URL=index)
        return checked([str(self.folder / "bin/python"), *arguments], environment, folder)


def checked(
    command: Sequence[str], environment: dict[str, str], folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command; fail the test, with its last words, unless it succeeds."""
    done = subprocess.run(
        command,
        env=environment,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    words = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
    assert done.returncode == 0, f"{command[:4]} ends with {done.returncode}:\n{words}"
    return done
