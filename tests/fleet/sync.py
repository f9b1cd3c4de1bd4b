"""An exported pylock with its wheels, as uv installs it where there is no index.

``python -m tests.fleet.sync [ENV...]``, in the root of the project, does so for every target of
those envs that this machine's Pythons can run, of the first generation unless some are named.
Wheels that the store lacks are fetched, three gigabytes in all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import uv
from attrs import frozen

from lockyard.events import Silent
from lockyard.lock.finding import serving
from lockyard.spec.reader import Fleet, read_fleet
from lockyard.store.store import Store
from lockyard.tasks.export import Export, export_env
from lockyard.tasks.supply import Supply
from tests.fleet.locked import ROOT, first_generation, held
from tests.fleet.pythons import checked, find_python, plain_environment


@frozen
class Uv:
    """uv with a cache of its own."""

    folder: Path

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        environment = plain_environment(UV_CACHE_DIR=str(self.folder), UV_PYTHON_DOWNLOADS="never")
        return checked([uv.find_uv_bin(), *arguments], environment, folder)


def sync(fleet: Fleet, env: str, target_name: str, own: Uv, folder: Path) -> int:
    """Export a target's pylock and install it; return how many wheels that were.

    Fail unless exactly the locked versions are installed then.
    """
    lock = held(env)
    (target,) = (each for each in lock.targets if each.name == target_name)
    wanted = Export(
        env=env,
        format="pylock",
        target=target_name,
        output=folder / "pylock.toml",
        wheels=folder / "wheels",
    )
    supply = Supply(
        workspace=fleet.workspace,
        store=Store.default(os.environ),
        environ=os.environ,
        reporter=Silent(),
    )
    export_env(fleet, wanted, lambda: supply)
    minor = ".".join(target.python.split(".")[:2])
    own.run("venv", "--python", find_python(minor), "env", folder=folder)
    own.run(
        "pip", "sync", "--python=env/bin/python", "--no-index", "--no-build", "--offline",
        "--preview-features=pylock", "pylock.toml",
        folder=folder,
    )  # fmt: skip
    listed = own.run("pip", "list", "--python=env/bin/python", "--format=json", folder=folder)
    installed = {each["name"]: each["version"] for each in json.loads(listed.stdout)}
    wheels = serving(lock.wheels, target)
    assert installed == {wheel.name: wheel.version for wheel in wheels}
    return len(wheels)


def main(names: list[str]) -> None:
    """Install the amd64 targets of envs, one after another, and say of each what came."""
    fleet = read_fleet(ROOT)
    for env in names:
        for target in (each for each in held(env).targets if each.platform == "linux/amd64"):
            with tempfile.TemporaryDirectory() as folder:
                (place := Path(folder) / "work").mkdir()
                started = time.monotonic()
                count = sync(fleet, env, target.name, Uv(Path(folder) / "cache"), place)
                seconds = time.monotonic() - started
            sys.stdout.write(f"{env} {target.name}: uv installed {count} ({seconds:.0f} s)\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:] or first_generation())
