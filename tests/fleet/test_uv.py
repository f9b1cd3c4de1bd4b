"""Exported locks, as uv takes them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import uv
from attrs import frozen

from lockyard.export.requirements import requirements_text
from lockyard.fetch.fetch import fetch
from lockyard.fetch.locate import Locator
from lockyard.lock.finding import serving as serving_target
from lockyard.sources.http import session
from lockyard.sources.pypi import certificate, index_url
from lockyard.spec.reader import Fleet
from lockyard.store.store import Store
from lockyard.tasks.export import Export, export_env
from tests.fleet.locked import first_generation, held
from tests.fleet.proxy import Proxy, View, serving
from tests.fleet.pythons import checked, find_python, plain_environment

pytestmark = pytest.mark.network

CURRENT, TARGET = "sklearn-1.9", "cpu-linux-amd64"


@frozen
class Uv:
    """uv with a cache of its own."""

    folder: Path

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        environment = plain_environment(UV_CACHE_DIR=str(self.folder), UV_PYTHON_DOWNLOADS="never")
        return checked([uv.find_uv_bin(), *arguments], environment, folder)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Uv:
    return Uv(tmp_path_factory.mktemp("uv"))


@pytest.fixture(scope="module")
def index() -> Iterator[Proxy]:
    with serving(View(sdists=frozenset(), metadata=True)) as proxy:
        yield proxy


def test_uv_installs_a_pylock_without_an_index(own: Uv, fleet: Fleet, tmp_path: Path) -> None:
    lock, store = held(CURRENT), Store.open(tmp_path / "store")
    (target,) = (each for each in lock.targets if each.name == TARGET)
    wheels = serving_target(lock.wheels, target)
    connection = session(certificate(os.environ))
    locate = Locator(connection, {"pypi": lambda: index_url(None, os.environ)})
    fetch(wheels, store=store, locate=locate, session=connection)
    wanted = Export(
        env=CURRENT,
        format="pylock",
        target=TARGET,
        output=tmp_path / "pylock.toml",
        wheels=tmp_path / "wheels",
    )
    export_env(fleet, wanted, lambda: store)
    own.run("venv", "--python", find_python("3.11"), "env", folder=tmp_path)
    sync = ("pip", "sync", "--python", "env/bin/python", "--no-index", "--no-build", "--offline")
    own.run(*sync, "--preview-features=pylock", "pylock.toml", folder=tmp_path)
    listed = own.run("pip", "list", "--python=env/bin/python", "--format=json", folder=tmp_path)
    installed = {each["name"]: each["version"] for each in json.loads(listed.stdout)}
    assert installed == {wheel.name: wheel.version for wheel in wheels}


@pytest.mark.parametrize("env", first_generation())
def test_uv_installs_the_first_generation_on_its_own_python(
    env: str, own: Uv, index: Proxy, built: Path, tmp_path: Path
) -> None:
    lock = held(env)
    (tmp_path / "requirements.txt").write_text(requirements_text(lock, lock.targets[0]))
    own.run("venv", "--python", find_python("3.7"), "env", folder=tmp_path)
    # A dry run compares no hashes: it finds a wheel of each version for this Python. The
    # smallest env is installed indeed.
    dry = [] if env == "minimal" else ["--dry-run"]
    told = own.run(
        "pip", "sync", *dry, "--python=env/bin/python", "--require-hashes", "--no-build",
        f"--default-index={index.index_url}", f"--find-links={built}", "requirements.txt",
        folder=tmp_path,
    )  # fmt: skip
    taken = {
        line.removeprefix(" + ") for line in told.stderr.splitlines() if line.startswith(" + ")
    }
    assert taken == {f"{wheel.name}=={wheel.version}" for wheel in lock.wheels}
