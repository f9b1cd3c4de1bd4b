"""Packages that are compiled while an image is built, tried in images that an engine makes.

``python -m tests.fleet.compiled`` needs a network and an engine. It locks and builds an image
with an extension module on Debian 12 with Python 3.11, and one on the first generation's
stand-in with Python 3.7 from conda, each twice without cache, and runs them.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import docker
from attrs import evolve, frozen

from lockyard.docker.engine import checked_engine
from lockyard.events import Silent
from lockyard.lock.file import read_lock
from lockyard.lock.model import Lock
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.build import Builder, Built
from lockyard.tasks.lock import Locker
from lockyard.tasks.method import ByEngine
from lockyard.tasks.supply import Supply
from tests.engine.containers import running
from tests.fleet.images import loaded
from tests.fleet.locked import ROOT
from tests.fleet.standin.compiler import NAME, PROGRAM, add_compiler
from tests.fleet.standin.workspace import StandIn, standing_in

DEBIAN = {
    "compilers": """\
title = "Compilers"
base = "debian12"
requirements.debian = ["gcc", "libc6-dev", "libpython3.11-dev"]
requirements.pypi = ["setuptools==68.*", "wheel"]
""",
    "compiled": """\
title = "Arrays of bits"
base = "debian12"
requirements.pypi = ["bitarray==2.3.7"]
sdists.bitarray.builder = "compilers"
""",
}
CONDA = {
    "compilers": f"""\
title = "Compilers"
base = "ubuntu18.04"
as-of.pypi = "2023-10-01"
requirements.conda = ["{NAME}"]
requirements.pypi = ["setuptools==68.*", "wheel"]
environment.CC = "{PROGRAM}"
sdists.wrapt.environment.WRAPT_INSTALL_EXTENSIONS = "false"
""",
    "compiled": """\
title = "Wrappers"
base = "ubuntu18.04"
as-of.pypi = "2023-10-01"
sdists.wrapt.builder = "compilers"
""",
}
MODULES = {"debian12": "bitarray._bitarray", "ubuntu18.04": "wrapt._wrappers"}
# Prints where the extension is; ends with what of a compiler is there.
_PROGRAM = """
import importlib, pathlib, shutil, sys
print(importlib.import_module(sys.argv[1]).__file__)
found = [each for each in ("gcc", "cc", "as", "ld", "cpp", sys.argv[2]) if shutil.which(each)]
for top in ("/usr", "/opt", "/compiled", "/build"):
    for name in ("cc1", "stdio.h", "crt1.o", "*.whl", "collect2"):
        found += map(str, pathlib.Path(top).rglob(name))
sys.exit(", ".join(found) or 0)
"""


@frozen(kw_only=True)
class Trial:
    """A workspace with an env that has a package compiled, and the env that does so."""

    root: Path
    environ: Mapping[str, str]
    store: Store

    @property
    def fleet(self) -> Fleet:
        return read_fleet(self.root)

    def lock(self, env: str) -> Lock:
        """Lock an env, and return its lock."""
        Locker(
            fleet=self.fleet,
            store=self.store,
            environ=self.environ,
            now=datetime.now(UTC),
            reporter=Silent(),
        ).lock(env)
        lock = read_lock(self.root, env)
        assert lock is not None
        return lock

    def builder(self, output: Path, *, cache: bool = False) -> Builder:
        """Return who has an engine build, without its cache unless told."""
        return Builder(
            fleet=self.fleet,
            store=self.store,
            output=output,
            environ=self.environ,
            reporter=Silent(),
            jobs=2,
            method=ByEngine(fleet=self.fleet, engine=checked_engine(), cache=cache),
        )


def debian_trial(folder: Path, envs: Mapping[str, str] = DEBIAN) -> Trial:
    """Return a workspace in an empty folder whose base is Debian's, with envs that are locked."""
    (folder / "envs").mkdir(parents=True)
    shutil.copy(ROOT / "WORKSPACE.toml", folder)
    shutil.copytree(ROOT / "images", folder / "images")
    return _locked(Trial(root=folder, environ=os.environ, store=Store.default(os.environ)), envs)


def conda_trial(folder: Path, standin: StandIn, compilers: Trial) -> Trial:
    """Return one on the stand-in's base in an empty folder, its compiler of a Debian trial."""
    lock = compilers.lock("compilers")
    supply = Supply(
        workspace=compilers.fleet.workspace,
        store=compilers.store,
        environ=compilers.environ,
        reporter=Silent(),
    )
    supply.provide(lock.debs)
    add_compiler(standin.root.parent / "channel", lock, compilers.store)
    apart = standin.apart(folder)
    return _locked(Trial(root=apart.root, environ=apart.environ, store=apart.store), CONDA)


def _locked(trial: Trial, envs: Mapping[str, str]) -> Trial:
    for name, text in envs.items():
        (trial.root / "envs" / f"{name}.toml").write_text(text)
    for name in envs:
        trial.lock(name)
    return trial


def run_compiled(engine: docker.DockerClient, built: Built, base: str) -> str:
    """Have an image import its extension module; return where that is."""
    command = ["python", "-c", _PROGRAM, MODULES[base], PROGRAM]
    with loaded(engine, built) as image, running(engine, image, command) as container:
        status = container.wait(timeout=120)["StatusCode"]
        assert status == 0, container.logs().decode()
        return container.logs(stderr=False).decode().strip()


def main() -> int:
    """Try both, and print a line of each."""
    with (
        tempfile.TemporaryDirectory() as made,
        standing_in(Path(made) / "stand-in") as standin,
        closing(docker.from_env(timeout=600)) as engine,
    ):
        folder = Path(made)
        debian = debian_trial(folder / "debian")
        conda = conda_trial(folder / "conda", standin, debian)
        for base, trial in (("debian12", debian), ("ubuntu18.04", conda)):
            started = time.monotonic()
            builder = trial.builder(folder / "first" / base)
            (built,) = builder.build("compiled")
            (again,) = evolve(builder, output=folder / "again" / base).build("compiled")
            assert again.digests == built.digests, (built.digests, again.digests)
            path = run_compiled(engine, built, base)
            seconds = time.monotonic() - started
            digest = built.digests["linux/amd64"]
            sys.stdout.write(f"{base}: twice {digest}, {path}, {seconds:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
