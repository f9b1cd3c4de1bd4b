"""Resolve sets of requirements, against pip-compile and uv; lock what has not changed, and all.

Each tool resolves the same sets from nothing, with hashes, from the same index, its caches warm,
for Linux on x86_64: Lockyard and uv for a Python that needn't be there, pip-compile for the one
that runs it. Lockyard's time has two Pythons' start in it: its own, and that of the process that
resolves.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

from attrs import field, frozen

from benchmarks.contest import OURS, Bench, Way, say
from benchmarks.fleets import MODELS, PLATFORM, ROOT, make_workspace
from benchmarks.measure import CommandError, Sample, timed
from benchmarks.stage import PROGRAM
from lockyard.sources.pypi import certificate, index_access

_OLD = "3.7.16"
_COMPILER, _UV = "pip-compile", "uv"
_PLAIN: Mapping[str, str] = MappingProxyType({})
_WRAPT = {"WRAPT_INSTALL_EXTENSIONS": "false"}


@frozen(kw_only=True)
class Wanted:
    """A set of requirements for a Python; ``sdists`` are what has no wheel, see resolve_pypi."""

    name: str
    requirements: tuple[str, ...]
    python: str = _OLD
    glibc: str = "2.27"
    sdists: Mapping[str, Mapping[str, str]] = field(factory=dict)


SETS = (
    Wanted(name="torch 1.7", requirements=("torch==1.7.*", "pandas==1.1.*")),
    Wanted(name="scikit-learn 0.24.1", requirements=("scikit-learn==0.24.1", "pandas==1.1.*")),
    Wanted(name="xgboost 0.90", requirements=("xgboost==0.90", "scikit-learn==0.23.2")),
    Wanted(name="onnxruntime 1.6", requirements=("onnxruntime==1.6.*",)),
    Wanted(
        name="tensorflow 2.4",
        requirements=("tensorflow==2.4.*",),
        sdists={"termcolor": _PLAIN, "wrapt": _WRAPT},
    ),
    Wanted(
        name="tensorflow 1.15",
        requirements=("tensorflow==1.15.*", "numpy==1.20.1"),
        sdists={"gast": _PLAIN, "termcolor": _PLAIN, "wrapt": _WRAPT},
    ),
    Wanted(name="tensorflow-cpu", requirements=("tensorflow-cpu",), python="3.11.2", glibc="2.36"),
    Wanted(name="torch with CUDA", requirements=("torch",), python="3.11.2", glibc="2.36"),
)


def locking(bench: Bench) -> None:
    """Resolve each set by each tool, after a run of each that warms its caches."""
    folder = bench.folder / "locking"
    folder.mkdir()
    old_compiler = _pip_tools(folder)
    for wanted in SETS:
        tools = _Tools(wanted=wanted, folder=folder, old_compiler=old_compiler)
        ways = {OURS: Way(run=tools.lockyard), _UV: Way(run=tools.uv, aim=1 / 3)}
        if tools.compiler is not None:
            ways[_COMPILER] = Way(run=tools.pip_compile, aim=1)
        warm = {tool: way for tool, way in ways.items() if _works(wanted, tool, way.run)}
        bench.contest("resolve", wanted.name, warm)
    _locks(bench, folder)
    shutil.rmtree(folder)


def _locks(bench: Bench, folder: Path) -> None:
    """Lock an env that is locked, and a fleet from nothing but caches."""
    workspace = folder / "workspace"
    make_workspace(workspace, {name: name for name in MODELS}, PLATFORM)
    environ = {"LOCKYARD_STORE": str(folder / "store")}

    def lock(*arguments: str) -> Sample:
        return timed([PROGRAM, "lock", *arguments], cwd=workspace, environ=environ)

    unchanged = Way(run=partial(lock, MODELS[1]))
    bench.contest("lock, nothing changed", MODELS[1], {OURS: unchanged})
    refresh = Way(run=partial(lock, "--all", "--refresh"))
    refresh.run()
    bench.contest("lock --all --refresh", f"{len(MODELS)} envs", {OURS: refresh})


def _works(wanted: Wanted, tool: str, run: Callable[[], Sample]) -> bool:
    """Warm a tool's caches; tell whether it can resolve the set at all."""
    try:
        run()
    except CommandError as error:
        say(f"{wanted.name}, {tool}: it doesn't resolve this set: {str(error).splitlines()[-1]}")
        return False
    return True


def _pip_tools(folder: Path) -> Path | None:
    """Install pip-compile for a Python 3.7 of this machine, if there is one."""
    pythons = sorted(Path.home().glob(".pyenv/versions/3.7.*/bin/python"))
    if not pythons:
        return None
    own = folder / "old"
    subprocess.run([pythons[-1], "-m", "venv", own], check=True)
    install: list[str | Path] = [own / "bin/pip", "install", "-q", "pip-tools", "pip<24.1"]
    done = subprocess.run(install, check=False, capture_output=True)
    return own / "bin/pip-compile" if done.returncode == 0 else None


@frozen(kw_only=True)
class _Tools:
    """Ways to resolve a set, with caches in a folder."""

    wanted: Wanted
    folder: Path
    old_compiler: Path | None

    @property
    def compiler(self) -> Path | None:
        """Return the pip-compile that runs by the set's Python, or by one near it."""
        own = Path(sys.executable).with_name("pip-compile")
        return self.old_compiler if self.wanted.python == _OLD else own

    def lockyard(self) -> Sample:
        cache = str(self.folder / "cache")
        return self._run(sys.executable, "-m", "benchmarks.resolve_only", self.wanted.name, cache)

    def pip_compile(self) -> Sample:
        return self._run(
            *(str(self.compiler), "--generate-hashes", "--quiet", "--no-header", "--allow-unsafe"),
            # The default of those from 7.0 on, which no Python 3.7 runs.
            *("--resolver", "backtracking"),
            *("--strip-extras", f"--cache-dir={self.folder / 'pip-tools'}"),
            *self._files(),
        )

    def uv(self) -> Sample:
        glibc = {"2.27": "2_17", "2.36": "2_36"}[self.wanted.glibc]
        short = ".".join(self.wanted.python.split(".")[:2])
        return self._run(
            *(str(Path(sys.executable).with_name("uv")), "pip", "compile", "--generate-hashes"),
            *("--quiet", "--no-header", "--python-version", short),
            *("--python-platform", f"x86_64-manylinux_{glibc}"),
            *self._files(),
        )

    def _files(self) -> tuple[str, ...]:
        given, made = self.folder / "requirements.in", self.folder / "requirements.txt"
        given.write_text("".join(f"{each}\n" for each in self.wanted.requirements))
        made.unlink(missing_ok=True)
        return ("--output-file", str(made), str(given))

    def _run(self, *command: str) -> Sample:
        """Run a command where all tools ask the same index and have caches of their own."""
        index, cert = index_access(None, os.environ), certificate(os.environ)
        theirs = ("PIP_", "UV_", "REQUESTS_CA", "CURL_CA")
        unset = [x for name in os.environ if name.startswith(theirs) for x in ("-u", name)]
        own = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index,
            "PIP_CACHE_DIR": str(self.folder / "pip"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_DEFAULT_INDEX": index,
            "UV_CACHE_DIR": str(self.folder / "uv"),
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            **({"PIP_CERT": cert, "SSL_CERT_FILE": cert} if cert else {}),
        }
        variables = [f"{name}={value}" for name, value in own.items()]
        return timed(["env", *unset, *variables, *command], cwd=ROOT)
